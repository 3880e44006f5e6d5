package classify

import "strings"

// anchorSet finds any of a fixed set of literal strings anywhere in a text.
//
// It looks at every second byte pair only: each anchor is entered under two
// neighbouring pairs, one of which stands at an even offset wherever the anchor
// stands. A bitmap of all 65,536 pairs (8 KiB, it stays in the first cache)
// turns away most of them, a second one of hashed triples, a pair and its
// neighbour, nearly all others; what both let through is compared in full. The
// pairs are the rarest neighbours of the anchor, so that English words pass.
type anchorSet struct {
	pairs, triples pairSet
	// loose are the pairs of anchors that are too short to have a triple.
	loose pairSet
	// lists holds the anchors of each pair; index, by pair, says which list, 0
	// being the empty one.
	index   [1 << 16]uint16
	lists   [][]anchorAt
	anchors []anchor
}

// pairSet is a set of 16-bit numbers.
type pairSet [1 << 16 / 64]uint64

func (s *pairSet) add(n uint16)      { s[n/64] |= 1 << (n % 64) }
func (s *pairSet) has(n uint16) bool { return s[n/64]&(1<<(n%64)) != 0 }

// pair is two neighbouring bytes as a number.
func pair(x, y byte) uint16 { return uint16(x) | uint16(y)<<8 }

// triple is the hash of a pair and the byte behind it: the upper half of a
// product with 2^32 divided by the golden ratio.
func triple(pair uint16, z byte) uint16 {
	return uint16((uint32(pair) | uint32(z)<<16) * 2654435769 >> 16)
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
		s.enterTriple(a.text[off:off+3], a.fold)
	}
}

// enterTriple notes three bytes of an anchor, in all spellings when fold is set.
func (s *anchorSet) enterTriple(text string, fold bool) {
	for _, x := range spellings(text[0], fold) {
		for _, y := range spellings(text[1], fold) {
			for _, z := range spellings(text[2], fold) {
				s.triples.add(triple(pair(x, y), z))
			}
		}
	}
}

// enter files an anchor under a pair, in all spellings when fold is set.
func (s *anchorSet) enter(x, y byte, fold bool, at anchorAt) {
	for _, b := range spellings(x, fold) {
		for _, c := range spellings(y, fold) {
			p := pair(b, c)
			s.pairs.add(p)
			if len(s.anchors[at.anchor].text) < 3 {
				s.loose.add(p)
			}
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
		p := pair(text[i], text[i+1])
		if s.pairs.has(p) && s.likely(text, i, p) {
			s.verify(text, i, p, found)
		}
	}
	if i < len(text) { // the odd last byte: a short anchor may be or end there
		s.verify(text, i, uint16(text[i]), found)
	}
}

// likely says whether the pair at offset i may be one of an anchor, by the byte
// behind it or the one before.
func (s *anchorSet) likely(text []byte, i int, p uint16) bool {
	return i+2 < len(text) && s.triples.has(triple(p, text[i+2])) ||
		i > 0 && s.triples.has(triple(pair(text[i-1], text[i]), text[i+1])) || s.loose.has(p)
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
