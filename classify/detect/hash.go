package detect

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/leaktap/leaktap/classify"
)

// hashSyntax is a syntax in which password hashes are stored, and the literals
// by one of which every hash in it is found.
type hashSyntax struct {
	anchors []string
	// expr has to match from the anchor on. Its first group is what the format
	// prescribes and may be shown.
	expr string
}

// Alphabets of hash syntaxes.
const (
	h64  = `[./A-Za-z0-9]`        // crypt(3)
	b64  = `[A-Za-z0-9+/=._-]`    // base64 and the dialects of PHC and passlib
	salt = `[^$\s"'\\:,;<>]`      // what crypt(5) and Django let a salt be
	rest = `(?:rounds=\d{1,9}\$)` // crypt(5): the cost of SHA-crypt
)

// hashSyntaxes lists the syntaxes.
//
// Sources: crypt(5) of libxcrypt (modular crypt formats); the PHC string format
// and the RustCrypto crates that write it; passlib's handlers (their pages give each format);
// Werkzeug generate_password_hash; Django "How Django stores passwords"; RFC
// 2307, OpenLDAP's pw-* modules and Dovecot's password schemes for {SCHEME};
// phpass; Drupal 7; Cisco IOS types 8 and 9; MySQL 8 caching_sha2; PostgreSQL
// pg_authid; SQL Server PWDENCRYPT; Oracle SYS.USER$; GRUB; Atlassian
// {PKCS5S2}; ASP.NET Core PasswordHasher (version 3: 0x01, PRF, iterations,
// length of the salt); Spring DelegatingPasswordEncoder; AIX.
var hashSyntaxes = []hashSyntax{
	{[]string{"$2a$", "$2b$", "$2y$", "$2x$", "$2$"}, `(\$2[abxy]?\$[0-3][0-9]\$)` + h64 + `{53}`},
	{[]string{"$argon2"}, `(\$argon2(?:id|i|d)\$)(?:v=\d+\$)?[mtp]=\d+,[mtp]=\d+,[mtp]=\d+[^$\s]{0,64}\$` + b64 + `{8,}\$` + b64 + `{16,}`},
	{[]string{"$1$"}, `(\$1\$)` + salt + `{0,8}\$` + h64 + `{22}`},
	{[]string{"$apr1$"}, `(\$apr1\$)` + salt + `{0,8}\$` + h64 + `{22}`},
	{[]string{"$3$$"}, `(\$3\$\$)[0-9a-f]{32}`},
	{[]string{"$5$"}, `(\$5\$)` + rest + `?` + salt + `{0,16}\$` + h64 + `{43}`},
	{[]string{"$6$"}, `(\$6\$)` + rest + `?` + salt + `{0,16}\$` + h64 + `{86}`},
	{[]string{"$sm3$"}, `(\$sm3\$)` + rest + `?` + salt + `{0,16}\$` + h64 + `{43}`},
	{[]string{"$y$", "$gy$", "$sm3y$"}, `(\$(?:g|sm3)?y\$)` + h64 + `+\$` + h64 + `{0,86}\$` + h64 + `{43}`},
	{[]string{"$7$"}, `(\$7\$)` + h64 + `{11,97}\$` + h64 + `{43}`},
	{[]string{"$md5$", "$md5,"}, `(\$md5)(?:,rounds=\d{1,10})?\$` + h64 + `{0,16}\${1,2}` + h64 + `{22}`},
	{[]string{"$sha1$"}, `(\$sha1\$)\d{1,10}\$` + h64 + `{1,64}\$` + h64 + `{28}`},
	{[]string{"$P$", "$H$"}, `(\$[PH]\$)` + h64 + `{31}`},
	{[]string{"$S$"}, `(\$S\$)` + h64 + `{52}`},
	{[]string{"$8$", "$9$"}, `(\$[89]\$)` + h64 + `{14}\$` + h64 + `{43}`},
	{[]string{"$A$0"}, `(\$A\$0[0-9A-F]{2}\$)[^"'\n]{20}` + h64 + `{43}`},
	{[]string{"$scrypt$"}, `(\$scrypt\$)(?:v=\d+\$)?ln=\d+,r=\d+,p=\d+[^$\s]{0,16}\$` + b64 + `{8,}\$` + b64 + `{16,}`},
	{[]string{"$pbkdf2"}, `(\$pbkdf2(?:-sha(?:1|224|256|384|512))?\$)(?:v=\d+\$)?[0-9a-z=,]+\$` + b64 + `{4,}\$` + b64 + `{16,}`},
	{[]string{"$shiro1$"}, `(\$shiro1\$)[A-Za-z0-9-]{3,16}\$\d{1,9}\$` + b64 + `{0,88}\$` + b64 + `{22,}`}, // Apache Shiro, Shiro1CryptFormat
	{[]string{"$p5k2$"}, `(\$p5k2\$)[0-9a-f]{0,8}\$` + b64 + `{4,}\$` + b64 + `{16,}`},
	{[]string{"$balloon$"}, `(\$balloon\$)(?:v=\d+\$)?[0-9a-z=,]+\$` + b64 + `{4,}\$` + b64 + `{16,}`},
	{[]string{"$bcrypt-sha256$"}, `(\$bcrypt-sha256\$)[0-9a-z=,]+\$` + h64 + `{22}\$` + h64 + `{31}`},
	{[]string{"$bcrypt$"}, `(\$bcrypt\$)[0-9a-z=,$]+\$` + b64 + `{16,}\$` + b64 + `{16,}`},
	{[]string{"pbkdf2:sha"}, `(pbkdf2:sha(?:1|224|256|384|512)(?::\d+)?\$)` + salt + `{1,64}\$[0-9a-f]{40,128}`},
	{[]string{"scrypt:"}, `(scrypt:\d+:\d+:\d+\$)` + salt + `{1,64}\$[0-9a-f]{64,256}`},
	{[]string{"pbkdf2_sha"}, `(pbkdf2_sha(?:1|256|512)\$\d+\$)` + salt + `{1,64}\$[A-Za-z0-9+/]{20,}={0,2}`},
	{[]string{"bcrypt$", "bcrypt_sha256$"}, `(bcrypt(?:_sha256)?\$)\$2[abxy]\$\d\d\$` + h64 + `{53}`},
	{[]string{"argon2$argon2"}, `(argon2\$argon2(?:id|i|d)\$)(?:v=\d+\$)?m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/=]{8,}\$[A-Za-z0-9+/=]{16,}`},
	{[]string{"scrypt$"}, `(scrypt\$)` + salt + `{4,64}\$\d+\$\d+\$\d+\$[A-Za-z0-9+/]{40,}={0,2}`},
	{[]string{"scrypt$"}, `(scrypt\$)\d+\$` + salt + `{4,64}\$\d+\$\d+\$[A-Za-z0-9+/]{40,}={0,2}`},
	{[]string{"sha1$", "md5$", "sha256$", "sha512$"}, `((?:sha1|md5|sha256|sha512)\$)` + salt + `{0,64}\$[0-9a-f]{32,128}`},
	{[]string{"SCRAM-SHA-"}, `(SCRAM-SHA-(?:1|256|512)\$)\d+:[A-Za-z0-9+/=]{8,}\$[A-Za-z0-9+/=]{24,}:[A-Za-z0-9+/=]{24,}`},
	{[]string{"grub.pbkdf2."}, `(grub\.pbkdf2\.sha512\.)\d+\.[0-9A-Fa-f]{16,256}\.[0-9A-Fa-f]{64,256}`},
	{[]string{"0x0100", "0x0200"}, `(0x0[12]00)[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{128}|[0-9A-Fa-f]{80}|[0-9A-Fa-f]{40})\b`},
	{[]string{"PASSWORD '*"}, `(PASSWORD ')\*[0-9A-Fa-f]{40}`},
	{[]string{"PASSWORD 'md5"}, `(PASSWORD 'md5)[0-9a-f]{32}`},
	{[]string{"VALUES 'S:", "VALUES 'T:"}, `(VALUES '[ST]:)[0-9A-F]{60,160}`},
	{[]string{"AQAAAAAAA", "AQAAAAEAA", "AQAAAAIAA"}, `(AQAAAA)[AEI]AA[A-Za-z0-9+/]{73}==`},
	{[]string{"{SSHA", "{SHA", "{SMD5", "{MD5", "{ssha", "{sha", "{smd5"}, `(\{(?i:S?SHA-?(?:1|224|256|384|512)?|S?MD5)(?:\.(?i:hex|b64))?\})[A-Za-z0-9+/$.=,_{}-]{16,}`},
	{
		[]string{"{CRYPT", "{crypt", "{PBKDF2", "{ARGON2", "{pbkdf2", "{scrypt", "{argon2", "{PKCS5S2}"},
		`(\{(?i:CRYPT|PBKDF2[-A-Z0-9_@]{0,32}|ARGON2[A-Z0-9_@]{0,32}|SCRYPT[A-Z0-9_@]{0,32}|PKCS5S2)\})[A-Za-z0-9+/$.=,_-]{13,}`,
	},
	{[]string{"{FSHP"}, `(\{FSHP[0-3]\|\d+\|\d+\})[A-Za-z0-9+/=]{24,}`},
	{
		[]string{"{PLAIN-MD5}", "{LDAP-MD5}", "{CRAM-MD5}", "{NTLM}", "{LANMAN}", "{SHA512-CRYPT}", "{BLF-CRYPT}"},
		`(\{[A-Z0-9-]{4,14}\})[A-Za-z0-9+/$.=]{22,}`,
	},
	{[]string{"{x-is"}, `(\{x-iss?(?i:sha)[0-9]{0,3}, ?\d+\})[A-Za-z0-9+/=]{24,}`},
}

