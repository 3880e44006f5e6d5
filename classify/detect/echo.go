package detect

import (
	"bytes"
	"encoding/base64"

	"github.com/leaktap/leaktap/classify"
)

// minEcho is the shortest secret of a request that is looked for in its
// response; shorter ones are found in any text.
const minEcho = 8

func secretEcho() classify.Detector {
	return &detector{classify.Rule{
		ID: "secret-echo", Category: classify.CategoryCredential, Severity: classify.High, Once: true,
		Title: "A response repeats a secret of its request",
		Why:   "What the client sent in confidence is shown on pages, kept in caches and logged with the response or the error.",
		Fix:   "Never put request bodies, headers or query strings into responses and error messages; name the field, not its value.",
		FalsePositives: "Values under eight bytes, placeholders, and the answers of token endpoints, which return tokens by design, stay " +
			"silent.",
		CWE: []string{"CWE-200", "CWE-209"}, OWASP: []string{"API3:2023", "API8:2023"},
		On: classify.Trigger{
			Fields: []string{"password", "token", "session", "authorization", "api-key", "secret", "otp", "pin", "secret-phrase"},
			Parts:  []classify.Where{classify.InURL, classify.InRequestHeader, classify.InRequestBody},
		},
	}, func(c *classify.Candidate) {
		if c.Kind != classify.String || len(c.X.Response.Body) == 0 || c.View.TokenRoute && c.Field != "password" || c.Field == "session" && !inCookie(c) {
			return
		}
		if secret := secretOf(c); !isEchoable(secret) || !isEchoed(c, secret) || isNoSecret(secret) {
			return
		}
		m := classify.Match{Show: "the " + echoed(c.Field) + " of the request", Where: classify.InResponseBody, Confidence: classify.HighConfidence}
		if c.Field == "password" {
			m.Severity = classify.Critical
		}
		c.Report(m)
	}}
}

// isEchoable says whether a value is one that no text holds by chance. Whether it is a secret
// is judged when the response holds it: that costs more than to look.
func isEchoable(v []byte) bool {
	return len(v) >= minEcho && len(v) <= maxOpaque && bytes.IndexByte(v, ' ') < 0 && (hasDigitOrSign(v) || hasInnerCapitals(v))
}

// hasInnerCapitals tells a made-up word from one that people write: at least three capitals
// among as many small letters.
func hasInnerCapitals(v []byte) bool {
	s := shapeOf(v)
	return s.upper >= 3 && s.lower >= 3
}

// isEchoed says whether the response holds a secret. Its body need not be unescaped for
// one that looks the same inside a JSON string.
func isEchoed(c *classify.Candidate, secret []byte) bool {
	r := &c.X.Response
	return holds(r.Body, secret) || r.Escaped && needsEscape(secret) && holds(c.ResponseBody(), secret)
}

// holds says whether a text holds a secret. It looks for the secret's rarest byte, which
// is quicker than for its first.
func holds(text, secret []byte) bool {
	at := 0
	for i, b := range secret[:min(len(secret), maxRanked)] {
		if byteRank[b] > byteRank[secret[at]] {
			at = i
		}
	}
	for i := at; i < len(text); i++ {
		n := bytes.IndexByte(text[i:], secret[at])
		if n < 0 {
			return false
		}
		i += n
		if bytes.HasPrefix(text[i-at:], secret) {
			return true
		}
	}
	return false
}

// maxRanked is how many bytes of a secret are compared: a rare one is among them.
const maxRanked = 48

// byteRank tells how rare a byte is in the text of APIs, roughly.
var byteRank = func() (t [256]uint8) {
	for i := range t {
		t[i] = 255
	}
	for rank, b := range []byte("e\" taionsr:,l0dcu1mp2h_f3g45b67y98v\\wk-./xjqz{}[]TAEIONSRLDCMPUBFGHWVKYXJQZ") {
		t[b] = uint8(rank)
	}
	return t
}()

// needsEscape says whether a text may look otherwise inside a JSON string.
func needsEscape(text []byte) bool {
	for _, b := range text {
		if b == '"' || b == '\\' || b == '/' || b < ' ' || b >= 0x80 || b == '<' || b == '>' || b == '&' {
			return true
		}
	}
	return false
}

// echoed names what a class of fields holds.
func echoed(field string) string {
	switch field {
	case "authorization", "session":
		return "credential"
	case "secret-phrase":
		return "phrase"
	}
	return field
}

// secretOf returns the secret in a value of the request: behind the scheme of an
// authorization, and the password of basic credentials.
func secretOf(c *classify.Candidate) []byte {
	v := bytes.TrimSpace(c.Value())
	if c.Field != "authorization" {
		return v
	}
	scheme, rest, found := bytes.Cut(v, []byte(" "))
	if !found {
		return v
	}
	if bytes.EqualFold(scheme, []byte("basic")) {
		text, err := base64.StdEncoding.DecodeString(string(rest))
		if err != nil {
			return nil
		}
		_, password, _ := bytes.Cut(text, []byte(":"))
		return password
	}
	return bytes.TrimSpace(rest)
}

// isUserAndPassword says whether a value is base64 of a text with a colon (RFC
// 7617).
func isUserAndPassword(v []byte) bool {
	text, err := base64.RawStdEncoding.DecodeString(string(bytes.TrimRight(v, "=")))
	return err == nil && bytes.IndexByte(text, ':') >= 0
}
