package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/internal/metricstest"
)

// following is a file source under way in a directory of the test's.
type following struct {
	*ledger
	dir  string
	reg  *metricstest.Registry
	stop func() error
}

// follow runs a source over *.log of a directory until the test's end or stop.
func follow(t *testing.T, dir string, edit func(*TailConfig)) *following {
	t.Helper()
	cfg := TailConfig{
		Paths: []string{filepath.Join(dir, "*.log")}, State: filepath.Join(dir, "state.json"),
		Timing: TailTiming{Poll: 20 * time.Millisecond, Commit: 20 * time.Millisecond, Join: 50 * time.Millisecond, Grace: 200 * time.Millisecond},
	}
	if edit != nil {
		edit(&cfg)
	}
	reg := moved.Registry()
	tail, err := NewTail(cfg, reg, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- tail.Run(ctx, l) }()
	f := &following{ledger: l, dir: dir, reg: reg}
	f.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = f.stop() })
	select {
	case <-tail.Ready():
	case <-time.After(patience):
		t.Fatal("source does not get ready")
	}
	return f
}

// lines writes lines "r FROM" to "r TO-1" behind a file.
func appendLines(t *testing.T, path string, from, to int) {
	t.Helper()
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "r %d\n", i)
	}
	appendText(t, path, b.String())
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// once wants each of the records r FROM to r TO-1 seen once, and nothing else.
func (f *following) once(t *testing.T, from, to int) {
	t.Helper()
	f.wait(t, fmt.Sprintf("records %d to %d", from, to-1), f.all(from, to))
	f.mu.Lock()
	defer f.mu.Unlock()
	for record, n := range f.seen {
		if n != 1 {
			t.Errorf("%q was seen %d times", record, n)
		}
	}
	if len(f.seen) != to-from {
		t.Errorf("%d records were seen, want %d", len(f.seen), to-from)
	}
}

func TestTailFollowsAndResumes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	appendLines(t, path, 0, 100)
	f := follow(t, dir, nil)
	f.wait(t, "what was there", f.all(0, 100))
	appendLines(t, path, 100, 200)
	f.once(t, 0, 200)
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	appendLines(t, path, 200, 210)
	f = follow(t, dir, nil)
	f.once(t, 200, 210)
	if got := gauge(t, f.reg, "leaktap_file_losses_total"); got > 0 {
		t.Errorf("%v losses were counted, want none", got)
	}
}

func TestTailSettlesBeforeItWritesTheStateDown(t *testing.T) {
	dir := t.TempDir()
	appendLines(t, filepath.Join(dir, "a.log"), 0, 10)
	cfg := TailConfig{Paths: []string{filepath.Join(dir, "*.log")}, State: filepath.Join(dir, "state.json"), StopAtEnd: true}
	for _, run := range []struct {
		settle error
		want   int
	}{{os.ErrDeadlineExceeded, 10}, {os.ErrDeadlineExceeded, 10}, {nil, 10}, {nil, 0}} {
		tail, err := NewTail(cfg, nil, newTestLog(t))
		if err != nil {
			t.Fatal(err)
		}
		l := newLedger()
		l.onSettle = func() error { return run.settle }
		if err := tail.Run(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if len(l.seen) != run.want {
			t.Errorf("%d records were seen, want %d", len(l.seen), run.want)
		}
	}
}

func TestTailReadsARenamedFileToItsEnd(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	appendLines(t, path, 0, 10)
	f := follow(t, dir, nil)
	f.wait(t, "the first lines", f.all(0, 10))
	rename(t, path, path+".1")
	appendLines(t, path+".1", 10, 20) // by a writer that has not noticed
	appendLines(t, path, 20, 30)
	f.wait(t, "both files", f.all(0, 30))
	rename(t, path+".1", path+".2")
	rename(t, path, path+".1")
	appendLines(t, path, 30, 40)
	f.once(t, 0, 40)
	eventually(t, "old files are closed", func() bool {
		n, err := testutil.GatherAndCount(f.reg, "leaktap_files_tailed")
		return err == nil && n == 1 && gauge(t, f.reg, "leaktap_files_tailed") == 1 && gauge(t, f.reg, "leaktap_file_lag_bytes") == 0
	})
}

// gauge returns the value of a metric without labels.
func gauge(t *testing.T, reg prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue() + family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return -1
}

func TestTailFindsWhatWasRotatedWhileItWasDown(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	appendLines(t, path, 0, 10)
	f := follow(t, dir, nil)
	f.wait(t, "the first lines", f.all(0, 10))
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	appendLines(t, path, 10, 20)
	rename(t, path, path+".1")
	appendLines(t, path, 20, 30)
	f = follow(t, dir, nil)
	f.once(t, 10, 30)
}

func TestTailBeginsACutFileAnew(t *testing.T) {
	for name, second := range map[string]int{"shorter than before": 15, "longer than before": 60} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.log")
			appendLines(t, path, 0, 10)
			f := follow(t, dir, nil)
			f.wait(t, "the first lines", f.all(0, 10))
			// As logrotate's copytruncate does; the new lines come before anybody looks.
			var b strings.Builder
			for i := 10; i < second; i++ {
				fmt.Fprintf(&b, "r %d\n", i)
			}
			if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			f.once(t, 0, second)
			if got := gauge(t, f.reg, "leaktap_file_losses_total"); got != 1 {
				t.Errorf("%v losses were counted, want 1", got)
			}
		})
	}
}

