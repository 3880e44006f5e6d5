package detect

import (
	"bytes"
	"slices"

	"github.com/leaktap/leaktap/classify"
)

func secretField(known *Vocabulary) classify.Detector {
	return &detector{classify.Rule{
		ID: "secret-field", Category: classify.CategoryCredential, Severity: classify.High, Exclusive: true,
		Title:          "A field holds a secret",
		Why:            "API keys, client secrets, one-time-password seeds and recovery codes let their reader act for the owner.",
		Fix:            "Show a secret once, when it is made; store a hash of it; leave it out of every other response and of logs.",
		FalsePositives: "Masked and empty values, key ids and publishable keys stay silent, and words where a secret would be random.",
		CWE:            []string{"CWE-522", "CWE-532"}, OWASP: []string{"API3:2023", "API8:2023"},
		On: classify.Trigger{
			Anchors: []string{"otpauth://"},
			Words:   codeWords,
			Fields:  append([]string{"pair-value", "argument"}, known.secretClasses()...),
		},
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		switch {
		case c.Anchor == "otpauth://":
			seedURI(c)
		case c.Anchor != "":
			codeInText(c)
		default:
			if e, ok := resolved(c); ok {
				judgeSecret(&e, known)
			}
		}
	}}
}

// judgeSecret reports a value that is a secret of its field's class.
func judgeSecret(c *classify.Candidate, known *Vocabulary) {
	if !slices.Contains(secretClasses, c.Field) && c.Field != CustomClass {
		return
	}
	v := bytes.TrimSpace(c.Value())
	if len(v) == 0 || isNoSecret(v) || !isSecretValue(c, v) || known.kindOf(v) != nil || isInARN(c) {
		return
	}
	m := classify.Match{Lo: c.Lo, Hi: c.Hi}
	if c.Field == "password-salt" {
		m.Severity = classify.Low // worth something only beside the hash
	}
	c.Report(m)
}

// isInARN says whether a pair stands in the name of a resource, which has parts of that name and
// shows no secret (Amazon Resource Names: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME).
func isInARN(c *classify.Candidate) bool {
	if !inPair(c) {
		return false
	}
	before := c.Before(besideBytes)
	return bytes.HasPrefix(before[bytes.LastIndexAny(before, " \"'\t\n,=")+1:], []byte("arn:"))
}

// codeWords stand before a one-time code in the texts that are sent to people.
var codeWords = []string{"verification code ", "verification code: ", "authentication code ", "one-time code ", "one-time password ", "login code ", "otp is ", "passcode is "}

// codeInText takes the digits behind a word for a one-time code (RFC 4226, section 5.3).
func codeInText(c *classify.Candidate) {
	rest := bytes.TrimLeft(bytes.TrimPrefix(c.Text[c.Hi:min(len(c.Text), c.Hi+maxNear)], []byte("is")), ": ")
	code := leadingDigits(rest)
	lo := c.Hi + bytes.Index(c.Text[c.Hi:], code)
	hi := lo + len(code)
	if len(code) < 4 || len(code) > 8 || !freeBefore(c) || hi < len(c.Text) && (isWordByte(c.Text[hi]) || c.Text[hi] == '-') || isMadeUp(code) {
		return
	}
	c.Report(classify.Match{Lo: lo, Hi: hi})
}

// secretClasses are the classes of fields that the rule judges.
var secretClasses = []string{"api-key", "secret", "otp", "pin", "secret-phrase", "password-salt"}

// secretClasses are those and, where users named fields, theirs.
func (v *Vocabulary) secretClasses() []string {
	if slices.ContainsFunc(v.Fields, func(f classify.FieldNames) bool { return f.Class == CustomClass }) {
		return append([]string{CustomClass}, secretClasses...)
	}
	return secretClasses
}

// isCustomSecret says whether a value is a secret because a user says that its
// name is that of one: then it need not be random.
func isCustomSecret(c *classify.Candidate, v []byte) bool {
	return c.Field == CustomClass && (c.Kind == classify.String || c.Kind == classify.Number) && len(v) >= 4 &&
		(!inPair(c) || isPairValue(c, v))
}

// maxURI bounds a URI.
const maxURI = 1024

// seedURI takes the URI from which authenticators are set up (Key Uri Format of
// Google Authenticator): it holds the seed.
func seedURI(c *classify.Candidate) {
	hi := c.Hi
	for hi < len(c.Text) && hi-c.Lo < maxURI && c.Text[hi] > ' ' && bytes.IndexByte([]byte("\"'<>`\\"), c.Text[hi]) < 0 {
		hi++
	}
	_, secret, found := bytes.Cut(c.Text[c.Hi:hi], []byte("secret="))
	seed, _, _ := bytes.Cut(secret, []byte("&"))
	if found && len(seed) >= 16 && !isNoSecret(seed) {
		c.Report(classify.Match{Lo: c.Lo, Hi: hi, Public: len("otpauth://"), Confidence: classify.HighConfidence})
	}
}

// isSecretValue asks for what a secret of that class looks like: seeds are
// base32, codes are short, keys are random, phrases are words.
func isSecretValue(c *classify.Candidate, v []byte) bool {
	switch {
	case c.Field == "pin":
		return isOneTimeCode(c, v) && isPINPlace(c, v)
	case c.Field == "otp" && isOneTimeCode(c, v), isCustomSecret(c, v):
		return true
	case c.Kind != classify.String:
		return false
	}
	switch c.Field {
	case "otp":
		return isBase32(v) || isCode(v) || isRandom(v)
	case "secret-phrase":
		return (!inPair(c) || isSetOff(c)) && isPhraseOf(c.Key, v)
	case "password-salt":
		return isSalt(v)
	}
	return isGenerated(v) || isMadeByHand(c, v)
}

