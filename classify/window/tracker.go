package window

import (
	"cmp"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// Limits bound what a tracker holds and say what it takes for much. Zero values take the
// defaults.
type Limits struct {
	// Callers is how many callers and addresses are followed: 100,000. One takes about 600
	// bytes, and 4 KiB once it reads much.
	Callers int
	// Families is how many kinds of objects: 4,096. Objects is how many private objects are
	// known by who reads them: 200,000 of about 100 bytes.
	Families, Objects int
	// Enumeration is the time over which distinct objects are counted: 10 minutes. Harvest
	// is that for values: 6 hours.
	Enumeration, Harvest time.Duration
	// Steps is how many objects read in steps make an enumeration: 20. Reads is how many
	// private ones do in any order: 100.
	Steps, Reads int
	// Values is how many different private values make a harvest, in at least Requests
	// requests: 400 and 30.
	Values, Requests int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Callers: cmp.Or(l.Callers, 100_000), Families: cmp.Or(l.Families, 4096), Objects: cmp.Or(l.Objects, 200_000),
		Enumeration: cmp.Or(l.Enumeration, 10*time.Minute), Harvest: cmp.Or(l.Harvest, 6*time.Hour),
		Steps: cmp.Or(l.Steps, 20), Reads: cmp.Or(l.Reads, 100), Values: cmp.Or(l.Values, 400), Requests: cmp.Or(l.Requests, 30),
	}
}

// Stats says how much is followed and what was given up. Evicted counts only grow.
type Stats struct {
	Callers, Families, Objects                      int
	EvictedCallers, EvictedFamilies, EvictedObjects int64
}

// Tracker follows callers, kinds of objects and private objects.
type Tracker struct {
	limits   Limits
	rules    rules
	callers  table[*caller]
	families table[*family]
	objects  table[*object]
	// signatures holds what was seen with each part of a token.
	signatures table[*counterpart]
	hints      map[hintKey]classify.Hint
}

// NewTracker returns a tracker that has seen nothing.
func NewTracker(l Limits) *Tracker {
	l = l.withDefaults()
	return &Tracker{
		limits: l, rules: newRules(), hints: map[hintKey]classify.Hint{},
		callers: newTable[*caller](l.Callers), families: newTable[*family](l.Families),
		objects: newTable[*object](l.Objects), signatures: newTable[*counterpart](l.Callers),
	}
}

// Stats tells how much is followed.
func (t *Tracker) Stats() Stats {
	return Stats{
		Callers: len(t.callers.entries), Families: len(t.families.entries), Objects: len(t.objects.entries),
		EvictedCallers: t.callers.evicted, EvictedFamilies: t.families.evicted, EvictedObjects: t.objects.evicted,
	}
}

// seen is an observation with where it belongs.
type seen struct {
	*classify.Observation
	now    int64 // Unix seconds
	ok     bool  // the answer is a success
	denied bool  // the answer says that there is none, or none for this caller
	report func(*classify.Finding)
}

// Observe takes in an observation and reports what it completes.
func (t *Tracker) Observe(o *classify.Observation, report func(*classify.Finding)) {
	s := &seen{Observation: o, now: o.Time.Unix(), report: report}
	status := o.HTTP.Status
	s.ok, s.denied = status/100 == 2, status == 401 || status == 403 || status == 404
	var kind *family
	if o.Part == classify.PartAll {
		kind = t.object(s)
	}
	if !s.ok && !s.denied || o.HTTP.Method == "" {
		return
	}
	if o.Part != classify.PartClient && o.Caller.ID != 0 {
		t.follow(s, kind, o.Caller.ID, false)
	}
	if o.Part == classify.PartAll && o.Caller.ID == 0 && s.denied {
		t.nobody(s)
	}
	if o.Part != classify.PartCaller && o.Caller.Client != 0 && o.Caller.Client != o.Caller.ID {
		t.follow(s, kind, o.Caller.Client, true)
	}
}

// nobody judges refusals of callers of whom nothing is known, by the kind of object that they
// ask for: numbers that are tried in steps are tried by somebody.
func (t *Tracker) nobody(s *seen) {
	if s.Object.ID == 0 {
		return
	}
	c := t.callers.get(s.Object.Family, func() *caller { return &caller{first: s.now} })
	c.last = max(c.last, s.now)
	u := c.use(s.Object.Family)
	u.see(s, t.limits)
	t.enumeration(s, c, u, s.Object.Family, false)
}

// object judges what concerns no caller: the kind of object, which it returns, the object,
// and what a refusal tells.
func (t *Tracker) object(s *seen) (kind *family) {
	if s.Answer.Hint != classify.NoHint {
		t.hint(s)
	}
	if !s.ok && !s.denied || s.HTTP.Method == "" || s.Object.Family == 0 {
		return nil
	}
	kind = t.families.get(s.Object.Family, func() *family { return &family{} })
	t.guessable(s, kind)
	if s.ok && s.Answer.Private && s.Object.ID != 0 {
		t.readObject(s)
	}
	return kind
}

// Matters says whether an observation may change what a tracker finds of a caller or an
// address: what it holds is private, or it was refused.
func Matters(o *classify.Observation) bool {
	return o.Answer.Private || o.Object.Numeric && (o.HTTP.Status == 401 || o.HTTP.Status == 403 || o.HTTP.Status == 404)
}

// follow counts the exchange for a caller, or for the address of many callers.
func (t *Tracker) follow(s *seen, kind *family, id uint64, shared bool) {
	c := t.callers.get(id, func() *caller { return &caller{first: s.now} })
	c.see(s, t.limits)
	if s.Caller.Broad {
		return // it may read what belongs to others
	}
	if shared {
		c.tokens.add(s.Caller.ID)
		if c.tokens.count() < minTokens {
			return // each of its callers is followed
		}
	}
	t.harvest(s, c, id, shared)
	if s.Object.ID != 0 {
		u := c.use(s.Object.Family)
		u.see(s, t.limits)
		t.enumeration(s, c, u, id, shared)
		if kind != nil && !shared {
			t.ownership(s, kind, u, id)
		}
	}
	if !shared {
		t.overbroad(s, c, id)
	}
}
