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
	// misses counts, by rule, what was asked in vain in the exchange.
	misses []int
	// arena holds unescaped strings while they are looked at, as a stack.
	arena []byte
	// cand is handed to detectors; pending holds their matches until the value
	// is done and overlaps are settled.
	cand    Candidate
	pending []pendingMatch
	// anchored is c.anchor as a function value, made once.
	anchored func(*anchor, int)
	secrets  secrets
	mac      hash.Hash
	probe    probe
	out      Inspection
}

// Inspection says what a classification looked at.
type Inspection struct {
	// Bytes inspected, decoded layers not counted again.
	Bytes int64
	// LayerLimit counts the bytes of encodings that were nested deeper than
	// Limits.Layers: they were scanned as text and not opened.
	LayerLimit int64
	// DroppedFindings counts findings past Limits.Findings.
	DroppedFindings int64
	// DroppedCandidates counts places that were not looked at because their rule
	// had looked in vain Limits.Misses times.
	DroppedCandidates int64
}

// NewClassifier returns a classifier; each goroutine needs its own.
func (e *Engine) NewClassifier() *Classifier {
	c := &Classifier{e: e, mac: hmac.New(sha256.New, e.key), misses: make([]int, len(e.rules))}
	c.anchored, c.probe.anchored = c.anchor, c.anchorInDocument
	return c
}

// Classify reports the findings of an exchange. asOf is the agent's present
// time, by which tokens are judged live or expired. Findings may be kept.
func (c *Classifier) Classify(x *Exchange, asOf time.Time, report func(*Finding)) Inspection {
	c.x, c.out = x, Inspection{}
	c.secrets.reset()
	clear(c.misses)
	c.walk.room = maxUnpacked
	c.view.reset(x, asOf)
	c.walkTarget(x.Target)
	c.walkHeaders(InRequestHeader, x.Request.Headers)
	c.walkBody(InRequestBody, &x.Request)
	c.walkHeaders(InResponseHeader, x.Response.Headers)
	c.walkBody(InResponseBody, &x.Response)
	c.walkRecord(x.Record, x.Mapped)
	c.atEnd()
	for _, f := range c.view.Findings {
		c.finish(f)
		report(f)
	}
	c.x = nil
	clear(c.view.Findings)
	c.view.Findings = c.view.Findings[:0]
	return c.out
}

// begin sets the walk to the top of a part.
func (c *Classifier) begin(where Where) {
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

// anchor asks the rules that want the anchor found at that offset of the text
// under the scan.
func (c *Classifier) anchor(a *anchor, at int) {
	for _, n := range c.e.byAnchor[a.id] {
		if n == openLayer { // inner has looked already
			continue
		}
		c.cand.Anchor = a.text
		c.offer(n, c.cand.Text, at, at+len(a.text), c.cand.Kind)
	}
}

// offer asks one rule.
func (c *Classifier) offer(n int32, text []byte, lo, hi int, kind ValueKind) {
	r := &c.e.rules[n]
	if r.parts&(1<<c.where) == 0 || r.rule.Once && !c.asks(r) {
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
	for i := range c.pending {
		if c.pending[i].rule == r {
			return false
		}
	}
	c.misses[r.order]++
	if c.misses[r.order] > c.e.limits.Misses {
		if c.probe.on { // the walk shall count it
			c.probe.heard = true
			return false
		}
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

// scan looks for anchors, digit runs and name-value pairs in a text whose name,
// if it has one, is that of the nearest frame.
func (c *Classifier) scan(text []byte, kind ValueKind) {
	c.cand.Key, c.cand.Field = c.key(), c.e.fields.classes[c.field()]
	c.cand.Text, c.cand.Kind = text, kind
	c.e.anchors.scan(text, c.anchored)
	if c.e.minRun > 0 && len(text) >= c.e.minRun {
		c.digitRuns(text, kind)
	}
}
