package detect

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// tokenFinder recognises credentials that a caller presents: JSON Web Tokens,
// opaque bearer tokens, basic credentials, session ids, the keys of vendors.
// Which rule speaks of one depends on the place, so the five token rules share
// the finder and each takes the places that are its own.
type tokenFinder struct {
	v       *Vocabulary
	anchors []string                // of vendors' tokens, each once
	inside  []string                // those in the middle of a word
	kinds   map[string][]*TokenKind // by anchor, in the vocabulary's order
	named   []*TokenKind            // without an anchor
}

const (
	jwtAnchor    = "eyJ" // base64url of `{"`
	bearerWord   = "bearer "
	basicWord    = "basic "
	digestWord   = "digest username="
	plainWord    = "auth plain "
	storageCall  = "setItem("
	minOpaque    = 16 // shorter opaque values carry too little to be tokens
	maxOpaque    = 4096
	minNamed     = 8 // shorter values are no tokens, whatever they are called
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
		switch {
		case f.kinds[k.Anchor] != nil:
		case k.Head != "" && (isWordByte(k.Anchor[0]) || k.Anchor[0] == '-'):
			f.inside = append(f.inside, k.Anchor)
		default:
			f.anchors = append(f.anchors, k.Anchor)
		}
		f.kinds[k.Anchor] = append(f.kinds[k.Anchor], k)
	}
	return f
}

// trigger is what every token rule asks for.
func (f *tokenFinder) trigger(parts []classify.Where, fields ...string) classify.Trigger {
	return classify.Trigger{
		Anchors: append([]string{jwtAnchor, storageCall}, f.anchors...), Inside: f.inside,
		Words:  slices.Concat([]string{bearerWord, basicWord, digestWord, plainWord}, linkWords),
		Fields: fields, Parts: parts,
	}
}

