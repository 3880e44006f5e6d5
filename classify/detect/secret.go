package detect

import (
	"bytes"
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

func privateKey() classify.Detector {
	// RFC 7468, section 2: the label of a private key, as PKCS #1, PKCS #8,
	// SEC 1, OpenSSH and OpenPGP write it.
	head := regexp.MustCompile(`^-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|ED25519) )?PRIVATE KEY(?: BLOCK)?-----`)
	return &detector{classify.Rule{
		ID: "private-key", Category: classify.CategoryCredential, Severity: classify.Critical, Exclusive: true,
		Title:          "A private key is exposed",
		Why:            "Whoever holds the key can sign, decrypt or log in as its owner.",
		Fix:            "Replace the key pair, revoke its certificates, and keep keys in a secret store that no response or log is built from.",
		FalsePositives: "Public keys, certificates, and a header without key material behind it stay silent.",
		CWE:            []string{"CWE-321", "CWE-532"}, OWASP: []string{"API8:2023"},
		On: classify.Trigger{Anchors: []string{"-----BEGIN "}},
	}, func(c *classify.Candidate) {
		end, _, ok := matchAt(head, c, 64)
		if !ok || onTheWay(c) {
			return
		}
		rest := c.Text[end:min(len(c.Text), end+maxPEM)]
		if i := bytes.Index(rest, []byte("-----")); i >= 0 {
			rest = rest[:i]
		}
		if keyBytes(rest) < minPEM || bytes.Contains(rest, []byte("...")) {
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: end + len(rest), Public: 11, Confidence: classify.HighConfidence})
	}}
}

const (
	maxPEM = 16 << 10
	minPEM = 40 // base64 characters; an Ed25519 key in PKCS #8 has 64
)

// keyBytes counts the base64 characters of a PEM body.
func keyBytes(body []byte) (n int) {
	for _, b := range body {
		if isWordByte(b) || b == '+' || b == '/' || b == '=' {
			n++
		}
	}
	return n
}

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
		at := authorityBefore(c.Text, c.Lo)
		if at < 0 || onTheWay(c) {
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
		if scheme == at || isNoSecret(password) || bytes.ContainsAny(password, "/") && bytes.HasPrefix(c.Text[scheme:], []byte("http")) {
			return
		}
		c.Report(classify.Match{
			Lo: scheme, Hi: at + loc[5], Public: at + 3 - scheme, Confidence: classify.HighConfidence,
		})
	}}
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
		On: classify.Trigger{Fields: []string{"config-secret"}},
	}, func(c *classify.Candidate) {
		v := bytes.Trim(c.Value(), `'"`)
		if onTheWay(c) || c.Kind != classify.String || len(v) < 6 || isNoSecret(v) || bytes.Count(v, []byte(" ")) > 1 {
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

func secretField(known *Vocabulary) classify.Detector {
	return &detector{classify.Rule{
		ID: "secret-field", Category: classify.CategoryCredential, Severity: classify.High, Exclusive: true,
		Title:          "A field holds a secret",
		Why:            "API keys, client secrets, one-time-password seeds and recovery codes let their reader act for the owner.",
		Fix:            "Show a secret once, when it is made; store a hash of it; leave it out of every other response and of logs.",
		FalsePositives: "Masked and empty values, key ids and publishable keys stay silent, and words where a secret would be random.",
		CWE:            []string{"CWE-522", "CWE-532"}, OWASP: []string{"API3:2023", "API8:2023"},
		On: classify.Trigger{Fields: []string{"api-key", "secret", "otp", "password-salt"}},
	}, func(c *classify.Candidate) {
		if onTheWay(c) || c.Kind != classify.String {
			return
		}
		v := bytes.TrimSpace(c.Value())
		if isNoSecret(v) || !isSecretValue(c.Field, v) || known.kindOf(v) != nil {
			return
		}
		m := classify.Match{Lo: c.Lo, Hi: c.Hi}
		if c.Field == "password-salt" {
			m.Severity = classify.Low // worth something only beside the hash
		}
		c.Report(m)
	}}
}

// isSecretValue asks for what a secret of that class looks like: seeds are
// base32, codes are short, keys are random.
func isSecretValue(field string, v []byte) bool {
	switch field {
	case "otp":
		return bytes.HasPrefix(v, []byte("otpauth://")) || isBase32(v) || isCode(v) || isRandom(v)
	case "password-salt":
		return len(v) >= 6 && bytes.IndexByte(v, ' ') < 0
	}
	return isRandom(v) || isUUID(v)
}

// isBase32 matches a TOTP seed of at least 80 bits (RFC 4226 asks for 128, many
// use 80).
func isBase32(v []byte) bool {
	if len(v) < 16 || len(v) > 128 {
		return false
	}
	for _, c := range bytes.TrimRight(v, "=") {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return entropy(v) > 2.5
}

// isCode matches a recovery code: groups of letters and digits with a hyphen.
func isCode(v []byte) bool {
	return len(v) >= 8 && len(v) <= 40 && bytes.IndexByte(v, '-') > 0 && bytes.IndexByte(v, ' ') < 0 && hasDigitOrSign(v)
}
