package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// onTheWay says whether the candidate is in a request that was only observed:
// there callers send their own secrets, as they should.
func onTheWay(c *classify.Candidate) bool {
	return !c.X.Persisted && (c.Where == classify.InRequestBody || c.Where == classify.InRequestHeader)
}

func plainPassword() classify.Detector {
	cmds := newCommands()
	return &detector{classify.Rule{
		ID: "password-plain", Category: classify.CategoryCredential, Severity: classify.Critical, Exclusive: true,
		Title: "A password in clear text is exposed",
		Why:   "The password opens the account at once, and others where it was used again.",
		Fix:   "Store only a salted hash (Argon2id, bcrypt), and keep credentials out of responses, URLs and logs.",
		FalsePositives: "Masked, empty, boolean and placeholder values, validation messages and the labels of forms stay silent; so does " +
			"the password in a request that is only observed on its way. Words such as \"secret\" count only beside a user name.",
		CWE: []string{"CWE-256", "CWE-532", "CWE-200"}, OWASP: []string{"API3:2023", "API8:2023"},
		On: classify.Trigger{Anchors: slices.Concat(cmds.anchors, insertAnchors), Fields: []string{"password", "pair-value", "argument"}},
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		if lo, hi, ok := cmds.password(c); ok {
			c.Report(classify.Match{Lo: lo, Hi: hi, Confidence: classify.HighConfidence})
			return
		}
		if slices.Contains(insertAnchors, c.Anchor) {
			inserted(c, func(e *classify.Candidate) {
				if (e.Field == "password" || e.Field == "config-secret") && isPasswordValue(e) {
					e.Report(classify.Match{Lo: e.Lo, Hi: e.Hi})
				}
			})
			return
		}
		if e, ok := resolved(c); ok && e.Field == "password" && isPasswordValue(&e) {
			e.Report(classify.Match{Lo: e.Lo, Hi: e.Hi})
		}
	}}
}

const (
	// maxPassword is the longest value that is taken for a password; RFC-less, but
	// OWASP's ASVS 2.1.2 asks for at most 128 characters.
	maxPassword = 128
	minPassword = 3
	// minNumber is the shortest number that is taken for a password.
	minNumber = 4
)

// isPasswordValue tells a password from what else stands under its name.
func isPasswordValue(c *classify.Candidate) bool {
	v := bytes.TrimSpace(c.Value())
	if c.Kind == classify.Number {
		return isNumericPassword(c.Key, v)
	}
	if c.Kind != classify.String || !isShort(v) || isMasked(v) || isReference(v) || isMessage(c, v) {
		return false
	}
	var buf [maxPassword]byte
	lower := appendLower(buf[:0], v)
	switch {
	case saysNothing(lower) || isTypeName(v):
		return false
	case hasOnlyWords(lower, weakWords, placeholderWords):
		return hasOnlyWords(lower, weakWords) && isWeakPassword(c, v)
	case !hasDigitOrSign(v) && isSaid(c, v):
		return false
	}
	return !inPair(c) || isPairValue(c, v)
}

// isWeakPassword says whether a word that people do set as a password is one here.
func isWeakPassword(c *classify.Candidate, v []byte) bool {
	return !isCapitalised(v) && !isCited(c) && besideUser(c) && !besideExample(c)
}

// besideExample says whether a mailbox of a name that is kept for documentation (RFC 2606)
// stands near a value.
func besideExample(c *classify.Candidate) bool {
	before, behind := c.Around(96)
	return bytes.Contains(before, []byte("@example.")) || bytes.Contains(behind, []byte("@example."))
}

// isSaid says whether a word is one of a form about the field, or the code of an error: too_short.
func isSaid(c *classify.Candidate, v []byte) bool {
	return speaksOfForms(c) || c.X.Status >= 400 && bytes.IndexByte(v, '_') >= 0
}

// isNumericPassword tells a password from a count: {"pass": 5120, "fail": 0}.
func isNumericPassword(key, v []byte) bool {
	return len(v) >= minNumber && allDigits(v) && len(key) > len("pass")
}

// saysNothing says whether a value is a word about the password and not one.
func saysNothing(lower []byte) bool {
	return isStatusWord(lower) || isLabel(lower) || bytes.HasPrefix(lower, []byte("your"))
}

func isShort(v []byte) bool { return len(v) >= minPassword && len(v) <= maxPassword }

// isMessage says whether a value has the spaces of a message or a label.
func isMessage(c *classify.Candidate, v []byte) bool {
	spaces := bytes.Count(v, []byte(" "))
	if spaces > 2 && endsInName(c.Key, "passphrase") {
		return shapeOf(v).lower+spaces != len(v) // a phrase of words is meant
	}
	return spaces > 1 || spaces == 1 && (!hasDigitOrSign(v) || isForeign(v) || c.X.Status >= 400)
}

// isForeign matches words of which only letters beyond ASCII are no letters of ASCII.
func isForeign(v []byte) bool {
	s := shapeOf(v)
	return s.digits == 0 && s.signs == 0 && isBeyondASCII(v)
}

// isCapitalised matches "Password": what forms show, and nobody's password.
func isCapitalised(v []byte) bool {
	s := shapeOf(v)
	return isUpper(v[0]) && s.upper == 1 && s.digits == 0
}

// isTypeName matches what declarations have in the place of a value: String!,
// Optional[str], models.CharField, varchar(64).
func isTypeName(v []byte) bool {
	word := bytes.TrimRight(v, "!?;,")
	if i := bytes.IndexAny(word, "[(<|"); i > 0 {
		word = word[:i]
	}
	return slices.Contains(typeNames, string(word))
}

