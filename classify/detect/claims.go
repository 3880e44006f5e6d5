package detect

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// claims are what a JSON Web Token says of itself that rules on its quality
// judge. Absent times are zero.
type claims struct {
	alg                     string // as written, "" for a JWE
	expires, issued, starts time.Time
	payload                 []byte
}

// claimsAt reads the signed token (RFC 7515) that starts a text; ok is false if
// there is none, or only half of one.
func claimsAt(text []byte) (cl claims, n int, ok bool) {
	n, parts, ends := jwtShape(text)
	if parts != 3 || ends[0] > maxHeader {
		return cl, 0, false
	}
	if cl.alg = stringMember(decodeSegment(nil, text[:ends[0]]), "alg"); cl.alg == "" {
		return cl, 0, false
	}
	cl.payload = decodeSegment(nil, text[ends[0]+1:max(ends[0]+1, ends[1])])
	if len(cl.payload) == 0 || cl.payload[0] != '{' || isCitedPayload(cl.payload) {
		return cl, 0, false
	}
	members(cl.payload, func(name, value []byte, kind jsonscan.Kind) {
		if kind != jsonscan.Number {
			return
		}
		switch string(name) {
		case "exp":
			cl.expires = numericDate(value)
		case "iat":
			cl.issued = numericDate(value)
		case "nbf":
			cl.starts = numericDate(value)
		}
	})
	return cl, n, true
}

// claimsMemo keeps the token that was read last: several rules judge it, and a caller
// shows it with every request.
type claimsMemo struct {
	text   []byte // a copy
	claims claims
	length int
	ok     bool
	// secret is the index in claimSecrets of the worst claim, -1 if there is none.
	secret int
}

// claimsOf reads the signed token that starts a text, unless it was read last. What it
// returns is valid until the next call.
func claimsOf(c *classify.Candidate, text []byte) *claimsMemo {
	n, parts, _ := jwtShape(text)
	memo := &memoOf(c).claims
	if parts != 3 {
		*memo = claimsMemo{text: memo.text[:0]}
		return memo
	}
	if bytes.Equal(memo.text, text[:n]) {
		return memo
	}
	*memo = claimsMemo{text: append(memo.text[:0], text[:n]...), secret: -1}
	memo.claims, memo.length, memo.ok = claimsAt(memo.text)
	if memo.ok {
		memo.secret = worstClaim(c, memo.claims.payload)
	}
	return memo
}

// members calls f for each scalar with the nearest name it stands under.
func members(doc []byte, f func(name, value []byte, kind jsonscan.Kind)) {
	s := jsonscan.New(doc)
	var name []byte
	for t := s.Next(); t.Kind != jsonscan.End; t = s.Next() {
		switch t.Kind {
		case jsonscan.Key:
			name = doc[t.Start:t.End]
		case jsonscan.String, jsonscan.Number:
			f(name, doc[t.Start:t.End], t.Kind)
		}
	}
}

