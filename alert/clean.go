package alert

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Clean returns s without what can steer a terminal or deceive a reader: control
// characters (C0, DEL, C1), and format characters, which hold the bidirectional
// overrides, zero-width characters and tags (Unicode categories Cc and Cf).
// White space of any kind becomes one blank each; bytes that are not UTF-8
// become U+FFFD.
func Clean(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case invisible(r):
			return -1
		}
		return r
	}, s)
}

// isPlain says that s is printable ASCII, the usual case.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func invisible(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// cut returns at most size bytes of s, ending in an ellipsis where it was longer,
// and never half a character.
func cut(s string, size int) string {
	const ellipsis = "…"
	if len(s) <= size {
		return s
	}
	end := max(size-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// EscapeInvisible rewrites a JSON text in which invisible characters stand raw so
// that they stand as \u escapes. Its meaning stays the same: JSON allows such
// characters inside strings only (RFC 8259, section 7).
func EscapeInvisible(text []byte) []byte {
	if !holdsInvisible(text) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if invisible(r) {
			out = appendEscape(out, r)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

// holdsInvisible looks at characters above ASCII only: a finding has few.
func holdsInvisible(text []byte) bool {
	for i := 0; i < len(text); {
		if c := text[i]; ' ' <= c && c < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if invisible(r) {
			return true
		}
		i += size
	}
	return false
}

// appendEscape appends r as \uXXXX, or as two of them for a character outside of
// the basic plane (RFC 8259, section 7).
func appendEscape(dst []byte, r rune) []byte {
	for _, unit := range utf16.AppendRune(nil, r) {
		dst = fmt.Appendf(dst, `\u%04x`, unit)
	}
	return dst
}
