package alert

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// faulty fails once its limit of bytes is used up.
type faulty struct{ left int }

func (w *faulty) Write(p []byte) (int, error) {
	if len(p) > w.left {
		n := w.left
		w.left = 0
		return n, errors.New("disk is full")
	}
	w.left -= len(p)
	return len(p), nil
}

func newReport(t testing.TB, format string, w io.Writer, m *Metrics) *Report {
	t.Helper()
	r, err := NewReport(format, "1.2.3", w, m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReportBuffersUntilSettle(t *testing.T) {
	m, _ := testMetrics()
	var out bytes.Buffer
	j := newReport(t, "jsonl", &out, m)
	j.Accept(finding(0))
	j.Accept(finding(1))
	if out.Len() != 0 {
		t.Error("wrote before Settle")
	}
	settle(t, j)
	lines := strings.SplitAfter(out.String(), "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("wrote %d lines, want two that end in a line feed", len(lines)-1)
	}
	for i, id := range []string{"lt-0", "lt-1"} {
		if got := decode[struct{ Schema, ID string }](t, []byte(lines[i])); got.ID != id || got.Schema != "leaktap/finding/v1" {
			t.Errorf("line %d is %+v", i, got)
		}
	}
}

func TestReportReturnsAndCountsWriteErrors(t *testing.T) {
	for name, limit := range map[string]int{"at once": 0, "half a line": 100} {
		t.Run(name, func(t *testing.T) {
			m, reg := testMetrics()
			j := newReport(t, "jsonl", &faulty{limit}, m)
			j.Accept(finding(0))
			for range 2 { // it stays an error
				if err := j.Settle(t.Context()); err == nil || err.Error() != "write findings: disk is full" {
					t.Errorf("settle returned %v", err)
				}
			}
			if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "jsonl"); n != 1 {
				t.Errorf("%v failures counted, want 1", n)
			}
		})
	}
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			m, reg := testMetrics()
			r := newReport(t, format, &faulty{20}, m)
			r.Accept(finding(0))
			if err := r.Close(); err == nil {
				t.Error("close returned no error")
			}
			if n := value(t, reg, "leaktap_notifications_failed_total", "sink", format); n != 1 {
				t.Errorf("%v failures counted, want 1", n)
			}
		})
	}
}

func TestFileAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "findings.jsonl")
	for i := range 2 { // two lives of the agent
		m, _ := testMetrics()
		f := NewFile(FileConfig{Path: path}, m, quiet())
		stop := start(t, f)
		f.Accept(finding(i))
		stop()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode().Perm())
	}
}

// TestFileAfterKill continues a file that an agent left in the middle of a line.
func TestFileAfterKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "findings.jsonl")
	if err := os.WriteFile(path, []byte("{}\n{\"schema\":\"lea"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, _ := testMetrics()
	f := NewFile(FileConfig{Path: path}, m, quiet())
	stop := start(t, f)
	f.Accept(finding(1))
	stop()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || decode[struct{ ID string }](t, []byte(lines[2])).ID != "lt-1" {
		t.Errorf("the file is %q", text)
	}
}

func TestFileThatCannotBeOpened(t *testing.T) {
	m, reg := testMetrics()
	f := NewFile(FileConfig{Path: filepath.Join(t.TempDir(), "no", "such")}, m, quiet())
	f.Accept(finding(0))
	if err := f.Run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("run returned %v", err)
	}
	f.Accept(finding(1))
	settle(t, f)
	if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "file"); n != 2 {
		t.Errorf("%v failures counted, want 2", n)
	}
}

// TestFileStartsAFreshLineAfterATornOne uses a device that is always full, then a
// file with half a line in it.
func TestFileStartsAFreshLineAfterATornOne(t *testing.T) {
	m, reg := testMetrics()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full")
	}
	defer func() { _ = full.Close() }()
	f := NewFile(FileConfig{}, m, quiet())
	f.file = full
	f.deliverBatch(t.Context(), []*classify.Finding{finding(0)})
	if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "file"); n != 1 {
		t.Errorf("%v failures counted on a full disk, want 1", n)
	}

	f.file, err = os.Create(filepath.Join(t.TempDir(), "torn"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.file.Close() }()
	if _, err := f.file.WriteString(`{"schema":"lea`); err != nil {
		t.Fatal(err)
	}
	f.torn = true
	f.deliverBatch(t.Context(), []*classify.Finding{finding(1)})
	text, err := os.ReadFile(f.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "lt-1") || f.torn {
		t.Errorf("wrote %q", text)
	}
}

func BenchmarkJSONLines(b *testing.B) {
	m, _ := testMetrics()
	j := newReport(b, "jsonl", io.Discard, m)
	f := finding(0)
	line, err := jsonLine(f)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		j.Accept(f)
	}
	if err := j.Settle(context.Background()); err != nil {
		b.Fatal(err)
	}
}
