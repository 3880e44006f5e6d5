package main

import (
	"sync"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/window"
)

// windows looks at the exchanges of all sources together.
type windows struct {
	mu      sync.Mutex
	tracker *window.Tracker
	// muted are the rules that are disabled.
	muted map[string]bool
}

// newWindows returns windows for the rules that are wanted, nil if there are none.
func newWindows(limits window.Limits, wanted []*classify.Rule) *windows {
	if len(wanted) == 0 {
		return nil
	}
	w := &windows{tracker: window.NewTracker(limits), muted: map[string]bool{}}
	for _, r := range window.Rules() {
		w.muted[r.ID] = true
	}
	for _, r := range wanted {
		w.muted[r.ID] = false
	}
	return w
}

// goOn follows what an agent before followed. That agent must not observe any more.
func (w *windows) goOn(before *agent) {
	if w != nil && before != nil && before.windows != nil {
		w.tracker = before.windows.tracker
	}
}

// observe takes in an observation. Its findings are reported when others may go on.
func (w *windows) observe(o *classify.Observation, report func(*classify.Finding)) {
	if w == nil {
		return
	}
	var found []*classify.Finding
	w.mu.Lock()
	w.tracker.Observe(o, func(f *classify.Finding) { found = append(found, f) })
	w.mu.Unlock()
	for _, f := range found {
		if !w.muted[f.Rule.ID] {
			report(f)
		}
	}
}

// stats tells how much is followed.
func (w *windows) stats() window.Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tracker.Stats()
}
