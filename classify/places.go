package classify

import (
	"slices"

	"github.com/leaktap/leaktap/classify/planes"
)

// place is a part of a text that is worth a look.
type place struct {
	// [at,end) are the bytes of the anchor or the run, or the sign behind a name.
	at, end int
	// anchor is what stands there, nil for a run of digits or a sign.
	anchor *anchor
	// digits is how many digits the run has.
	digits int
	// field is the class of the name before the sign.
	field uint16
	// quoted says that the place is in a string of a document.
	quoted bool
}

// windowBlocks is how many blocks are looked at in one go: 4 KiB of text.
const windowBlocks = 64

// places goes through a text window by window. It holds the places of the
// present window only, so its size is bounded whatever the text.
type places struct {
	f     *finder
	names *nameCache
	text  []byte
	// document says that the text is JSON, in which the name before a colon may
	// hold any bytes.
	document bool
	// escaped says that the text is the inside of a JSON string: a quote stands
	// behind a backslash.
	escaped bool
	// list holds the places found last, of which so many have been passed; pos is the offset from which on nothing was looked at yet.
	list   []place
	passed int
	pos    int
	// escapes is set once the document may stand for another text than what is
	// seen of it, because of an escape.
	escapes bool
	// broken is set once the document was seen to be none.
	broken bool
	// all makes every part of the text worth a look; tests compare with it.
	all bool

	blocks [windowBlocks]planes.Block
	quoted [windowBlocks]uint64 // the bytes in strings, of a document
	carried
}

// carried is what goes from one block to the next.
type carried struct {
	open    uint64 // 1 if the byte before is in a string
	odd     uint64 // 1 if the next byte is escaped
	word    uint64 // 1 if the byte before is of a word
	escape  uint64 // 1 if it is a backslash
	literal uint64 // 1 if it is of a number or literal between strings
	recent  uint64 // not 0 if a name that goes on here may hold an escape
	ran     int    // runs of digits have been looked at up to here
	long    int    // how many bytes before are of one long word
	inside  int    // long words have been looked at up to here
}

// reset begins a text.
func (p *places) reset(f *finder, names *nameCache, text []byte, document bool) {
	p.f, p.names, p.text, p.document = f, names, text, document
	p.list, p.passed = p.list[:0], 0
	p.escapes, p.broken = false, false
	p.skip(0)
}

// skip goes to an offset behind which a new word starts.
func (p *places) skip(pos int) {
	p.pos, p.carried = pos, carried{ran: pos, inside: pos}
}

// next looks at the next window and leaves its places in list, in no order; false at
// the end of the text.
func (p *places) next() bool {
	p.list, p.passed = p.list[:0], 0
	if p.pos >= len(p.text) {
		return false
	}
	blocks := planes.Fill(p.blocks[:], p.text[p.pos:])
	start := p.pos
	for i := range blocks {
		if p.document {
			p.strings(i, start)
			p.escapedNames(i, start)
		}
		p.words(&blocks[i], start+i*planes.BlockSize)
		p.signs(i, start+i*planes.BlockSize)
	}
	if p.f.minRun > 0 {
		p.runs(blocks, start)
	}
	p.pos = min(start+len(blocks)*planes.BlockSize, len(p.text))
	if p.f.longest > 0 {
		p.longWords(blocks, start)
	}
	for i := range p.list {
		at := max(0, p.list[i].at-start)
		p.list[i].quoted = p.quoted[min(at/planes.BlockSize, windowBlocks-1)]>>(at%planes.BlockSize)&1 != 0
	}
	return true
}

// sort puts the places of the window in the order of their starts.
func (p *places) sort() {
	before := func(a, b place) int { return a.at - b.at }
	if !slices.IsSortedFunc(p.list, before) {
		slices.SortStableFunc(p.list, before)
	}
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
		p.sort()
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
