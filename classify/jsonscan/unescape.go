package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUnescaped appends the text that the inside of a JSON string stands for
// (RFC 8259, section 7). Invalid escapes are kept as they are written, lone
// surrogates become U+FFFD. The result is never longer than src.
func AppendUnescaped(dst, src []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(src)+8)[:start+len(src)+8] // copies of words may go past the end
	n, i := start, 0
	for i < len(src) {
		if i+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[i:])
			binary.LittleEndian.PutUint64(dst[n:], w)
			m := zeroBytes(w ^ ones*'\\')
			if m == 0 {
				n, i = n+8, i+8
				continue
			}
			plain := bits.TrailingZeros64(m) / 8
			n, i = n+plain, i+plain
		} else if src[i] != '\\' {
			dst[n] = src[i]
			n, i = n+1, i+1
			continue
		}
		out, in := escape(dst[n:], src[i:])
		n, i = n+out, i+in
	}
	return dst[:n]
}

// escape reads the escape that starts src and writes what it stands for; it
// returns the numbers of bytes written and read.
func escape(dst, src []byte) (out, in int) {
	if len(src) == 1 {
		dst[0] = '\\'
		return 1, 1
	}
	if c := simpleEscape[src[1]]; c != 0 {
		dst[0] = c
		return 1, 2
	}
	if r, size := unicodeEscape(src); size > 0 {
		return utf8.EncodeRune(dst, r), size
	}
	return copy(dst, src[:2]), 2
}

// unicodeEscape reads \uXXXX, or two of them that form a surrogate pair; size
// is 0 if src starts with neither.
func unicodeEscape(src []byte) (r rune, size int) {
	r, ok := hex4(src)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := hex4(src[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 reads \uXXXX at the start of src.
func hex4(src []byte) (r rune, ok bool) {
	if len(src) < 6 || src[0] != '\\' || src[1] != 'u' {
		return 0, false
	}
	for _, c := range src[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// simpleEscape maps the letter of a two-byte escape to what it stands for.
var simpleEscape = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}
