package main

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/window"
)

// TestWindows checks that the rules that are wanted are reported and no others, that what is
// followed and given up is exported, and that nothing is followed where no rule is wanted.
func TestWindows(t *testing.T) {
	all := window.Rules()
	for _, c := range []struct {
		wanted []*classify.Rule
		want   string
	}{{all, "guessable-id enumeration"}, {all[:1], "enumeration"}, {nil, ""}} {
		w := newWindows(window.Limits{Callers: 1}, c.wanted)
		var found []string
		for n := range 25 {
			w.observe(&classify.Observation{
				Time: time.Unix(int64(n), 0), HTTP: classify.HTTP{Method: "GET", Status: 200},
				Caller: classify.Caller{ID: 1}, Answer: classify.Answer{Private: true},
				Object: classify.Object{Family: 1, ID: uint64(n + 1), Number: int64(n), Numeric: true},
			}, func(f *classify.Finding) { found = append(found, f.Rule.ID) })
		}
		if got := strings.Join(found, " "); got != c.want {
			t.Errorf("found %q, want %q", got, c.want)
		}
		m := newMetrics("test")
		m.watchWindows(w)
		if w == nil {
			continue
		}
		w.observe(&classify.Observation{HTTP: classify.HTTP{Method: "GET", Status: 200}, Caller: classify.Caller{ID: 2}}, nil)
		if err := testutil.GatherAndCompare(m.registry, strings.NewReader(`
# HELP leaktap_window_evicted_total What was followed and made room for others, the least suspicious first.
# TYPE leaktap_window_evicted_total counter
leaktap_window_evicted_total{kind="caller"} 1
leaktap_window_evicted_total{kind="family"} 0
leaktap_window_evicted_total{kind="object"} 0
# HELP leaktap_window_tracked Callers, kinds of objects and private objects that are followed over many exchanges.
# TYPE leaktap_window_tracked gauge
leaktap_window_tracked{kind="caller"} 1
leaktap_window_tracked{kind="family"} 1
leaktap_window_tracked{kind="object"} 25
`), "leaktap_window_evicted_total", "leaktap_window_tracked"); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(m.registry, "leaktap_window_evicted_total", "leaktap_window_tracked"); err != nil || len(problems) > 0 {
			t.Error(problems, err)
		}
	}
}
