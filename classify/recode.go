package classify

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// recoded returns a text in UTF-8. UTF-16 is told by its byte order mark or, as
// in the lines of a file of which only the first has one, by zeros in every
// second of the first four bytes (RFC 4627, section 3). What there is no room
// for is counted.
func (c *Classifier) recoded(text []byte) []byte {
	order := orderUTF16(text)
	if order == nil {
		return text
	}
	c.walk.recoded = true
	if len(text) > c.walk.room {
		c.out.LayerLimit += int64(len(text) - c.walk.room)
		text = text[:c.walk.room]
	}
	c.walk.room -= len(text)
	plain := make([]byte, 0, len(text)/2+utf8.UTFMax)
	for ; len(text) >= 2; text = text[2:] {
		r := rune(order.Uint16(text))
		if utf16.IsSurrogate(r) && len(text) >= 4 {
			if pair := utf16.DecodeRune(r, rune(order.Uint16(text[2:]))); pair != utf8.RuneError {
				r, text = pair, text[2:]
			}
		}
		plain = utf8.AppendRune(plain, r)
	}
	return append(plain, text...) // half a unit
}

// orderUTF16 returns the byte order of a text in UTF-16, nil if it is in none. What has no
// mark needs zeros to its end: a few before another text must not hide that.
func orderUTF16(b []byte) binary.ByteOrder {
	const leastZeros = 8 // one byte in so many; of ASCII it is every second
	switch {
	case len(b) < 4:
	case b[0] == 0xFF && b[1] == 0xFE:
		return binary.LittleEndian
	case b[0] == 0xFE && b[1] == 0xFF:
		return binary.BigEndian
	case (b[0] == 0) == (b[1] == 0) || b[0] == 0 != (b[2] == 0) || b[1] == 0 != (b[3] == 0):
	case bytes.Count(b, []byte{0})*leastZeros < len(b):
	case b[1] == 0:
		return binary.LittleEndian
	default:
		return binary.BigEndian
	}
	return nil
}

// opened looks into a body or record that is gzip or base64 as a whole: a coding
// that the source did not take off.
func (c *Classifier) opened(text []byte, m media) bool {
	ok := isGzip(text)
	if ok {
		c.unpacked(text, m)
	} else if plain := decodeBase64(bytes.TrimSpace(text)); len(plain) > 0 && (isGzip(plain) || isJSON(plain) || isPrintable(plain) || m == grpcMedia) {
		ok = c.decoded(plain, m)
	}
	c.settle()
	return ok
}

// isBase64Body says whether a text may be base64 as a whole.
func isBase64Body(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) >= minEncoded && isBase64(text)
}

// hasEscapedSign says whether a text holds percent-encoded signs that stand
// around values: quotes, equals signs, colons, dollar signs.
func hasEscapedSign(text []byte) bool {
	for i := bytes.IndexByte(text, '%'); i >= 0 && i+2 < len(text); {
		switch string(text[i+1 : i+3]) {
		case "22", "24", "27", "3A", "3a", "3D", "3d":
			return true
		}
		next := bytes.IndexByte(text[i+1:], '%')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// unescaped decodes the percent-encoded bytes of a running text (RFC 3986,
// section 2.1) and leaves what is none as it is.
func unescaped(text []byte) []byte {
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == '%' && i+2 < len(text) {
			if n, err := strconv.ParseUint(string(text[i+1:i+3]), 16, 8); err == nil {
				b, i = byte(n), i+2
			}
		}
		plain = append(plain, b)
	}
	return plain
}
