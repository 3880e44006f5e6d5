package classify

import (
	"encoding/binary"
	"math/bits"

	"github.com/leaktap/leaktap/classify/jsonscan"
	"github.com/leaktap/leaktap/classify/planes"
)

// words finds the anchors whose hook is in a block. An escaped letter ends a word
// (as in "\nBearer"): text may hold JSON that nobody unescaped.
func (p *places) words(b *planes.Block, start int) {
	word, backslash := b[planes.Word], b[planes.Backslash]
	whole := word &^ (backslash<<1 | p.escape)
	starts := word&^(whole<<1|p.word) | b[planes.Lead] // where words start is not known in all scripts
	p.word, p.escape = whole>>63, backslash>>63
	text, long, short := p.text, &p.f.long, &p.f.short
	for ; starts != 0; starts &= starts - 1 {
		i := start + bits.TrailingZeros64(starts)
		if i+4 > len(text) {
			p.headed(i)
			continue
		}
		word := binary.LittleEndian.Uint32(text[i:])
		if h := head4(word); long.has.has(h) {
			p.hookedAny(long, h, i)
		}
		if h := head3(word); short.has.has(h) {
			p.hookedAny(short, h, i)
		}
	}
	rare := b[planes.Rare]
	if p.escaped { // before quotes they are not rare; what else they may be makes the text one with escapes
		rare &^= backslash
	}
	for ; rare != 0; rare &= rare - 1 {
		p.rareSign(start + bits.TrailingZeros64(rare))
	}
}

// rareSign looks at the rare sign at offset i.
func (p *places) rareSign(i int) {
	sign, signs := p.text[i], &p.f.signs
	if h := signAlone(sign); signs.has.has(h) {
		p.hookedAny(signs, h, i)
	}
	if i+1 < len(p.text) {
		if h := signBefore(sign, p.text[i+1]); signs.has.has(h) {
			p.hookedAny(signs, h, i)
		}
	}
	if i > 0 {
		if h := signBehind(p.text[i-1], sign); signs.has.has(h) {
			p.hookedAny(signs, h, i)
		}
	}
}

// headed looks at the word at offset i, which may be shorter than four bytes.
func (p *places) headed(i int) {
	word := headOf(p.text[i:])
	if h := head4(word); len(p.text)-i > headSize && p.f.long.has.has(h) {
		p.hookedAny(&p.f.long, h, i)
	}
	if h := head3(word); len(p.text)-i >= minHook && p.f.short.has.has(h) {
		p.hookedAny(&p.f.short, h, i)
	}
}

// hookedAny compares the anchors whose hooks have a hash.
func (p *places) hookedAny(t *hookTable, hash uint16, i int) {
	for n := t.first(hash); ; n++ {
		h := &t.list[n]
		p.hooked(h, i)
		if h.last {
			return
		}
	}
}

// hooked compares the anchor of a hook at offset i of the text; mostly eight bytes tell
// that it is another word.
func (p *places) hooked(h *hook, i int) {
	from := i - int(h.before)
	if from >= 0 && from+8 <= len(p.text) && (binary.LittleEndian.Uint64(p.text[from:])|0x2020202020202020^h.want)&h.mask != 0 {
		return
	}
	a := &p.f.anchors[h.anchor]
	at := i - int(h.off)
	end := at + len(a.text)
	if at >= 0 && end <= len(p.text) && (p.document || !a.escaped) && hasAnchor(p.text[at:end], a) {
		p.list = append(p.list, place{at: at, end: end, anchor: a})
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
		runs := long & (long >> 1) // where longWord bytes start
		runs &= runs >> 2
		runs &= runs >> 4
		runs &= runs >> 8
		runs &= runs >> (longWord / 2)
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
		if end > done && (!isWordByte(a.text[0]) || at > 0 && isWordByte(p.text[at-1]) && !isEscaped(p.text, at-1)) {
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
			if at := bits.TrailingZeros64(found); !isShort(run, digit, at, p.f.minRun) {
				p.run(start + i*planes.BlockSize + at)
			}
		}
	}
}

