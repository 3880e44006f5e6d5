package alert

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"
)

func minuteOf(n int) time.Time {
	return time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
}

// drawn is a timeline as text: the width of a bar and the counts.
func drawn(l Timeline, now time.Time) string {
	var text []string
	for _, b := range l.Until(now) {
		if text == nil {
			text = append(text, b.From.Format("15:04"), b.Width.String())
		}
		text = append(text, strconv.FormatUint(uint64(b.Findings), 10))
	}
	return strings.Join(text, " ")
}

func TestTimeline(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat(" 0", n) }
	for name, c := range map[string]struct {
		minutes []int
		now     int
		want    string
	}{
		"empty":                    {nil, 5, ""},
		"one, just now":            {[]int{0}, 0, "10:00 1m0s 1"},
		"one, some time ago":       {[]int{0}, 3, "10:00 1m0s 1 0 0 0"},
		"two in a minute":          {[]int{2, 2}, 2, "10:02 1m0s 2"},
		"the later first":          {[]int{3, 0}, 3, "10:00 1m0s 1 0 0 1"},
		"all bars":                 {[]int{0, 31}, 31, "10:00 1m0s 1" + zeros(30) + " 1"},
		"one more than the bars":   {[]int{0, 32}, 32, "10:00 2m0s 1" + zeros(15) + " 1"},
		"one more, from an odd":    {[]int{1, 2, 33}, 33, "10:00 2m0s 1 1" + zeros(14) + " 1"},
		"now is far":               {[]int{0, 1}, 64, "10:00 4m0s 2" + zeros(16)},
		"now is before the newest": {[]int{0, 4}, 2, "10:00 1m0s 1 0 0 0 1"},
		"now is before all":        {[]int{4}, 2, "10:04 1m0s 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var l Timeline
			for _, m := range c.minutes {
				l.add(minuteOf(m), 1)
			}
			if got := drawn(l, minuteOf(c.now)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestTimelineOrder adds times in different orders, with outliers up to the year 1: all findings
// are there, each in its bar, and the order does not matter.
func TestTimelineOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		times := make([]time.Time, 1+r.IntN(40))
		for i := range times {
			times[i] = minuteOf(0).Add(time.Duration(r.Int64N(1<<(30+r.Int64N(24)))) - time.Duration(r.Int64N(1<<50)))
			if r.IntN(50) == 0 {
				times[i] = time.Time{}
			}
		}
		var one, other Timeline
		for _, at := range times {
			one.add(at, 1)
		}
		for _, i := range r.Perm(len(times)) {
			other.add(times[i], 1)
		}
		if one != other {
			t.Fatalf("%v:\n%v\n%v", times, one, other)
		}
		want := map[time.Time]uint32{}
		bars := one.Until(times[0])
		sum := uint32(0)
		for _, at := range times {
			for _, b := range bars {
				if !at.Before(b.From) && at.Before(b.From.Add(b.Width)) || b.Width < 0 {
					want[b.From]++
				}
			}
		}
		for _, b := range bars {
			sum += b.Findings
			if b.Findings != want[b.From] && one.width < 1<<26 { // a wider bar is longer than a time.Duration
				t.Fatalf("bar %v has %d, want %d", b.From, b.Findings, want[b.From])
			}
		}
		if sum != uint32(len(times)) || len(bars) > TimelineBars {
			t.Fatalf("%d bars with %d of %d findings", len(bars), sum, len(times))
		}
	}
}

func TestTimelineIsKept(t *testing.T) {
	var l, back Timeline
	for range 3 {
		l.add(minuteOf(0), 1)
	}
	l.add(minuteOf(40), math.MaxUint32)
	l.add(minuteOf(41), 5)
	text, err := json.Marshal(&l)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &back); err != nil || back != l || back.bars[20] != math.MaxUint32 {
		t.Errorf("%v: %s became %v, want %v", err, text, back, l)
	}
	for _, text := range []string{
		"null", `{"width_minutes":3,"bars":[1]}`, `{"width_minutes":-1}`, `{"width_minutes":0}`, `{"width_minutes":4611686018427387904}`,
		`{"width_minutes":1,"first":9223372036854775807}`, `{"width_minutes":1,"first":-9223372036854775808}`,
		`{"width_minutes":1,"bars":[` + strings.Repeat("1,", TimelineBars) + `1]}`,
	} {
		if err := json.Unmarshal([]byte(text), &back); err != nil || back != (Timeline{}) {
			t.Errorf("%s: %v, %v", text, err, back)
		}
	}
	if size := unsafe.Sizeof(l); size != 144 {
		t.Errorf("a timeline takes %d bytes, and its comment says 144", size)
	}
}

// FuzzTimeline reads a timeline from any text and uses it.
func FuzzTimeline(f *testing.F) {
	f.Add(`{"width_minutes":2,"first":14000000,"bars":[1,0,3]}`, int64(1_798_000_000))
	f.Add(`{"width_minutes":1,"first":-1,"bars":[]}`, int64(-1<<40))
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		var l Timeline
		if json.Unmarshal([]byte(text), &l) != nil {
			return
		}
		at := time.Unix(unix%(1<<40), 0)
		l.add(at, 1)
		if n := len(l.Until(at)); n == 0 || n > TimelineBars {
			t.Errorf("%d bars", n)
		}
	})
}
