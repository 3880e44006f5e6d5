package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leaktap/leaktap/alert/page"
)

// The pipeline page shows the last quarter of an hour, a value each ten seconds.
const (
	historyStep    = 10 * time.Second
	historyLength  = 15 * 60 / 10
	historyTimeout = 4 * historyStep
)

// history keeps how the quantities of the pipeline page went: the last values of each of
// maxStatusRows at most, 144 KB for 200 rows of 90 values. It is safe for concurrent use.
type history struct {
	mu    sync.Mutex
	times []time.Time
	// values are by the name of the quantity, as many as times, the newest last.
	values map[string][]float64
}

// quantity is what the pipeline page shows of a metric.
type quantity struct {
	name, note string
	value      float64
	// counts says that it only ever grows: of interest is how fast.
	counts bool
}

// take notes the values at a time. A quantity that was not there before counts as 0 up to now;
// one that is gone is forgotten. After a pause, such as the sleep of a machine, it begins anew.
func (h *history) take(now time.Time, list []quantity) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.times); n > 0 && now.Sub(h.times[n-1]) > historyTimeout {
		h.times, h.values = nil, nil
	}
	h.times = lastOf(append(h.times, now))
	values := make(map[string][]float64, len(list))
	for _, q := range list {
		old := h.values[q.name]
		if old == nil {
			old = make([]float64, len(h.times)-1, historyLength+1)
		}
		values[q.name] = lastOf(append(old, q.value))
	}
	h.values = values
}

// lastOf drops the oldest beyond what is kept, in place.
func lastOf[T any](list []T) []T {
	if n := len(list) - historyLength; n > 0 {
		list = list[:copy(list, list[n:])]
	}
	return list
}

// course returns how a quantity went, that of a counter in its growth for each second; nil if
// that is not known, or if it is none that counts and has not changed.
func (h *history) course(q quantity) *page.Course {
	h.mu.Lock()
	defer h.mu.Unlock()
	values, n := h.values[q.name], len(h.times)
	if len(values) != n || n < 2 {
		return nil
	}
	if !q.counts && slices.Min(values) == slices.Max(values) {
		return nil
	}
	c := &page.Course{From: h.times[0], To: h.times[n-1]}
	if !q.counts {
		c.Values = append(c.Values, values...)
		return c
	}
	c.Unit = "/s"
	for i := 1; i < n; i++ {
		c.Values = append(c.Values, (values[i]-values[i-1])/h.times[i].Sub(h.times[i-1]).Seconds())
	}
	return c
}

// keepHistory notes the agent's quantities from time to time.
func (a *agent) keepHistory(ctx context.Context) error {
	tick := time.NewTicker(historyStep)
	defer tick.Stop()
	for now := time.Now(); ; {
		if list, err := a.metrics.quantities(); err == nil { // what is wrong is shown by the page
			a.history.take(now, list)
		}
		select {
		case <-ctx.Done():
			return nil
		case now = <-tick.C:
		}
	}
}
