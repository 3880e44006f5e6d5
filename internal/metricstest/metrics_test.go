package metricstest

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestUnmoved(t *testing.T) {
	w := &Watch{Still: map[string]string{"leaktap_still": "", "leaktap_stirred": "", "leaktap_gone": ""}}
	counter := func(name string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name}, []string{"l"})
	}
	moving, half, empty, still, stirred := counter("leaktap_moving"), counter("leaktap_half"), counter("leaktap_empty"), counter("leaktap_still"), counter("leaktap_stirred")
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "leaktap_gauge"})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "leaktap_histogram"})
	r := w.Registry()
	r.MustRegister(moving, half, empty, still, stirred, gauge, histogram)
	want := []string{
		"leaktap_empty is declared and never moves", "leaktap_gauge is declared and never moves", "leaktap_gone is excepted, and moves or is not declared",
		"leaktap_half is declared and never moves", "leaktap_histogram is declared and never moves", "leaktap_moving is declared and never moves",
		"leaktap_stirred is excepted, and moves or is not declared",
	}
	check := func(want []string) {
		t.Helper()
		w.Look(t)
		if got := w.Unmoved(); !slices.Equal(got, want) {
			t.Errorf("got\n%q, want\n%q", got, want)
		}
	}
	stirred.WithLabelValues("a").Inc()
	check(want)
	gauge.Set(1)
	histogram.Observe(1)
	moving.WithLabelValues("a").Inc()
	half.WithLabelValues("a").Inc()
	half.WithLabelValues("b")
	check([]string{
		"leaktap_empty is declared and never moves", "leaktap_gone is excepted, and moves or is not declared",
		`leaktap_half l="b" is declared and never moves`, "leaktap_stirred is excepted, and moves or is not declared",
	})
	gauge.Set(0)
	delete(w.Still, "leaktap_gone")
	delete(w.Still, "leaktap_stirred")
	other := w.Registry()
	half = counter("leaktap_half")
	other.MustRegister(half)
	half.WithLabelValues("b").Inc()
	check([]string{"leaktap_empty is declared and never moves"})
}
