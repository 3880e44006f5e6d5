package classify

import (
	"bytes"
	"math/bits"
	"strings"

	"github.com/leaktap/leaktap/classify/jsonscan"
	"github.com/leaktap/leaktap/classify/planes"
)

// What is special about looking for places in JSON: which bytes are in strings, what
// escapes may hide, what makes a document broken, and names in quotes.

// strings finds the bytes of a block that are in strings, and escapes that hide something.
func (p *places) strings(i, start int) {
	b := &p.blocks[i]
	quotes, backslash := b[planes.Quote], b[planes.Backslash]
	behind := backslash<<1 | p.escape
	if !p.escaped && backslash|p.odd != 0 {
		behind = planes.Escaped(backslash, &p.odd)
		quotes &^= behind
	}
	p.quoted[i] = planes.Inside(quotes, &p.open)
	p.broken = p.broken || p.isBroken(b, p.quoted[i], behind, start+i*planes.BlockSize)
	if backslash|p.escape == 0 || p.escapes {
		return
	}
	p.escapes = !p.escaped && backslash&^p.quoted[i] != 0 || p.hides(behind&^b[planes.Quote], start+i*planes.BlockSize)
}

// escapedNames looks for members of a block whose names hold escapes: such a name is
// another one than is seen.
func (p *places) escapedNames(i, start int) {
	b := &p.blocks[i]
	escapes := b[planes.Backslash]
	if p.escaped {
		quotes := b[planes.Quote] >> 1
		if next := i + 1; next < len(p.blocks) { // behind the last block of a text are none
			quotes |= p.blocks[next][planes.Quote] << 63
		}
		escapes &^= quotes
	}
	if escapes|p.recent != 0 && !p.escapes {
		for signs := b[planes.Sign] &^ p.quoted[i]; signs != 0; signs &= signs - 1 {
			at := start + i*planes.BlockSize + bits.TrailingZeros64(signs)
			if p.text[at] == ':' && p.isEscapedName(at) {
				p.escapes = true
			}
		}
	}
	// A name has at most maxFieldName bytes, which are those of two blocks.
	p.recent = p.recent<<1&2 | min(escapes, 1)
}

