package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// linkWords are parts of paths behind which the token of a mailed link stands.
var linkWords = []string{
	"/reset/", "/reset-password/", "/password-reset/", "/reset_password/", "/password/reset/", "/set-password/", "/magic/", "/magic-link/",
	"/recover/", "/recover?code=", "/reset?code=", "/reset-password?code=", "/verify?code=", "/confirm?code=", "/activate?code=", "/reset?key=", "/reset-password?key=",
	"action=rp&key=", "oobcode=", // WordPress and Firebase Authentication
	"/verify/", "/verify-email/", "/confirm/", "/confirm-email/", "/activate/", "/invite/", "/invitation/", "/invitations/", "/unlock/",
}

// schemes are the authentication schemes that stand before a token in an
// Authorization header and have no word of their own among the anchors: RFC
// 9110, section 11.4, and what Django REST framework (Token), Elasticsearch
// (ApiKey), Splunk, Genie, Okta (SSWS) and others ask for.
var schemes = []string{
	"token", "apikey", "api-key", "key", "jwt", "splunk", "geniekey", "negotiate", "ntlm", "dpop", "session", "sso", "hmac", "splunkd", "gogs",
	"pve", "access", "oauth", "apitoken", "api-token", "signature", "custom", "bot", "user", "server", "klaviyo-api-key",
}

// presented returns the value of a telling name without what stands around it:
// the scheme before an authorization, the percent-encoded mark of express
// before a session (s%3A).
func presented(c *classify.Candidate) (lo, hi int) {
	lo, hi = c.Lo, c.Hi
	switch c.Field {
	case "authorization":
		word, n := lowerWord(c.Text[lo:hi])
		end := bytes.IndexByte(word[:n], ' ')
		if end < 0 && hi < len(c.Text) && c.Text[hi] == ' ' { // a pair in running text ends at the space
			end = hi - lo
		}
		if end > 0 && isScheme(word[:min(end, n)]) {
			lo += end + 1
			return tokenParam(c.Text, lo, max(hi, wordEnd(c.Text, lo)))
		}
	case "session":
		for _, mark := range []string{"s%3A", "s%3a", "s:"} {
			if bytes.HasPrefix(c.Text[lo:hi], []byte(mark)) {
				lo += len(mark)
			}
		}
	}
	return lo, hi
}

func isScheme(word []byte) bool { return slices.Contains(schemes, string(word)) }

// tokenParam passes over the name of a parameter before the token, as Rails
// (token="…") and Genie write it.
func tokenParam(text []byte, lo, hi int) (from, to int) {
	for _, name := range []string{"token=", "key=", "api_key=", "apikey="} {
		if bytes.HasPrefix(text[lo:hi], []byte(name)) {
			lo += len(name)
		}
	}
	for lo < hi && (text[lo] == '"' || text[lo] == '\'') {
		lo++
	}
	end := wordEnd(text[:hi], lo)
	return lo, end
}

// wordEnd returns where the token that starts at lo ends.
func wordEnd(text []byte, lo int) int {
	hi := lo
	for hi < len(text) && hi-lo < maxOpaque && isB64Token(text[hi]) {
		hi++
	}
	return hi
}

// isSession says whether a value is a session's: random, or signed as Flask
// (payload.time.signature), Django (payload:time:signature), Rails
// (data--iv--tag) and ASP.NET Core write it, percent-encoded or not.
func isSession(v []byte) bool {
	if isUUID(v) {
		return true
	}
	if len(v) < minOpaque || !only(v, "-_+/=.~:%|!") {
		return false
	}
	for part := range bytes.FieldsFuncSeq(v, func(r rune) bool { return bytes.ContainsRune([]byte("%:|!~"), r) }) {
		if isRandom(part) {
			return true
		}
	}
	return false
}

// opensAccount says whether a link of that kind is worth as much as a password,
// so that an id as short as a UUID is its token; elsewhere it may name an order.
func opensAccount(word string) bool {
	return strings.Contains(word, "reset") || strings.Contains(word, "magic")
}

