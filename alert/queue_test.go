package alert

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

func TestFullQueueDropsAndCounts(t *testing.T) {
	m, reg := testMetrics()
	var got []string
	q := newQueue("test", 2, 10, m, quiet(), func(_ context.Context, batch []*classify.Finding) error {
		for _, f := range batch {
			got = append(got, f.ID)
		}
		return nil
	})
	for i := range 3 {
		q.Accept(finding(i)) // nobody takes them out
	}
	if fill := value(t, reg, "leaktap_queue_fill_ratio"); fill != 1 {
		t.Errorf("fill ratio is %v, want 1", fill)
	}
	if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "test"); n != 1 {
		t.Errorf("%v drops counted, want 1", n)
	}
	stop := start(t, q)
	settle(t, q)
	stop()
	if len(got) != 2 || got[0] != "lt-0" || got[1] != "lt-1" {
		t.Errorf("delivered %v, want the first two in order", got)
	}
	if n := value(t, reg, "leaktap_notifications_total", "sink", "test"); n != 3 {
		t.Errorf("%v notifications counted, want 3", n)
	}
}

func TestQueueCountsWhatDeliverFailsOn(t *testing.T) {
	m, reg := testMetrics()
	q := newQueue("test", 10, 3, m, quiet(), func(_ context.Context, batch []*classify.Finding) error {
		if len(batch) > 3 {
			t.Errorf("batch of %d, want 3 at most", len(batch))
		}
		return errors.New("away")
	})
	start(t, q)
	for i := range 7 {
		q.Accept(finding(i))
	}
	settle(t, q) // the drops are counted, so it returns
	if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "test"); n != 7 {
		t.Errorf("%v failures counted, want 7", n)
	}
}

// TestSettleWaitsForWhatWasAcceptedBefore holds the delivery back and looks that
// Settle does not return before it.
func TestSettleWaitsForWhatWasAcceptedBefore(t *testing.T) {
	m, _ := testMetrics()
	release, reached := make(chan struct{}), make(chan struct{}, 10)
	q := newQueue("test", 10, 1, m, quiet(), func(context.Context, []*classify.Finding) error {
		reached <- struct{}{}
		<-release
		return nil
	})
	start(t, q)
	q.Accept(finding(0))
	<-reached
	settled := make(chan error, 1)
	go func() { settled <- q.Settle(t.Context()) }()
	select {
	case err := <-settled:
		t.Fatalf("settled before the delivery ended (%v)", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	if err := <-settled; err != nil {
		t.Error(err)
	}
}

func TestOutliveGivesGrace(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	longer, cancel := outlive(ctx, 10*time.Millisecond)
	defer cancel()
	end()
	if longer.Err() != nil {
		t.Error("it ended together with its parent")
	}
	<-longer.Done() // the test's time limit is the failure
}

func BenchmarkQueue(b *testing.B) {
	m, _ := testMetrics()
	q := newQueue("test", 1000, 100, m, quiet(), func(context.Context, []*classify.Finding) error { return nil })
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	f := finding(0)
	line, err := jsonLine(f)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		q.Accept(f)
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
