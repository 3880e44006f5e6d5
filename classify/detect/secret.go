package detect

import (
	"bytes"
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

func connectionString() classify.Detector {
	// RFC 3986, section 3.2.1: userinfo with a password.
	re := regexp.MustCompile(`^://([^\s:/?#@"'<>\\{}$*%]*(?:%[0-9A-Fa-f]{2}[^\s:/?#@"'<>\\{}$*%]*)*):([^\s@"'<>\\]{2,128})@[A-Za-z0-9_.\-\[]`)
	return &detector{classify.Rule{
		ID: "config-database-uri", Category: classify.CategoryDebug, Severity: classify.Critical, Exclusive: true,
		Title:          "A connection string with a password is exposed",
		Why:            "It names host, account and password of a database, queue or service.",
		Fix:            "Change the password, keep connection strings out of responses and logs, and let the driver print a masked form.",
		FalsePositives: "URLs without a password, masked passwords, placeholders and e-mail addresses behind a scheme stay silent.",
		CWE:            []string{"CWE-215", "CWE-532", "CWE-312"}, OWASP: []string{"API8:2023"},
		On: classify.Trigger{Anchors: []string{"@"}}, // rarer than "://"
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		if dialsBehind(c) {
			accountBefore(c)
			return
		}
		at := authorityBefore(c.Text, c.Lo)
		if at < 0 || bytes.IndexByte(c.Text[at+len("://"):c.Lo], ':') < 0 { // user:password
			return
		}
		loc := re.FindSubmatchIndex(c.Text[at:min(len(c.Text), c.Hi+1)])
		if loc == nil {
			return
		}
		password := c.Text[at+loc[4] : at+loc[5]]
		scheme := at
		for scheme > 0 && at-scheme < 24 && (isWordByte(c.Text[scheme-1]) || c.Text[scheme-1] == '+' || c.Text[scheme-1] == '-') {
			scheme--
		}
		user := c.Text[at+loc[2] : at+loc[3]]
		if scheme == at || !isURIPassword(user, password) || bytes.ContainsAny(password, "/") && bytes.HasPrefix(c.Text[scheme:], []byte("http")) {
			return
		}
		c.Report(classify.Match{
			Lo: scheme, Hi: at + loc[5], Public: at + 3 - scheme, Confidence: classify.HighConfidence,
		})
	}}
}

// dialsBehind says whether an at sign stands before the network and address of a
// data source name of Go's MySQL driver (go-sql-driver/mysql, "DSN"):
// account:password@tcp(host:3306)/database.
func dialsBehind(c *classify.Candidate) bool {
	return bytes.HasPrefix(c.Text[c.Hi:], []byte("tcp(")) || bytes.HasPrefix(c.Text[c.Hi:], []byte("unix("))
}

// accountBefore reports account and password before an at sign.
func accountBefore(c *classify.Candidate) {
	lo := c.Lo
	for lo > 0 && c.Lo-lo < maxUserInfo && c.Text[lo-1] > ' ' && bytes.IndexByte([]byte("\"'`=<>\\"), c.Text[lo-1]) < 0 {
		lo--
	}
	user, password, found := bytes.Cut(c.Text[lo:c.Lo], []byte(":"))
	if found && len(user) > 0 && len(password) > 1 && isURIPassword(user, password) {
		c.Report(classify.Match{Lo: lo, Hi: c.Lo, Confidence: classify.HighConfidence})
	}
}

// isURIPassword tells a password from a placeholder. A URI names an account, so
// that a weak password is one there; documentation calls both what they are.
func isURIPassword(user, password []byte) bool {
	var buf [maxPassword]byte
	lower := appendLower(buf[:0], password)
	if isMasked(password) || isReference(password) || isStatusWord(lower) || bytes.HasPrefix(lower, []byte("your")) {
		return false
	}
	if !hasOnlyWords(lower, weakWords, placeholderWords) {
		return true
	}
	account, n := lowerWord(user)
	return hasOnlyWords(lower, weakWords) && !hasOnlyWords(account[:n], []string{"user", "username", "usr", "name", "login", "me", "test", "foo"}, placeholderWords)
}

// maxUserInfo bounds the bytes of user and password in a URL.
const maxUserInfo = 256

// authorityBefore returns where the "://" before the user information stands that
// ends with the at sign; -1 if there is none.
func authorityBefore(text []byte, at int) int {
	for i := at - 1; i > 1 && at-i < maxUserInfo; i-- {
		switch text[i] {
		case '/':
			if text[i-1] == '/' && text[i-2] == ':' {
				return i - 2
			}
		case '@', '"', ' ', '<', '>', '\n', '\'':
			return -1
		}
	}
	return -1
}

func configSecret() classify.Detector {
	return &detector{classify.Rule{
		ID: "config-secret-key", Category: classify.CategoryDebug, Severity: classify.Critical, Exclusive: true,
		Title:          "A secret of the configuration is exposed",
		Why:            "With the signing key anybody can make sessions and tokens of any user; with a service's password anybody can use it.",
		Fix:            "Switch debug output off, change the secret, and never serialize the configuration object or the environment.",
		FalsePositives: "Names without a value, masked values, None, and booleans stay silent.",
		CWE:            []string{"CWE-215", "CWE-489"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{
			"flask":  "Never jsonify(app.config); run without debug=True.",
			"django": "DEBUG = False; extend SafeExceptionReporterFilter.hidden_settings.",
			"spring": "Limit actuator exposure: management.endpoints.web.exposure.include=health, show-values=never.",
		},
		On: classify.Trigger{Fields: []string{"config-secret", "pair-value", "argument"}},
	}, func(c *classify.Candidate) {
		e, ok := resolved(c)
		if !ok || e.Field != "config-secret" {
			return
		}
		c = &e
		v := bytes.Trim(c.Value(), `'"`)
		if onTheWay(c) || c.Kind != classify.String || len(v) < 6 || isNoSecret(v) || bytes.Count(v, []byte(" ")) > 1 || isTypeName(v) {
			return
		}
		if inPair(c) && !isPairValue(c, v) {
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi})
	}}
}

// inPair says whether the candidate is a name-value pair inside running text.
func inPair(c *classify.Candidate) bool { return c.Lo > 0 || c.Hi < len(c.Text) }
