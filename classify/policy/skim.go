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
	// backslash says that there was a backslash in the body.
	backslash bool
}

// skim walks the body. What it finds in JSON is what tokens finds.
func (w *walker) skim() bool {
	s := &w.skimming
	s.odd, s.open, s.backslash = 0, 0, false
	top := &w.steps[0]
	for pos := 0; pos < len(w.body); {
		blocks := planes.Fill(s.blocks[:], w.body[pos:])
		for i := range blocks {
			signs, commas, quotes, ok := s.structure(&blocks[i], len(w.body)-pos)
			if !ok {
				return false
			}
			for next := w.until(top, signs, commas); next != 0; next = w.until(top, signs, commas) {
				if top = w.sign(top, pos, bits.TrailingZeros64(next), quotes); top == nil {
					return false
				}
				if w.deep {
					return true
				}
				behind := ^(next ^ (next - 1))
				signs, commas = signs&behind, commas&behind
			}
			pos += planes.BlockSize
		}
	}
	return true
}

// until returns the signs of a block of which the first is to be looked at: commas tell of items only.
func (w *walker) until(top *step, signs, commas uint64) uint64 {
	if top.list {
		return signs | commas
	}
	return signs
}

// structure returns the brackets and colons of a block that are in no string, the commas and
// line ends, and the quotes that bound strings; false if something else is in none.
func (s *skimming) structure(b *planes.Block, size int) (signs, commas, quotes uint64, ok bool) {
	behind := uint64(0)
	if b[planes.Backslash]|s.odd != 0 {
		behind = planes.Escaped(b[planes.Backslash], &s.odd)
		s.backslash = true
	}
	quotes = b[planes.Quote] &^ behind
	between := ^(planes.Inside(quotes, &s.open) | quotes)
	if size < planes.BlockSize {
		between &= 1<<size - 1
	}
	signs = (b[planes.Sign] | b[planes.Bracket]) & between
	return signs, between &^ (signs | b[planes.Word] | b[planes.Separator]), quotes, b[planes.Odd]&between == 0
}

// sign looks at one sign, of the block that starts at pos. It returns the object or list behind
// it, nil if it is in a wrong place.
func (w *walker) sign(top *step, pos, i int, quotes uint64) *step {
	at := pos + i
	switch c := w.body[at]; c {
	case ':':
		if !w.nameBefore(top, pos, i, quotes) || !top.ok && !w.value(top, at+1, false) {
			return nil
		}
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

// nameBefore notes the name before the colon at byte i of a block; false if there is none.
func (w *walker) nameBefore(top *step, pos, i int, quotes uint64) bool {
	end := pos + i - 1
	for end > 0 && jsonscan.IsSpace(w.body[end]) {
		end--
	}
	if end < 1 || w.body[end] != '"' || top.list || len(w.steps) == 1 {
		return false
	}
	start := -1
	if end >= pos {
		start = pos + bits.Len64(quotes&(1<<(end-pos)-1)) - 1
	}
	if start < pos { // it starts before the block
		start = openingQuote(w.body[:end])
	}
	start++
	w.named(top, start, end, w.backslash && bytes.IndexByte(w.body[start:end], '\\') >= 0)
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
