package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgressComesAfterASecondAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &lockedBuffer{}
		p := &progress{w: w, total: 4 << 20, done: make(chan struct{})}
		p.ended.Go(p.run)
		time.Sleep(progressDelay - time.Millisecond)
		if got := w.String(); got != "" {
			t.Errorf("a short scan shows %q", got)
		}
		r := p.reader(bytes.NewReader(make([]byte, 1<<20)))
		if n, err := r.Read(make([]byte, 1<<20)); n != 1<<20 || err != nil {
			t.Fatal(n, err)
		}
		time.Sleep(2 * time.Millisecond)
		if got, want := w.String(), "\r[######..................]  25 % of 4.0 MiB, 1.0 MiB/s, 3s left\x1b[K"; got != want {
			t.Errorf("after a second it shows %q, want %q", got, want)
		}
		p.stop()
		if got := w.String(); !strings.HasSuffix(got, "\r\x1b[K") {
			t.Errorf("at the end it leaves %q", got)
		}
	})
}

func TestProgressOfAStream(t *testing.T) {
	p := &progress{}
	p.read.Store(3 << 20)
	if got := p.line(2 * time.Second); got != "3.0 MiB, 1.5 MiB/s" {
		t.Errorf("shows %q", got)
	}
	if p := (&app{streams: &streams{err: &bytes.Buffer{}}}).showProgress(nil); p != nil {
		t.Error("what is no terminal is shown progress")
	}
	var none *progress
	none.stop() // shows nothing
}

func TestSizeOf(t *testing.T) {
	dir := t.TempDir()
	for name, n := range map[string]int{"a": 10, "b": 32} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := sizeOf([]string{dir, filepath.Join(dir, "a"), filepath.Join(dir, "absent")}); got != 52 {
		t.Errorf("size is %d, want 52", got)
	}
	if got := sizeOf([]string{dir, "-"}); got != 0 {
		t.Errorf("size of a stream is %d, want 0: nobody knows", got)
	}
}
