package window

import (
	"fmt"
	"time"

	"github.com/leaktap/leaktap/classify"
)

const (
	// maxUses bounds the kinds of objects that are followed of one caller.
	maxUses = 8
	// minTokens is the number of tokens from which an address is judged by itself.
	minTokens = 10
	// perToken is how many objects or values each of many callers at one address may read
	// before they are taken for one: people behind a shared address read their own.
	perToken = 8
)

// caller is what is known of who sends requests, or of an address.
type caller struct {
	first, last int64
	// values are those read over the time of a harvest, in so many requests, the half before
	// included.
	values           halves
	requests, former int
	uses             []use
	// tokens are those that an address has shown.
	tokens distinct
	// harvested is the count of values that was reported last.
	harvested int
	calls     int
	writes    bool
	judged    bool // its scope was
}

// worth is the number of different things that were read.
func (c *caller) worth() int {
	worth := c.values.least() + c.tokens.size()
	for i := range c.uses {
		worth += c.uses[i].objects.least()
	}
	return worth
}

// see counts an exchange.
func (c *caller) see(s *seen, l Limits) {
	c.last = max(c.last, s.now)
	c.calls++
	switch s.HTTP.Method {
	case "GET", "HEAD", "OPTIONS":
	default:
		c.writes = true
	}
	if passed := c.values.at(s.now, l.Harvest); passed > 0 {
		c.former, c.requests = c.requests, 0
		if passed > 1 {
			c.former = 0
		}
		if c.values.count() == 0 {
			c.harvested = 0
		}
	}
	if s.ok && len(s.Answer.Values) > 0 {
		c.requests++
		for _, v := range s.Answer.Values {
			c.values.add(v)
		}
	}
}

// use returns what the caller does with a kind of objects; of too many kinds the one that
// was used least makes room.
func (c *caller) use(family uint64) *use {
	least := 0
	for i := range c.uses {
		if c.uses[i].family == family {
			return &c.uses[i]
		}
		if c.uses[i].objects.least() < c.uses[least].objects.least() {
			least = i
		}
	}
	if len(c.uses) < maxUses {
		c.uses = append(c.uses, use{family: family})
		return &c.uses[len(c.uses)-1]
	}
	c.uses[least] = use{family: family}
	return &c.uses[least]
}

// harvest judges how many values a caller has gathered. It reports again when they have
// doubled.
func (t *Tracker) harvest(s *seen, c *caller, id uint64, shared bool) {
	requests := c.requests + c.former
	if !s.ok || len(s.Answer.Values) == 0 || requests < t.limits.Requests || c.values.least() < min(t.limits.Values, maxExact) {
		return
	}
	n := c.values.count()
	if n < t.limits.Values || n < 2*c.harvested || shared && n < perToken*c.tokens.count() {
		return
	}
	c.harvested = n
	show := fmt.Sprintf("about %d different values in %d requests", n, requests)
	if shared {
		show += fmt.Sprintf(" with about %d tokens from one address", c.tokens.count())
	}
	s.report(s.Finding(t.rules.harvest, severityOf(s), classify.MediumConfidence, show, n, id))
}

// severityOf is that of a rule on reading: who is nobody reads what anybody may read.
func severityOf(s *seen) classify.Severity {
	if s.Caller.Anonymous {
		return classify.Medium
	}
	return classify.High
}

const (
	// manyCalls and longUse are the calls and the time after which a token's scope is judged.
	manyCalls = 200
	longUse   = int64(time.Hour / time.Second)
)

// overbroad judges whether a token needs what it may do.
func (t *Tracker) overbroad(s *seen, c *caller, id uint64) {
	if !s.Caller.Writes || c.judged || c.calls < manyCalls || c.last-c.first < longUse {
		return
	}
	c.judged = true
	if !c.writes {
		show := fmt.Sprintf("%d calls, all of them reading", c.calls)
		s.report(s.Finding(t.rules.overbroad, classify.Info, classify.LowConfidence, show, c.calls, id))
	}
}
