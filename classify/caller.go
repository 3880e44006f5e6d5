package classify

import (
	"bytes"
	"encoding/binary"
)

// Caller is what a request tells of who sent it.
type Caller struct {
	// Principal is the keyed digest of the credential or, without one, of the address, as
	// findings show it; empty where no finding can come of the observation. ID is its hash, 0 if
	// nothing is known.
	Principal string
	ID        uint64
	// Token is the keyed digest of the credential as evidence has it: without the scheme before
	// it; empty without one.
	Token string
	// Client is the hash of the address (of the network, a /64, for IPv6), 0 if unknown.
	Client uint64
	// Anonymous says that a request was seen and carried no credential.
	Anonymous bool
	TokenTraits
	// Signed and Signature are the hashes of what a token signs and of its signature; 0
	// where the two do not fix each other.
	Signed, Signature uint64
}

// TokenTraits are what a credential shows without being verified.
type TokenTraits struct {
	// Malformed says that it is none that a service could have issued.
	Malformed bool
	// Broad says that it is allowed to read what belongs to others: an administrator's, an
	// export's, a service's. Writes says that it is allowed to change something.
	Broad, Writes bool
}

// TokenFacts are what a reader of tokens finds in a credential.
type TokenFacts struct {
	TokenTraits
	// Names are what the token calls its owner: the subject, a user name, an e-mail address.
	Names [][]byte
	// Signed and Signature are parts of a token whose algorithm gives one signature for one
	// text and key (HMAC, RSA with PKCS #1, Ed25519); nil for others.
	Signed, Signature []byte
}

// callerFacts are what is known of a caller but for the address.
type callerFacts struct {
	caller Caller
	names  []uint64
}

// maxCallers bounds the callers that are remembered; then all are forgotten.
const maxCallers = 4096

// caller tells who sent a request but for the principal, and what is known of the credential; nil
// without one.
func (c *Classifier) caller(x *Exchange) (Caller, *callerFacts) {
	o := c.seen
	client := c.client(x)
	credential := c.view.credential
	if credential == nil {
		return Caller{Client: client, ID: client, Anonymous: c.view.Anonymous}, nil
	}
	id := sipHash(o.key, credential)
	facts := o.callers[id]
	if facts == nil {
		facts = c.callerFacts(id, credential)
		if len(o.callers) >= maxCallers {
			clear(o.callers)
		}
		o.callers[id] = facts
	}
	who := facts.caller
	who.Client = client
	return who, facts
}

// principalOf is the principal of an observation.
func (c *Classifier) principalOf(who *Caller, facts *callerFacts) string {
	switch {
	case facts == nil && who.ID == 0:
		return ""
	case facts == nil:
		return c.principal(c.x)
	case facts.caller.Principal == "":
		facts.caller.Principal = c.principal(c.x)
	}
	return facts.caller.Principal
}

// client is the hash of the address.
func (c *Classifier) client(x *Exchange) uint64 {
	addr := x.Client.Addr().Unmap()
	if !addr.IsValid() {
		return 0
	}
	if addr.Is6() {
		net := addr.As16()
		return sipHash(c.seen.key, net[:8])
	}
	ip := addr.As4()
	return sipHash(c.seen.key, ip[:])
}

// callerFacts reads a credential.
func (c *Classifier) callerFacts(id uint64, credential []byte) *callerFacts {
	o := c.seen
	f := &callerFacts{caller: Caller{ID: id, Token: c.digest(withoutScheme(credential))}}
	if c.e.readToken == nil {
		return f
	}
	facts := c.e.readToken(credential)
	f.caller.TokenTraits = facts.TokenTraits
	if len(facts.Signature) > 0 {
		f.caller.Signed, f.caller.Signature = sipHash(o.key, facts.Signed), sipHash(o.key, facts.Signature)
	}
	for _, name := range facts.Names {
		f.names = append(f.names, sipHash(o.key, bytes.ToLower(name)))
	}
	return f
}

// withoutScheme returns the token of a credential (RFC 9110, section 11.4).
func withoutScheme(credential []byte) []byte {
	if _, token, found := bytes.Cut(credential, []byte(" ")); found {
		return bytes.TrimSpace(token)
	}
	return credential
}

// sessionOf returns the cookie that is named as a session or token, or all of them: what
// else a browser sends changes without another person behind it.
func sessionOf(cookies []byte) []byte {
	for pair := range bytes.SplitSeq(cookies, []byte(";")) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(pair), []byte("="))
		if len(value) < minSession {
			continue
		}
		var buf [64]byte
		lower := buf[:0]
		for _, b := range name[:min(len(name), len(buf))] {
			lower = append(lower, lowerASCII[b])
		}
		for _, word := range sessionWords {
			if bytes.Contains(lower, word) {
				return value
			}
		}
	}
	return cookies
}

// minSession is the length of the shortest session id.
const minSession = 8

var sessionWords = [][]byte{[]byte("sess"), []byte("sid"), []byte("token"), []byte("auth"), []byte("jwt")}

// Finding makes a finding of what observations have shown together. The exchange is the one
// that completed it; about tells apart what one rule finds about several callers, and part of
// it is public: it makes part of the fingerprint.
func (o *Observation) Finding(rule *Rule, severity Severity, confidence Confidence, show string, count int, about uint64) *Finding {
	f := &Finding{
		Time: o.Time, Rule: rule, Severity: severity, Confidence: confidence, Source: o.Source, HTTP: o.HTTP,
		Where: InResponseBody, Evidence: Evidence{Redacted: show}, Count: count, Principal: o.Caller.Principal,
	}
	f.Fingerprint = sum("", 16, rule.ID, o.HTTP.service(), o.HTTP.Method, o.HTTP.Route, string(binary.LittleEndian.AppendUint64(nil, about)))
	f.ID = sum("lt-", 10, f.Fingerprint, string(o.Source.Kind), o.Source.Name, string(o.coordinates))
	return f
}
