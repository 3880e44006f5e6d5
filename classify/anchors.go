package classify

import "strings"

// anchorSet finds any of a fixed set of literal strings in a text.
//
// It looks at every second byte pair only: each anchor is entered under two
// neighbouring pairs, one of which stands at an even offset wherever the anchor
// stands. A bitmap of all 65,536 pairs (8 KiB, it stays in the first cache)
// turns away nearly all of them; what it lets through is compared in full. The
// pairs are the rarest neighbours of the anchor, so that English words pass.
type anchorSet struct {
	pairs [1 << 16 / 64]uint64
	// lists holds the anchors of each pair; index, by pair, says which list, 0
	// being the empty one.
	index   [1 << 16]uint16
	lists   [][]anchorAt
	anchors []anchor
}

// anchor is one literal string.
type anchor struct {
	text string
	fold bool // text is lower-case and is compared without case
	// id is what the set's owner knows it by.
	id int
}

// anchorAt says that a pair is found at offset off of an anchor.
type anchorAt struct {
	anchor int32
	off    int32
}

// add enters an anchor of at least one byte. Short ones are entered under every
// pair that one of their bytes can form, so they had better be rare.
func (s *anchorSet) add(a anchor) {
	if s.lists == nil {
		s.lists = make([][]anchorAt, 1)
	}
	n := int32(len(s.anchors))
	s.anchors = append(s.anchors, a)
	switch last := len(a.text) - 1; last {
	case 0:
		for other := range 256 {
			s.enter(a.text[0], byte(other), a.fold, anchorAt{n, 0})
			s.enter(byte(other), a.text[0], a.fold, anchorAt{n, -1})
		}
	case 1:
		s.enter(a.text[0], a.text[1], a.fold, anchorAt{n, 0})
		for other := range 256 {
			s.enter(a.text[1], byte(other), a.fold, anchorAt{n, 1})
		}
	default:
		off := rarestPairs(a.text)
		s.enter(a.text[off], a.text[off+1], a.fold, anchorAt{n, int32(off)})
		s.enter(a.text[off+1], a.text[off+2], a.fold, anchorAt{n, int32(off + 1)})
	}
}

// enter files an anchor under a pair, in all spellings when fold is set.
func (s *anchorSet) enter(x, y byte, fold bool, at anchorAt) {
	for _, b := range spellings(x, fold) {
		for _, c := range spellings(y, fold) {
			p := uint16(b) | uint16(c)<<8
			s.pairs[p/64] |= 1 << (p % 64)
			if s.index[p] == 0 {
				s.index[p] = uint16(len(s.lists))
				s.lists = append(s.lists, nil)
			}
			s.lists[s.index[p]] = append(s.lists[s.index[p]], at)
		}
	}
}

func spellings(b byte, fold bool) []byte {
	if fold && 'a' <= b && b <= 'z' {
		return []byte{b, b - 'a' + 'A'}
	}
	return []byte{b}
}

// scan calls found for each anchor in text, with the offset of its first byte;
// not always in order.
func (s *anchorSet) scan(text []byte, found func(a *anchor, at int)) {
	i := 0
	for ; i+1 < len(text); i += 2 {
		p := uint16(text[i]) | uint16(text[i+1])<<8
		if s.pairs[p/64]&(1<<(p%64)) != 0 {
			s.verify(text, i, p, found)
		}
	}
	if i < len(text) { // the odd last byte: a short anchor may be or end there
		s.verify(text, i, uint16(text[i]), found)
	}
}

// verify compares the anchors that are filed under the pair at offset i.
func (s *anchorSet) verify(text []byte, i int, p uint16, found func(a *anchor, at int)) {
	if s.lists == nil {
		return
	}
	for _, e := range s.lists[s.index[p]] {
		a := &s.anchors[e.anchor]
		at := i - int(e.off)
		if at < 0 || at+len(a.text) > len(text) {
			continue
		}
		if hasAnchor(text[at:at+len(a.text)], a) {
			found(a, at)
		}
	}
}

func hasAnchor(b []byte, a *anchor) bool {
	if a.fold {
		return equalFold(b, a.text)
	}
	return string(b) == a.text
}

// rarestPairs returns the offset of the three neighbouring bytes that are
// least to be expected in JSON and English text.
func rarestPairs(text string) int {
	best, bestCost := 0, 1<<30
	for i := 0; i+2 < len(text); i++ {
		a, b, c := byteCost(text[i]), byteCost(text[i+1]), byteCost(text[i+2])
		if cost := a*b + b*c; cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best
}

// commonBytes are the bytes of API traffic from the most to the least common,
// roughly; all others are rarer still.
const commonBytes = "e\" taionsr:,l0dcu1mp2h_f3g45b67y98v\\wk-./xjqz{}[]ETAIONSRLDC"

// byteCost ranks a byte by how often it is to be expected.
func byteCost(b byte) int {
	if rank := strings.IndexByte(commonBytes, b); rank >= 0 {
		return len(commonBytes) + 2 - rank
	}
	return 1
}