// isShort says whether the bytes around a place that are digits or separators lie in one
// block and have fewer digits than are asked for: most are times and dates.
func isShort(run, digit uint64, at, want int) bool {
	first := at + 1 - bits.LeadingZeros64(^(run << (63 - at)))
	size := bits.TrailingZeros64(^(run >> first))
	return first > 0 && first+size < planes.BlockSize && bits.OnesCount64(digit>>first&(1<<size-1)) < want
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
func (p *places) signs(i, start int) {
	for signs := p.blocks[i][planes.Sign]; signs != 0; signs &= signs - 1 {
		bit := bits.TrailingZeros64(signs)
		at := start + bit
		if p.text[at] == '<' {
			p.element(at)
			continue
		}
		if id := p.classAt(i, bit, at); id != 0 && p.f.asked[id] {
			p.list = append(p.list, place{at: at, end: at + 1, field: id})
		}
	}
}

// classAt returns the class of the name before a sign, at a bit of a block, 0 if it has none.
func (p *places) classAt(i, bit, sign int) uint16 {
	lo, hi := p.memberName(i, bit, sign)
	name, short := jsonscan.ShortNameAt(p.text, lo, hi)
	if !short || lo == hi {
		return p.classOf(sign, p.nameEnd(sign))
	}
	known := p.names.member(name)
	if known.name != name {
		*known = cachedMember{name, p.classOf(sign, hi)}
	}
	return known.id
}

// memberName returns the place of the name of a member, in quotes right before a colon, if nothing but
// its bytes tells the class; else lo is hi.
func (p *places) memberName(i, bit, sign int) (lo, hi int) {
	if !p.document || bit == 0 || p.text[sign] != ':' || p.text[sign-1] != '"' {
		return 0, 0
	}
	block := sign - bit
	quotes := p.blocks[i][planes.Quote] & (1<<(bit-1) - 1)
	if quotes == 0 && i > 0 { // it starts in the block before
		block -= planes.BlockSize
		quotes = p.blocks[i-1][planes.Quote]
	}
	if quotes == 0 {
		return 0, 0
	}
	lo, hi = block+bits.Len64(quotes), sign-1
	if p.escaped { // a backslash is before the quote
		hi--
	}
	if hi <= lo || p.escaped && p.text[hi] != '\\' || !isNameByte(p.text[hi-1]) || p.text[hi-1] == '_' {
		return 0, 0
	}
	return lo, hi
}

// classOf returns the class of the name that ends at hi before a sign: mostly its end tells
// that it has none, unless that is a sign or a space ("name _").
func (p *places) classOf(sign, hi int) uint16 {
	if name := p.text[:hi]; hi > 0 && foldByte[name[hi-1]] != 0 && !p.names.v.mayEnd(name) && !endsInEscape(name) {
		return 0
	}
	return p.classBefore(sign, hi)
}

// classBefore returns the class of the name that ends at hi before a sign.
func (p *places) classBefore(sign, hi int) uint16 {
	lo := nameStart(p.text, hi)
	id := p.names.class(p.text[lo:hi])
	switch {
	case id != 0 || lo == 0:
	case lo < hi && p.text[lo-1] == '\\': // "\npassword="
		id = p.names.lookup(p.text[lo+1 : hi])
	}
	if id == 0 && hi-lo > len(dataPrefix) && p.text[sign] == '=' && string(p.text[lo:lo+len(dataPrefix)]) == dataPrefix {
		id = p.names.lookup(p.text[lo+len(dataPrefix) : hi])
	}
	if id == 0 && p.document && p.text[sign] == ':' && (lo == 0 || p.text[lo-1] != '"') { // it goes on before the letters and digits
		id = p.names.lookup(memberBefore(p.text, sign))
	}
	return id
}

// dataPrefix starts the names of attributes that pages give a meaning of their own (HTML,
// section 3.2.6.6).
const dataPrefix = "data-"

// endsInEscape says whether a backslash is among the last bytes of a text: a short name may
// follow its letter ("\nid=").
func endsInEscape(text []byte) bool {
	n := len(text)
	return n >= tailSize && (text[n-2] == '\\' || text[n-3] == '\\' || text[n-4] == '\\')
}

// nameEnd returns where the name before a sign ends. Mostly a quote stands between the two.
func (p *places) nameEnd(sign int) int {
	if sign > 2 && p.text[sign-1] == '"' {
		switch hi := sign - 1; {
		case isNameByte(p.text[hi-1]) && p.text[hi-1] != '_':
			return hi
		case p.escaped && isNameByte(p.text[hi-2]) && p.text[hi-2] != '_':
			return hi - 1
		}
	}
	hi := nameEnd(p.text, sign)
	if p.document && p.text[sign] == ':' && (hidesName(p.text, sign, hi) || p.isFarName(sign, hi)) {
		p.escapes = true
	}
	return hi
}

// isFarName says whether white space stands before a colon that no name is found behind: of
// more than three bytes, or other than the one space that is passed over.
func (p *places) isFarName(sign, hi int) bool {
	return sign > 0 && jsonscan.IsSpace(p.text[sign-1]) && (p.escaped || hi == 0 || !isNameByte(p.text[hi-1]))
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
