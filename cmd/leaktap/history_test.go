package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// sampled is a history of one quantity, a value each ten seconds.
func sampled(q quantity, values ...float64) *history {
	h := &history{}
	for i, v := range values {
		q.value = v
		h.take(time.Unix(int64(i)*10, 0), []quantity{q})
	}
	return h
}

func TestHistory(t *testing.T) {
	gauge, counter := quantity{name: "lag"}, quantity{name: "records", counts: true}
	for name, c := range map[string]struct {
		of     quantity
		values []float64
		want   string
	}{
		"nothing":    {gauge, nil, "none"},
		"one value":  {gauge, []float64{3}, "none"},
		"a gauge":    {gauge, []float64{3, 1, 2}, "00 to 20: [3 1 2]"},
		"a constant": {gauge, []float64{3, 3, 3}, "none"},
		"a counter":  {counter, []float64{100, 150, 150, 151}, "00 to 30: [5 0 0.1]/s"},
	} {
		got := "none"
		if course := sampled(c.of, c.values...).course(c.of); course != nil {
			got = fmt.Sprintf("%s to %s: %v%s", course.From.Format("05"), course.To.Format("05"), course.Values, course.Unit)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	if course := sampled(gauge, 1, 2).course(counter); course != nil {
		t.Errorf("a quantity that was never seen has %+v", course)
	}
}

// TestHistoryIsBounded checks that the oldest values go, in the same memory, and with them what
// is shown no more.
func TestHistoryIsBounded(t *testing.T) {
	q := quantity{name: "lag"}
	values := make([]float64, 3*historyLength)
	for i := range values {
		values[i] = float64(i)
	}
	h := sampled(q, values...)
	course := h.course(q)
	if !slices.Equal(course.Values, values[2*historyLength:]) || course.From.Unix() != int64(2*historyLength*10) {
		t.Errorf("got %+v", course)
	}
	if n := cap(h.values["lag"]); n != historyLength+1 {
		t.Errorf("there is room for %d values", n)
	}
	h.take(time.Unix(3*historyLength*10, 0), []quantity{{name: "new", value: 7}})
	if got := h.course(quantity{name: "new"}); len(got.Values) != historyLength || got.Values[historyLength-1] != 7 || got.Values[0] != 0 {
		t.Errorf("a quantity that is new went %+v", got)
	}
	if h.course(q) != nil {
		t.Error("a quantity that is gone is still there")
	}
}

// TestHistoryAfterAPause checks that a pause is not drawn as if it were a step.
func TestHistoryAfterAPause(t *testing.T) {
	q := quantity{name: "records", counts: true}
	h := sampled(q, 1, 2, 3)
	q.value = 1e6
	h.take(time.Unix(3600, 0), []quantity{q})
	if got := h.course(q); got != nil {
		t.Errorf("after a pause: %+v", got)
	}
	q.value += 10
	h.take(time.Unix(3610, 0), []quantity{q})
	if got := h.course(q); got == nil || !slices.Equal(got.Values, []float64{1}) {
		t.Errorf("after a pause and a step: %+v", got)
	}
}

// BenchmarkQuantities is what each step of the history costs.
func BenchmarkQuantities(b *testing.B) {
	m := newMetrics("test")
	var h history
	for i := 0; b.Loop(); i++ {
		list, err := m.quantities()
		if err != nil {
			b.Fatal(err)
		}
		h.take(time.Unix(int64(i)*10, 0), list)
	}
}