// find returns the token at the candidate. Vendor is set when its kind is one
// of the vocabulary.
func (f *tokenFinder) find(c *classify.Candidate) (m classify.Match, vendor *TokenKind, ok bool) {
	switch c.Anchor {
	case "":
		if e, in := resolved(c); in {
			return f.underName(&e)
		}
		return m, nil, false
	case jwtAnchor:
		m, ok = jwtMatch(c)
	case bearerWord:
		m, ok = f.bearer(c)
	case basicWord:
		m, ok = basicMatch(c)
	case digestWord:
		m, ok = digestMatch(c)
	case plainWord:
		m, ok = plainMatch(c)
	case storageCall:
		m, ok = f.stored(c)
	default:
		if f.kinds[c.Anchor] != nil {
			return f.vendor(c)
		}
		m, ok = linkMatch(c)
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
	lo, hi := presented(c)
	v := c.Text[lo:hi]
	if c.Kind != classify.String || len(v) < minNamed || len(v) > maxOpaque || isNoSecret(v) {
		return m, nil, false
	}
	for _, k := range f.named {
		if k.under(c.Key) && k.is(v) && !isSample(v) {
			return vendorMatch(k, lo, hi), k, true
		}
	}
	if !slices.Contains(tokenClasses, c.Field) || f.hasAnchor(v) || !f.isOpaque(c.Field, v) || isOtherToken(c, v) {
		return m, nil, false
	}
	return classify.Match{Lo: lo, Hi: hi, Token: &classify.Token{Kind: opaqueKind(c.Field)}}, nil, true
}

// tokenClasses are the classes of fields that hold what callers present.
var tokenClasses = []string{"token", "session", "authorization", "api-key"}

// isOpaque says whether the value of a telling name is a token.
func (f *tokenFinder) isOpaque(field string, v []byte) bool {
	switch field {
	case "session":
		return isSession(v)
	case "authorization":
		return isRandom(v) || isUUID(v) || isCredentials(v)
	}
	return isRandom(v) || isUUID(v) || isKeyInGroups(v)
}

// isOtherToken says whether a value is no token that a caller presents: the id of a session
// outside of cookies, and what belongs to pages.
func isOtherToken(c *classify.Candidate, v []byte) bool {
	return c.Field == "session" && isUUID(v) && !inCookie(c) || isOfPages(c) || c.Field == "token" && (isChainAddress(v) || inChallenge(c))
}

// isChainAddress matches an address of Ethereum and the chains that follow it (ERC-55), which
// tokens in the sense of ERC-20 have.
func isChainAddress(v []byte) bool {
	return len(v) == len("0x")+40 && v[0] == '0' && v[1] == 'x' && allHex(v[2:])
}

// inChallenge says whether a value stands in a challenge of ACME (RFC 8555, section 8), whose
// token the server of the domain shows to everybody.
func inChallenge(c *classify.Candidate) bool {
	before, behind := c.Around(besideBytes)
	kinds := []string{"http-01", "dns-01", "tls-alpn-01"}
	return holdsAny(before, kinds) || holdsAny(behind, kinds)
}

// isOfPages says whether a member called token belongs to an object that tells where a list
// or a feed goes on, or is the token against forged requests in the forms of Laravel ("CSRF
// Protection") and Symfony.
func isOfPages(c *classify.Candidate) bool {
	if string(c.Key) == "_token" && c.Where != classify.InRecord {
		return true
	}
	if c.Field != "token" || !equalFold(c.Key, "token") || inPair(c) {
		return false
	}
	parent := c.Parent()
	word, n := lowerWord([]byte(parent[strings.LastIndexByte(parent, '/')+1:]))
	switch strings.Trim(string(word[:n]), "_") {
	case "continuation", "next", "prev", "previous", "nextpage", "next_page", "page", "pageinfo", "page_info", "paging", "pagination", "cursor", "scroll", "resume", "sync":
		return true
	}
	return false
}

// hasAnchor says whether a value is a token that its own anchor finds, and knows
// more of: a JWT, a vendor's token.
func (f *tokenFinder) hasAnchor(v []byte) bool {
	return bytes.HasPrefix(v, []byte(jwtAnchor)) && isJWT(v) || f.v.kindOf(v) != nil
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
	if c.Lo > 0 && (isBase64URL(c.Text[c.Lo-1]) || c.Text[c.Lo-1] == '.') && !isEscape(c.Before(3)) {
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

// isEscape says whether a text ends in an escape of JSON or of a URL, so that a
// word may start behind it.
func isEscape(text []byte) bool {
	n := len(text)
	return n >= 2 && text[n-2] == '\\' && bytes.IndexByte([]byte("nrt"), text[n-1]) >= 0 ||
		n >= 3 && text[n-3] == '%' && isHex(text[n-2]) && isHex(text[n-1])
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
	if !isCredentials(c.Text[lo:hi]) {
		return m, false
	}
	return classify.Match{Lo: lo, Hi: hi, Confidence: classify.HighConfidence, Token: &classify.Token{Kind: "basic"}}, true
}

// plainMatch takes the name and the password of SASL PLAIN (RFC 4616) that a client sends
// with the AUTH command of SMTP (RFC 4954, section 4), in base64.
func plainMatch(c *classify.Candidate) (m classify.Match, ok bool) {
	hi := wordEnd(c.Text, c.Hi)
	if !freeBefore(c) || hi-c.Hi > 4*maxBasicUser {
		return m, false
	}
	text, err := base64.RawStdEncoding.DecodeString(string(bytes.TrimRight(c.Text[c.Hi:hi], "=")))
	if err != nil || bytes.Count(text, []byte{0}) != 2 {
		return m, false
	}
	user, password, _ := bytes.Cut(text[bytes.IndexByte(text, 0)+1:], []byte{0})
	if len(user) == 0 || len(password) == 0 || !isPrintable(user) || !isPrintable(password) {
		return m, false
	}
	return classify.Match{Lo: c.Hi, Hi: hi, Confidence: classify.HighConfidence, Token: &classify.Token{Kind: "basic"}}, true
}

// isCredentials says whether a value is user:password in base64, as RFC 7617 and
// Docker's config.json write it.
func isCredentials(v []byte) bool {
	text, err := base64.RawStdEncoding.DecodeString(string(bytes.TrimRight(v, "=")))
	if err != nil {
		return false
	}
	user, password, found := bytes.Cut(text, []byte(":"))
	return found && len(user) > 0 && len(password) > 0 && isPrintable(text) && isURIPassword(user, password)
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
