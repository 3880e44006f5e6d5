package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUnescaped appends the text that the inside of a JSON string stands for
// (RFC 8259, section 7). Invalid escapes are kept as they are written, lone
// surrogates become U+FFFD. The result is never longer than src.
func AppendUnescaped(dst, src []byte) []byte {
	for {
		n := bytes.IndexByte(src, '\\')
		if n < 0 || n+1 >= len(src) {
			return append(dst, src...)
		}
		dst = append(dst, src[:n]...)
		src = src[n:]
		if c := simpleEscape[src[1]]; c != 0 {
			dst = append(dst, c)
			src = src[2:]
			continue
		}
		r, size := unicodeEscape(src)
		if size == 0 {
			dst = append(dst, src[:2]...)
			src = src[2:]
			continue
		}
		dst = utf8.AppendRune(dst, r)
		src = src[size:]
	}
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
