package window

import (
	"fmt"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// use is what a caller does with one kind of objects.
type use struct {
	family  uint64
	objects halves
	// The counts are of different objects, over about the time of an enumeration.
	read     int32 // in all
	private  int32 // with private data in them
	refused  int32 // answered with 401, 403 or 404
	numeric  int32 // with numbers for identifiers
	near     int32 // of those, near to the one before
	own      int32 // that belong to the caller
	foreign  int32 // that belong to others
	last     int64 // the number of the last one
	reported int32 // the count that was reported last
	accused  bool  // of reading what belongs to others
}

// nearby is how far apart the numbers of objects are that are read in steps: parallel
// workers overtake each other.
const nearby = 16

// see counts an object, once.
func (u *use) see(s *seen, l Limits) {
	if u.objects.at(s.now, l.Enumeration) > 0 {
		u.fade()
	}
	object := &s.Object
	step := object.Number - u.last
	if !u.objects.add(object.ID) {
		return
	}
	u.read++
	if s.Answer.Private {
		u.private++
	}
	if s.denied {
		u.refused++
	}
	switch s.Answer.Ownership {
	case classify.Own:
		u.own++
	case classify.Foreign, classify.ForeignNamed:
		u.foreign++
	}
	if object.Numeric {
		u.numeric++
		if u.numeric > 1 && -nearby <= step && step <= nearby {
			u.near++
		}
		u.last = object.Number
	}
}

// fade forgets half of the counts with each half of the window that goes by.
func (u *use) fade() {
	for _, n := range []*int32{&u.read, &u.private, &u.refused, &u.numeric, &u.near, &u.own, &u.foreign} {
		*n /= 2
	}
	if u.read == 0 {
		u.reported = 0
	}
}

// enumeration judges whether a caller goes through the objects of a kind. It reports again
// when they have doubled.
func (t *Tracker) enumeration(s *seen, c *caller, u *use, id uint64, shared bool) {
	if u.objects.least() < min(t.limits.Steps, maxExact) || u.own*2 > u.read {
		return
	}
	n := u.objects.count()
	if shared && n < perToken*c.tokens.count() || int32(n) < 2*u.reported {
		return
	}
	need := t.limits.Reads
	severity, confidence := severityOf(s), classify.MediumConfidence
	if u.steps() {
		need, confidence = t.limits.Steps, classify.HighConfidence
	}
	if !u.reads() {
		if !u.tries() || s.Object.Named {
			return
		}
		need, severity = t.limits.Steps*3/2, classify.Medium
	}
	if n < need {
		return
	}
	u.reported = int32(n)
	s.report(s.Finding(t.rules.enumeration, severity, confidence, u.describe(n), n, id))
}

// steps says whether the objects have numbers that follow each other.
func (u *use) steps() bool { return u.numeric*2 > u.read && u.near*2 > u.numeric }

// reads says whether what the caller gets is private.
func (u *use) reads() bool { return u.private > 0 && u.private*2 > u.read-u.refused }

// tries says whether the caller steps through numbers of which most are not there, or not
// for him.
func (u *use) tries() bool { return u.refused*2 > u.read && u.steps() }

// describe says what was seen.
func (u *use) describe(n int) string {
	share := func(part, whole int32) int { return int(100 * int64(part) / int64(max(whole, 1))) }
	parts := []string{fmt.Sprintf("about %d different objects", n)}
	if u.numeric > 0 {
		parts = append(parts, fmt.Sprintf("%d %% in steps", share(u.near, u.numeric-1)))
	}
	if u.refused > 0 {
		parts = append(parts, fmt.Sprintf("%d %% refused or missing", share(u.refused, u.read)))
	}
	return strings.Join(parts, ", ")
}
