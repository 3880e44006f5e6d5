package ingest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leaktap/leaktap/classify"
)

// TestTracesAreJoinedInPartitions puts the lines of a trace and the parts of a line
// of CRI together, although they come in records, batches and fetches of their own.
func TestTracesAreJoinedInPartitions(t *testing.T) {
	_, addr := newCluster(t, 1)
	const at = "2026-01-01T00:00:00Z "
	l := newLedger()
	timing := fast()
	timing.Join = time.Second
	start(t, KafkaConfig{Brokers: []string{addr}, Group: "g", Timing: timing}, l)
	for _, line := range []string{
		"boom", "\tat a.B(C.java:1)", "Caused by: x", "next",
		at + `stdout P {"a":`, at + `stdout F "b"}`,
	} {
		produce(t, addr, &kgo.Record{Value: []byte(line), Key: []byte("pod")})
	}
	want := []string{
		"logs/0/0/0 boom\n\tat a.B(C.java:1)\nCaused by: x",
		"logs/0/3/0 next",
		`logs/0/4/0 {"a":"b"}`,
	}
	l.wait(t, "the last line", func() bool { return l.seen[`{"a":"b"}`] > 0 && l.seen["next"] > 0 })
	l.mu.Lock()
	defer l.mu.Unlock()
	got := slices.DeleteFunc(slices.Clone(l.places), func(place string) bool { return strings.HasSuffix(place, " key: pod\n") })
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("handed over %q, want %q", got, want)
	}
	for i, suffix := range []string{"/0/65536 key: pod\n", "/3/65536 key: pod\n", "/5/65536 key: pod\n"} {
		if !slices.ContainsFunc(l.places, func(place string) bool { return strings.HasSuffix(place, suffix) }) {
			t.Errorf("%d: no key at %q in %q: it is attached to another record", i, suffix, l.places)
		}
	}
}

// TestWhatIsHeldBackIsNotCommitted commits nothing from the beginning of a trace on
// until the trace is handed over, so that a crash loses no line of it.
func TestWhatIsHeldBackIsNotCommitted(t *testing.T) {
	cluster, addr := newCluster(t, 1)
	watch := watchCommits(cluster)
	produce(t, addr, &kgo.Record{Value: []byte(`{"a":1}`)}, &kgo.Record{Value: []byte("boom")}, &kgo.Record{Value: []byte("\tat a.B")})
	l := newLedger()
	timing := fast()
	timing.Join = time.Hour
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g", Timing: timing}, l)
	eventually(t, "the commit before the trace", func() bool { return watch.at() >= 1 })
	produce(t, addr, &kgo.Record{Value: []byte("\tat c.D")})
	time.Sleep(5 * timing.Commit) // for a commit that must not come
	if got := watch.at(); got != 1 {
		t.Errorf("offset %d was committed while the trace from 1 on was held back", got)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if got := watch.at(); got != 4 || l.seen["boom\n\tat a.B\n\tat c.D"] != 1 {
		t.Errorf("at the end %d was committed, want 4; seen %v", got, l.seen)
	}
}

// TestWhatIsHeldBackIsHandedOverInTime does not wait for a line that never comes,
// even if other streams of the partition go on.
func TestWhatIsHeldBackIsHandedOverInTime(t *testing.T) {
	_, addr := newCluster(t, 1)
	l := newLedger()
	r := start(t, KafkaConfig{Brokers: []string{addr}}, l)
	r.waitReady(t)
	produce(t, addr, &kgo.Record{Value: []byte("web-1  | boom")})
	begin := time.Now()
	for i := 0; i < 100 && time.Since(begin) < patience; i++ {
		produce(t, addr, &kgo.Record{Value: []byte("db-1  | " + strings.Repeat("x", i+1))})
		l.mu.Lock()
		seen := l.seen["boom"]
		l.mu.Unlock()
		if seen > 0 {
			within(t, begin, 5*time.Second, "handing over a line of a silent stream")
			return
		}
		time.Sleep(10 * time.Millisecond) // the other stream's pace
	}
	t.Error("the line of the silent stream was not handed over")
}

// TestPanicInTheHandlerOfAHeldRecord names the right record and passes it.
func TestPanicInTheHandlerOfAHeldRecord(t *testing.T) {
	_, addr := newCluster(t, 1)
	produce(t, addr, &kgo.Record{Value: []byte("poison")}, &kgo.Record{Value: []byte(`{"a":1}`), Key: []byte("k")})
	l := newLedger()
	l.onHandle = func(x *classify.Exchange) {
		if string(x.Record) == "poison" {
			panic("mistake")
		}
	}
	if err := start(t, KafkaConfig{Brokers: []string{addr}, StopAtEnd: true}, l).end(t); err != nil {
		t.Fatal(err)
	}
	if l.seen[`{"a":1}`] != 1 || l.seen["key: k\n"] != 1 {
		t.Errorf("seen %v, want the record behind the poisoned one with its key", l.seen)
	}
}
