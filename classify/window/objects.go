package window

import (
	"github.com/leaktap/leaktap/classify"
)

// object is a private object: who got it, and with which body.
type object struct {
	// known is the body that a caller with a good token got, open the one that a caller
	// without one got; 0 if none did. forged says that the token was malformed.
	known, open uint64
	forged      bool
	reads       int
	reported    bool
}

func (o *object) worth() int { return min(o.reads, 4) }

// counterpart is what was seen with a part of a token: the signature of what is signed, or
// what a signature signs.
type counterpart struct {
	hash uint64
	used int
	said bool
}

func (c *counterpart) worth() int { return min(c.used, 4) }

// readObject judges whether a private object comes back whatever the token.
func (t *Tracker) readObject(s *seen) {
	if t.forged(s) {
		return
	}
	o := t.objects.get(s.Object.Family^s.Object.ID, func() *object { return &object{} })
	o.reads++
	switch {
	case s.Caller.Malformed:
		o.open, o.forged = s.Answer.Body, true
	case s.Caller.Anonymous && !s.Object.Named: // lists and pages are often for all
		o.open = s.Answer.Body
	case s.Caller.ID != s.Caller.Client: // it was shown a credential
		o.known = s.Answer.Body
	}
	if o.reported || o.known == 0 || o.open == 0 || o.known != o.open {
		return
	}
	o.reported = true
	severity, show := classify.High, "the same object with a token and without one"
	if o.forged {
		severity, show = classify.Critical, "the same object with a token and with one that nobody issued"
	}
	s.report(s.Finding(t.rules.notValidated, severity, classify.MediumConfidence, show, 1, 0))
}

// forged judges whether a token's claims came with two signatures, or a signature with two
// sets of claims.
func (t *Tracker) forged(s *seen) bool {
	signed, signature := s.Caller.Signed, s.Caller.Signature
	if signed == 0 {
		return false
	}
	for _, c := range []struct {
		key, with uint64
		show      string
	}{{signed, signature, "one set of claims with two signatures"}, {signature, signed, "one signature with two sets of claims"}} {
		known := t.signatures.get(c.key, func() *counterpart { return &counterpart{hash: c.with} })
		known.used++
		if !known.said && known.hash != c.with {
			known.said = true
			s.report(s.Finding(t.rules.notValidated, classify.Critical, classify.HighConfidence, c.show, 1, 0))
			return true
		}
	}
	return false
}

// hintKey is a route on which accounts are spoken of.
type hintKey struct {
	service, host, route string
}

// maxHints bounds the routes; then all are forgotten.
const maxHints = 1024

// hint judges whether refusals tell of accounts.
func (t *Tracker) hint(s *seen) {
	key := hintKey{s.HTTP.Service, s.HTTP.Host, s.HTTP.Route}
	const done = classify.Hint(1 << 7)
	bit := classify.Hint(1) << s.Answer.Hint
	was := t.hints[key]
	if was&(done|bit) != 0 {
		return
	}
	if was == 0 {
		if len(t.hints) >= maxHints {
			clear(t.hints)
		}
		t.hints[key] = bit
		return
	}
	t.hints[key] = done
	s.report(s.Finding(t.rules.oracle, classify.Low, classify.MediumConfidence,
		"one message for no such account, another for a wrong password", 2, 0))
}
