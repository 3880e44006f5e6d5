package detect

import (
	"bytes"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// clockSkew is how far the clocks of two machines may be apart before a token
// counts as expired or not yet valid.
const clockSkew = 5 * time.Minute

func invalidTokenAccepted() classify.Detector {
	return &detector{classify.Rule{
		ID: "invalid-token-accepted", Category: classify.CategoryAccess, Severity: classify.High,
		Title: "A request with an invalid token was answered",
		Why:   "A service that does not check the signature, the end or the start of a token lets in whoever has an old one or writes one.",
		Fix:   "Verify signature, exp and nbf (RFC 7519, section 4.1; RFC 8725) on each request, with a fixed list of algorithms.",
		FalsePositives: "Token endpoints, logouts, preflight requests and static files stay silent. A public route answers whatever the token, so " +
			"that it is information unless something was changed or the answer holds private data. Tokens in a log without a time are not " +
			"judged by their end.",
		CWE: []string{"CWE-347", "CWE-613"}, OWASP: []string{"API2:2023"},
	}, func(c *classify.Candidate) {
		x := c.X
		if x.Status < 200 || x.Status > 299 || c.View.TokenRoute || string(x.Method) == "OPTIONS" {
			return
		}
		for i := range x.Request.Headers {
			h := &x.Request.Headers[i]
			name := "/authorization"
			if !h.Is("authorization") {
				if name = "/cookie"; !h.Is("cookie") {
					continue
				}
			}
			if show := invalidIn(c, h.Value); show != "" && !isLogout(x.Target) && !isStatic(c.ContentType()) {
				c.Report(classify.Match{
					Show: show, Where: classify.InRequestHeader, Pointer: name, Severity: acceptedSeverity(c), Confidence: confidenceOf(x),
				})
				return
			}
		}
	}}
}

// acceptedSeverity is that of the rule where the token opened something: the request
// changed it, or the answer holds what not everybody may see.
func acceptedSeverity(c *classify.Candidate) classify.Severity {
	if method := string(c.X.Method); method != "GET" && method != "HEAD" {
		return classify.High
	}
	for _, f := range c.View.Findings {
		if f.Where == classify.InResponseBody && (isAttribute(f.Rule) || f.Rule.Category == classify.CategoryInternal) {
			return classify.High
		}
	}
	return classify.Info
}

// invalidIn says what is wrong with the first invalid token in a header's value,
// "" if there is none.
func invalidIn(c *classify.Candidate, value []byte) string {
	for rest := value; ; rest = rest[len(jwtAnchor):] {
		at := bytes.Index(rest, []byte(jwtAnchor))
		if at < 0 {
			return ""
		}
		rest = rest[at:]
		token := claimsOf(c, rest)
		if !token.ok {
			continue
		}
		if show := token.claims.invalid(c); show != "" {
			return show
		}
		rest = rest[token.length-len(jwtAnchor):]
	}
}

// confidenceOf says how sure a judgement by time is: the time of the exchange is
// known, or only that of the agent.
func confidenceOf(x *classify.Exchange) classify.Confidence {
	if x.Time.IsZero() {
		return classify.LowConfidence
	}
	return classify.HighConfidence
}

// invalid says why a token must not be accepted, "" if nothing speaks against it.
func (cl *claims) invalid(c *classify.Candidate) string {
	now := c.X.Time
	if now.IsZero() && !c.X.Persisted {
		now = c.View.AsOf
	}
	switch {
	case cl.isUnsecured():
		return "a JWT without a signature was accepted"
	case now.IsZero():
	case !cl.expires.IsZero() && cl.expires.Add(clockSkew).Before(now):
		return "an expired JWT was accepted"
	case !cl.starts.IsZero() && cl.starts.Add(-clockSkew).After(now):
		return "a JWT that is not valid yet was accepted"
	}
	return ""
}

func isLogout(target []byte) bool {
	path := strings.ToLower(string(target[:min(len(target), 256)]))
	return strings.Contains(path, "logout") || strings.Contains(path, "signout") || strings.Contains(path, "sign-out") || strings.Contains(path, "revoke")
}

// isStatic says whether a response is a file that needs no token.
func isStatic(contentType string) bool {
	for _, kind := range []string{"image/", "font/", "text/css", "javascript", "video/", "audio/"} {
		if strings.Contains(contentType, kind) {
			return true
		}
	}
	return false
}

func malformedAuthError() classify.Detector {
	return &detector{classify.Rule{
		ID: "malformed-auth-error", Category: classify.CategoryAccess, Severity: classify.Medium,
		Title:          "A malformed Authorization header breaks the service",
		Why:            "An unhandled error in the code that checks credentials tells how it works, and sometimes skips the check.",
		Fix:            "Parse the header defensively: split once, check the scheme, catch decoding errors, answer 401 with a generic body.",
		FalsePositives: "An error beside a well-formed header stays silent: it has another cause.",
		CWE:            []string{"CWE-209", "CWE-755"}, OWASP: []string{"API2:2023", "API8:2023"},
	}, func(c *classify.Candidate) {
		v := c.X.Request.Header("authorization")
		if len(v) == 0 || c.X.Status != 500 && !hasTrace(c.View.Findings) || !isMalformed(v) || isMasked(v) {
			return
		}
		c.Report(classify.Match{
			Show: "an error instead of 401", Where: classify.InRequestHeader, Pointer: "/authorization", Confidence: classify.HighConfidence,
		})
	}}
}

func hasTrace(findings []*classify.Finding) bool {
	for _, f := range findings {
		if strings.HasPrefix(f.Rule.ID, "stack-trace-") || f.Rule.ID == "debug-page" {
			return true
		}
	}
	return false
}

// isMalformed says whether credentials do not follow RFC 9110, section 11.6.2
// (a scheme, then a token or parameters), or the syntax of their scheme.
func isMalformed(v []byte) bool {
	scheme, credentials, found := bytes.Cut(bytes.TrimSpace(v), []byte(" "))
	credentials = bytes.TrimSpace(credentials)
	word, n := lowerWord(scheme)
	switch string(word[:n]) {
	case "bearer":
		return len(credentials) == 0 || !isToken68(credentials) || isNothing(credentials) || isBrokenJWT(credentials)
	case "basic":
		return len(credentials) == 0 || !isUserAndPassword(credentials)
	}
	return !found && len(scheme) < minOpaque || isNothing(credentials)
}

// isToken68 matches the token68 of RFC 9110.
func isToken68(v []byte) bool {
	for _, b := range v {
		if !isB64Token(b) && b != '!' && b != '|' && b != ':' {
			return false
		}
	}
	return true
}

// isNothing matches what scripts send when they have no token.
func isNothing(v []byte) bool {
	switch string(v) {
	case "null", "undefined", "None", "nil", "[object Object]", "NaN":
		return true
	}
	return false
}

// isBrokenJWT says whether a value starts as a JSON Web Token and cannot be
// read as one.
func isBrokenJWT(v []byte) bool {
	if !bytes.HasPrefix(v, []byte(jwtAnchor)) {
		return false
	}
	_, n, ok := claimsAt(v)
	return !ok && bytes.Count(v, []byte(".")) != 4 || ok && n != len(v)
}
