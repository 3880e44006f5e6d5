package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// keepSink keeps what it accepted; its Settle returns err.
type keepSink struct {
	got []*classify.Finding
	err error
}

func (s *keepSink) Accept(f *classify.Finding)   { s.got = append(s.got, f) }
func (s *keepSink) Settle(context.Context) error { return s.err }

// panicDetector panics on every exchange whose record holds its word, with the
// record as the value.
type panicDetector struct{ rule classify.Rule }

func (d *panicDetector) Rule() *classify.Rule { return &d.rule }

func (d *panicDetector) Detect(c *classify.Candidate) { panic(string(c.Text)) }

func panicking(t *testing.T) *detection {
	t.Helper()
	d := &panicDetector{classify.Rule{
		ID: "p", Category: classify.CategoryDebug, Severity: classify.Low, Why: "w", Fix: "f",
		On: classify.Trigger{Anchors: []string{"PANIC"}},
	}}
	e, err := classify.NewEngine(classify.Config{Detectors: []classify.Detector{d}, Key: make([]byte, 16)})
	if err != nil {
		t.Fatal(err)
	}
	return &detection{engine: e}
}

// TestPanicCostsItsExchange checks that a panic in a detector is counted and
// logged with the place and without the record, and that the next exchange is
// classified.
func TestPanicCostsItsExchange(t *testing.T) {
	var log bytes.Buffer
	m := newMetrics("test")
	p := newPipeline(panicking(t), time.Now, slog.New(slog.NewTextHandler(&log, nil)), m, &keepSink{})
	src := classify.Source{Kind: classify.SourceKafka, Name: "logs", Partition: 2, Offset: 17}
	p.Handle(&classify.Exchange{Source: src, Record: []byte("PANIC with a secret")})
	p.Handle(&classify.Exchange{Source: src, Record: []byte("nothing")})
	if p.panics.Load() != 1 || p.exchanges.Load() != 1 {
		t.Errorf("got %d panics and %d exchanges, want 1 and 1", p.panics.Load(), p.exchanges.Load())
	}
	if got := m.uninspected.totals()[skipped{classify.SourceKafka, "panic"}]; got != 19 {
		t.Errorf("got %d bytes not inspected, want 19", got)
	}
	if text := log.String(); !strings.Contains(text, "logs/2/17") || strings.Contains(text, "secret") {
		t.Errorf("log: %s", text)
	}
}

func TestSettleReturnsEveryError(t *testing.T) {
	bad := errors.New("disk full")
	p := newPipeline(panicking(t), time.Now, slog.New(slog.DiscardHandler), nil, &keepSink{}, &keepSink{err: bad})
	if err := p.Settle(t.Context()); !errors.Is(err, bad) {
		t.Errorf("got error %v, want %v", err, bad)
	}
}

func TestSeverityFilter(t *testing.T) {
	out, keep := &output{}, &keepSink{}
	f := &severityFilter{keep, classify.Medium, &out.withheld}
	for s := classify.Info; s <= classify.Critical; s++ {
		f.Accept(&classify.Finding{Severity: s})
	}
	if len(keep.got) != 3 || out.withheld.Load() != 2 {
		t.Errorf("got %d shown and %d withheld, want 3 and 2", len(keep.got), out.withheld.Load())
	}
}

func TestExit(t *testing.T) {
	o := &outputs{failOn: severityFlag{level: classify.High}}
	for _, c := range []struct {
		worst classify.Severity
		err   error
		want  int
	}{
		{0, nil, exitOK},
		{classify.Medium, nil, exitOK},
		{classify.High, nil, exitFindings},
		{classify.High, errors.New("cut"), exitIncomplete},
	} {
		if got := exitCode(o.exit(c.worst, c.err)); got != c.want {
			t.Errorf("%s, %v: got %d, want %d", c.worst, c.err, got, c.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"brokers", "topics", "group"}
	for _, c := range []struct{ name, want string }{
		{"broker", `; did you mean "brokers"?`},
		{"TOPIC", `; did you mean "topics"?`},
		{"something", ""},
	} {
		if got := didYouMean(c.name, known); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAgentStopsWhenASourceFails checks that one failing source stops the
// others, that the sinks are settled after them, and that run waits for all.
func TestAgentStopsWhenASourceFails(t *testing.T) {
	a := newAgent(slog.New(slog.DiscardHandler), panicking(t), time.Now, alert.NewLedger(alert.LedgerConfig{}))
	bad := errors.New("no route")
	stopped := false
	ready := make(chan struct{})
	a.addSource("bad", ready, func(context.Context, *pipeline) error { return bad })
	a.addSource("good", ready, func(ctx context.Context, _ *pipeline) error {
		<-ctx.Done()
		stopped = true
		return nil
	})
	if err := a.ready.check(); err == nil || err.Error() != "source bad has not started" {
		t.Errorf("readiness: %v", err)
	}
	if err := a.run(t.Context()); !errors.Is(err, bad) || !stopped {
		t.Errorf("got error %v, stopped %v", err, stopped)
	}
}

func TestStatusTellsOfARandomKey(t *testing.T) {
	a := newAgent(slog.New(slog.DiscardHandler), panicking(t), time.Now, alert.NewLedger(alert.LedgerConfig{}))
	for _, random := range []bool{false, true} {
		a.randomKey = random
		row := a.status()[0]
		if row.Value != a.engine.KeyID() || strings.HasPrefix(row.Note, "Random") != random {
			t.Errorf("random %v: got %+v", random, row)
		}
	}
}

// TestAgentStopsWhenASinkFails checks that an agent does not go on without a
// sink that it was told to deliver to.
func TestAgentStopsWhenASinkFails(t *testing.T) {
	a := newAgent(slog.New(slog.DiscardHandler), panicking(t), time.Now, alert.NewLedger(alert.LedgerConfig{}))
	a.addSink(alert.NewFile(alert.FileConfig{Path: filepath.Join(t.TempDir(), "no", "such")}, a.findings, a.log))
	a.addSource("source", make(chan struct{}), func(ctx context.Context, _ *pipeline) error {
		<-ctx.Done()
		return nil
	})
	if err := a.run(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v, want one of the file", err)
	}
}