// typeNames are names of types for a text in several languages and libraries.
var typeNames = []string{
	"String", "string", "str", "Optional", "SecretStr", "constr", "varchar", "VARCHAR", "CharField", "z.string", "yup.string", "Joi.string",
	"types.String", "text", "char", "Column", "Mapped", "undefined", "Buffer", "bytes", "StringField", "PasswordField",
	"keyword", "long", "nested", // of Elasticsearch's mappings
}

// formWords are parts of the names of objects that hold what forms say about a
// field and not its value.
var formWords = []string{
	"error", "label", "translation", "i18n", "locale", "message", "validation", "placeholder", "schema", "properties", "types", "hint", "strings",
	"tooltip", "help", "lang",
}

// speaksOfForms says whether the object around the value holds such texts.
func speaksOfForms(c *classify.Candidate) bool {
	parent := strings.ReplaceAll(strings.ToLower(c.Parent()), "connectionstrings", "") // of .NET's settings
	for _, w := range formWords {
		if strings.Contains(parent, w) && (w != "properties" || c.Where != classify.InRecord) { // Serilog's are values
			return true
		}
	}
	return false
}

// isPairValue judges a value that was found behind a sign in running text:
// words of prose and the code of scripts stand there too.
func isPairValue(c *classify.Candidate, v []byte) bool {
	before, after := neighbours(c)
	if bytes.IndexByte([]byte("\"'`>"), before) >= 0 {
		return true
	}
	switch {
	case bytes.IndexByte(v, ' ') >= 0 || isExpression(v):
		return false
	case isScript(c.ContentType()):
		return isProse(after, v) || before == '=' && inConnection(c)
	case after == '(' || after == '[': // a call, an element
		return false
	}
	return isAssigned(c, before, v) || hasDigitOrSign(v) && len(v) >= 5 || isPassphrase(v) || besideUser(c)
}

// isPassphrase says whether a value is made of four small words or more, as generators of
// passphrases write them; words about a password are none.
func isPassphrase(v []byte) bool {
	words := 0
	for word := range bytes.FieldsFuncSeq(v, func(r rune) bool { return r == '-' || r == '.' || r == '_' }) {
		if len(word) < 3 || shapeOf(word).lower != len(word) || slices.Contains(aboutPasswords, string(word)) {
			return false
		}
		words++
	}
	return words >= 4
}

// aboutPasswords are words of what stands in the place of a password.
var aboutPasswords = []string{
	"password", "passwd", "passwort", "secret", "token", "your", "the", "this", "here", "enter", "change", "changed", "please", "must", "not", "new", "old",
	"example", "value", "field", "required", "invalid", "missing", "is", "are", "for", "from", "with", "user", "reset", "replace", "default", "none", "null",
}

// inConnection says whether a value is a part of a connection string: others of its parts
// stand before it and no quote between them (Microsoft, "Connection string syntax" of
// ADO.NET; the URLs of JDBC drivers).
func inConnection(c *classify.Candidate) bool {
	before := c.Before(256)
	if i := bytes.LastIndexAny(before, "\"'`\n"); i >= 0 {
		before = before[i+1:]
	}
	return bytes.HasPrefix(before, []byte("jdbc:")) || holdsAny(before, []string{";user", ";uid=", "server=", "data source=", "driver=", "database="})
}

// isAssigned says whether a value is clearly that of its name; --pass=early
// names a pass and no password.
func isAssigned(c *classify.Candidate, before byte, v []byte) bool {
	return (before == '=' || isLineValue(c)) && (len(bytes.Trim(c.Key, "-")) > len("pass") || hasDigitOrSign(v)) || before == '=' && inConnection(c)
}

// neighbours returns the bytes around the candidate, spaces at the ends.
func neighbours(c *classify.Candidate) (before, after byte) {
	before, after = ' ', ' '
	if c.Lo > 0 {
		before = c.Text[c.Lo-1]
	}
	if c.Hi < len(c.Text) {
		after = c.Text[c.Hi]
	}
	if before == ';' && classify.QuoteEntityBefore(c.Before(len("&quot;"))) > 0 {
		before = '"'
	}
	if after == '&' && classify.QuoteEntity(c.Text[c.Hi:]) > 0 {
		after = '"'
	}
	return before, after
}

// isProse says whether a value without quotes stands in a comment or a
// paragraph of a page, and not in code.
func isProse(after byte, v []byte) bool {
	return (after == ' ' || after == '<' || after == '\n') && hasDigitOrSign(v) && shapeOf(v).longest >= 4
}

// isExpression matches names of a program with dots between them:
// form.password.data, t.value.
func isExpression(v []byte) bool {
	return bytes.IndexByte(v, '.') > 0 && only(v, "._") && shapeOf(v).digits == 0 && v[len(v)-1] != '.'
}

// isLineValue says whether name and value are all that stands in a line, as in
// YAML and properties files.
func isLineValue(c *classify.Candidate) bool {
	end := bytes.TrimLeft(c.Text[c.Hi:min(len(c.Text), c.Hi+8)], " \r")
	if len(end) > 0 && end[0] != '\n' || c.Hi+8 < len(c.Text) && len(end) == 0 {
		return false
	}
	line := c.Before(160)
	at := bytes.LastIndexByte(line, '\n')
	if at < 0 && c.Lo > len(line) || at < 0 && !bytes.ContainsRune(c.Text[c.Hi:], '\n') {
		return false // a line by itself is a log's
	}
	name := bytes.Trim(line[at+1:], " -:=\t")
	return len(name) > 0 && bytes.Equal(name, c.Key)
}

// hasDigitOrSign tells what could be a password from a word of prose.
func hasDigitOrSign(v []byte) bool {
	return bytes.ContainsAny(v, "0123456789") || !only(bytes.TrimRight(v, ".!?:,"), "-._ '")
}
