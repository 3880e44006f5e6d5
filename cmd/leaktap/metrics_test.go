package main

import (
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/window"
	"github.com/leaktap/leaktap/internal/metricstest"
)

// TestEachMetricMoves drives all metrics of the agent itself through the functions that the
// agent calls. One that is new and that nothing moves fails here.
func TestEachMetricMoves(t *testing.T) {
	m := newMetrics("test")
	w := newWindows(window.Limits{Callers: 1, Families: 1, Objects: 1}, window.Rules())
	m.watchWindows(w)
	m.reloaded(true)
	var watch metricstest.Watch
	watch.Registry().MustRegister(m.registry)
	m.observe(classify.SourceKafka, classify.Inspection{
		Unjudged: 1, Silenced: classify.Silenced{Allowed: 1, Accepted: 1, Known: 1},
		LayerLimit: 1, TimeLimit: 1, DroppedCandidates: 1,
	}, time.Millisecond)
	for n := range 3 {
		w.observe(&classify.Observation{
			Time: time.Unix(int64(n), 0), HTTP: classify.HTTP{Method: "GET", Status: 200},
			Caller: classify.Caller{ID: uint64(n + 1)}, Answer: classify.Answer{Private: true},
			Object: classify.Object{Family: uint64(n + 1), ID: 1000, Number: int64(n), Numeric: true},
		}, func(*classify.Finding) {})
	}
	watch.Look(t)
	for _, complaint := range watch.Unmoved() {
		t.Error(complaint)
	}
}
