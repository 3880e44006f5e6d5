package detect

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func versionHeader() classify.Detector {
	re := regexp.MustCompile(`(?i)\b([a-z][a-z.+_-]{1,24})(?:/v?|\(|[ a-z]{1,24} v?)\d+(?:\.\d+)+`)
	names := []string{
		"server", "x-powered-by", "x-generator", "x-aspnet-version", "x-aspnetmvc-version", "x-runtime-version", "x-drupal-version", "x-jenkins", "x-owa-version", "x-php-version", "microsoftsharepointteamservices",
	}
	return &detector{classify.Rule{
		ID: "version-header", Category: classify.CategoryInternal, Severity: classify.Info,
		Title:          "A header tells the version of the software",
		Why:            "Versions let attackers pick a known weakness without trying.",
		Fix:            "Switch version banners off (server_tokens off, ServerTokens Prod, app.disable('x-powered-by')).",
		FalsePositives: "Product names without a version stay silent.",
		CWE:            []string{"CWE-497"}, OWASP: []string{"API8:2023"},
	}, func(c *classify.Candidate) {
		for i := range c.X.Response.Headers {
			h := &c.X.Response.Headers[i]
			if len(h.Name) == 0 || strings.IndexByte("sxmSXM", h.Name[0]) < 0 || bytes.IndexByte(h.Value, '.') < 0 { // all of them start so, and a version has a dot
				continue
			}
			n := slices.IndexFunc(names, h.Is)
			if n < 0 || !isBareVersion(h.Value) && !re.Match(h.Value) {
				continue
			}
			name := names[n]
			c.Report(classify.Match{Show: "a version", Where: classify.InResponseHeader, Pointer: "/" + name, Confidence: classify.HighConfidence})
		}
	}}
}

// isBareVersion matches a header that is nothing but a version.
func isBareVersion(v []byte) bool {
	return len(v) < 24 && isDigit(v[0]) && bytes.IndexByte(v, '.') > 0
}

func cookieFlags() classify.Detector {
	return &detector{classify.Rule{
		ID: "cookie-flags", Category: classify.CategoryTransport, Severity: classify.Low,
		Title: "A session cookie lacks protecting attributes",
		Why:   "Without HttpOnly scripts can read it, without Secure it travels in clear text, without SameSite other sites can send it.",
		Fix:   "Set-Cookie: NAME=…; Secure; HttpOnly; SameSite=Lax, and the __Host- prefix where it fits.",
		FalsePositives: "Only cookies that carry a session or a token are judged; CSRF cookies, which scripts have to read, and deletions stay " +
			"silent.",
		CWE: []string{"CWE-614", "CWE-1004", "CWE-1275"}, OWASP: []string{"API2:2023"},
		Fixes: map[string]string{
			"flask":   "SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE='Lax'.",
			"django":  "SESSION_COOKIE_SECURE = True; HttpOnly is the default.",
			"express": "cookie: { secure: true, httpOnly: true, sameSite: 'lax' }.",
			"spring":  "server.servlet.session.cookie.secure=true, http-only=true, same-site=lax.",
			"go":      "http.Cookie{Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}.",
		},
	}, func(c *classify.Candidate) {
		for i := range c.X.Response.Headers {
			h := &c.X.Response.Headers[i]
			if !h.Is("set-cookie") {
				continue
			}
			if missing := missingFlags(h.Value); missing != "" {
				c.Report(classify.Match{
					Show: "without " + missing, Where: classify.InResponseHeader, Pointer: "/set-cookie", Confidence: classify.HighConfidence,
				})
			}
		}
	}}
}

// sessionCookieParts are parts of the names of cookies that carry a session;
// sessionCookieEnds are their ends.
var sessionCookieParts = []string{"sess", "token", "jwt", "remember", "logged_in"}

var sessionCookieEnds = []string{"sid", "auth", "login", "identity", ".cookies", ".application"}

