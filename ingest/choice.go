package ingest

// choice decides which decoder the records of a stream are given to first. It
// watches the first records, goes by what most of them were, and begins again
// when records of another format come one after the other. A record that the
// decided decoder does not know is given to all of them.
type choice struct {
	counts []int
	seen   int
	// decided is the decoder decided for, or -1, and last the one of the record
	// before; misses counts the records in a row that were not of decided.
	decided, last, misses int
}

// After so many records it is decided, and after so many others decided anew.
const (
	decideAfter   = 100
	redecideAfter = 20
)

func newChoice(decoders int) choice {
	return choice{counts: make([]int, decoders), decided: -1, last: -1}
}

// first returns the decoder to try first, -1 for none.
func (c *choice) first() int {
	if c.decided >= 0 {
		return c.decided
	}
	return c.last
}

// note takes the decoder that a record was of, and says whether the decision was
// given up for it. Text, the last decoder, is never decided for, since it takes
// everything.
func (c *choice) note(i int) (again bool) {
	isText := i == len(c.counts)-1
	if !isText {
		c.last = i
	}
	if c.decided >= 0 {
		if i == c.decided {
			c.misses = 0
			return false
		}
		c.misses++
		if c.misses < redecideAfter {
			return false
		}
		clear(c.counts)
		c.seen, c.misses, c.decided = 0, 0, -1
		again = true
	}
	c.counts[i]++
	c.seen++
	if c.seen == decideAfter {
		c.decide()
	}
	return again
}

func (c *choice) decide() {
	best := 0
	for i, n := range c.counts {
		if n > c.counts[best] {
			best = i
		}
	}
	if best < len(c.counts)-1 {
		c.decided = best
	} else {
		clear(c.counts)
		c.seen = 0
	}
}