// isEscapedName says whether the name in quotes before a colon holds an escape.
func (p *places) isEscapedName(colon int) bool {
	hi := colon
	for hi > 0 && jsonscan.IsSpace(p.text[hi-1]) {
		hi--
	}
	if hi == 0 || p.text[hi-1] != '"' {
		return false
	}
	name := bytes.TrimRight(p.text[max(0, hi-1-maxFieldName):hi-1], `\`)
	start := bytes.LastIndexByte(name, '"')
	if start > 0 && name[start-1] == '\\' && !p.escaped {
		return true
	}
	return bytes.IndexByte(name[start+1:], '\\') >= 0
}

// isBroken says whether there is something between the strings of a block that JSON does
// not have there: then the walk looks at the document as at running text as well.
func (p *places) isBroken(b *planes.Block, quoted, behind uint64, start int) bool {
	between := ^(quoted | b[planes.Backslash] | behind) // without the escapes of white space
	if b[planes.Odd]&between != 0 {
		return true
	}
	word := b[planes.Word] & between
	plain := b[planes.Digit] & (b[planes.Sign] << 1) // digits right behind a colon
	for starts := word &^ (word<<1 | p.literal | plain); starts != 0; starts &= starts - 1 {
		if i := start + bits.TrailingZeros64(starts); !isLiteral(p.text, i) {
			return true
		}
	}
	alone := b[planes.Separator] & between &^ (word<<1 | word>>1 | p.literal)
	p.literal = word >> 63
	return alone != 0 && p.holdsDot(alone, start)
}

// holdsDot says whether one of some separators is a dot: one that is behind no digit is of no number.
func (p *places) holdsDot(separators uint64, start int) bool {
	if bytes.IndexByte(p.text[start:min(start+planes.BlockSize, len(p.text))], '.') < 0 {
		return false // mostly they indent
	}
	for ; separators != 0; separators &= separators - 1 {
		if p.text[start+bits.TrailingZeros64(separators)] == '.' {
			return true
		}
	}
	return false
}

// isLiteral says whether a number or literal may start at offset i: behind a colon, a comma,
// a bracket, or the sign, dot or exponent of a number.
func isLiteral(text []byte, i int) bool {
	before := i
	for before > 0 && jsonscan.IsSpace(text[before-1]) {
		before--
	}
	if before > 1 && text[before-2] == '\\' && text[before-1] != '"' { // the letter of an escape
		return true
	}
	if before > 1 && text[before-1] == '.' {
		return isDigit(text[before-2])
	}
	if before > 0 && strings.IndexByte(":,[-", text[before-1]) < 0 {
		return false
	}
	rest := text[i:]
	if isDigit(rest[0]) {
		return true
	}
	n := 0
	for n < len(rest) && jsonscan.InRun(rest[n]) && rest[n] != '\\' { // "nullable" is none
		n++
	}
	switch string(rest[:n]) {
	case "true", "false", "null":
		return true
	}
	return false
}

// hides says whether the bytes behind backslashes, quotes left out, may stand for
// something that cannot be found as it is written.
func (p *places) hides(behind uint64, start int) bool {
	for ; behind != 0; behind &= behind - 1 {
		i := start + bits.TrailingZeros64(behind)
		if i >= len(p.text) {
			return false
		}
		switch p.text[i] {
		case 'n', 't', 'r', 'b', 'f':
		case '/':
			if isDense(p.text, i) {
				return true
			}
		case 'u':
			if p.hidesRune(i) {
				return true
			}
		case '\\':
			if p.escaped || hidesDeeper(p.text[i+1:]) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// hidesDeeper says whether an escape in a document inside a string may hide something: what
// stands behind its backslash. Letters for white space and quotes do not.
func hidesDeeper(behind []byte) bool {
	if len(behind) == 0 {
		return false
	}
	return behind[0] == 'u' || behind[0] == '/' || behind[0] == '\\' && (len(behind) == 1 || behind[1] != '"')
}

// hidesRune says whether the character whose escape has its u at offset i may be part of
// what is looked for. If not, a word may start behind it.
func (p *places) hidesRune(i int) bool {
	r, ok := jsonscan.Hex4(p.text[i-1:])
	if !ok || r < 0x80 || p.f.runes[uint16(r)] {
		return true
	}
	if i+5 < len(p.text) {
		p.headed(i + 5)
	}
	return false
}

// isDense says whether an escaped slash may stand in the middle of base64: eight letters and
// digits of both cases are before it.
func isDense(text []byte, slash int) bool {
	var digits, small, capitals int
	for _, c := range text[max(0, slash-9) : slash-1] {
		switch {
		case isDigit(c):
			digits++
		case isSmall(c):
			small++
		case isCapital(c):
			capitals++
		}
	}
	return digits+small+capitals == 8 && capitals > 0 && small+digits > 0
}

// hidesName says whether only a text without escapes shows the name that ends at hi before
// a colon: an escape stands between them, or in the name's end.
func hidesName(text []byte, colon, hi int) bool {
	escape := func(i int) bool { return i >= 0 && text[i] == '\\' && text[i+1] != '"' }
	return colon > 1 && escape(colon-2) || hi > 1 && escape(hi-2) || hi > 2 && escape(hi-3)
}

// memberBefore returns the name in quotes before a colon, or nil.
func memberBefore(doc []byte, colon int) []byte {
	hi := colon
	for hi > 0 && jsonscan.IsSpace(doc[hi-1]) {
		hi--
	}
	if hi == 0 || doc[hi-1] != '"' {
		return nil
	}
	hi--
	from := max(0, hi-maxFieldName-1)
	if n := bytes.LastIndexByte(doc[from:hi], '"'); n >= 0 {
		return bytes.TrimRight(doc[from+n+1:hi], `\`)
	}
	return nil
}
