package classify

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"time"
)

// Classifier runs an engine over exchanges, one at a time. It keeps its buffers
// between exchanges: a clean exchange costs no allocation.
type Classifier struct {
	e    *Engine
	x    *Exchange
	view View
	// where and frames are the place of the walk.
	where  Where
	frames []frame
	walk   walking
	// arena holds unescaped strings while they are looked at, as a stack.
	arena []byte
	matching
	search
	members members
	secrets secrets
	mac     hash.Hash
	out     Inspection
	policed
}

// matching is the state of asking detectors.
type matching struct {
	// misses counts, by rule, what was asked in vain in the exchange.
	misses []int
	// cand is handed to detectors; pending holds their matches until the value
	// is done and overlaps are settled.
	cand    Candidate
	pending []pendingMatch
}

// policed is the policy's side of a classifier; judge is nil without one.
type policed struct {
	judge    Judge
	policing Policing
}

// search is the state of looking for places.
type search struct {
	// found holds the places of the text under the scan, docs those of the
	// documents that are being walked, by how many layers they are in.
	found places
	docs  []*places
	trial trial
	remembered
	budget budget
	// seen is the exchange as those see it who look at many.
	seen *observer
	// everywhere makes every value of a document worth a look, in tests.
	everywhere bool
	// steps counts the objects, lists and layers entered and left; parentAt is the
	// pointer of the object after so many of them.
	steps, parentOf int
	parentAt        string
	// coded holds the parts of texts that are to be decoded, as a stack.
	coded []codedRun
	// at is where in its document the value stands that is looked at.
	at valueAt
	// request and response hold the bodies that came escaped, without escapes.
	request, response plainText
}

// remembered is what is the same in most exchanges.
type remembered struct {
	names nameCache
	known quietHeaders
	media lastMedia
}

// plainText is a text without its escapes, once it was asked for.
type plainText struct {
	text []byte
	done bool
}

// valueAt is the place of a value in its document, which is nil where it is in none.
type valueAt struct {
	doc []byte
	Span
}

// Inspection says what a classification looked at.
type Inspection struct {
	// Bytes inspected, decoded layers not counted again, nor TimeLimit.
	Bytes int64
	// LayerLimit counts the bytes of encodings that were nested deeper than
	// Limits.Layers: they were scanned as text and not opened.
	LayerLimit int64
	// TimeLimit counts the bytes of the part over which Limits.Time was spent, and of those
	// behind it: rules were asked about some of them, or none.
	TimeLimit int64
	// DroppedFindings counts findings past Limits.Findings.
	DroppedFindings int64
	// DroppedCandidates counts places that were not looked at because their rule
	// had looked in vain Limits.Misses times.
	DroppedCandidates int64
	// Observation is what the exchange tells those who look at many, nil unless
	// Config.Observe is set.
	Observation *Observation
	// Silenced counts findings that the policy allows, or somebody accepted.
	Silenced Silenced
	// Unjudged counts responses of routes that the policy describes which it could not judge:
	// they are no JSON, of a media type that it does not describe, or nested too deep.
	Unjudged int64
}

// NewClassifier returns a classifier; each goroutine needs its own.
func (e *Engine) NewClassifier() *Classifier {
	c := &Classifier{e: e, mac: hmac.New(sha256.New, e.key), search: search{seen: newObserver(e.observerKey)}}
	c.misses = make([]int, len(e.rules))
	c.names.v = e.fields
	if e.policy != nil {
		c.judge = e.policy.NewJudge()
	}
	return c
}

// Classify reports the findings of an exchange. asOf is the agent's present
// time, by which tokens are judged live or expired. Findings may be kept.
func (c *Classifier) Classify(x *Exchange, asOf time.Time, report func(*Finding)) Inspection {
	c.x, c.out = x, Inspection{}
	c.request.done, c.response.done = false, false
	c.secrets.reset()
	clear(c.misses)
	c.walk.room = maxUnpacked
	c.budget = budget{}
	c.seen.begin()
	c.view.reset(x, asOf, c.given(x))
	c.walkTarget(x.Target)
	c.walkHeaders(InRequestHeader, x.Request.Headers)
	c.walkBody(InRequestBody, &x.Request)
	c.walkHeaders(InResponseHeader, x.Response.Headers)
	c.walkBody(InResponseBody, &x.Response)
	c.walkRecord(x.Record, x.Mapped)
	c.judged(false)
	c.atEnd()
	c.settleBudget()
	c.judged(true)
	c.silence()
	for _, f := range c.view.Findings {
		c.finish(f)
		report(f)
	}
	if c.e.observe {
		c.out.Observation = c.observe(asOf)
	}
	c.x = nil
	clear(c.view.Findings)
	c.view.Findings = c.view.Findings[:0]
	return c.out
}