// maxHash bounds the length of a stored hash.
const maxHash = 600

// hashes are hashSyntaxes ready to match.
type hashes struct {
	anchors  []string
	byAnchor map[string][]*regexp.Regexp
}

func newHashes() hashes {
	h := hashes{byAnchor: map[string][]*regexp.Regexp{}}
	for _, s := range hashSyntaxes {
		re := regexp.MustCompile("^" + s.expr)
		for _, a := range s.anchors {
			if h.byAnchor[a] == nil {
				h.anchors = append(h.anchors, a)
			}
			h.byAnchor[a] = append(h.byAnchor[a], re)
		}
	}
	return h
}

// starts says whether a value starts as a hash that its anchor finds.
func (h *hashes) starts(v []byte) bool {
	for _, a := range h.anchors {
		if !bytes.HasPrefix(v, []byte(a)) {
			continue
		}
		for _, re := range h.byAnchor[a] {
			if re.Match(v) {
				return true
			}
		}
	}
	return false
}

func passwordHash() classify.Detector {
	known := newHashes()
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
		On: classify.Trigger{Anchors: known.anchors, Fields: append([]string{"pair-value"}, hashClasses...)},
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		if c.Anchor == "" {
			if e, ok := resolved(c); ok && isHashClass(e.Field) {
				known.named(&e)
			}
			return
		}
		if !freeBefore(c) && c.Anchor[0] != '$' && c.Anchor[0] != '{' {
			return
		}
		for _, re := range known.byAnchor[c.Anchor] {
			if end, public, ok := matchAt(re, c, maxHash); ok && !isMasked(c.Text[c.Lo+public:end]) && !isCitedHash(c.Text[c.Lo:end]) {
				c.Report(classify.Match{Lo: c.Lo, Hi: end, Public: public, Confidence: classify.HighConfidence})
				return
			}
		}
	}}
}

