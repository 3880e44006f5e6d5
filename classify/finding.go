package classify

import (
	_ "embed" // the schema
	"encoding/json"
	"time"
)

// FindingJSONSchema is the JSON Schema (draft 2020-12) of findings.
//
//go:embed finding.schema.json
var FindingJSONSchema string

// FindingSchema is the value of every finding's "schema" member.
const FindingSchema = "leaktap/finding/v1"

// Severity says how bad a finding is: what it is, where it is, and whether it
// still works. Greater is worse.
type Severity uint8

// The severities. Info is no alarm: it is kept for coverage and context.
const (
	Info Severity = iota + 1
	Low
	Medium
	High
	Critical
)

// Confidence says how sure a finding is; it is judged apart from severity.
type Confidence uint8

// The confidences. High means a validator (checksum, decoded structure, exact
// syntax) agreed; low means that only a name or a place speaks for it.
const (
	LowConfidence Confidence = iota + 1
	MediumConfidence
	HighConfidence
)

// Where names the part of an exchange that a finding is in.
type Where uint8

// The parts of an exchange.
const (
	InRecord Where = iota + 1
	InURL
	InRequestHeader
	InRequestBody
	InResponseHeader
	InResponseBody
)

// Finding is evidence of one rule, tied to an exchange. It holds no secret:
// see [Evidence].
type Finding struct {
	// ID is the same when the same record is read again, for sources whose
	// records have coordinates.
	ID         string
	Time       time.Time
	Rule       *Rule
	Severity   Severity
	Confidence Confidence
	Source     Source
	HTTP       HTTP
	Where      Where
	// Pointer is an RFC 6901 pointer inside Where, array indexes and keys that
	// look like values as "*"; decoded layers add #json, #base64 ….
	Pointer  string
	Evidence Evidence
	// Count is how many places of the record share rule, where and pointer.
	Count int
	// Principal is the keyed digest of who received or sent it.
	Principal string
	Token     *Token
	Policy    *Verdict
	// Fingerprint names the exposure: rule, service, route, where and pointer.
	Fingerprint string
}

// HTTP is what a finding says of its exchange. It holds names that were cleaned:
// Route is a template without values, Host and Service are host names.
type HTTP struct {
	Method  string `json:"method,omitempty"`
	Host    string `json:"host,omitempty"`
	Route   string `json:"route,omitempty"`
	Status  int    `json:"status,omitempty"`
	Service string `json:"service,omitempty"`
}

// Evidence shows where a rule matched without showing what: Redacted keeps at
// most the public prefix of a format ("$2b$12$•••"), Digest is an HMAC-SHA256
// under the installation's key, so that equal secrets can be recognised and
// none can be guessed.
type Evidence struct {
	Redacted string `json:"redacted"`
	// Length is the number of bytes that the redacted form stands for.
	Length int    `json:"length,omitempty"`
	Digest string `json:"digest,omitempty"`
	// Key is the id of the digest key.
	Key string `json:"key,omitempty"`
	// Span is the place in a plain-text record, in bytes.
	Span *Span `json:"span,omitempty"`
}

// Token describes a credential by what may be known of it: never the
// credential itself.
type Token struct {
	Kind     string     `json:"kind"`
	Alg      string     `json:"alg,omitempty"`
	Issuer   string     `json:"issuer,omitempty"`
	Audience string     `json:"audience,omitempty"`
	Subject  string     `json:"subject,omitempty"` // keyed digest of the subject
	Scope    []string   `json:"scope,omitempty"`
	Expires  *time.Time `json:"expires,omitempty"`
	// Live is whether the token has not expired at the present time that the
	// engine was given; nil when the token does not say when it expires.
	Live *bool  `json:"live,omitempty"`
	ID   string `json:"jti,omitempty"`
}

// Verdict is what a policy says of a finding.
type Verdict struct {
	Verdict string `json:"verdict"` // undeclared, denied or unpoliced
	By      string `json:"by"`      // openapi, policy or baseline
}

// MarshalJSON writes the finding in the form that `leaktap schema finding`
// describes.
func (f *Finding) MarshalJSON() ([]byte, error) {
	return json.Marshal(newWireFinding(f))
}

// wireFinding is the JSON form of a finding, members in the order of the
// contract.
type wireFinding struct {
	wireHead
	wireBody
	wireText
}

type wireHead struct {
	Schema     string     `json:"schema"`
	ID         string     `json:"id"`
	Time       string     `json:"time,omitempty"`
	Rule       string     `json:"rule"`
	Category   Category   `json:"category"`
	Severity   Severity   `json:"severity"`
	Confidence Confidence `json:"confidence"`
	Source     wireSource `json:"source"`
	HTTP       HTTP       `json:"http,omitzero"`
}

type wireBody struct {
	Where     Where    `json:"where"`
	Pointer   string   `json:"pointer"`
	Evidence  Evidence `json:"evidence"`
	Count     int      `json:"count"`
	Principal string   `json:"principal,omitempty"`
	Token     *Token   `json:"token,omitempty"`
	Policy    *Verdict `json:"policy,omitempty"`
}

type wireText struct {
	CWE         []string `json:"cwe,omitempty"`
	OWASP       []string `json:"owasp,omitempty"`
	Why         string   `json:"why"`
	Fix         string   `json:"fix"`
	Fingerprint string   `json:"fingerprint"`
}

// wireSource leaves out the coordinates that its kind does not have.
type wireSource struct {
	Kind      SourceKind `json:"kind"`
	Name      string     `json:"name"`
	Line      int64      `json:"line,omitempty"`
	Lines     int64      `json:"lines,omitempty"`
	Partition *int32     `json:"partition,omitempty"`
	Offset    *int64     `json:"offset,omitempty"`
	Index     int        `json:"index,omitempty"`
	Frame     int64      `json:"frame,omitempty"`
}

func newWireSource(s *Source) wireSource {
	w := wireSource{Kind: s.Kind, Name: s.Name, Line: s.Line, Lines: s.Lines, Index: s.Index, Frame: s.Frame}
	if s.Kind == SourceKafka {
		w.Partition, w.Offset = &s.Partition, &s.Offset
	}
	return w
}

func newWireFinding(f *Finding) wireFinding {
	src := newWireSource(&f.Source)
	var at string
	if !f.Time.IsZero() {
		at = f.Time.UTC().Format(time.RFC3339Nano)
	}
	return wireFinding{
		wireHead{
			FindingSchema, f.ID, at, f.Rule.ID, f.Rule.Category,
			f.Severity, f.Confidence, src, f.HTTP,
		},
		wireBody{f.Where, f.Pointer, f.Evidence, f.Count, f.Principal, f.Token, f.Policy},
		wireText{f.Rule.CWE, f.Rule.OWASP, f.Rule.Why, f.Rule.Fix, f.Fingerprint},
	}
}
