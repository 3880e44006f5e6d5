package alert

import (
	"encoding/json"
	"io"

	"github.com/leaktap/leaktap/classify"
)

// ocsfForm writes Detection Findings of the Open Cybersecurity Schema Framework, one a line
// (schema 1.3.0, class 2004).
type ocsfForm struct{ version string }

type ocsfFinding struct {
	ocsfClass
	Time         int64          `json:"time"`
	SeverityID   int            `json:"severity_id"`
	Severity     string         `json:"severity"`
	ConfidenceID int            `json:"confidence_id"`
	StatusID     int            `json:"status_id"`
	Message      string         `json:"message"`
	Count        int            `json:"count"`
	Metadata     ocsfMetadata   `json:"metadata"`
	FindingInfo  ocsfInfo       `json:"finding_info"`
	Resources    []ocsfResource `json:"resources"`
	Remediation  ocsfText       `json:"remediation"`
	Evidences    []ocsfEvidence `json:"evidences"`
	Unmapped     map[string]any `json:"unmapped"`
}

// ocsfClass says what an event is.
type ocsfClass struct {
	ActivityID  int `json:"activity_id"`
	CategoryUID int `json:"category_uid"`
	ClassUID    int `json:"class_uid"`
	TypeUID     int `json:"type_uid"`
}

type ocsfMetadata struct {
	Version string      `json:"version"`
	Product ocsfProduct `json:"product"`
	UID     string      `json:"uid"`
}

type ocsfProduct struct {
	Name    string `json:"name"`
	Vendor  string `json:"vendor_name"`
	Version string `json:"version,omitempty"`
}

type ocsfInfo struct {
	UID      string       `json:"uid"`
	Title    string       `json:"title"`
	Desc     string       `json:"desc"`
	Types    []string     `json:"types"`
	Analytic ocsfAnalytic `json:"analytic"`
}

// ocsfAnalytic is the rule; type 1 is "Rule".
type ocsfAnalytic struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	TypeID int    `json:"type_id"`
}

type ocsfResource struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type ocsfText struct {
	Desc string `json:"desc"`
}

type ocsfEvidence struct {
	Data map[string]any `json:"data"`
}

func (o ocsfForm) finding(w io.Writer, _ int, f *classify.Finding) error {
	x := Exposure{Sample: f, First: f.Source, Count: int64(f.Count), Findings: 1}
	at := int64(0)
	if !f.Time.IsZero() {
		at = f.Time.UnixMilli()
	}
	text, err := json.Marshal(ocsfFinding{
		ocsfClass: ocsfClass{ActivityID: 1, CategoryUID: 2, ClassUID: 2004, TypeUID: 200401}, // a finding is created
		Time:      at, SeverityID: int(f.Severity), Severity: ocsfSeverity(f.Severity), ConfidenceID: int(f.Confidence), StatusID: 1,
		Message: message(&x), Count: f.Count,
		Metadata:    ocsfMetadata{"1.3.0", ocsfProduct{"leaktap", "leaktap", o.version}, f.ID},
		FindingInfo: ocsfInfo{f.Fingerprint, f.Rule.Title, f.Rule.Why, []string{string(f.Rule.Category)}, ocsfAnalytic{f.Rule.ID, f.Rule.Title, 1}},
		Resources:   []ocsfResource{{Clean(Place(f.Source)), string(f.Source.Kind)}},
		Remediation: ocsfText{f.Rule.Fix},
		Evidences: []ocsfEvidence{{map[string]any{
			"where": f.Where.String(), "pointer": Clean(f.Pointer), "redacted": f.Evidence.Redacted, "digest": f.Evidence.Digest, "length": f.Evidence.Length,
		}}},
		Unmapped: map[string]any{"http": f.HTTP, "principal": f.Principal, "token": f.Token, "policy": f.Policy, "cwe": f.Rule.CWE, "owasp": f.Rule.OWASP},
	})
	if err != nil {
		return err
	}
	_, err = w.Write(append(EscapeInvisible(text), '\n'))
	return err
}

func (ocsfForm) end(io.Writer, int) error { return nil }

// ocsfSeverity is the caption of a severity_id: 1 Informational to 5 Critical.
func ocsfSeverity(s classify.Severity) string {
	return [...]string{"Unknown", "Informational", "Low", "Medium", "High", "Critical"}[s]
}
