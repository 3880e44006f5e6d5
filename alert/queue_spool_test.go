package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leaktap/leaktap/alert/spool"
	"github.com/leaktap/leaktap/classify"
)

// collector is a receiver in memory that may be away.
type collector struct {
	away atomic.Bool
	mu   sync.Mutex
	ids  []string
	got  chan struct{}
}

func newCollector() *collector { return &collector{got: make(chan struct{}, 10_000)} }

func (c *collector) deliver(_ context.Context, batch []*classify.Finding) error {
	if c.away.Load() {
		return errors.New("away")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range batch {
		c.ids = append(c.ids, f.ID)
		c.got <- struct{}{}
	}
	return nil
}

// wait returns the ids when n have come.
func (c *collector) wait(t *testing.T, n int) []string {
	t.Helper()
	for range n {
		select {
		case <-c.got:
		case <-time.After(20 * time.Second):
			t.Fatal("a finding did not come")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ids)
}

func ids(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("lt-%d", i))
	}
	return list
}

// TestSpoolRidesOutTenMinutes has the receiver away for ten minutes, while a finding comes each
// second: each counts as accepted at once, and all are delivered in order when it is back.
func TestSpoolRidesOutTenMinutes(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m, reg := testMetrics()
		c := newCollector()
		c.away.Store(true)
		q := newQueue("test", 10, 50, m, quiet(), c.deliver)
		q.Spool(SpoolConfig{Dir: dir})
		stop := start(t, q)
		const outage, all = 600, 620
		for i := range all {
			c.away.Store(i < outage)
			q.Accept(finding(i))
			before := time.Now()
			settle(t, q)
			if waited := time.Since(before); waited > 0 {
				t.Fatalf("finding %d waited for %v", i, waited)
			}
			time.Sleep(time.Second)
		}
		if got := c.wait(t, all); !slices.Equal(got, ids(0, all)) {
			t.Errorf("%d findings came, want %d in order", len(got), all)
		}
		if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "test"); n == 0 {
			t.Error("no try that failed was counted")
		}
		stop()
	})
}

// TestSpoolOutlivesTheAgent stops an agent whose receiver is away. The next one delivers what it
// has left.
func TestSpoolOutlivesTheAgent(t *testing.T) {
	dir := t.TempDir()
	m, reg := testMetrics()
	gone := newReceiver(t, nil)
	gone.Close()
	w, err := NewWebhook(WebhookConfig{URL: gone.URL, GiveUp: time.Millisecond}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	w.Spool(SpoolConfig{Dir: dir})
	stop := start(t, w)
	for i := range 120 {
		w.Accept(finding(i))
	}
	settle(t, w)
	if n := value(t, reg, "leaktap_spool_bytes", "sink", "webhook"); n == 0 {
		t.Error("leaktap_spool_bytes did not move")
	}
	moved.Look(t)
	stop()
	c := newCollector()
	q := newQueue("test", 10, 50, m, quiet(), c.deliver)
	q.Spool(SpoolConfig{Dir: dir})
	start(t, q)
	if got := c.wait(t, 120); !slices.Equal(got, ids(0, 120)) {
		t.Errorf("%d findings came, want 120 in order", len(got))
	}
}

// TestSpoolKeepsWhatCanBeMended tries again what is refused for another reason than its content.
func TestSpoolKeepsWhatCanBeMended(t *testing.T) {
	for status, kept := range map[int]bool{401: true, 404: true, 429: true, 503: true, 302: true, 400: false, 413: false, 422: false} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			var asked atomic.Int64
			r := newReceiver(t, func(request) int {
				if asked.Add(1) == 1 {
					return status
				}
				return http.StatusOK
			})
			m, reg := testMetrics()
			w, err := NewWebhook(WebhookConfig{URL: r.URL, GiveUp: 300 * time.Millisecond}, m, quiet())
			if err != nil {
				t.Fatal(err)
			}
			w.Spool(SpoolConfig{Dir: t.TempDir()})
			start(t, w)
			w.Accept(finding(0))
			<-r.arrived
			w.Accept(finding(1))
			var got []string
			for !slices.Contains(got, "lt-1") {
				for _, f := range decode[struct{ Findings []struct{ ID string } }](t, (<-r.arrived).body).Findings {
					got = append(got, f.ID)
				}
			}
			if slices.Contains(got, "lt-0") != kept {
				t.Errorf("then came %v, want lt-0 among them: %t", got, kept)
			}
			if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "webhook"); n != 1 && !kept {
				t.Error("the refusal was not counted")
			}
		})
	}
}