// postalDigits is the length of an Indian postal code, which is called PIN.
const postalDigits = 6

// isPINPlace says whether digits under the name of a PIN are one: in running text they
// have to stand beside an account.
func isPINPlace(c *classify.Candidate, v []byte) bool {
	return !inPair(c) || len(v) != postalDigits && besideUser(c)
}

// isSetOff says whether a value in running text stands in quotes, in an element, or
// right behind an equals sign.
func isSetOff(c *classify.Candidate) bool {
	before, _ := neighbours(c)
	return bytes.IndexByte([]byte(`"'=>`), before) >= 0
}

// isGenerated says whether a value looks like what a generator of keys makes.
func isGenerated(v []byte) bool {
	return isRandom(v) || isUUID(v) || isKeyInGroups(v) || isMixed(v)
}

// isMixed matches what generators make that use punctuation, as Django's for its
// SECRET_KEY does: long, without a space, with few letters in a row.
func isMixed(v []byte) bool {
	s := shapeOf(v)
	return len(v) >= minMixed && s.other == 0 && s.digits >= 2 && s.letters() >= 8 && s.signs >= 4 && entropy(v) >= 4 && !isReference(v) &&
		!bytes.Contains(v, []byte("://")) && !bytes.ContainsAny(v, "<>{}()[],;\"'")
}

// minMixed is the length of the shortest secret that is told by its punctuation.
const minMixed = 24

func isSalt(v []byte) bool {
	s := shapeOf(v)
	return len(v) >= 6 && len(v) <= maxPassword && bytes.IndexByte(v, ' ') < 0 && s.letters() > 0 && s.digits > 0
}

// isPhraseOf says whether a value is the phrase or the answer that its name
// tells of.
func isPhraseOf(key, v []byte) bool {
	return isPhrase(v) || !namesWords(key) && len(v) <= maxPassword && bytes.IndexByte(v, '?') < 0
}

// namesWords says whether a name is that of a list of words, in which case the
// value has to be one.
func namesWords(key []byte) bool {
	name, n := lowerWord(key)
	for _, part := range []string{"mnemonic", "phrase", "seed", "words", "bip39"} {
		if bytes.Contains(name[:n], []byte(part)) {
			return true
		}
	}
	return false
}

// isPhrase matches the words from which a wallet is recovered (BIP 39): 12, 15,
// 18, 21 or 24 words of three to eight letters.
func isPhrase(v []byte) bool {
	words := 0
	for w := range bytes.FieldsSeq(v) {
		if len(w) < 3 || len(w) > 8 || shapeOf(w).lower != len(w) {
			return false
		}
		words++
	}
	return words >= 12 && words <= 24 && words%3 == 0
}

// isOneTimeCode matches the digits of a one-time password (RFC 4226, section
// 5.3: six to eight; many send four).
func isOneTimeCode(c *classify.Candidate, v []byte) bool {
	return (c.Kind == classify.String || c.Kind == classify.Number) && len(v) >= 4 && len(v) <= 8 && allDigits(v)
}

// isMadeByHand tells a secret that somebody made up from a word, a path and
// the name of something.
func isMadeByHand(c *classify.Candidate, v []byte) bool {
	named := c.Field == "secret" || endsInName(c.Key, "secret")
	if !named || len(v) < 8 || len(v) > maxPassword || isTypeName(v) || inPair(c) && !isPairValue(c, v) || !isSalt(v) {
		return false
	}
	s := shapeOf(v)
	return s.signs > 0 && !only(v, "-._/:") || s.upper > 0 && s.lower > 0 && s.digits > 1 && !isURN(v)
}

// isKeyInGroups matches keys in groups: two of them at least hold both letters and
// digits, as no word does.
func isKeyInGroups(v []byte) bool {
	if len(v) < minOpaque || len(v) > maxPassword || !only(v, "-_.") {
		return false
	}
	mixed := 0
	for group := range bytes.FieldsFuncSeq(v, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if s := shapeOf(group); s.digits > 0 && s.letters() > 0 && len(group) >= 4 {
			mixed++
		}
	}
	return mixed >= 2
}

// isURN matches what names a thing by parts: a path, an image, a host with a
// port.
func isURN(v []byte) bool { return bytes.IndexByte(v, '/') >= 0 || bytes.IndexByte(v, ':') >= 0 }

// isBase32 matches a TOTP seed of at least 80 bits (RFC 4226 asks for 128, many
// use 80), groups with spaces between them allowed.
func isBase32(v []byte) bool {
	n := 0
	for _, c := range bytes.TrimRight(v, "=") {
		switch {
		case c >= 'A' && c <= 'Z' || c >= '2' && c <= '7' || c >= 'a' && c <= 'z':
			n++
		case c != ' ' && c != '-':
			return false
		}
	}
	s := shapeOf(v)
	return n >= 16 && n <= 128 && (s.lower == 0 || s.upper == 0) && s.digits > 0 && entropy(v) > minTokenEntropy
}

// isCode matches a recovery code: groups of letters and digits with a hyphen,
// or one group with both.
func isCode(v []byte) bool {
	if len(v) < 6 || len(v) > 40 || !only(v, "-") {
		return false
	}
	s := shapeOf(v)
	return s.digits > 1 && (s.signs > 0 && len(v) >= 8 || s.letters() > 1 && len(v) >= 8)
}
