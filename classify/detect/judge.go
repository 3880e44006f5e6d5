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
	if len(v) == 0 || len(v) > 4096 || isMasked(v) || isReference(v) {
		return true
	}
	var buf [64]byte
	lower := appendLower(buf[:0], v[:min(len(v), 64)])
	if isStatusWord(lower) || isLabel(lower) || hasOnlyWords(lower, weakWords, placeholderWords) {
		return true
	}
	for _, w := range placeholderParts {
		if bytes.Contains(lower, []byte(w)) {
			return true
		}
	}
	return false
}

// isMasked says whether a value was masked or cut: it holds a run of the signs
// that maskers write, or ends in dots.
func isMasked(v []byte) bool {
	if isMaskedBehindPercents(v) {
		return true
	}
	for _, sign := range []string{"***", "•", "█", "●", "…", "...", "xxxx", "XXXX", "####"} {
		if bytes.Contains(v, []byte(sign)) {
			return true
		}
	}
	signs := 0
	for _, c := range v {
		if c == '*' || c == '#' || c == 'X' || c == '.' {
			signs++
		}
	}
	return len(v) >= 3 && (signs*2 >= len(v) || bytes.Count(v, v[:1]) == len(v)) || isRemark(v)
}

// isRemark matches what is said in brackets instead of a value: [REDACTED], Terraform's (sensitive value).
func isRemark(v []byte) bool {
	return bytes.HasPrefix(v, []byte("[")) && bytes.HasSuffix(v, []byte("]")) || bytes.HasPrefix(v, []byte("(")) && bytes.HasSuffix(v, []byte(")"))
}

// isMaskedBehindPercents says whether a percent-encoded value is masked, or a reference.
func isMaskedBehindPercents(v []byte) bool {
	if bytes.IndexByte(v, '%') < 0 || len(v) > maxPassword {
		return false
	}
	var buf [maxPassword]byte
	plain := appendUnquoted(buf[:0], v)
	return len(plain) < len(v) && (isMasked(plain) || isReference(plain))
}

// appendUnquoted appends v without its percent-encoding (RFC 3986, section 2.1).
func appendUnquoted(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		b := v[i]
		if b == '%' && i+2 < len(v) && isHex(v[i+1]) && isHex(v[i+2]) {
			b = hexValue(v[i+1])<<4 | hexValue(v[i+2])
			i += 2
		}
		dst = append(dst, b)
	}
	return dst
}

func hexValue(b byte) byte {
	if isDigit(b) {
		return b - '0'
	}
	return (b | 0x20) - 'a' + 10
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
	var counts [kinds]int
	run := 0
	for _, c := range v {
		k := kindOf[c]
		counts[k]++
		run = (run + 1) & inRun[k]
		s.longest = max(s.longest, run)
	}
	s.digits, s.lower, s.upper, s.signs, s.other = counts[digitKind], counts[lowerKind], counts[upperKind], counts[signKind], counts[otherKind]
	return s
}

// The kinds of bytes that a shape counts.
const (
	digitKind = iota
	lowerKind
	upperKind
	signKind
	otherKind
	kinds
)

// inRun keeps the length of a run of letters and digits, or makes it 0.
var inRun = [kinds]int{digitKind: -1, lowerKind: -1, upperKind: -1}

var kindOf = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case isDigit(b):
			t[c] = digitKind
		case 'a' <= b && b <= 'z':
			t[c] = lowerKind
		case 'A' <= b && b <= 'Z':
			t[c] = upperKind
		case ' ' < b && b < 0x7F:
			t[c] = signKind
		default:
			t[c] = otherKind
		}
	}
	return t
}()

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
	if s.letters() == 0 || s.signs*4 > len(v) || s.digits == 0 && (s.lower*4 < s.letters() || s.upper*4 < s.letters()) {
		return false // the last: a name in camel case has few capitals
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
	return appendLower(buf[:0], text[:min(len(text), len(buf))])
}

// appendLower appends v in small letters.
func appendLower(dst, v []byte) []byte {
	for _, c := range v {
		if isUpper(c) {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
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
