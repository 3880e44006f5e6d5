package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// tokenPlace says which of the token rules a place belongs to.
type tokenPlace uint8

const (
	inPlace  tokenPlace = iota // where a credential belongs: silent
	inURL                      // a URL: history, proxies, Referer
	inLog                      // written down
	inScript                   // HTML or JavaScript
	inBody                     // any other response
)

func placeOf(c *classify.Candidate) tokenPlace {
	switch c.Where {
	case classify.InURL:
		return inURL
	case classify.InRequestHeader, classify.InResponseHeader:
		if isURLHeader(c.Header()) {
			return inURL
		}
	}
	switch {
	case c.X.Persisted:
		return inLog
	case c.Where == classify.InResponseBody && isScript(c.ContentType()):
		return inScript
	case c.Where == classify.InResponseBody, c.Where == classify.InRecord:
		return inBody
	case c.Where == classify.InResponseHeader && string(c.Header()) != "set-cookie":
		return inBody
	}
	return inPlace
}

// isURLHeader knows the headers whose value is a URL (RFC 9110, sections 10.1.3
// and 10.2.2).
func isURLHeader(name []byte) bool {
	switch string(name) {
	case "referer", "location", "content-location", "refresh":
		return true
	}
	return false
}

func isScript(contentType string) bool {
	return strings.Contains(contentType, "html") || strings.Contains(contentType, "javascript")
}

const (
	fixRevoke = "Revoke the token, then redact it where it is written: log an allow-list of headers and fields, never Authorization, Cookie or bodies."
)

// bearerClasses are the classes of what is a token whatever the place.
var bearerClasses = []string{"token", "session", "authorization"}

// isNamedBearer says whether a value is a token by the name that a member beside it gives.
func isNamedBearer(c *classify.Candidate) bool {
	_, class := pairName(c)
	return slices.Contains(bearerClasses, class)
}

func tokenInLog(f *tokenFinder) classify.Detector {
	return &detector{classify.Rule{
		ID: "token-in-log", Category: classify.CategoryToken, Severity: classify.Critical, Exclusive: true,
		Title: "A token was written to a log",
		Why:   "Everybody who can read the log, its index or its backups can act as the token's owner for as long as it works.",
		Fix:   fixRevoke,
		FalsePositives: "Masked values, documented example keys, public (publishable) keys and values without the entropy of a " +
			"token stay silent. An expired token is reported lower.",
		CWE: []string{"CWE-532"}, OWASP: []string{"API2:2023", "API8:2023"},
		Fixes: map[string]string{
			"flask":   "Attach a logging.Filter that drops the Authorization and Cookie headers before a record is formatted.",
			"django":  "Use a logging filter, and mark views with sensitive_post_parameters and sensitive_variables.",
			"express": "With morgan or pino use redact: ['req.headers.authorization', 'req.headers.cookie'].",
			"spring":  "Set spring.mvc.log-request-details=false and give CommonsRequestLoggingFilter a header predicate.",
			"go":      "Implement slog.LogValuer on the request type and leave Authorization out.",
		},
		// It asks for public-token too, so that a quiet document may stay unwalked.
		On: f.trigger(nil, "token", "session", "authorization", "api-key", "secret", "public-token", "pair-value", "argument"),
	}, func(c *classify.Candidate) {
		if !c.X.Persisted || c.Anchor == "" && c.Field == "public-token" || placeOf(c) != inLog {
			return
		}
		m, vendor, ok := f.find(c)
		if !ok || vendor != nil && vendor.Public {
			return
		}
		switch {
		case vendor == nil:
			m.Severity = liveness(m.Token, classify.Critical, classify.High, classify.Medium)
		case m.Severity == 0:
			m.Severity = classify.Critical // keys of vendors do not expire by themselves
		}
		c.Report(m)
	}}
}

// isHandshake says whether a session is that of a connection of Engine.IO (its protocol,
// version 4, "Handshake"), which tells nothing about the caller.
func isHandshake(c *classify.Candidate) bool {
	return equalFold(c.Key, "sid") && bytes.Contains(c.X.Target, []byte("EIO=")) && bytes.Contains(c.X.Target, []byte("transport="))
}

