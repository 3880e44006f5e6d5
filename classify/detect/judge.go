package detect

import (
	"bytes"
	"math"
	"strings"
)

// isNoSecret says whether a value under a telling name is none: empty, masked,
// a placeholder, a documented example, a word of a type system, a reference.
func isNoSecret(v []byte) bool {
	v = bytes.TrimSpace(v)
	if len(v) == 0 || len(v) > 4096 || isMasked(v) {
		return true
	}
	switch v[0] {
	case '{', '[', '<', '%':
		return true // a template, a type, a structure
	case '$':
		if len(v) > 1 && (v[1] == '{' || v[1] == '(') {
			return true
		}
	}
	lower := strings.ToLower(string(v[:min(len(v), 64)]))
	if isPlainWord(lower) {
		return true
	}
	for _, w := range placeholderParts {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

// isPlainWord knows words that stand where a secret could.
func isPlainWord(lower string) bool {
	switch lower {
	case "null", "nil", "none", "undefined", "true", "false", "string", "text", "str", "password", "passwd", "secret",
		"token", "bearer", "basic", "required", "optional", "invalid", "missing", "unknown", "empty", "n/a", "na", "-",
		"yes", "no", "hidden", "private", "public", "redacted", "masked", "removed", "filtered", "object", "array",
		"email", "username", "user", "test", "basic auth", "oauth", "oauth2", "jwt", "enabled", "disabled", "set", "unset",
		"present", "absent", "expired", "revoked", "valid", "active", "inactive", "ok", "error", "failed", "success",
		"changed", "reset", "write-only", "writeonly", "sha256", "sha512", "bcrypt", "argon2", "plain", "default",
		"'none'", "\"none\"", "''", "\"\"":
		return true
	}
	return false
}

// placeholderParts are parts of values that people put where a secret goes.
var placeholderParts = []string{
	"example", "placeholder", "changeme", "change_me", "change-me", "your_", "your-", "yourpass", "yoursecret", "<your",
	"redacted", "filtered", "masked", "removed", "sanitized", "xxxx", "dummy", "insert_", "insert-", "replace_",
	"not set", "not-set", "not_set", "********", "••", "…", "todo",
}

// isMasked says whether a value was masked: most of it is one of the signs that
// maskers write.
func isMasked(v []byte) bool {
	signs := 0
	for _, c := range v {
		if c == '*' || c == '#' || c == 'X' || c == '.' {
			signs++
		}
	}
	if signs*2 >= len(v) && len(v) >= 3 {
		return true
	}
	return bytes.Contains(v, []byte("***")) || bytes.HasPrefix(v, []byte("[")) && bytes.HasSuffix(v, []byte("]")) ||
		bytes.Contains(v, []byte("•")) || bytes.Contains(v, []byte("\u2588"))
}

// entropy is Shannon's, in bits per byte.
func entropy(v []byte) float64 {
	if len(v) == 0 {
		return 0
	}
	var count [256]int
	for _, c := range v {
		count[c]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(v))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// shape counts what a value is made of.
type shape struct {
	digits, lower, upper int
	signs                int // ASCII punctuation
	other                int // space, control, above ASCII
	longest              int // the longest run of letters and digits
}

func shapeOf(v []byte) (s shape) {
	run := 0
	for _, c := range v {
		run++
		switch {
		case isDigit(c):
			s.digits++
		case 'a' <= c && c <= 'z':
			s.lower++
		case 'A' <= c && c <= 'Z':
			s.upper++
		case ' ' < c && c < 0x7F:
			s.signs++
			run = 0
		default:
			s.other++
			run = 0
		}
		s.longest = max(s.longest, run)
	}
	return s
}

func (s shape) letters() int { return s.lower + s.upper }

// only says whether every sign and space in v is one of those.
func only(v []byte, signs string) bool {
	for _, c := range v {
		if !isDigit(c) && !isLetter(c) && strings.IndexByte(signs, c) < 0 {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isRandom says whether a value looks like the output of a random generator in
// hex, base32, base62 or base64: long enough (minOpaque), one word, near the entropy that
// its alphabet would give.
func isRandom(v []byte) bool {
	if len(v) < minOpaque || !only(v, "-_+/=.~") {
		return false
	}
	s := shapeOf(v)
	if s.longest < 10 { // words with signs between them: a path, a slug
		return false
	}
	if s.digits == 0 && (s.lower == 0 || s.upper == 0) || s.letters() == 0 || s.signs*4 > len(v) {
		return false
	}
	// Half a bit under the entropy of a random string of that length over the
	// 16 letters of hex, which is the smallest alphabet.
	want := math.Min(3.5, math.Log2(float64(len(v))))*0.88 - 0.1
	return entropy(v) >= want
}

// lowerWord returns a word in small letters without an allocation; what is
// longer than 24 bytes is no word and comes back cut.
func lowerWord(v []byte) (word [24]byte, n int) {
	n = len(lowered(word[:], v))
	return word, n
}

// lowered copies as much of a text as the buffer holds, in small letters.
func lowered(buf, text []byte) []byte {
	buf = buf[:copy(buf, text)]
	for i, c := range buf {
		if isUpper(c) {
			buf[i] = c + 'a' - 'A'
		}
	}
	return buf
}

// isUUID matches the text form of RFC 9562.
func isUUID(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, c := range v {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !isHex(c) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func allHex(v []byte) bool {
	for _, c := range v {
		if !isHex(c) {
			return false
		}
	}
	return len(v) > 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
