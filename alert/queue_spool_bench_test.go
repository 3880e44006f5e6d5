package alert

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// BenchmarkWebhook takes findings through a webhook to a receiver on this machine that is well,
// from memory and through a spool, whose directory is on the disk of the temporary files.
// A source settles when it commits: settle-N does after N findings.
func BenchmarkWebhook(b *testing.B) {
	for _, c := range []struct {
		through string
		settle  int
	}{{"memory", 1}, {"memory", 10}, {"memory", 100}, {"spool", 1}, {"spool", 10}, {"spool", 100}} {
		b.Run(fmt.Sprintf("%s/settle-%d", c.through, c.settle), func(b *testing.B) {
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
			}))
			defer receiver.Close()
			m, reg := testMetrics()
			w, err := NewWebhook(WebhookConfig{URL: receiver.URL}, m, quiet())
			if err != nil {
				b.Fatal(err)
			}
			if c.through == "spool" {
				w.Spool(SpoolConfig{Dir: b.TempDir()})
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- w.Run(ctx) }()
			list := make([]*classify.Finding, 1000)
			for i := range list {
				list[i] = finding(i)
			}
			b.ResetTimer()
			for i := range b.N {
				w.Accept(list[i%len(list)])
				if i%c.settle == c.settle-1 {
					if err := w.Settle(ctx); err != nil {
						b.Fatal(err)
					}
				}
			}
			for value(b, reg, "leaktap_notifications_total", "sink", "webhook") < float64(b.N) {
				time.Sleep(time.Millisecond)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "findings/s")
			cancel()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}