// numericDate reads a NumericDate (RFC 7519, section 2): seconds, or, since
// many write them, milliseconds.
func numericDate(value []byte) time.Time {
	seconds, err := strconv.ParseFloat(string(value), 64)
	switch {
	case err != nil || seconds <= 0 || seconds > 1<<53:
		return time.Time{}
	case seconds > 1<<40:
		seconds /= 1000
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// isUnsecured says whether a token has no signature (RFC 7518, section 3.6).
func (cl *claims) isUnsecured() bool {
	return len(cl.alg) == 4 && bytes.EqualFold([]byte(cl.alg), []byte("none"))
}

// maxLifetime is how long a token may live; longer ones are passwords.
const maxLifetime = 366 * 24 * time.Hour

// weakness says what is wrong with a token, as a constant text, and how bad it
// is; "" for a good one.
func (cl *claims) weakness() (string, classify.Severity) {
	switch {
	case cl.isUnsecured():
		return "a JWT without a signature", classify.High
	case cl.expires.IsZero() && len(cl.alg) == 5 && cl.alg[:2] == "HS":
		return "a JWT that never expires", classify.Low
	case !cl.expires.IsZero() && !cl.issued.IsZero() && cl.expires.Sub(cl.issued) > maxLifetime:
		return "a JWT that lives for more than a year", classify.Low
	}
	return "", 0
}

func weakToken() classify.Detector {
	return &detector{classify.Rule{
		ID: "jwt-weak", Category: classify.CategoryToken, Severity: classify.Low,
		Title: "A JSON Web Token is weakly made",
		Why:   "Without a signature anybody can write one; without an end, or with one years away, a stolen token works for good.",
		Fix:   "Sign with RS256, ES256 or EdDSA, give exp within minutes to hours of iat, and renew with a refresh token (RFC 8725).",
		FalsePositives: "Only the token's own header and claims are judged. The answer of a token endpoint and the token of an observed " +
			"request are information, unless the token has no signature.",
		CWE: []string{"CWE-347", "CWE-613"}, OWASP: []string{"API2:2023"},
		On: classify.Trigger{Anchors: []string{jwtAnchor}},
	}, func(c *classify.Candidate) {
		token, ok := tokenAt(c)
		if !ok {
			return
		}
		show, severity := token.claims.weakness()
		if show == "" {
			return
		}
		if severity < classify.High && (c.View.TokenRoute || !c.X.Persisted && c.Where != classify.InResponseBody) {
			severity = classify.Info
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Lo + token.length, Show: show, Severity: severity, Confidence: classify.HighConfidence})
	}}
}

// tokenAt reads the token whose anchor is the candidate.
func tokenAt(c *classify.Candidate) (memo *claimsMemo, ok bool) {
	if c.Lo > 0 && (isBase64URL(c.Text[c.Lo-1]) || c.Text[c.Lo-1] == '.') && !isEscape(c.Before(3)) {
		return nil, false
	}
	memo = claimsOf(c, c.Text[c.Lo:])
	return memo, memo.ok
}

// claimSecrets are the classes of claims that a payload, which everybody can
// read, must not hold.
var claimSecrets = []struct {
	class, show string
	severity    classify.Severity
}{
	{"password-hash", "a password hash in the payload of a JWT", classify.Critical},
	{"password", "a password in the payload of a JWT", classify.Critical},
	{"config-secret", "a secret in the payload of a JWT", classify.Critical},
	{"secret", "a secret in the payload of a JWT", classify.High},
	{"api-key", "an API key in the payload of a JWT", classify.High},
	{"otp", "a one-time password or its seed in the payload of a JWT", classify.High},
	{"secret-phrase", "a recovery phrase or answer in the payload of a JWT", classify.High},
	{"card-number", "a card number in the payload of a JWT", classify.High},
	{"cvv", "a card's check number in the payload of a JWT", classify.High},
	{"national-id", "a national id in the payload of a JWT", classify.High},
	{"iban", "an IBAN in the payload of a JWT", classify.Medium},
}

func sensitiveClaim() classify.Detector {
	return &detector{classify.Rule{
		ID: "jwt-sensitive-claim", Category: classify.CategoryToken, Severity: classify.High,
		Title: "The payload of a JSON Web Token holds a secret",
		Why:   "A payload is encoded, not encrypted: browsers, proxies and logs that see the token can read the claim.",
		Fix:   "Put an opaque subject into the token and look the rest up on the server; or encrypt it (JWE).",
		FalsePositives: "Only claims of telling names with a value that is neither masked nor a flag match; e-mail addresses and names, which " +
			"OpenID Connect defines as claims, stay silent.",
		CWE: []string{"CWE-312", "CWE-522"}, OWASP: []string{"API2:2023", "API3:2023"},
		On: classify.Trigger{Anchors: []string{jwtAnchor}},
	}, func(c *classify.Candidate) {
		if token, ok := tokenAt(c); ok && token.secret >= 0 {
			s := claimSecrets[token.secret]
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Lo + token.length, Show: s.show, Severity: s.severity, Confidence: classify.HighConfidence})
		}
	}}
}

// worstClaim returns the least index in claimSecrets of a payload's claims, -1 if none
// is there.
func worstClaim(c *classify.Candidate, payload []byte) int {
	worst := -1
	members(payload, func(name, value []byte, _ jsonscan.Kind) {
		if i := claimSecret(c, name, value); i >= 0 && (worst < 0 || i < worst) {
			worst = i
		}
	})
	return worst
}

// claimSecret returns the index in claimSecrets of what a claim is, -1 for
// nothing.
func claimSecret(c *classify.Candidate, name, value []byte) int {
	class := c.Class(string(name))
	if class == "" || len(value) < minPassword || len(value) > maxHash || isNoSecret(value) {
		return -1
	}
	for i, s := range claimSecrets {
		if s.class == class || s.class == "national-id" && strings.HasPrefix(class, "id-") {
			return i
		}
	}
	return -1
}
