package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/leaktap/leaktap/classify"
)

// sink is what every sink of this package is; its consumer declares the same.
type sink interface {
	Accept(f *classify.Finding)
	Settle(ctx context.Context) error
}

// runner is a sink with a goroutine.
type runner interface {
	Run(ctx context.Context) error
}

// rig is a sink with its surroundings. output returns all that left the sink.
type rig struct {
	sink   sink
	reg    prometheus.Gatherer
	output func() string
}

// rigs makes each sink. Adding a sink means adding a line here.
func rigs() map[string]func(*testing.T) rig {
	all := map[string]func(*testing.T) rig{
		"ledger":       ledgerRig,
		"metrics":      metricsRig,
		"file":         fileRig,
		"text":         func(t *testing.T) rig { return textRig(t, false) },
		"live text":    func(t *testing.T) rig { return textRig(t, true) },
		"webhook":      webhookRig,
		"alertmanager": alertmanagerRig,
		"kafka":        kafkaRig,
	}
	for _, format := range Formats() {
		all[format] = func(t *testing.T) rig { return reportRig(t, format) }
	}
	return all
}

func ledgerRig(*testing.T) rig {
	l := NewLedger(LedgerConfig{})
	return rig{l, nil, func() string {
		var b strings.Builder
		for _, x := range l.Snapshot() {
			b.WriteString(Clean(x.Sample.HTTP.Route) + " " + Clean(x.Sample.Pointer) + " " + Place(x.First) + "\n")
		}
		return b.String()
	}}
}

func metricsRig(t *testing.T) rig {
	m, reg := testMetrics()
	return rig{m, nil, func() string {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				for _, pair := range metric.GetLabel() {
					b.WriteString(pair.GetValue() + "\n")
				}
			}
		}
		return b.String()
	}}
}

func reportRig(t *testing.T, format string) rig {
	m, reg := testMetrics()
	var out bytes.Buffer
	r := newReport(t, format, &out, m)
	return rig{r, reg, func() string {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		return out.String()
	}}
}

func fileRig(t *testing.T) rig {
	m, reg := testMetrics()
	path := filepath.Join(t.TempDir(), "findings.jsonl")
	return rig{NewFile(FileConfig{Path: path, Sync: true}, m, quiet()), reg, func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}}
}

func textRig(t *testing.T, live bool) rig {
	var out bytes.Buffer
	s := NewText(&out, TextOptions{Live: live, Width: 200})
	return rig{s, nil, func() string {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}}
}