func tokenInURL(f *tokenFinder) classify.Detector {
	return &detector{classify.Rule{
		ID: "token-in-url", Category: classify.CategoryToken, Severity: classify.High, Exclusive: true,
		Title: "A token stands in a URL",
		Why:   "URLs end up in access logs, browser histories, proxies and Referer headers: a token in one is soon in all of them.",
		Fix:   "Send the token in the Authorization header or in a body; where a link needs one, make it short-lived and single-use.",
		FalsePositives: "Paging cursors, ids and signatures of assets under other names stay silent; so do values without the " +
			"entropy of a token.",
		CWE: []string{"CWE-598"}, OWASP: []string{"API2:2023"},
		On: f.trigger([]classify.Where{classify.InURL, classify.InRequestHeader, classify.InResponseHeader},
			"token", "session", "api-key", "authorization", "secret"),
	}, func(c *classify.Candidate) {
		if placeOf(c) != inURL || isHandshake(c) {
			return
		}
		m, vendor, ok := f.find(c)
		if !ok || vendor != nil && vendor.Public {
			return
		}
		if m.Severity == 0 {
			m.Severity = liveness(m.Token, classify.High, classify.High, classify.Low)
		}
		c.Report(m)
	}}
}

func tokenInScript(f *tokenFinder) classify.Detector {
	return &detector{classify.Rule{
		ID: "token-in-script", Category: classify.CategoryToken, Severity: classify.High, Exclusive: true,
		Title:          "A token stands in HTML or JavaScript",
		Why:            "Every script on the page, injected ones included, can read it, and caches and archives keep it.",
		Fix:            "Keep session tokens in HttpOnly cookies, and fetch short-lived tokens at run time instead of rendering them into the page.",
		FalsePositives: "Publishable keys stay silent, and so do CSRF tokens and nonces, which are made to be in the page.",
		CWE:            []string{"CWE-522"}, OWASP: []string{"API2:2023"},
		On: f.trigger(inResponseBody(), "token", "session", "authorization", "pair-value"),
	}, func(c *classify.Candidate) {
		if _, ok := pairValue(c); c.Field == "pair-value" && !ok || placeOf(c) != inScript {
			return
		}
		m, vendor, ok := f.find(c)
		if !ok || vendor != nil {
			return
		}
		m.Severity = liveness(m.Token, classify.High, classify.Medium, classify.Low)
		c.Report(m)
	}}
}

func tokenInBody(f *tokenFinder) classify.Detector {
	return &detector{classify.Rule{
		ID: "token-in-body", Category: classify.CategoryToken, Severity: classify.Medium, Exclusive: true,
		Title:          "A response hands out a token",
		Why:            "A token outside of login and refresh reaches clients and caches that have no need for it; with another user's it is an account.",
		Fix:            "Return tokens from the token endpoint only, with Cache-Control: no-store; leave them out of all other projections.",
		FalsePositives: "The answer of a login or token endpoint is information, no alarm. Paging and CSRF tokens stay silent.",
		CWE:            []string{"CWE-200"}, OWASP: []string{"API3:2023"},
		On: f.trigger([]classify.Where{classify.InResponseBody, classify.InResponseHeader, classify.InRecord}, slices.Concat(bearerClasses, []string{"pair-value"})...),
	}, func(c *classify.Candidate) {
		if placeOf(c) != inBody || c.Anchor == "" && c.Field == "pair-value" && !isNamedBearer(c) {
			return
		}
		m, vendor, ok := f.find(c)
		if !ok || vendor != nil {
			return
		}
		m.Severity = liveness(m.Token, classify.High, classify.Medium, classify.Low)
		if c.View.TokenRoute {
			m.Severity = classify.Info
		}
		c.Report(m)
	}}
}

func vendorToken(f *tokenFinder) classify.Detector {
	return &detector{classify.Rule{
		ID: "vendor-token", Category: classify.CategoryToken, Severity: classify.Critical, Exclusive: true,
		Title: "A response holds the key of a vendor's service",
		Why:   "The key opens an account at that service (code, cloud, payments, mail) to whoever reads the response, until it is revoked.",
		Fix:   "Revoke the key at the vendor, keep it on the server, and call the vendor from there.",
		FalsePositives: "Formats are the vendors' own, with the checksum where there is one; documented examples and publishable keys " +
			"stay silent.",
		CWE: []string{"CWE-522", "CWE-798"}, OWASP: []string{"API8:2023"},
		On: f.trigger([]classify.Where{classify.InResponseBody, classify.InResponseHeader, classify.InRecord},
			"token", "api-key", "secret"),
	}, func(c *classify.Candidate) {
		if p := placeOf(c); p != inBody && p != inScript {
			return
		}
		if m, vendor, ok := f.find(c); ok && vendor != nil && !vendor.Public {
			c.Report(m)
		}
	}}
}
