package detect

import (
	"bytes"
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

// hashFormats are the syntaxes in which password hashes are stored. The first
// group is what the format prescribes and may be shown.
//
// Sources: modular crypt format and crypt(5) of libxcrypt; the PHC string
// format; Werkzeug generate_password_hash; Django "How Django stores
// passwords"; RFC 2307 and OpenLDAP for {SCHEME}; phpass; Drupal 7.
func hashFormats() []*regexp.Regexp {
	const b64 = `[./A-Za-z0-9]` // the alphabet of crypt(3)
	list := []string{
		`^(\$2[abxy]?\$[0-3][0-9]\$)` + b64 + `{53}`,
		`^(\$argon2(?:id|i|d)\$)(?:v=\d+\$)?m=\d+,t=\d+,p=\d+[^$\s]{0,64}\$[A-Za-z0-9+/=._-]{8,}\$[A-Za-z0-9+/=._-]{16,}`,
		`^(\$1\$)[^$\s]{0,8}\$` + b64 + `{22}`,
		`^(\$apr1\$)[^$\s]{0,8}\$` + b64 + `{22}`,
		`^(\$5\$)(?:rounds=\d+\$)?[^$\s]{0,16}\$` + b64 + `{43}`,
		`^(\$6\$)(?:rounds=\d+\$)?[^$\s]{0,16}\$` + b64 + `{86}`,
		`^(\$g?y\$)` + b64 + `+\$` + b64 + `{0,86}\$` + b64 + `{43}`,
		`^(\$7\$)` + b64 + `{11,97}\$` + b64 + `{43}`,
		`^(\$[PH]\$)` + b64 + `{31}`,
		`^(\$S\$)` + b64 + `{52}`,
		`^(\$scrypt\$)ln=\d+,r=\d+,p=\d+\$[A-Za-z0-9+/=._-]{8,}\$[A-Za-z0-9+/=._-]{16,}`,
		`^(\$pbkdf2(?:-sha(?:1|256|512))?\$)\d+\$[A-Za-z0-9+/=._-]{4,}\$[A-Za-z0-9+/=._-]{16,}`,
		`^(pbkdf2:sha(?:1|224|256|384|512)(?::\d+)?\$)[^$\s"\\]{1,64}\$[0-9a-f]{40,128}`,
		`^(scrypt:\d+:\d+:\d+\$)[^$\s"\\]{1,64}\$[0-9a-f]{64,256}`,
		`^(pbkdf2_sha(?:1|256|512)\$\d+\$)[^$\s"\\]{1,64}\$[A-Za-z0-9+/]{20,}={0,2}`,
		`^(bcrypt(?:_sha256)?\$)\$2[abxy]\$\d\d\$` + b64 + `{53}`,
		`^(argon2\$argon2(?:id|i|d)\$)(?:v=\d+\$)?m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/=]{8,}\$[A-Za-z0-9+/=]{16,}`,
		`^(scrypt\$)[^$\s"\\]{4,64}\$\d+\$\d+\$\d+\$[A-Za-z0-9+/]{40,}={0,2}`,
		`^((?:sha1|md5|sha256|sha512)\$)[^$\s"\\]{1,64}\$[0-9a-f]{32,128}`,
		`^(\{(?:S?SHA(?:224|256|384|512)?|S?MD5|(?i:CRYPT)|PBKDF2[-A-Z0-9]{0,12}|ARGON2)\})[A-Za-z0-9+/$.=,_-]{16,}`,
	}
	res := make([]*regexp.Regexp, len(list))
	for i, s := range list {
		res[i] = regexp.MustCompile(s)
	}
	return res
}

// maxHash bounds the length of a stored hash.
const maxHash = 512

func passwordHash() classify.Detector {
	formats := hashFormats()
	return &detector{classify.Rule{
		ID: "password-hash", Category: classify.CategoryCredential, Severity: classify.Critical, Exclusive: true,
		Title: "A password hash is exposed",
		Why:   "A hash can be attacked offline, at any speed, without a lock-out; weak passwords fall in minutes and are tried elsewhere.",
		Fix:   "Answer with an explicit list of fields that leaves the hash out; never serialize the row or entity itself.",
		FalsePositives: "Only complete hashes in a known syntax match by themselves; bare digests match only under a name such as " +
			"password_hash. Checksums of files and commits stay silent.",
		CWE: []string{"CWE-213", "CWE-916"}, OWASP: []string{"API3:2023"},
		Fixes: map[string]string{
			"flask":       "Build the dictionary by hand, or use a schema; do not jsonify(row.__dict__) or all columns.",
			"marshmallow": "Declare the fields in the Schema (class Meta: fields = (...)) and mark the hash load_only=True.",
			"fastapi":     "Set response_model=UserOut with a pydantic model that has no hash field.",
			"django":      "In the ModelSerializer list Meta.fields; never fields = '__all__'; give password write_only=True.",
			"express":     "Use a toJSON or a projection (select: false on the schema field, attributes.exclude in Sequelize).",
			"spring":      "Return a DTO or record; put @JsonProperty(access = WRITE_ONLY) on the field.",
			"go":          "Give the response its own struct, or tag the field json:\"-\".",
		},
		On: classify.Trigger{
			Anchors: []string{
				"$2a$", "$2b$", "$2y$", "$2x$", "$2$", "$argon2", "$1$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$P$", "$H$", "$S$",
				"$apr1$", "$scrypt$", "$pbkdf2", "pbkdf2:sha", "pbkdf2_sha", "scrypt:", "scrypt$", "bcrypt$", "bcrypt_sha256$", "argon2$",
				"sha1$", "md5$", "sha256$", "sha512$", "{SSHA", "{SHA", "{MD5", "{SMD5", "{CRYPT", "{crypt", "{PBKDF2", "{ARGON2",
			},
			Fields: []string{"password-hash", "password"},
		},
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		if c.Anchor == "" {
			bareDigest(c)
			return
		}
		if !freeBefore(c) && c.Anchor[0] != '$' {
			return
		}
		for _, re := range formats {
			if end, public, ok := matchAt(re, c, maxHash); ok {
				c.Report(classify.Match{Lo: c.Lo, Hi: end, Public: public, Confidence: classify.HighConfidence})
				return
			}
		}
	}}
}

// bareDigest takes an unsalted digest under the name of a password or its hash:
// MD5, SHA-1, SHA-2 in hex, or the same in base64 under a hash's name.
func bareDigest(c *classify.Candidate) {
	v := c.Value()
	if c.Kind != classify.String || isNoSecret(v) {
		return
	}
	switch len(v) {
	case 32, 40, 56, 64, 96, 128:
		if allHex(v) && entropy(v) > 2.5 {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Confidence: classify.HighConfidence})
			return
		}
	}
	if c.Field == "password-hash" && isRandom(v) {
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi})
	}
}

