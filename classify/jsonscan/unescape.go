package jsonscan

import (
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/leaktap/leaktap/classify/planes"
)

// AppendUnescaped appends the text that the inside of a JSON string stands for
// (RFC 8259, section 7). Invalid escapes are kept as they are written, lone
// surrogates become U+FFFD. The result is never longer than src.
func AppendUnescaped(dst, src []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(src)+slack)[:start+len(src)+slack] // copies of words may go past the end
	n, i := start, 0                                              // written and read up to here
	var blocks [windowBlocks]planes.Quoting
	for at := 0; at < len(src); at += len(blocks) * planes.BlockSize {
		for b, block := range planes.FillQuoting(blocks[:], src[at:]) {
			for signs := block.Backslashes; signs != 0; signs &= signs - 1 {
				next := at + b*planes.BlockSize + bits.TrailingZeros64(signs)
				if next < i { // it is part of the escape before
					continue
				}
				if next-i <= slack && i+slack <= len(src) { // the usual case: short words between quotes
					copy(dst[n:n+slack], src[i:i+slack])
				} else {
					copy(dst[n:], src[i:next])
				}
				n += next - i
				if next+1 < len(src) {
					if plain := simpleEscape[src[next+1]]; plain != 0 {
						dst[n] = plain
						n, i = n+1, next+2
						continue
					}
				}
				out, in := escape(dst[n:], src[next:])
				n, i = n+out, next+in
			}
		}
	}
	n += copy(dst[n:], src[i:])
	return dst[:n]
}

// slack is how many bytes are copied at once, and so how far past its end the text
// may be written.
const slack = 16

// escape reads the escape that starts src, which is no simple one, and writes what it stands for; it
// returns the numbers of bytes written and read.
func escape(dst, src []byte) (out, in int) {
	if len(src) == 1 {
		dst[0] = '\\'
		return 1, 1
	}
	if r, size := unicodeEscape(src); size > 0 {
		return utf8.EncodeRune(dst, r), size
	}
	return copy(dst, src[:2]), 2
}

// unicodeEscape reads \uXXXX, or two of them that form a surrogate pair; size
// is 0 if src starts with neither.
func unicodeEscape(src []byte) (r rune, size int) {
	r, ok := Hex4(src)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := Hex4(src[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// Hex4 reads \uXXXX at the start of src: one code unit of UTF-16; false if none is there.
func Hex4(src []byte) (r rune, ok bool) {
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
