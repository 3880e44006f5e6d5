package classify

import (
	"bytes"
	"cmp"
	"time"
)

// View is what is known of an exchange as a whole.
type View struct {
	// AsOf is the agent's present time.
	AsOf time.Time
	// Anonymous says that a request was seen and carried no credential: no
	// Authorization, no cookie, no API key.
	Anonymous bool
	// TokenRoute says that the route exists to hand out tokens: a login, a
	// token endpoint (RFC 6749, section 3.2), a refresh.
	TokenRoute bool
	// Findings are those of the exchange so far; complete for rules that are
	// asked at the end.
	Findings []*Finding
	// Memo is the detectors' own: what costs much to find out and is asked for by
	// several of them. It stays from one exchange to the next.
	Memo any

	paths paths
	route string
	// credential identifies the caller, nil without one.
	credential []byte
	// request and response are the media types, as far as they were asked for.
	request, response mediaType
}

// mediaType is the lower-case media type of a message, made when it is asked for
// first; most messages of a service have the same one, so it is kept for the next.
type mediaType struct {
	known bool
	text  string
}

// of returns the media type of a message, without parameters.
func (t *mediaType) of(m *Message) string {
	if t.known {
		return t.text
	}
	t.known = true
	value, _, _ := bytes.Cut(m.Header("content-type"), []byte(";"))
	if value = bytes.TrimSpace(value); !equalFold(value, t.text) {
		t.text = string(bytes.ToLower(value))
	}
	return t.text
}

// Route is the exchange's path template, empty if it has no target.
func (v *View) Route() string { return v.route }

// reset fills the view for an exchange, whose route may be given.
func (v *View) reset(x *Exchange, asOf time.Time, route string) {
	v.paths.read(x.Target)
	*v = View{
		AsOf: asOf, Findings: v.Findings[:0], Memo: v.Memo, paths: v.paths, route: cmp.Or(route, v.paths.template), TokenRoute: v.paths.handsOut,
		credential: credentialOf(x), request: mediaType{text: v.request.text}, response: mediaType{text: v.response.text},
	}
	v.Anonymous = len(x.Method) > 0 && v.credential == nil && !bytes.Contains(x.Target, []byte("token=")) && !bytes.Contains(x.Target, []byte("api_key="))
}

// credentialHeaders are the request headers by which callers identify
// themselves: RFC 9110 section 11.6.2, RFC 6265, and customs.
var credentialHeaders = []string{
	"authorization", "cookie", "x-api-key", "x-auth-token", "x-access-token", "api-key", "apikey",
	"proxy-authorization", "x-amz-security-token", "x-forwarded-user", "x-user-id",
}

// credentialLengths tells which lengths they have.
var credentialLengths = func() (t [32]bool) {
	for _, name := range credentialHeaders {
		t[len(name)] = true
	}
	return t
}()

// credentialOf returns what identifies the caller: the value of the first of the headers that do, of cookies
// the session's; nil without one.
func credentialOf(x *Exchange) []byte {
	best := len(credentialHeaders)
	var value []byte
	for i := range x.Request.Headers {
		h := &x.Request.Headers[i]
		if len(h.Value) == 0 || !credentialLengths[min(len(h.Name), len(credentialLengths)-1)] {
			continue
		}
		for rank, name := range credentialHeaders[:best] {
			if equalFold(h.Name, name) {
				best, value = rank, h.Value
				break
			}
		}
	}
	if value != nil && credentialHeaders[best] == "cookie" {
		return sessionOf(value)
	}
	return value
}

// tokenRouteWords are the last words of paths that hand out tokens.
var tokenRouteWords = []string{
	"login", "signin", "sign-in", "sign_in", "log-in", "token", "tokens", "oauth", "oauth2", "authenticate", "auth",
	"refresh", "session", "sessions", "authorize", "register", "signup", "sign-up", "obtain", "jwt", "sso", "callback",
}

// isTokenRoute looks at the last two segments of a path.
func isTokenRoute(path []byte) bool {
	for range 2 {
		path = bytes.TrimRight(path, "/")
		i := bytes.LastIndexByte(path, '/')
		for _, w := range tokenRouteWords {
			if equalFold(path[i+1:], w) {
				return true
			}
		}
		if i < 0 {
			return false
		}
		path = path[:i]
	}
	return false
}

// ContentType returns the lower-case media type of the message that the part
// belongs to, without parameters, or "".
func (c *Candidate) ContentType() string {
	if c.Where == InRequestBody || c.Where == InRequestHeader {
		return c.View.request.of(&c.X.Request)
	}
	return c.View.response.of(&c.X.Response)
}