// onTheWay says whether the candidate is in a request that was only observed:
// there callers send their own secrets, as they should.
func onTheWay(c *classify.Candidate) bool {
	return !c.X.Persisted && (c.Where == classify.InRequestBody || c.Where == classify.InRequestHeader)
}

func plainPassword() classify.Detector {
	return &detector{classify.Rule{
		ID: "password-plain", Category: classify.CategoryCredential, Severity: classify.Critical, Exclusive: true,
		Title: "A password in clear text is exposed",
		Why:   "The password opens the account at once, and others where it was used again.",
		Fix:   "Store only a salted hash (Argon2id, bcrypt), and keep credentials out of responses, URLs and logs.",
		FalsePositives: "Masked, empty, boolean and placeholder values, validation messages and the labels of forms stay silent; so does " +
			"the password in a request that is only observed on its way.",
		CWE: []string{"CWE-256", "CWE-532", "CWE-200"}, OWASP: []string{"API3:2023", "API8:2023"},
		On: classify.Trigger{Fields: []string{"password"}},
	}, func(c *classify.Candidate) {
		if onTheWay(c) || c.Kind != classify.String || !isPasswordValue(c) {
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi})
	}}
}

// maxPassword is the longest value that is taken for a password; RFC-less, but
// OWASP's ASVS 2.1.2 asks for at most 128 characters.
const maxPassword = 128

// isPasswordValue tells a password from what else stands under its name.
func isPasswordValue(c *classify.Candidate) bool {
	v := bytes.TrimSpace(c.Value())
	if len(v) < 3 || len(v) > maxPassword || isNoSecret(v) || bytes.Count(v, []byte(" ")) > 1 {
		return false
	}
	if c.X.Status >= 400 && bytes.ContainsAny(v, " ") {
		return false // a validation message
	}
	if c.Lo == 0 && c.Hi == len(c.Text) {
		return true // the whole value of a field
	}
	return isPairValue(c, v)
}

// isPairValue judges a value that was found behind a sign in running text:
// words of prose and the code of scripts stand there too.
func isPairValue(c *classify.Candidate, v []byte) bool {
	before := byte(0)
	if c.Lo > 0 {
		before = c.Text[c.Lo-1]
	}
	quoted := before == '"' || before == '\''
	if isScript(c.ContentType()) && !quoted || bytes.ContainsAny(v, " ") {
		return false
	}
	if before == '=' || quoted {
		return true
	}
	return hasDigitOrSign(v) && len(v) >= 6
}

// hasDigitOrSign tells what could be a password from a word of prose.
func hasDigitOrSign(v []byte) bool {
	s := shapeOf(v)
	return s.digits > 0 || !only(v, "-._")
}
