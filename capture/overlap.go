package capture

import (
	"bytes"
	"hash/crc32"
)

const (
	// rememberedSegments is how many delivered segments of a direction are
	// remembered, to compare copies of them.
	rememberedSegments = 4
	// comparedBytes is how many bytes at the start of a delivered segment its
	// copies are compared with.
	comparedBytes = 2048
)

// delivered is what is remembered of a segment whose bytes are gone.
type delivered struct{ seq, end, sum uint32 }

// remember notes that s was delivered.
func (h *half) remember(s *stretch) {
	if h.past == nil {
		h.past = &[rememberedSegments]delivered{}
	}
	h.past[h.pastAt%rememberedSegments] = delivered{s.seq, s.end(), checksum(s)}
	h.pastAt++
}

// contradictsPast reports whether s is a copy of a segment that was delivered a
// little while ago, with other bytes.
func (h *half) contradictsPast(s *stretch) bool {
	if h.past == nil {
		return false
	}
	for _, p := range h.past {
		if p.seq == s.seq && p.end == s.end() {
			return p.sum != checksum(s)
		}
	}
	return false
}

// contradictsWaiting reports whether s has other bytes than a segment that waits
// in its place: one of them is not what the receiver reads (Ptacek and Newsham,
// Insertion, Evasion, and Denial of Service, 1998, section 5).
func (h *half) contradictsWaiting(s *stretch) bool {
	for i := range h.waiting {
		w := &h.waiting[i]
		if !after(w.end(), s.seq) || !after(s.end(), w.seq) {
			continue
		}
		mine, theirs := s.payload, w.payload
		if skip := int(int32(w.seq - s.seq)); skip >= 0 {
			mine = mine[min(skip, len(mine)):]
		} else {
			theirs = theirs[min(-skip, len(theirs)):]
		}
		n := min(len(mine), len(theirs))
		if !bytes.Equal(mine[:n], theirs[:n]) {
			return true
		}
	}
	return false
}

// checksum is that of the beginning of s, made to differ, not to be forged.
func checksum(s *stretch) uint32 {
	return crc32.Update(0, crc32.MakeTable(crc32.Castagnoli), s.payload[:min(len(s.payload), comparedBytes)])
}
