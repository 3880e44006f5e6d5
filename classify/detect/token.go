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
type tokenFinder struct {
	v       *Vocabulary
	anchors []string                // of vendors' tokens, each once
	kinds   map[string][]*TokenKind // by anchor, in the vocabulary's order
	named   []*TokenKind            // without an anchor
}

const (
	jwtAnchor    = "eyJ" // base64url of `{"`
	bearerWord   = "bearer "
	basicWord    = "basic "
	minOpaque    = 16 // shorter opaque values carry too little to be tokens
	maxOpaque    = 4096
	maxBasicUser = 256

	// minTokenEntropy in bits per byte: a token under it is a placeholder.
	minTokenEntropy = 2.5
)

func newTokenFinder(v *Vocabulary) *tokenFinder {
	f := &tokenFinder{v: v, kinds: map[string][]*TokenKind{}}
	for i := range v.Tokens {
		k := &v.Tokens[i]
		if k.Anchor == "" {
			f.named = append(f.named, k)
			continue
		}
		if f.kinds[k.Anchor] == nil {
			f.anchors = append(f.anchors, k.Anchor)
		}
		f.kinds[k.Anchor] = append(f.kinds[k.Anchor], k)
	}
	return f
}

// trigger is what every token rule asks for.
func (f *tokenFinder) trigger(parts []classify.Where, fields ...string) classify.Trigger {
	return classify.Trigger{
		Anchors: append([]string{jwtAnchor}, f.anchors...), Words: []string{bearerWord, basicWord}, Fields: fields, Parts: parts,
	}
}

// find returns the token at the candidate. Vendor is set when its kind is one
// of the vocabulary.
func (f *tokenFinder) find(c *classify.Candidate) (m classify.Match, vendor *TokenKind, ok bool) {
	switch c.Anchor {
	case "":
		return f.underName(c)
	case jwtAnchor:
		m, ok = jwtMatch(c)
	case bearerWord:
		m, ok = f.bearer(c)
	case basicWord:
		m, ok = basicMatch(c)
	default:
		return f.vendor(c)
	}
	return m, nil, ok
}

// vendor returns the vendor's token that holds the candidate's anchor.
func (f *tokenFinder) vendor(c *classify.Candidate) (m classify.Match, vendor *TokenKind, ok bool) {
	for _, k := range f.kinds[c.Anchor] {
		lo, hi, ok := k.around(c.Text, c.Lo)
		if !ok {
			continue
		}
		m = vendorMatch(k, lo, hi)
		if lo == c.Lo {
			m.Public = len(k.Anchor)
		}
		return m, k, !isSample(c.Text[lo+m.Public : hi])
	}
	return m, nil, false
}

func vendorMatch(k *TokenKind, lo, hi int) classify.Match {
	return classify.Match{
		Lo: lo, Hi: hi, Severity: k.severity, Confidence: classify.HighConfidence, Token: &classify.Token{Kind: k.ID},
	}
}

// underName returns the token that is the value of a telling name: one of a
// vendor that names it so, or an opaque one.
func (f *tokenFinder) underName(c *classify.Candidate) (m classify.Match, vendor *TokenKind, ok bool) {
	v := c.Value()
	if c.Kind != classify.String || isNoSecret(v) || len(v) > maxOpaque {
		return m, nil, false
	}
	for _, k := range f.named {
		if k.under(c.Key) && k.is(v) && !isSample(v) {
			return vendorMatch(k, c.Lo, c.Hi), k, true
		}
	}
	if c.Field == "secret" || !isRandom(v) && !isUUID(v) || f.hasAnchor(v) {
		return m, nil, false
	}
	return classify.Match{Lo: c.Lo, Hi: c.Hi, Token: &classify.Token{Kind: opaqueKind(c.Field)}}, nil, true
}

// hasAnchor says whether a value is a token that its own anchor finds, and knows
// more of: a JWT, a vendor's token.
func (f *tokenFinder) hasAnchor(v []byte) bool {
	return bytes.HasPrefix(v, []byte(jwtAnchor)) && bytes.IndexByte(v, '.') > 0 || f.v.kindOf(v) != nil
}

// isSample says whether the secret part of a token is that of a documented
// example or a placeholder, or words where a secret would be random.
func isSample(secret []byte) bool {
	for _, sign := range []string{"EXAMPLE", "xxxx", "XXXX"} {
		if bytes.Contains(secret, []byte(sign)) {
			return true
		}
	}
	s := shapeOf(secret)
	return s.digits+s.upper == 0 || entropy(secret) < minTokenEntropy
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

// bearer takes the b64token behind "Bearer " (RFC 6750, section 2.1), and the
// "!" that Salesforce has in its tokens.
func (f *tokenFinder) bearer(c *classify.Candidate) (m classify.Match, ok bool) {
	if !freeBefore(c) {
		return m, false
	}
	lo, hi := c.Hi, c.Hi
	for hi < len(c.Text) && hi-lo < maxOpaque && (isB64Token(c.Text[hi]) || c.Text[hi] == '!') {
		hi++
	}
	value := c.Text[lo:hi]
	if isNoSecret(value) || !isRandom(value) || f.hasAnchor(value) {
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
