package classify

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTimeLimit checks that rules are not asked any more once the time is spent, that what
// they were not asked about is counted, and that it begins anew with the next exchange.
func TestTimeLimit(t *testing.T) {
	for _, c := range []struct {
		clock bool
		marks int
		found int
		given int64 // bytes given up
	}{
		{true, budgetStride, budgetStride, 0},             // the first look begins
		{true, 3*budgetStride - 2, 3*budgetStride - 2, 0}, // 10 ms of 10
		{true, 4 * budgetStride, 3*budgetStride - 1, 4*budgetStride*5 + 4},
		{false, 4 * budgetStride, 4 * budgetStride, 0},
	} {
		now := time.Second
		cfg := Config{
			Detectors: []Detector{mark("m", false, Trigger{Anchors: []string{"MARK"}})}, Key: testKey, Limits: Limits{Time: 10 * time.Millisecond},
		}
		if c.clock {
			cfg.Clock = func() time.Duration { now += 10 * time.Millisecond; return now }
		}
		e, err := NewEngine(cfg)
		if err != nil {
			t.Fatal(err)
		}
		x := &Exchange{Target: []byte("/quiet"), Response: Message{Body: []byte(strings.Repeat("MARK ", c.marks))}, Record: []byte("MARK")}
		classifier := e.NewClassifier()
		for range 2 {
			found := 0
			in := classifier.Classify(x, time.Unix(1e9, 0), func(f *Finding) { found += f.Count })
			found += int(in.DroppedFindings)
			if c.given == 0 {
				found-- // that of the record
			}
			total := int64(sizeOf(x))
			if found != c.found || in.TimeLimit != c.given || in.Bytes != total-c.given {
				t.Errorf("%d marks, clock %v: %d found, %d of %d bytes inspected, %d given up; want %d found and %d given up",
					c.marks, c.clock, found, in.Bytes, total, in.TimeLimit, c.found, c.given)
			}
		}
	}
}

// TestQuietHeaders checks that headers are remembered only where no rule was asked, and
// that those with the same place do not stand for each other.
func TestQuietHeaders(t *testing.T) {
	asked := 0
	rule := *mark("m", false, Trigger{Anchors: []string{"MARK"}}).Rule()
	e := testEngine(t, Limits{}, &missDetector{rule, &asked})
	c := e.NewClassifier()
	var headers []Header
	for i := range 2000 {
		headers = append(headers, Header{[]byte("X-Quiet"), fmt.Appendf(nil, "value %d", i)})
		headers = append(headers, Header{fmt.Appendf(nil, "X-%d", i), []byte("a MARK of its own")})
		headers = append(headers, Header{[]byte("X"), []byte(`{"a":"b"}`)}, Header{[]byte("X-Empty"), nil})
	}
	for range 3 {
		asked = 0
		c.Classify(&Exchange{Response: Message{Headers: headers}}, time.Unix(1e9, 0), func(*Finding) {})
		if asked != 2000 {
			t.Errorf("asked %d times, want 2000", asked)
		}
	}
	remembered := 0
	for i := range headers {
		if entry := c.known.entry(&headers[i]); entry != nil && entry.holds(&headers[i]) {
			remembered++
			if strings.Contains(string(headers[i].Value), "MARK") || headers[i].Value[0] == '{' {
				t.Errorf("%s: %s is remembered", headers[i].Name, headers[i].Value)
			}
		}
	}
	if remembered == 0 {
		t.Error("no header is remembered")
	}
}

// TestQuietParts checks that what stands between mapped values is remembered only where no rule
// was asked, and only where nothing before may belong to it.
func TestQuietParts(t *testing.T) {
	asked := 0
	rule := *mark("m", false, Trigger{Anchors: []string{"MARK"}}).Rule()
	e := testEngine(t, Limits{}, &missDetector{rule, &asked})
	c := e.NewClassifier()
	records := []string{
		`{"message":"MAPPED","level":"info","logger":"quiet"}`,
		`{"message":"MAPPED","level":"info","logger":"MARK"}`,
		`{"message":MAPPED MARK,"level":"info"}`,
		`{"message":"MAPPED","level":"warn"} MARK`,
	}
	want := []int{0, 1, 1, 1}
	for round := range 3 {
		for i, record := range records {
			at := strings.Index(record, "MAPPED")
			asked = 0
			c.Classify(&Exchange{Record: []byte(record), Mapped: []Span{{at, at + len("MAPPED")}}}, time.Unix(1e9, 0), func(*Finding) {})
			if (asked > 0) != (want[i] > 0) {
				t.Errorf("round %d, %s: asked %d times, want %d", round, record, asked, want[i])
			}
		}
	}
	for part, want := range map[string]bool{`,"level":"info","logger":"quiet"}`: true, `,"level":"info","logger":"MARK"}`: false, ` MARK,"level":"info"}`: false} {
		h := Header{Value: []byte(part)}
		if got := c.known.part(&h).holds(&h); got != want {
			t.Errorf("%s: remembered is %v, want %v", part, got, want)
		}
	}
}