// inCookie says whether a value stands in a cookie: there a UUID is a session,
// elsewhere it is mostly an id by which events are gathered.
func inCookie(c *classify.Candidate) bool {
	if h := string(c.Header()); h == "cookie" || h == "set-cookie" {
		return true
	}
	before := c.Before(maxQuery)
	return bytes.Contains(before[bytes.LastIndexByte(before, '\n')+1:], []byte("ookie"))
}

// linkMatch takes the token in the path of a mailed link: the segment behind the
// telling one, or the one behind the account's id in base64, as Django
// writes it (uidb64/token).
func linkMatch(c *classify.Candidate) (m classify.Match, ok bool) {
	lo := c.Hi
	for range 2 {
		hi := segmentEnd(c.Text, lo)
		if isLinkToken(c.Text[lo:hi], c.Anchor) {
			return classify.Match{Lo: lo, Hi: hi, Token: &classify.Token{Kind: "link"}}, true
		}
		if hi == lo || hi-lo > 12 || hi >= len(c.Text) || c.Text[hi] != '/' {
			break
		}
		lo = hi + 1
	}
	return m, false
}

// segmentEnd returns where the segment of a path that starts at lo ends.
func segmentEnd(text []byte, lo int) int {
	hi := lo
	for hi < len(text) && hi-lo < maxOpaque && (isWordByte(text[hi]) || bytes.IndexByte([]byte("-.~=%"), text[hi]) >= 0) {
		hi++
	}
	return hi
}

func isLinkToken(v []byte, word string) bool {
	if isUUID(v) {
		return opensAccount(word)
	}
	return isRandom(v) && !isNoSecret(v) && !isJWT(v)
}

// digestMatch takes the response of RFC 7616: a digest of the password that can
// be attacked offline.
func digestMatch(c *classify.Candidate) (m classify.Match, ok bool) {
	rest := c.Text[c.Hi:min(len(c.Text), c.Hi+maxURI)]
	_, behind, found := bytes.Cut(rest, []byte("response="))
	if !found {
		return m, false
	}
	behind = bytes.TrimLeft(behind, `\"`)
	n := wordEnd(behind, 0)
	if n < 32 || !allHex(behind[:n]) {
		return m, false
	}
	lo := c.Hi + len(rest) - len(behind)
	return classify.Match{Lo: lo, Hi: lo + n, Confidence: classify.HighConfidence, Token: &classify.Token{Kind: "digest"}}, true
}

// stored takes a token that a script puts into the browser's storage:
// localStorage.setItem("token", "…") (HTML, section 12.2).
func (f *tokenFinder) stored(c *classify.Candidate) (m classify.Match, ok bool) {
	name, nameEnd := literal(c.Text, c.Hi)
	if name < 0 {
		return m, false
	}
	comma := nameEnd + 1
	for comma < len(c.Text) && (c.Text[comma] == ' ' || c.Text[comma] == ',') {
		comma++
	}
	lo, hi := literal(c.Text, comma)
	if lo < 0 {
		return m, false
	}
	v, class := c.Text[lo:hi], c.Class(string(c.Text[name:nameEnd]))
	if !slices.Contains(tokenClasses, class) || isNoSecret(v) || f.hasAnchor(v) || !f.isOpaque(class, v) {
		return m, false
	}
	return classify.Match{Lo: lo, Hi: hi, Token: &classify.Token{Kind: opaqueKind(class)}}, true
}

// literal returns the text between the quotes of a string that starts at lo, -1
// if none starts there.
func literal(text []byte, lo int) (from, to int) {
	if lo >= len(text) || text[lo] != '"' && text[lo] != '\'' {
		return -1, -1
	}
	end := bytes.IndexByte(text[lo+1:min(len(text), lo+maxOpaque)], text[lo])
	if end < 1 {
		return -1, -1
	}
	return lo + 1, lo + 1 + end
}
