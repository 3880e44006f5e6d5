package classify

import (
	"bytes"
	"math/bits"
	"strings"

	"github.com/leaktap/leaktap/classify/planes"
)

// words finds the anchors whose hook is in a block. An escaped letter ends a word
// (as in "\nBearer"): text may hold JSON that nobody unescaped.
func (p *places) words(b *planes.Block, start int) {
	word, backslash := b[planes.Word], b[planes.Backslash]
	whole := word &^ (backslash<<1 | p.escape)
	starts := word&^(whole<<1|p.word) | b[planes.Lead] // where words start is not known in all scripts
	p.word, p.escape = whole>>63, backslash>>63
	text := p.text
	for starts != 0 {
		i := start + bits.TrailingZeros64(starts)
		starts &= starts - 1
		if i+headSize > len(text) {
			p.hooked(p.f.lastWord(text[i:]), i)
			continue
		}
		if h := head(text[i], text[i+1], text[i+2]); p.f.heads.has(h) {
			p.headed(h, i)
		}
	}
	rare := b[planes.Rare]
	if p.escaped { // before quotes they are not rare; what else they may be makes the text one with escapes
		rare &^= backslash
	}
	for ; rare != 0; rare &= rare - 1 {
		i := start + bits.TrailingZeros64(rare)
		p.hooked(p.f.rare[text[i]], i)
	}
}

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
		escapes &^= b[planes.Quote] >> 1
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
	for hi > 0 && isSpace(p.text[hi-1]) {
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
	for starts := word &^ (word<<1 | p.literal); starts != 0; starts &= starts - 1 {
		if i := start + bits.TrailingZeros64(starts); !isLiteral(p.text, i) {
			return true
		}
	}
	p.literal = word >> 63
	return false
}

// isLiteral says whether a number or literal may start at offset i: behind a colon, a comma,
// a bracket, or the sign, dot or exponent of a number.
func isLiteral(text []byte, i int) bool {
	before := i
	for before > 0 && isSpace(text[before-1]) {
		before--
	}
	if before > 1 && text[before-2] == '\\' && text[before-1] != '"' { // the letter of an escape
		return true
	}
	if before > 0 && strings.IndexByte(":,[-+.", text[before-1]) < 0 {
		return false
	}
	rest := text[i:]
	return isDigit(rest[0]) || bytes.HasPrefix(rest, []byte("true")) || bytes.HasPrefix(rest, []byte("false")) ||
		bytes.HasPrefix(rest, []byte("null"))
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
		default:
			return true
		}
	}
	return false
}

// hidesRune says whether the character whose escape has its u at offset i may be part of
// what is looked for. If not, a word may start behind it.
func (p *places) hidesRune(i int) bool {
	r, ok := hexRune(p.text[i+1 : min(len(p.text), i+5)])
	if !ok || r < 0x80 || p.f.runes.has(r) {
		return true
	}
	if at := i + 5; at+headSize <= len(p.text) {
		if h := head(p.text[at], p.text[at+1], p.text[at+2]); p.f.heads.has(h) {
			p.headed(h, at)
		}
	}
	return false
}