// begin sets the walk to the top of a part.
func (c *Classifier) begin(where Where) {
	c.at = valueAt{}
	c.steps++
	c.budget.begin(c.out.Bytes)
	c.where, c.frames, c.walk, c.arena = where, c.frames[:0], walking{room: c.walk.room}, c.arena[:0]
}

// field returns the class id of the nearest name.
func (c *Classifier) field() uint16 {
	if n := len(c.frames); n > 0 {
		return c.frames[n-1].field
	}
	return 0
}

// key returns the nearest name.
func (c *Classifier) key() []byte {
	if n := len(c.frames); n > 0 {
		return c.frames[n-1].near
	}
	return nil
}

// offerField asks the rules that want the class of the nearest name; [lo,hi) is
// the value in text.
func (c *Classifier) offerField(id uint16, key, text []byte, lo, hi int, kind ValueKind) {
	for _, n := range c.e.byField[id] {
		c.cand.Key, c.cand.Field, c.cand.Anchor = key, c.e.fields.classes[id], ""
		c.offer(n, text, lo, hi, kind)
	}
}

// offerAnchor asks the rules that want an anchor.
func (c *Classifier) offerAnchor(p *place, text []byte, kind ValueKind) {
	for _, n := range c.e.byAnchor[p.anchor.id] {
		if n == openLayer { // inner has looked already
			continue
		}
		c.cand.Anchor = p.anchor.text
		c.offer(n, text, p.at, p.end, kind)
	}
}

// offerDigits asks the rules that want a run of digits.
func (c *Classifier) offerDigits(p *place, text []byte, kind ValueKind) {
	for _, n := range c.e.digits {
		if p.digits >= c.e.rules[n].digits {
			c.cand.Anchor = ""
			c.offer(n, text, p.at, p.end, kind)
		}
	}
}

// offer asks one rule.
func (c *Classifier) offer(n int32, text []byte, lo, hi int, kind ValueKind) {
	r := &c.e.rules[n]
	if !c.ask() || r.parts&(1<<c.where) == 0 || r.rule.Once && !c.asks(r) {
		return
	}
	c.cand.X, c.cand.View, c.cand.Where, c.cand.Kind = c.x, &c.view, c.where, kind
	c.cand.Text, c.cand.Lo, c.cand.Hi = text, lo, hi
	c.cand.rule, c.cand.c = r, c
	r.detector.Detect(&c.cand)
}

// asks says whether a rule that asks once is still to be asked: it has not
// matched in the value, and not missed too often in the exchange.
func (c *Classifier) asks(r *ruleEntry) bool {
	if c.trial.on { // if it goes on for long, the walk shall count it
		c.trial.asked++
		c.trial.heard = c.trial.heard || c.trial.asked > c.e.limits.Misses
		return !c.trial.heard
	}
	for i := range c.pending {
		if c.pending[i].rule == r {
			return false
		}
	}
	c.misses[r.order]++
	if c.misses[r.order] > c.e.limits.Misses {
		c.out.DroppedCandidates++
		return false
	}
	return true
}

// atEnd asks the rules that judge the exchange as a whole.
func (c *Classifier) atEnd() {
	for _, n := range c.e.atEnd {
		c.begin(InRecord)
		r := &c.e.rules[n]
		c.cand = Candidate{X: c.x, View: &c.view, rule: r, c: c}
		r.detector.Detect(&c.cand)
		c.settle()
	}
}

// scan looks at all places of a text whose name, if it has one, is that of the
// nearest frame. The names in the text itself count if pairs is set:
// password=…, "api_key": "…", Authorization: ….
func (c *Classifier) scan(text []byte, kind ValueKind, pairs bool) {
	key, field := c.key(), c.e.fields.classes[c.field()]
	var last run
	mark := len(c.coded)
	found := &c.found
	found.reset(&c.e.finder, &c.names, text, false)
	for found.next() {
		found.sort()
		for i := range found.list {
			p := &found.list[i]
			if p.field != 0 {
				if pairs && c.pair(p, text, &last) {
					c.noteForm(text, p.at, mark)
				}
				continue
			}
			c.cand.Key, c.cand.Field = key, field
			if p.anchor != nil {
				c.offerAnchor(p, text, kind)
				if pairs {
					c.noteCoded(text, p, mark)
				}
			} else {
				c.offerDigits(p, text, kind)
			}
		}
	}
}

// minPairName is the length of the shortest name before a sign in running text.
const minPairName = 2

// pair offers the value that belongs to a name in a text. It says whether the value is quoted
// as in a form.
func (c *Classifier) pair(p *place, text []byte, last *run) (quoted bool) {
	name, lo, hi := pairAt(text, p.at, last)
	if hi <= lo || len(name) < minPairName {
		return false
	}
	c.offerField(p.field, name, text, lo, hi, String)
	return text[p.at] == '=' && isQuoted(text[lo:hi])
}