func TestTailWaitsForTheEndOfALine(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	f := follow(t, dir, nil)
	appendText(t, path, `{"a":`)
	appendText(t, filepath.Join(dir, "b.log"), "2026-01-01T00:00:00Z stdout P {\"b\":\n")
	time.Sleep(30 * time.Millisecond) // for records that must not come
	appendText(t, path, "1}\r\n")
	appendText(t, filepath.Join(dir, "b.log"), "2026-01-01T00:00:00Z stdout F 2}\n")
	appendText(t, filepath.Join(dir, "c.log"), "boom\n\tat a.B\n")
	f.wait(t, "three records", func() bool { return len(f.seen) >= 3 })
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, want := range []string{`{"a":1}`, `{"b":2}`, "boom\n\tat a.B"} {
		if f.seen[want] != 1 {
			t.Errorf("%q was not seen; seen %v", want, f.seen)
		}
	}
}

func TestTailLeavesOutWhatItIsTold(t *testing.T) {
	dir := t.TempDir()
	for name, record := range map[string]string{
		"leaktap-7x9_monitoring_leaktap-0af.log": "own", "web-1_shop_web-77.log": "r 0", "noise.log": "noise",
		"leaktap-7x9b_shop_web-78.log": "r 1",
	} {
		appendText(t, filepath.Join(dir, name), record+"\n")
	}
	f := follow(t, dir, func(c *TailConfig) { c.Pod, c.Exclude = "leaktap-7x9", []string{"noise*"} })
	f.once(t, 0, 2)
}

func TestTailIsBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		appendLines(t, filepath.Join(dir, fmt.Sprintf("%d.log", i)), i, i+1)
	}
	f := follow(t, dir, func(c *TailConfig) { c.MaxFiles, c.MaxRecord = 2, 10 })
	f.wait(t, "two files", func() bool { return len(f.seen) == 2 })
	if got := gauge(t, f.reg, "leaktap_file_losses_total"); got < 2 {
		t.Errorf("%v losses were counted, want one for each file too many", got)
	}
	appendText(t, filepath.Join(dir, "0.log"), strings.Repeat("x", 200_000)+"\nnext\n")
	f.wait(t, "the line behind the long one", func() bool { return f.seen["next"] == 1 && f.seen["xxxxxxxxxx"] == 1 })
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) != 4 {
		t.Errorf("seen %d records, want 4: the rest of a long line is none", len(f.seen))
	}
}

func TestTailTellsHowFarItIs(t *testing.T) {
	dir := t.TempDir()
	appendText(t, filepath.Join(dir, "a.log"), strings.Repeat(strings.Repeat("x", 1000)+"\n", 3*turn/1000))
	reg, l := moved.Registry(), newLedger()
	tail, err := NewTail(TailConfig{Paths: []string{dir + "/*.log"}, State: filepath.Join(dir, "state.json"), StopAtEnd: true}, reg, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	n, lag := 0, 0.0
	l.onHandle = func(*classify.Exchange) {
		if n++; n == 2*turn/1000 {
			lag = gauge(t, reg, "leaktap_file_lag_bytes")
			moved.Look(t)
		}
	}
	if err := tail.Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if end := gauge(t, reg, "leaktap_file_lag_bytes"); lag < turn || lag > 3*turn || end != 0 {
		t.Errorf("%v bytes are behind on the way and %v at the end, want about %d and 0", lag, end, 2*turn)
	}
}

func TestTailFromTheEnd(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	appendLines(t, path, 0, 10)
	f := follow(t, dir, func(c *TailConfig) { c.FromEnd = true })
	appendLines(t, path, 10, 20)
	appendLines(t, filepath.Join(dir, "b.log"), 20, 30)
	f.once(t, 10, 30)
}

func TestTailRefuses(t *testing.T) {
	if _, err := NewTail(TailConfig{}, nil, newTestLog(t)); err == nil || !strings.Contains(err.Error(), "no path") {
		t.Errorf("without a path: %v", err)
	}
	if _, err := NewTail(TailConfig{Paths: []string{"[a"}}, nil, newTestLog(t)); err == nil || !strings.Contains(err.Error(), "[a") {
		t.Errorf("with a bad pattern: %v", err)
	}
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	appendText(t, state, "no state")
	tail, err := NewTail(TailConfig{Paths: []string{dir + "/*"}, State: state}, nil, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := tail.Run(t.Context(), newLedger()); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("with a state file that is none: %v", err)
	}
}

// TestTailDoesNotTrustInodes gives the number of a file that is gone to another.
func TestTailDoesNotTrustInodes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	appendLines(t, path, 100, 200)
	id, _ := identify(path)
	s := &tailState{known: []checkpoint{{Path: path + "x", fileID: id, Print: fingerprint{20, 7}, Offset: 50, Line: 9}}}
	tail, err := NewTail(TailConfig{Paths: []string{path}}, nil, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	f, err := openTailed(tail, path, newLedger())
	if err != nil {
		t.Fatal(err)
	}
	defer f.file.Close()
	if offset, _, ok := s.find(f); ok {
		t.Errorf("offset %d was taken from another file", offset)
	}
	s.known[0].Print, err = takeFingerprint(f.file, 20)
	if err != nil {
		t.Fatal(err)
	}
	if offset, line, ok := s.find(f); !ok || offset != 50 || line != 9 {
		t.Errorf("found %d, line %d, %v; want 50, line 9", offset, line, ok)
	}
}