// citedSalts are those of the hashes that encyclopedias and manuals explain bcrypt with
// (Wikipedia, "bcrypt"; PHP manual, password_hash).
var citedSalts = []string{"R9h/cIPz0gi.URNNX3kh2O", "N9qo8uLOickgx2ZMRZoMye", "BESkmo5SQhJk5Y6vJHaKUe", ".vGA1O9wmRjrwAVXD98HNO"}

func isCitedHash(hash []byte) bool {
	return slices.ContainsFunc(citedSalts, func(salt string) bool { return bytes.Contains(hash, []byte(salt)) })
}

// hashClasses are the classes of fields that may hold a hash.
var hashClasses = []string{"password-hash", "password", "salted-hash"}

func isHashClass(class string) bool { return slices.Contains(hashClasses, class) }

// named takes what is a hash only because of the name it stands under: a
// digest in hex under the name of a password or its hash; under the name of a
// hash also base64, crypt(3)'s old 13 characters, and the parts salt, cost and
// digest with signs between them.
func (h *hashes) named(c *classify.Candidate) {
	v := bytes.TrimSpace(c.Value())
	if c.Kind != classify.String || len(v) > maxHash || inPair(c) && !isPairValue(c, v) {
		return
	}
	if c.Field == "salted-hash" && !isOfPassword(c, v) {
		return
	}
	if inner, ok := secretData(v); ok {
		v = inner
	}
	if isNoSecret(v) || h.starts(v) {
		return
	}
	hash := c.Field == "password-hash"
	switch {
	case isDigest(digestOf(v)), isSpare4(v):
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Confidence: classify.HighConfidence})
	case isSplitDigest(v), hash && (isRandom(v) || isOldCrypt(v) || isSplitHash(v)):
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi})
	}
}

// isOfPassword says whether a value that is called a hash is one of a password: by what stands
// beside it, or by a syntax that files' checksums do not have.
func isOfPassword(c *classify.Candidate, v []byte) bool {
	return isNativePassword(v) || isSpare4(v) || besideSalt(c)
}

