package detect

import (
	"bytes"
	"encoding/base64"

	"github.com/leaktap/leaktap/classify"
)

// tokenFinder recognises credentials that a caller presents: JSON Web Tokens,
// opaque bearer tokens, basic credentials, session ids, the keys of vendors.
// Which rule speaks of one depends on the place, so the five token rules share
// the finder and each takes the places that are its own.
type tokenFinder struct{ kinds map[string]*TokenKind }

const (
	jwtAnchor    = "eyJ" // base64url of `{"`
	bearerWord   = "bearer "
	basicWord    = "basic "
	minOpaque    = 16 // shorter opaque values carry too little to be tokens
	maxOpaque    = 4096
	maxBasicUser = 256
)

func newTokenFinder(v *Vocabulary) *tokenFinder {
	f := &tokenFinder{kinds: map[string]*TokenKind{}}
	for i := range v.Tokens {
		f.kinds[v.Tokens[i].Prefix] = &v.Tokens[i]
	}
	return f
}

// trigger is what every token rule asks for.
func (f *tokenFinder) trigger(parts []classify.Where, fields ...string) classify.Trigger {
	t := classify.Trigger{Anchors: []string{jwtAnchor}, Words: []string{bearerWord, basicWord}, Fields: fields, Parts: parts}
	for prefix := range f.kinds {
		t.Anchors = append(t.Anchors, prefix)
	}
	return t
}

// find returns the token at the candidate. Vendor is set when its kind is one
// of the vocabulary.
func (f *tokenFinder) find(c *classify.Candidate) (m classify.Match, vendor *TokenKind, ok bool) {
	switch c.Anchor {
	case "":
		m, ok = opaqueUnderName(c)
	case jwtAnchor:
		m, ok = jwtMatch(c)
	case bearerWord:
		m, ok = bearerMatch(c)
	case basicWord:
		m, ok = basicMatch(c)
	default:
		vendor = f.kinds[c.Anchor]
		m, ok = vendorMatch(c, vendor)
	}
	return m, vendor, ok
}

func jwtMatch(c *classify.Candidate) (m classify.Match, ok bool) {
	if c.Lo > 0 && (isBase64URL(c.Text[c.Lo-1]) || c.Text[c.Lo-1] == '.') {
		return m, false
	}
	n, tok := jwtAt(c.Text[c.Lo:], c.View.AsOf, c.Digest)
	if n == 0 {
		return m, false
	}
	return classify.Match{
		Lo: c.Lo, Hi: c.Lo + n, Public: len(jwtAnchor), Confidence: classify.HighConfidence, Token: tok,
	}, true
}

// bearerMatch takes the b64token behind "Bearer " (RFC 6750, section 2.1).
func bearerMatch(c *classify.Candidate) (m classify.Match, ok bool) {
	if !freeBefore(c) {
		return m, false
	}
	lo, hi := c.Hi, c.Hi
	for hi < len(c.Text) && hi-lo < maxOpaque && isB64Token(c.Text[hi]) {
		hi++
	}
	value := c.Text[lo:hi]
	if bytes.HasPrefix(value, []byte(jwtAnchor)) && bytes.Count(value, []byte(".")) >= 1 {
		return m, false // the JWT's own anchor knows more
	}
	if isNoSecret(value) || !isRandom(value) {
		return m, false
	}
	return classify.Match{Lo: lo, Hi: hi, Confidence: classify.HighConfidence, Token: &classify.Token{Kind: "bearer"}}, true
}

func isB64Token(c byte) bool {
	return isWordByte(c) || c == '-' || c == '.' || c == '~' || c == '+' || c == '/' || c == '='
}

// basicMatch takes user:password in base64 behind "Basic " (RFC 7617).
func basicMatch(c *classify.Candidate) (m classify.Match, ok bool) {
	if !freeBefore(c) {
		return m, false
	}
	lo, hi := c.Hi, c.Hi
	for hi < len(c.Text) && hi-lo < 2*maxBasicUser && isB64Token(c.Text[hi]) {
		hi++
	}
	text, err := base64.RawStdEncoding.DecodeString(string(bytes.TrimRight(c.Text[lo:hi], "=")))
	if err != nil {
		return m, false
	}
	user, password, found := bytes.Cut(text, []byte(":"))
	if !found || len(user) == 0 || isNoSecret(password) || !isPrintable(text) {
		return m, false
	}
	return classify.Match{Lo: lo, Hi: hi, Confidence: classify.HighConfidence, Token: &classify.Token{Kind: "basic"}}, true
}

func isPrintable(v []byte) bool {
	for _, c := range v {
		if c < ' ' || c == 0x7F {
			return false
		}
	}
	return true
}

func vendorMatch(c *classify.Candidate, k *TokenKind) (m classify.Match, ok bool) {
	if !freeBefore(c) {
		return m, false
	}
	n, ok := k.match(c.Text[c.Lo:min(len(c.Text), c.Lo+maxOpaque)])
	if !ok {
		return m, false
	}
	body := c.Text[c.Lo+len(k.Prefix) : c.Lo+n]
	if bytes.Contains(body, []byte("EXAMPLE")) || bytes.Contains(body, []byte("xxxx")) || entropy(body) < 2 {
		return m, false // a documented key, a placeholder
	}
	return classify.Match{
		Lo: c.Lo, Hi: c.Lo + n, Public: len(k.Prefix), Confidence: classify.HighConfidence,
		Token: &classify.Token{Kind: k.ID},
	}, true
}

// opaqueUnderName takes a random value under the name of a token.
func opaqueUnderName(c *classify.Candidate) (m classify.Match, ok bool) {
	v := c.Value()
	if c.Kind != classify.String || isNoSecret(v) || len(v) > maxOpaque {
		return m, false
	}
	if bytes.HasPrefix(v, []byte(jwtAnchor)) && bytes.Contains(v, []byte(".")) {
		return m, false // the JWT's own anchor knows more
	}
	if !isRandom(v) && !isUUID(v) {
		return m, false
	}
	return classify.Match{Lo: c.Lo, Hi: c.Hi, Token: &classify.Token{Kind: opaqueKind(c.Field)}}, true
}

func opaqueKind(field string) string {
	switch field {
	case "session":
		return "session"
	case "api-key":
		return "api-key"
	}
	return "opaque"
}

// liveness turns a token into a severity: one that works is worse than one that
// may work, and that is worse than an expired one.
func liveness(tok *classify.Token, live, unknown, expired classify.Severity) classify.Severity {
	switch {
	case tok == nil || tok.Live == nil:
		return unknown
	case *tok.Live:
		return live
	}
	return expired
}
