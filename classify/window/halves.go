package window

import "time"

// halves counts distinct hashes over a window that slides by half its length: what was seen
// in the present half and in the one before. Its zero value is empty.
type halves struct {
	half        int64 // number of the present half
	now, before distinct
}

// at moves to the half that a time is in; an earlier time counts for the present one. It
// says how many halves went by.
func (h *halves) at(unix int64, window time.Duration) (passed int64) {
	half := unix / max(1, int64(window/time.Second)/2)
	passed = half - h.half
	switch {
	case passed <= 0:
		return 0
	case passed == 1:
		h.before, h.now = h.now, distinct{}
	default:
		h.before, h.now = distinct{}, distinct{}
	}
	h.half = half
	return passed
}

func (h *halves) add(hash uint64) bool { return h.now.add(hash) }

func (h *halves) count() int { return union(&h.now, &h.before) }

// least is a bound on count that costs nothing.
func (h *halves) least() int {
	return max(h.now.size(), h.before.size())
}

// size is the number of exact values, or more than those for a sketch.
func (d *distinct) size() int {
	if d.sketch != nil {
		return maxExact + 1
	}
	return len(d.exact)
}