// isNativePassword matches the hash of mysql_native_password (MySQL, "Password Hashing in
// MySQL"): an asterisk and SHA-1 in capitals, as no file's checksum is written.
func isNativePassword(v []byte) bool {
	return len(v) == 41 && v[0] == '*' && allHex(v[1:]) && shapeOf(v).lower == 0
}

// isSpare4 matches what Oracle keeps in SYS.USER$.SPARE4 (Oracle Database Security Guide,
// "About Password Versions"): S: and SHA-1 with its salt, T: and PBKDF2, in hex capitals.
func isSpare4(v []byte) bool {
	part, _, _ := bytes.Cut(v, []byte(";"))
	hash := bytes.TrimPrefix(bytes.TrimPrefix(part, []byte("S:")), []byte("T:"))
	return len(part) == len(hash)+len("S:") && (len(hash) == 60 || len(hash) == 160) && allHex(hash) && shapeOf(hash).lower == 0
}

// besideSalt says whether a salt stands near the value: then "hash" is that of a
// password, else mostly that of a file.
func besideSalt(c *classify.Candidate) bool {
	before, after := c.Around(besideBytes)
	for _, text := range [][]byte{before, after} {
		_, salt, _ := bytes.Cut(text, []byte(`"salt":`))
		salt, _, found := bytes.Cut(bytes.TrimLeft(salt, ` "`), []byte(`"`))
		if found && isSalt(salt) {
			return true
		}
	}
	return false
}

// secretData returns the hash in the member value of Keycloak's secretData
// (org.keycloak.credential.CredentialModel), which is JSON in a string.
func secretData(v []byte) (hash []byte, ok bool) {
	rest, ok := bytes.CutPrefix(v, []byte(`{"value":"`))
	if !ok {
		return nil, false
	}
	hash, _, _ = bytes.Cut(rest, []byte(`"`))
	return hash, true
}

// digestOf removes the mark of its kind from a digest: MySQL's "*", the "md5"
// of PostgreSQL, "0x" of SQL dumps, "sha256:".
func digestOf(v []byte) []byte {
	for _, mark := range []string{"*", "0x", "0X", "md5", "MD5:", "md5:", "sha1:", "SHA1:", "sha256:", "SHA256:", "sha512:", "SHA512:", ":", "-"} {
		v = bytes.TrimPrefix(v, []byte(mark))
	}
	return v
}

// isDigest matches MD5, NT, SHA-1, SHA-2, SHA-3 in hex.
func isDigest(v []byte) bool {
	switch len(v) {
	case 32, 40, 48, 56, 64, 96, 128:
		return allHex(v) && entropy(v) > minTokenEntropy
	}
	return false
}

// isSplitDigest matches hex digests with a salt or a cost beside them:
// "salt:digest" as Node's pbkdf2 examples store it, "10000:salt:digest".
func isSplitDigest(v []byte) bool {
	digests := 0
	for part := range bytes.FieldsFuncSeq(v, isHashSign) {
		switch {
		case len(part) >= 32 && allHex(part) && entropy(part) > minTokenEntropy:
			digests++
		case !allHex(part) && !isHashName(part):
			return false
		}
	}
	return digests > 0 && !isUUID(v)
}

// isSplitHash is isSplitDigest for hashes and salts in base64.
func isSplitHash(v []byte) bool {
	parts, random := 0, 0
	for part := range bytes.FieldsFuncSeq(v, isHashSign) {
		parts++
		if isRandom(part) {
			random++
		}
	}
	return parts >= 2 && parts <= 8 && random > 0 && bytes.IndexByte(v, ' ') < 0
}

func isHashSign(r rune) bool { return r == ':' || r == '$' || r == '|' || r == ';' || r == '.' }

// isHashName knows the names of algorithms, which stand before a digest.
func isHashName(v []byte) bool {
	word, n := lowerWord(v)
	for _, name := range []string{"sha", "md5", "pbkdf2", "scrypt", "hmac", "bcrypt", "argon2"} {
		if bytes.HasPrefix(word[:n], []byte(name)) {
			return true
		}
	}
	return false
}

// isOldCrypt matches crypt(3) of DES: two characters of salt and eleven of hash,
// and the extended form (crypt(5), bsdicrypt), "_" and nineteen.
func isOldCrypt(v []byte) bool {
	extended := len(v) == 20 && v[0] == '_'
	if !extended && len(v) != 13 || !only(v, "./_") {
		return false
	}
	s := shapeOf(v)
	return s.lower > 0 && s.upper > 0 && s.digits+s.signs > 0
}