// hexRune reads four hexadecimal digits.
func hexRune(digits []byte) (r uint16, ok bool) {
	for _, c := range digits {
		n := strings.IndexByte("0123456789abcdef", lowerASCII[c])
		if n < 0 {
			return 0, false
		}
		r = r<<4 | uint16(n)
	}
	return r, len(digits) == 4
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

// headed looks at the word at offset i, whose first three bytes have that hash.
func (p *places) headed(h uint16, i int) {
	if i+headSize < len(p.text) {
		long := head4(p.text[i], p.text[i+1], p.text[i+2], p.text[i+3])
		if t := &p.f.long; t.has.has(long) {
			p.hooked(t.lists[t.index[long]], i)
		}
	}
	if t := &p.f.short; t.has.has(h) {
		p.hooked(t.lists[t.index[h]], i)
	}
}

// lastWord returns the hooks of a word of fewer than headSize bytes that ends the
// text.
func (f *finder) lastWord(word []byte) []hook {
	if len(word) < minHook || f.short.lists == nil {
		return nil
	}
	return f.short.lists[f.short.index[head(word[0], word[1], 0)]]
}

// hooked compares the anchors of hooks at offset i of the text.
func (p *places) hooked(hooks []hook, i int) {
	for _, h := range hooks {
		a := &p.f.anchors[h.anchor]
		at := i - int(h.off)
		end := at + len(a.text)
		if at >= 0 && end <= len(p.text) && (p.document || !a.escaped) && hasAnchor(p.text[at:end], a) {
			p.list = append(p.list, place{at: at, end: end, anchor: a})
		}
	}
}

// longWords looks inside the long words of a window, those that began before it
// included. What was found at a word's start is not found again.
func (p *places) longWords(blocks []planes.Block, start int) {
	for i := range blocks {
		long, at := blocks[i][planes.Long], start+i*planes.BlockSize
		if head := bits.TrailingZeros64(^long); head == planes.BlockSize {
			p.long += head
			continue
		} else if p.long+head >= longWord {
			p.longWord(at-p.long, at+head)
		}
		p.long = bits.LeadingZeros64(^long)
		runs := long & (long >> 1)
		for shift := 2; shift < longWord; shift *= 2 {
			runs &= runs >> shift
		}
		if runs != 0 { // from the start of the first to the end of the last
			p.longWord(at+bits.TrailingZeros64(runs), at+bits.Len64(runs)-1+longWord)
		}
	}
	if p.long >= longWord {
		p.longWord(p.pos-p.long, p.pos)
	}
}

// longWord finds anchors inside text[lo:hi]. It starts early enough for one that
// ends behind what was looked at before.
func (p *places) longWord(lo, hi int) {
	done := p.inside
	lo = max(lo, done-p.f.longest+1)
	p.inside = max(done, hi)
	p.f.inside.scan(p.text[lo:hi], func(a *anchor, at int) {
		at += lo
		end := at + len(a.text)
		if end > done && at > 0 && isWordByte(p.text[at-1]) && !isEscaped(p.text, at-1) {
			p.list = append(p.list, place{at: at, end: end, anchor: a})
		}
	})
}

// isEscaped says whether a backslash stands before offset i.
func isEscaped(text []byte, i int) bool { return i > 0 && text[i-1] == '\\' }

// runs finds runs of digits, single separators between them allowed. A run of
// minDigits bytes covers a multiple of four and the four bytes behind it; two
// separators never follow each other in it.
func (p *places) runs(blocks []planes.Block, start int) {
	const fourth = 0x1111111111111111
	for i := range blocks {
		digit := blocks[i][planes.Digit]
		if digit == 0 {
			continue
		}
		run := digit | blocks[i][planes.Separator]
		next, nextDigit := ^uint64(0), ^uint64(0) // what is behind the window may be anything
		if i+1 < len(blocks) {
			nextDigit = blocks[i+1][planes.Digit]
			next = nextDigit | blocks[i+1][planes.Separator]
		}
		found := run & (run>>1 | next<<63) & (run>>2 | next<<62) & (run>>3 | next<<61) & (run>>4 | next<<60) &
			(digit | digit>>1 | nextDigit<<63) & fourth
		for ; found != 0; found &= found - 1 {
			p.run(start + i*planes.BlockSize + bits.TrailingZeros64(found))
		}
	}
}

// run looks at the run of digits around offset i or the one behind it.
func (p *places) run(i int) {
	if i < p.ran {
		return
	}
	if !isDigit(p.text[i]) {
		i++
	}
	if i >= len(p.text) || !isDigit(p.text[i]) {
		return
	}
	lo, hi, digits := runAround(p.text, i)
	p.ran = hi
	if digits >= p.f.minRun {
		p.list = append(p.list, place{at: lo, end: hi, digits: digits})
	}
}

// signs finds the signs of a block behind telling names whose values some rule
// asks for.
func (p *places) signs(b *planes.Block, start int) {
	for signs := b[planes.Sign]; signs != 0; signs &= signs - 1 {
		i := start + bits.TrailingZeros64(signs)
		if p.text[i] == '<' {
			p.element(i)
			continue
		}
		hi := p.nameEnd(i)
		if !p.names.v.mayEnd(p.text[:hi]) {
			continue
		}
		lo := nameStart(p.text, hi)
		id := p.names.lookup(p.text[lo:hi])
		if id == 0 && lo > 0 && lo < hi && p.text[lo-1] == '\\' { // "\npassword="
			id = p.names.lookup(p.text[lo+1 : hi])
		}
		if id == 0 && p.document && p.text[i] == ':' {
			id = p.member(i, hi-lo)
		}
		if id != 0 && p.f.asked[id] {
			p.list = append(p.list, place{at: i, end: i + 1, field: id})
		}
	}
}

// member returns the class of the name in quotes before a colon, if it holds more than
// the letters, digits and the like that were looked up already.
func (p *places) member(colon, size int) uint16 {
	key := memberBefore(p.text, colon)
	if len(key) == size {
		return 0
	}
	return p.names.lookup(key)
}

// nameEnd returns where the name before a sign ends. Mostly a quote stands between the two.
func (p *places) nameEnd(sign int) int {
	if sign > 1 && p.text[sign-1] == '"' && isNameByte(p.text[sign-2]) {
		return sign - 1
	}
	hi := nameEnd(p.text, sign)
	if p.document && p.text[sign] == ':' && (hidesName(p.text, sign, hi) || p.escaped && isSpace(p.text[max(0, sign-1)])) {
		p.escapes = true
	}
	return hi
}

// hidesName says whether only a text without escapes shows the name that ends at hi before
// a colon: an escape stands between them, or in the name's end.
func hidesName(text []byte, colon, hi int) bool {
	escape := func(i int) bool { return i >= 0 && text[i] == '\\' && text[i+1] != '"' }
	return colon > 1 && escape(colon-2) || hi > 1 && escape(hi-2) || hi > 2 && escape(hi-3)
}

// element looks at the name of a tag that starts at offset i.
func (p *places) element(i int) {
	name := elementName(p.text, i)
	if len(name) == 0 || !p.names.v.mayEnd(name) {
		return
	}
	if id := p.names.lookup(name); id != 0 && p.f.asked[id] {
		p.list = append(p.list, place{at: i, end: i + 1, field: id})
	}
}

// memberBefore returns the name in quotes before a colon, or nil.
func memberBefore(doc []byte, colon int) []byte {
	hi := colon
	for hi > 0 && isSpace(doc[hi-1]) {
		hi--
	}
	if hi == 0 || doc[hi-1] != '"' {
		return nil
	}
	hi--
	from := max(0, hi-maxFieldName-1)
	if n := bytes.LastIndexByte(doc[from:hi], '"'); n >= 0 {
		return doc[from+n+1 : hi]
	}
	return nil
}

// within says whether a place lies in [start,end). Ranges have to come in
// ascending order: what lies before start is forgotten.
func (p *places) within(start, end int) bool {
	for !p.all {
		for ; p.passed < len(p.list); p.passed++ {
			switch first := &p.list[p.passed]; {
			case first.at >= end:
				return false
			case first.at >= start && first.end <= end:
				return true
			}
		}
		if p.pos >= end {
			return false
		}
		if start-p.pos > len(p.blocks)*planes.BlockSize {
			p.skip(start)
		}
		if !p.next() {
			return false
		}
	}
	return true
}

// stopAt limits the text to what stands before the first of some spans.
func (p *places) stopAt(spans []Span, text []byte) {
	p.text = text
	if len(spans) > 0 {
		p.text = text[:min(len(text), spans[0].Start)]
	}
}