// TestNoSpoolFallsBackToMemory names a directory that cannot be made.
func TestNoSpoolFallsBackToMemory(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m, reg := testMetrics()
	c := newCollector()
	q := newQueue("test", 10, 50, m, quiet(), c.deliver)
	q.Spool(SpoolConfig{Dir: filepath.Join(taken, "spool")})
	start(t, q)
	q.Accept(finding(0))
	settle(t, q)
	c.wait(t, 1)
	if n := value(t, reg, "leaktap_spool_errors_total", "sink", "test"); n != 1 {
		t.Errorf("%v errors counted, want 1", n)
	}
}

func TestSpoolInUseEndsRun(t *testing.T) {
	dir := t.TempDir()
	first, err := spool.Open(spool.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	m, _ := testMetrics()
	q := newQueue("test", 10, 50, m, quiet(), newCollector().deliver)
	q.Spool(SpoolConfig{Dir: dir})
	if err := q.Run(t.Context()); !errors.Is(err, spool.ErrInUse) {
		t.Errorf("Run = %v, want ErrInUse", err)
	}
}

// TestSpoolDropsTheOldest fills a small spool while the receiver is away: what was dropped and
// what comes is all there was.
func TestSpoolDropsTheOldest(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m, reg := testMetrics()
		c := newCollector()
		c.away.Store(true)
		q := newQueue("test", 1000, 50, m, quiet(), c.deliver)
		q.Spool(SpoolConfig{Dir: dir, MaxBytes: 64 << 10})
		stop := start(t, q)
		const all = 400
		for i := range all {
			q.Accept(finding(i))
		}
		settle(t, q)
		time.Sleep(time.Hour) // a batch under way that made room is counted when it has failed
		dropped := int(value(t, reg, "leaktap_spool_dropped_total", "sink", "test", "reason", spool.ReasonFull))
		if dropped == 0 || dropped >= all {
			t.Fatalf("%d findings were dropped of %d", dropped, all)
		}
		c.away.Store(false)
		if got := c.wait(t, all-dropped); !slices.Equal(got, ids(dropped, all)) {
			t.Errorf("%d findings came, want the newest %d", len(got), all-dropped)
		}
		stop()
	})
}

// TestFindingsComeFromDiskAsTheyWere compares what is sent from memory and from disk.
func TestFindingsComeFromDiskAsTheyWere(t *testing.T) {
	f := finding(7, func(f *classify.Finding) {
		f.Principal = "p1"
		f.Token = &classify.Token{Kind: "jwt", Alg: "HS256", Issuer: "i", Scope: []string{"a", "b"}}
		f.Policy = &classify.Verdict{Verdict: "denied", By: "policy"}
		f.Source = classify.Source{Kind: classify.SourceKafka, Name: "t", Partition: 3, Offset: 0}
		f.Evidence.Span = &classify.Span{}
	})
	line, err := jsonLine(f)
	if err != nil {
		t.Fatal(err)
	}
	read := &classify.Finding{}
	if err := json.Unmarshal(line, read); err != nil {
		t.Fatal(err)
	}
	again, err := jsonLine(read)
	if err != nil || string(again) != string(line) {
		t.Errorf("%s (%v), want %s", again, err, line)
	}
	for format, write := range map[string]bodyWriter{WebhookFindings: findingsBody, WebhookSlack: slackBody} {
		a, _ := write([]*classify.Finding{f})
		if b, err := write([]*classify.Finding{read}); err != nil || string(a) != string(b) {
			t.Errorf("%s: %s (%v), want %s", format, b, err, a)
		}
	}
}