// isSessionCookie says whether a cookie carries a session: by its name, and by a
// value that could be one.
func isSessionCookie(lower string, value []byte) bool {
	if isJWT(value) {
		return true
	}
	if !isSession(value) || strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf") || strings.Contains(lower, "antiforgery") {
		return false
	}
	return slices.ContainsFunc(sessionCookieParts, func(part string) bool { return strings.Contains(lower, part) }) ||
		slices.ContainsFunc(sessionCookieEnds, func(end string) bool { return strings.HasSuffix(lower, end) })
}

// missingFlags names the attributes (RFC 6265 and its revision) that a session
// cookie lacks; "" when it lacks none or carries no session.
func missingFlags(cookie []byte) string {
	pair, attributes, _ := bytes.Cut(cookie, []byte(";"))
	name, value, _ := bytes.Cut(pair, []byte("="))
	lower := strings.ToLower(string(bytes.TrimSpace(name)))
	attrs := strings.ToLower(string(attributes))
	if strings.Contains(attrs, "max-age=0") || !isSessionCookie(lower, bytes.TrimSpace(value)) {
		return ""
	}
	var missing []string
	for _, flag := range []string{"HttpOnly", "Secure", "SameSite"} {
		if !strings.Contains(attrs, strings.ToLower(flag)) {
			missing = append(missing, flag)
		}
	}
	return strings.Join(missing, ", ")
}

func cleartextToken() classify.Detector {
	return &detector{classify.Rule{
		ID: "cleartext-token", Category: classify.CategoryTransport, Severity: classify.Low,
		Title: "A credential travels over plain HTTP",
		Why:   "Whoever is on the way can read it and use it.",
		Fix:   "Serve the route over TLS only, redirect nothing, and set Strict-Transport-Security.",
		FalsePositives: "Behind a proxy that ends TLS, or beside a sidecar, plain HTTP is meant: accept the rule for those services. Only what " +
			"was seen on a wire is judged.",
		CWE: []string{"CWE-319"}, OWASP: []string{"API8:2023"},
	}, func(c *classify.Candidate) {
		x := c.X
		if x.Source.Kind != classify.SourceInterface && x.Source.Kind != classify.SourcePcap || x.Scheme != "http" {
			return
		}
		for _, name := range []string{"authorization", "x-api-key", "x-auth-token"} {
			if v := x.Request.Header(name); len(v) >= minOpaque && !isMasked(v) {
				c.Report(classify.Match{
					Show: "a credential over plain HTTP", Where: classify.InRequestHeader, Pointer: "/" + name,
				})
				return
			}
		}
	}}
}

func cacheableToken() classify.Detector {
	return &detector{classify.Rule{
		ID: "token-cacheable", Category: classify.CategoryTransport, Severity: classify.Low,
		Title:          "A response with a token may be cached",
		Why:            "A shared cache would hand one user's token to the next; a browser keeps it on disk.",
		Fix:            "Cache-Control: no-store on every response that holds a token (RFC 6749, section 5.1).",
		FalsePositives: "Answers to POST are not cached by default and stay silent, and so do responses with no-store or private.",
		CWE:            []string{"CWE-525"}, OWASP: []string{"API8:2023"},
	}, func(c *classify.Candidate) {
		for _, f := range c.View.Findings {
			if f.Rule.Category == classify.CategoryToken && f.Where == classify.InResponseBody && isCacheable(c.X) {
				c.Report(classify.Match{Show: "no no-store", Where: classify.InResponseHeader, Pointer: "/cache-control"})
				return
			}
		}
	}}
}

// isCacheable says whether a cache may keep the response (RFC 9111, section 3):
// a GET without no-store and private, or whatever is declared public.
func isCacheable(x *classify.Exchange) bool {
	control := bytes.ToLower(x.Response.Header("cache-control"))
	if bytes.Contains(control, []byte("no-store")) || bytes.Contains(control, []byte("private")) || x.Status != 200 {
		return false
	}
	method := string(x.Method)
	return method == "GET" || method == "HEAD" || bytes.Contains(control, []byte("public"))
}
