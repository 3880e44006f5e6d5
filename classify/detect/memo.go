package detect

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

// memo is what several rules would find out about the same candidate one after the other.
type memo struct {
	claims claimsMemo
	pair   pairMemo
}

// memoOf returns the memo of a classifier.
func memoOf(c *classify.Candidate) *memo {
	m, _ := c.View.Memo.(*memo)
	if m == nil {
		m = &memo{}
		c.View.Memo = m
	}
	return m
}

// pairMemo keeps the name that was found last for a value. It is a function of the bytes around the
// value alone, of which it has a copy: the same bytes give the same name.
type pairMemo struct {
	before, behind []byte
	// [lo,hi) is the name in the bytes before, or in those behind.
	lo, hi  int
	ahead   bool
	account bool // it is accountKey, which stands in neither
	class   string
}

// name returns the name in bytes that are equal to those of the memo.
func (m *pairMemo) name(before, behind []byte) []byte {
	switch {
	case m.account:
		return []byte(accountKey)
	case m.ahead:
		return before[m.lo:m.hi]
	}
	return behind[m.lo:m.hi]
}

// holds says whether the memo is that of the bytes around a value.
func (m *pairMemo) holds(before, behind []byte) bool {
	return len(m.before) > 0 && bytes.Equal(m.before, before) && bytes.Equal(m.behind, behind)
}

// keep notes the name of a value, which is a part of the bytes around it.
func (m *pairMemo) keep(before, behind, name []byte, class string) {
	*m = pairMemo{before: append(m.before[:0], before...), behind: append(m.behind[:0], behind...), class: class}
	if class == "" {
		return
	}
	if m.lo, m.ahead = offsetIn(before, name); !m.ahead {
		var ok bool
		if m.lo, ok = offsetIn(behind, name); !ok {
			m.account = true
			return
		}
	}
	m.hi = m.lo + len(name)
}

// offsetIn returns where a slice of a text starts in it; ok is false for one of another text.
func offsetIn(text, part []byte) (at int, ok bool) {
	at = cap(text) - cap(part)
	return at, at >= 0 && at+len(part) <= len(text) && len(part) > 0 && &text[at] == &part[0]
}
