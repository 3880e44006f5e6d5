package window

import (
	"fmt"

	"github.com/leaktap/leaktap/classify"
)

// family is what is known of a kind of objects.
type family struct {
	// owners are the callers who read their own; own and foreign count reads.
	owners       distinct
	own, foreign int
	// numbers are those of private objects; lowest and highest bound them.
	numbers         distinct
	lowest, highest int64
	guessed         bool
}

func (f *family) worth() int { return f.owners.size() + f.numbers.size() }

const (
	// manyNumbers is how many numbers tell that they can be counted, when they fill one in
	// sparse of their range.
	manyNumbers = 20
	sparse      = 16
)

// guessable judges whether the numbers of private objects can be counted.
func (t *Tracker) guessable(s *seen, f *family) {
	o := &s.Object
	if f.guessed || !o.Numeric || o.Named || !s.ok || !s.Answer.Private || !f.numbers.add(o.ID) {
		return
	}
	if f.numbers.size() == 1 {
		f.lowest, f.highest = o.Number, o.Number
	}
	f.lowest, f.highest = min(f.lowest, o.Number), max(f.highest, o.Number)
	n := f.numbers.count()
	if n < manyNumbers || (f.highest-f.lowest)/sparse > int64(n) {
		return
	}
	f.guessed = true
	show := fmt.Sprintf("%d numbers in a range of %d", n, f.highest-f.lowest+1)
	s.report(s.Finding(t.rules.guessable, classify.Low, classify.HighConfidence, show, n, 0))
}

const (
	// minOwners is how many callers have to read their own before it is the rule.
	minOwners = 3
	// ruleShare is the share of foreign reads, in percent, up to which reading one's own is
	// the rule.
	ruleShare = 20
)

// ownership judges whether a caller reads what belongs to somebody else.
func (t *Tracker) ownership(s *seen, f *family, u *use, id uint64) {
	if !s.ok {
		return
	}
	switch s.Answer.Ownership {
	case classify.Own:
		f.own++
		f.owners.add(id)
		return
	case classify.Foreign, classify.ForeignNamed:
		f.foreign++
	default:
		return
	}
	owned := f.owners.size() >= minOwners && f.foreign*100 <= (f.own+f.foreign)*ruleShare
	named := s.Answer.Ownership == classify.ForeignNamed && f.foreign <= 2*f.own+minOwners
	if u.accused || !owned && !named {
		return
	}
	u.accused = true
	confidence, show := classify.MediumConfidence, "an object of another owner; others read their own"
	if !owned {
		confidence, show = classify.LowConfidence, "an object that names another owner"
	}
	s.report(s.Finding(t.rules.crossPrincipal, classify.High, confidence, show, 1, id))
}
