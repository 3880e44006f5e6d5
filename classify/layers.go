package classify

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
)

// encodedStarts are the first characters of base64 (RFC 4648) of what is worth
// opening: {" before a letter, a digit or sign, and a byte above ASCII; [" and
// [{"; { before white space; a byte order mark; gzip (RFC 1952). A JSON Web
// Token starts as the first and has dots.
var encodedStarts = []string{"eyJ", "eyI", "eyL", "WyJ", "WyI", "W3si", "ewog", "ewoJ", "ew0K", "eyAi", "77u/", "H4sI"}

const (
	// minEncoded is the least number of base64 characters worth opening.
	minEncoded = 24
	// maxUnpacked bounds what the gzip layers of an exchange unpack to, all
	// together: layers in layers would multiply.
	maxUnpacked = 8 << 20
)

// walking is the state of a walk.
type walking struct {
	layers int // encodings inside each other that are open
	room   int // bytes that may still be unpacked
	// rescanning is set while a broken document is looked at a second time.
	rescanning bool
	// recoded is set where the text is not the part's own bytes.
	recoded bool
}

// inner looks at a text that is no document of a known kind by itself: at the
// encodings that it is written in, or else at its bytes.
func (c *Classifier) inner(text []byte, kind ValueKind) {
	mark := len(c.arena)
	switch {
	case len(text) < 3:
	case isJSON(text) && c.openLayer("#json", len(text)):
		c.walkJSON(text, nil)
		c.closeLayer()
	case isEncoded(text):
		found := len(c.pending)
		c.scan(text, kind, false)
		if len(c.pending) == found { // it is no token as it stands
			if plain := decodeBase64(text); isGzip(plain) || isJSON(plain) {
				c.decoded(plain, noMedia)
			}
		}
	default:
		c.running(text, kind)
	}
	c.settle()
	c.arena = c.arena[:min(mark, len(c.arena))]
}

// isEncoded says whether a text is base64 of a document.
func isEncoded(text []byte) bool {
	if len(text) < minEncoded {
		return false
	}
	for _, start := range encodedStarts {
		if string(text[:len(start)]) == start {
			return isBase64(text)
		}
	}
	return false
}

// isBase64 accepts both alphabets, with and without padding, in lines or in one.
func isBase64(text []byte) bool {
	for _, b := range bytes.TrimRight(text, "=\r\n") {
		if !isBase64Byte(b) && b != '\r' && b != '\n' {
			return false
		}
	}
	return true
}

// decoded looks into a base64 layer; false if there is no room for it.
func (c *Classifier) decoded(plain []byte, m media) bool {
	if !c.openLayer("#base64", len(plain)) {
		return false
	}
	switch {
	case isGzip(plain):
		c.unpacked(plain, m)
	case isJSON(plain):
		c.walkJSON(plain, nil)
	default:
		c.content(plain, m)
	}
	c.closeLayer()
	return true
}

// decodeBase64 decodes either alphabet; what was cut gives what it holds.
func decodeBase64(text []byte) []byte {
	text = bytes.TrimRight(text, "=\r\n")
	if bytes.IndexByte(text, '\n') >= 0 {
		text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\n"), nil), []byte("\r"), nil)
	}
	if len(text)%4 == 1 { // no byte ends there: it was cut
		text = text[:len(text)-1]
	}
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	plain := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(plain, text)
	if err != nil {
		return nil
	}
	return plain[:n]
}

func isGzip(b []byte) bool { return len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b }

// unpacked opens a gzip layer and looks at what it holds, as far as there is
// room; the rest is counted.
func (c *Classifier) unpacked(packed []byte, m media) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil { // it only starts as one
		c.running(packed, Text)
		return
	}
	if !c.openLayer("#gzip", len(packed)) {
		return
	}
	plain, err := io.ReadAll(io.LimitReader(r, int64(c.walk.room)+1))
	if len(plain) > c.walk.room || err != nil {
		c.out.LayerLimit += int64(len(packed))
		plain = plain[:min(len(plain), c.walk.room)]
	}
	c.walk.room -= len(plain)
	c.content(c.recoded(plain), m)
	c.closeLayer()
}
