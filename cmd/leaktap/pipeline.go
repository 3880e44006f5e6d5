package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/window"
)

// sink takes findings to people. Accept does not wait for networks or disks;
// Settle returns when all that was accepted was delivered or its drop counted.
type sink interface {
	Accept(f *classify.Finding)
	Settle(ctx context.Context) error
}

// pipeline classifies exchanges and hands the findings to the sinks. It serves
// any number of sources at once and is what they call.
type pipeline struct {
	*detection
	sinks []sink
	now   func() time.Time
	log   *slog.Logger
	// metrics may be nil: verbs that end with a summary need none.
	metrics *metrics
	// ledger counts answers and calls; nil where nobody asks for them.
	ledger *alert.Ledger
	// observations goes to where those of many agents meet; nil for nowhere.
	observations *alert.Observations
	// ignoring is nil where nothing is accepted.
	ignoring *ignoring

	classifiers sync.Pool
	exchanges   atomic.Int64
	panics      atomic.Int64
	worst       atomic.Uint32
	inspected
}

// inspected adds up what classifications looked at, and what they did not.
type inspected struct {
	bytes, dropped, missed, layered, overtime atomic.Int64
	silenced                                  silencedCounts
}

func (i *inspected) tally(in *classify.Inspection) {
	i.bytes.Add(in.Bytes)
	i.dropped.Add(in.DroppedFindings)
	i.missed.Add(in.DroppedCandidates)
	i.layered.Add(in.LayerLimit)
	i.overtime.Add(in.TimeLimit)
	i.silenced.add(in.Silenced)
	i.silenced.unjudged.Add(in.Unjudged)
}

func newPipeline(d *detection, now func() time.Time, log *slog.Logger, m *metrics, sinks ...sink) *pipeline {
	p := &pipeline{detection: d, sinks: sinks, now: now, log: log, metrics: m}
	p.classifiers.New = func() any { return d.engine.NewClassifier() }
	return p
}

// silencedCounts counts findings that the policy silenced, and responses that it could not
// judge.
type silencedCounts struct{ allowed, accepted, known, unjudged atomic.Int64 }

func (s *silencedCounts) add(n classify.Silenced) {
	s.allowed.Add(n.Allowed)
	s.accepted.Add(n.Accepted)
	s.known.Add(n.Known)
}

// Handle classifies one exchange.
func (p *pipeline) Handle(x *classify.Exchange) {
	c := p.classifiers.Get().(*classify.Classifier)
	runtime.LockOSThread() // the limit on time counts that of one thread
	defer runtime.UnlockOSThread()
	start := time.Now()
	defer func() {
		// A detector that panics costs its exchange, not the agent. The value
		// may hold a part of the exchange, so its type is all that is logged.
		if r := recover(); r != nil {
			p.panics.Add(1)
			p.metrics.skip(x.Source.Kind, "panic", exchangeBytes(x))
			p.log.Error("classify exchange: a detector panicked; please report it", "source", alert.Place(x.Source), "panic", fmt.Sprintf("%T", r))
			return // and c, in whatever state, is dropped
		}
		p.classifiers.Put(c)
	}()
	in := c.Classify(x, p.now(), p.report)
	p.observe(in.Observation)
	p.exchanges.Add(1)
	p.tally(&in)
	p.metrics.observe(x.Source.Kind, in, time.Since(start))
}

// observe passes on what an exchange tells those who look at many.
func (p *pipeline) observe(o *classify.Observation) {
	if o == nil {
		return
	}
	p.windows.observe(o, p.report)
	if p.observations != nil && window.Matters(o) {
		p.observations.Observe(o)
	}
	if p.ledger != nil {
		p.ledger.Answered(&o.HTTP)
		if o.Caller.Token != "" {
			p.ledger.Called(o.Caller.Token, o.Time)
		}
	}
}

func (p *pipeline) report(f *classify.Finding) {
	if p.ignoring.accepts(f) {
		p.withhold()
		return
	}
	if p.ledger != nil && p.ledger.Accepts(f.Fingerprint) {
		p.ledger.Accept(f) // it tells whether what is accepted goes on
		p.withhold()
		return
	}
	for {
		worst := p.worst.Load()
		if uint32(f.Severity) <= worst || p.worst.CompareAndSwap(worst, uint32(f.Severity)) {
			break
		}
	}
	for _, s := range p.sinks {
		s.Accept(f)
	}
}

// withhold counts a finding that somebody has accepted.
func (p *pipeline) withhold() {
	p.silenced.accepted.Add(1)
	p.metrics.accepted()
}

// Settle waits until every sink has delivered what it accepted.
func (p *pipeline) Settle(ctx context.Context) error {
	var errs []error
	for _, s := range p.sinks {
		errs = append(errs, s.Settle(ctx))
	}
	return errors.Join(errs...)
}

// worstSeverity is that of the worst finding so far, 0 for none.
func (p *pipeline) worstSeverity() classify.Severity { return classify.Severity(p.worst.Load()) }

// exchangeBytes is the size of what an exchange holds.
func exchangeBytes(x *classify.Exchange) int64 {
	return int64(len(x.Target) + len(x.Request.Body) + len(x.Response.Body) + len(x.Record))
}