func webhookRig(t *testing.T) rig {
	m, reg := testMetrics()
	r := newReceiver(t, nil)
	s, err := NewWebhook(WebhookConfig{URL: r.URL}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return rig{s, reg, r.output}
}

func alertmanagerRig(t *testing.T) rig {
	m, reg := testMetrics()
	r := newReceiver(t, nil)
	s, err := NewAlertmanager(AlertmanagerConfig{URLs: []string{r.URL}}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return rig{s, reg, r.output}
}

func kafkaRig(t *testing.T) rig {
	m, reg := testMetrics()
	addr := newBroker(t)
	s, err := NewKafka(KafkaConfig{Brokers: []string{addr}, Topic: "findings"}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return rig{s, reg, func() string {
		var b strings.Builder
		for _, r := range topicRecords(t, addr) {
			b.Write(r.Value)
			b.WriteByte('\n')
		}
		return b.String()
	}}
}

func (r *receiver) output() string {
	var b strings.Builder
	for _, req := range r.all() {
		b.Write(req.body)
		b.WriteByte('\n')
	}
	return b.String()
}

// eachSink runs a test on every sink and looks for leaked goroutines.
func eachSink(t *testing.T, test func(*testing.T, rig)) {
	for name, open := range rigs() {
		t.Run(name, func(t *testing.T) {
			here := goleak.IgnoreCurrent()
			t.Run("run", func(t *testing.T) { test(t, open(t)) })
			goleak.VerifyNone(t, here)
		})
	}
}

// start runs a sink, if it runs at all, and returns what stops it and waits.
func start(t *testing.T, s sink) (stop func()) {
	t.Helper()
	r, ok := s.(runner)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("run: %v", err)
				}
			case <-time.After(2 * flushGrace):
				t.Error("run did not end after its context")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func settle(t *testing.T, s sink) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Settle(ctx); err != nil {
		t.Fatalf("settle: %v", err)
	}
}

// TestSinksLoseNothing accepts from several goroutines; after Settle, everything
// is out.
func TestSinksLoseNothing(t *testing.T) {
	const workers, each = 4, 50
	eachSink(t, func(t *testing.T, r rig) {
		start(t, r.sink)
		var accepting sync.WaitGroup
		for w := range workers {
			accepting.Go(func() {
				for i := range each {
					n := w*each + i
					r.sink.Accept(finding(n, at(fmt.Sprintf("/route-%d-", n))))
				}
			})
		}
		accepting.Wait()
		settle(t, r.sink)
		out := r.output()
		for n := range workers * each {
			if route := fmt.Sprintf("/route-%d-", n); !strings.Contains(out, route) {
				t.Fatalf("%s is missing after Settle", route)
			}
		}
		if r.reg != nil && sum(t, r.reg, "leaktap_notifications_failed_total") != 0 {
			t.Error("failures were counted")
		}
		if r.reg != nil && sum(t, r.reg, "leaktap_notifications_total") < workers*each {
			t.Error("not every notification was counted")
		}
	})
}

// TestSinksFlushAtTheEnd ends the context right behind the last Accept.
func TestSinksFlushAtTheEnd(t *testing.T) {
	eachSink(t, func(t *testing.T, r rig) {
		stop := start(t, r.sink)
		r.sink.Accept(finding(0, at("/last")))
		stop()
		settle(t, r.sink)
		if !strings.Contains(r.output(), "/last") {
			t.Error("what was accepted before the end is missing")
		}
	})
}

// TestSinksAfterTheEnd accepts when Run is over: the drop is counted, and Settle
// does not hang.
func TestSinksAfterTheEnd(t *testing.T) {
	eachSink(t, func(t *testing.T, r rig) {
		if _, ok := r.sink.(runner); !ok {
			t.Skip("has no end: it does not run")
		}
		start(t, r.sink)()
		r.sink.Accept(finding(0))
		settle(t, r.sink)
		if got := sum(t, r.reg, "leaktap_notifications_failed_total"); got != 1 {
			t.Errorf("%v failures counted, want 1", got)
		}
	})
}

// TestSettleEndsWithItsContext settles while nothing runs that could deliver.
func TestSettleEndsWithItsContext(t *testing.T) {
	eachSink(t, func(t *testing.T, r rig) {
		if _, ok := r.sink.(runner); !ok {
			t.Skip("settles by itself: it does not run")
		}
		settle(t, r.sink) // nothing was accepted
		r.sink.Accept(finding(0))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := r.sink.Settle(ctx); err == nil {
			t.Error("settle said yes before anything was delivered")
		}
	})
}

// TestSinksNeutralizeOutsideText puts what steers terminals into every field that
// may hold names from outside.
func TestSinksNeutralizeOutsideText(t *testing.T) {
	const evil = "a\x1b]0;x\x07b\u202ec\u200bd\u009be\x00f\U000e0041"
	eachSink(t, func(t *testing.T, r rig) {
		start(t, r.sink)
		r.sink.Accept(finding(0, func(f *classify.Finding) {
			f.HTTP = classify.HTTP{Method: evil, Host: evil, Route: evil, Service: evil}
			f.Source.Name, f.Pointer, f.Evidence.Redacted = evil, evil, evil
			f.Token = &classify.Token{Kind: evil, Alg: evil, Issuer: evil, Scope: []string{evil}}
			f.Policy = &classify.Verdict{Verdict: evil, By: evil}
		}))
		settle(t, r.sink)
		out := r.output()
		if !strings.Contains(out, "a") {
			t.Fatal("nothing came out")
		}
		if i := strings.IndexFunc(strings.ReplaceAll(out, "\n", ""), func(r rune) bool {
			return unicode.In(r, unicode.Cc, unicode.Cf)
		}); i >= 0 {
			t.Errorf("a character that steers came out in %q", out)
		}
	})
}

// TestJSONStaysJSON reads back what the JSON sinks make of such text.
func TestJSONStaysJSON(t *testing.T) {
	const evil = "a\u202e\U000e0041\x1b\"\\"
	for _, name := range []string{"jsonl", "file", "kafka"} {
		t.Run(name, func(t *testing.T) {
			r := rigs()[name](t)
			start(t, r.sink)
			r.sink.Accept(finding(0, func(f *classify.Finding) { f.Pointer = evil }))
			settle(t, r.sink)
			var got struct{ Pointer string }
			if err := json.Unmarshal([]byte(r.output()), &got); err != nil || got.Pointer != evil {
				t.Errorf("pointer came back as %q (%v)", got.Pointer, err)
			}
		})
	}
}

// sum adds up all series of a counter.
func sum(t *testing.T, reg prometheus.Gatherer, name string) (total float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			for _, metric := range family.GetMetric() {
				total += metric.GetCounter().GetValue()
			}
		}
	}
	return total
}
