package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leaktap/leaktap/score/corpus"
)

// cpuSeconds is what the process has used, user and system.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// BenchmarkScanClean is the whole of `leaktap scan` on 100 MB of clean records:
// reading, decoding, classification, reporting. The figure that counts is
// MB/cpu-s; `make bench` takes it of the built binary.
func BenchmarkScanClean(b *testing.B) {
	const size = 100_000_000
	name := filepath.Join(b.TempDir(), "clean.jsonl")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	g := corpus.New(42, 0)
	for written := 0; written < size; {
		n, err := f.Write(append(g.Next().Line, '\n'))
		if err != nil {
			b.Fatal(err)
		}
		written += n
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	start := cpuSeconds(b)
	for b.Loop() {
		var out strings.Builder
		code := run(context.Background(), []string{"scan", name}, &streams{os.Stdin, &out, io.Discard})
		if code != exitOK && code != exitFindings { // `make score` counts false alarms
			b.Fatalf("exit %d", code)
		}
	}
	b.ReportMetric(size/1e6*float64(b.N)/(cpuSeconds(b)-start), "MB/cpu-s")
}
