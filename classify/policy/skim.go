package policy

import (
	"bytes"
	"math/bits"

	"github.com/leaktap/leaktap/classify/jsonscan"
	"github.com/leaktap/leaktap/classify/planes"
)

// skimBlocks is how many blocks are looked at in one go: 2 KiB of a body.
const skimBlocks = 32

// skimming walks a body from sign to sign: only brackets, colons, and the commas of lists are
// looked at, and a value only where the caller may not get it. Nearly all bodies are JSON to
// their end, or cut; for others it is false, and the tokens have to be walked.
type skimming struct {
	blocks    [skimBlocks]planes.Block
	odd, open uint64 // carried from block to block
	// pos is where the block starts that is looked at. now and before are what bounds strings in it and
	// in the block before.
	pos         int
	now, before planes.Quoting
}

// skim walks the body. What it finds in JSON is what tokens finds.
func (w *walker) skim() bool {
	s := &w.skimming
	s.odd, s.open, s.pos, s.now = 0, 0, 0, planes.Quoting{}
	top := &w.steps[0]
	for s.pos < len(w.body) {
		blocks := planes.Fill(s.blocks[:], w.body[s.pos:])
		for i := range blocks {
			signs, commas, ok := s.structure(&blocks[i], len(w.body)-s.pos)
			if !ok {
				return false
			}
			for next := until(top, signs, commas); next != 0; next = until(top, signs, commas) {
				bit := bits.TrailingZeros64(next)
				if w.body[s.pos+bit] == ':' {
					ok = w.colon(top, bit)
				} else {
					top = w.sign(top, s.pos+bit)
				}
				if top == nil || !ok {
					return false
				}
				if w.deep {
					return true
				}
				behind := ^(next ^ (next - 1))
				signs, commas = signs&behind, commas&behind
			}
			s.pos += planes.BlockSize
		}
	}
	return true
}

// until returns the signs of a block of which the first is to be looked at: commas tell of items only.
func until(top *step, signs, commas uint64) uint64 {
	if top.list {
		return signs | commas
	}
	return signs
}

// structure returns the brackets and colons of a block that are in no string, and the commas and
// line ends; false if something else is in none.
func (s *skimming) structure(b *planes.Block, size int) (signs, commas uint64, ok bool) {
	behind := uint64(0)
	if b[planes.Backslash]|s.odd != 0 {
		behind = planes.Escaped(b[planes.Backslash], &s.odd)
	}
	quotes := b[planes.Quote] &^ behind
	s.before, s.now = s.now, planes.Quoting{Quotes: quotes, Backslashes: b[planes.Backslash]}
	between := ^(planes.Inside(quotes, &s.open) | quotes)
	if size < planes.BlockSize {
		between &= 1<<size - 1
	}
	signs = (b[planes.Sign] | b[planes.Bracket]) & between
	return signs, between &^ (signs | b[planes.Word] | b[planes.Separator]), b[planes.Odd]&between == 0
}

// colon looks at the colon at a bit of the block: at the name before it, and at the value behind it
// if the caller may not get that. It is false if it is in a wrong place.
func (w *walker) colon(top *step, bit int) bool {
	at := w.pos + bit
	if top.list || len(w.steps) == 1 {
		return false
	}
	start, plain := w.quoteBefore(bit)
	name, short := jsonscan.ShortNameAt(w.body, start, at-1)
	if plain && short && w.body[at-1] == '"' {
		w.named(top, name, start, at-1)
	} else if !w.nameBefore(top, at) {
		return false
	}
	return top.ok || w.value(top, at+1, false)
}

// quoteBefore returns the offset behind the quote that opens the name before a colon at a bit of the
// block, if one closes it right before; plain says that no backslash is between. It is false for names that
// start further away than in the block before.
func (s *skimming) quoteBefore(bit int) (start int, plain bool) {
	if bit == 0 {
		return 0, false
	}
	below := uint64(1)<<(bit-1) - 1
	if quotes := s.now.Quotes & below; quotes != 0 {
		n := bits.Len64(quotes)
		return s.pos + n, s.now.Backslashes&below>>n == 0
	}
	n := bits.Len64(s.before.Quotes)
	return s.pos - planes.BlockSize + n, n > 0 && s.before.Backslashes>>n|s.now.Backslashes&below == 0
}

// sign looks at a bracket or comma. It returns the object or list behind it, nil if it is in a wrong place.
func (w *walker) sign(top *step, at int) *step {
	switch c := w.body[at]; c {
	case ',':
		if !w.value(top, at+1, true) {
			return nil
		}
	case '{', '[':
		if len(w.steps) > maxWalk {
			w.deep = true
			return top
		}
		top.items++
		top = w.enter(top, c == '[')
		if top.list && !w.value(top, at+1, true) {
			return nil
		}
	case '}', ']':
		if len(w.steps) == 1 || top.list != (c == ']') {
			return nil
		}
		return w.end(top)
	}
	return top
}

// nameBefore notes the name before a colon; false if there is none.
func (w *walker) nameBefore(top *step, colon int) bool {
	end := colon - 1
	for end > 0 && jsonscan.IsSpace(w.body[end]) {
		end--
	}
	if end < 1 || w.body[end] != '"' {
		return false
	}
	start := openingQuote(w.body[:end]) + 1
	w.member(top, start, end, bytes.IndexByte(w.body[start:end], '\\') >= 0)
	return true
}

// openingQuote returns the offset of the last quote that no backslash escapes.
func openingQuote(text []byte) int {
	for {
		i := bytes.LastIndexByte(text, '"')
		before := i
		for before > 0 && text[before-1] == '\\' {
			before--
		}
		if (i-before)%2 == 0 {
			return i
		}
		text = text[:i]
	}
}

// value looks at the value that starts at an offset, if it is a plain one; an object or list is
// looked at when its bracket comes. Items of lists are counted. It is false for what is no
// value.
func (w *walker) value(top *step, at int, item bool) bool {
	for at < len(w.body) && jsonscan.IsSpace(w.body[at]) {
		at++
	}
	if at == len(w.body) {
		return true // it is cut
	}
	switch c := w.body[at]; {
	case c == '{' || c == '[', c == ']' && item: // the list is empty
		return true
	case !startsValue(c):
		return false
	}
	if item {
		top.items++
	}
	if !top.ok && tells(w.body[at:]) {
		w.found(top.next, top.nextMask)
	}
	return true
}

// startsValue says whether a string, a number or a literal may start with a byte.
func startsValue(c byte) bool {
	return c == '"' || c == '-' || '0' <= c && c <= '9' || c == 't' || c == 'f' || c == 'n'
}

// tells says whether a plain value tells anything: null and the empty string do not.
func tells(value []byte) bool {
	if value[0] == '"' {
		return len(value) > 1 && value[1] != '"'
	}
	return value[0] != 'n'
}
