package alert

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestFindingsAreSyncedTogether checks how many findings share a sync, and how long the first
// of them waits for it: nobody waits for a finding that nobody asks for.
func TestFindingsAreSyncedTogether(t *testing.T) {
	for name, c := range map[string]struct {
		// findings come at once, or with a pause behind each.
		findings int
		pause    time.Duration
		settle   time.Duration // when somebody waits; 0 for never
		want     int
		after    time.Duration
	}{
		"one":                          {findings: 1, want: 1, after: storedWithin},
		"a trickle":                    {findings: 90, pause: 3 * time.Millisecond, want: 34, after: storedWithin},
		"somebody waits":               {findings: 7, settle: time.Nanosecond, want: 7, after: time.Nanosecond},
		"somebody waits, in a trickle": {findings: 90, pause: 3 * time.Millisecond, settle: 10 * time.Millisecond, want: 4, after: 10 * time.Millisecond},
		"many":                         {findings: storedBatch + 500, want: storedBatch},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := testMetrics()
				q := newQueue("test", 2*storedBatch, 10, m, quiet(), nil)
				s := &spooling{queue: q}
				ctx, cancel := context.WithCancel(t.Context())
				began := time.Now()
				go func() {
					for i := range c.findings {
						q.Accept(finding(i))
						time.Sleep(c.pause)
					}
				}()
				go func() {
					if time.Sleep(c.settle); c.settle > 0 {
						_ = q.Settle(ctx) // until the end of the test: nothing is stored
					}
				}()
				first := <-q.findings
				if c.pause == 0 {
					synctest.Wait()
				}
				batch := s.together(ctx, first)
				if took := time.Since(began); len(batch) != c.want || took != c.after {
					t.Errorf("%d findings after %v, want %d after %v", len(batch), took, c.want, c.after)
				}
				if left := c.findings > c.want && c.pause == 0; left != (len(q.wanted) == 1) {
					t.Errorf("%d are left, and somebody waits: %t", len(q.findings), len(q.wanted) == 1)
				}
				cancel()
				time.Sleep(time.Second) // the others end
			})
		})
	}
}
