package capture

import (
	"bytes"
	"context"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// BenchmarkFileReader reads a generated capture, without classification. MB are
// those of the file; MB/cpu-s counts user and system time of all threads, the
// garbage collector's too.
func BenchmarkFileReader(b *testing.B) {
	for name, mss := range map[string]int{"mtu": 1448, "gro": 65_000} {
		b.Run(name, func(b *testing.B) {
			s := site{rng: newRand(1), conns: 300, exchanges: 5, minBody: 1000, maxBody: 200_000, mss: mss}
			conns, truth := s.traffic(b)
			file := pcapFile(b, interleave(s.rng, conns))
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				f, err := NewFileReader("bench.pcap", Config{}, nil, slog.New(slog.DiscardHandler))
				must(b, err)
				n := 0
				must(b, f.Run(context.Background(), bytes.NewReader(file), func(x *classify.Exchange) {
					if !x.Response.Truncated {
						n++
					}
				}))
				if n != len(truth) {
					b.Fatalf("%d of %d exchanges", n, len(truth))
				}
			}
			megabytes := float64(b.N) * float64(len(file)) / 1e6
			b.ReportMetric(megabytes/(cpuTime(b)-before).Seconds(), "MB/cpu-s")
		})
	}
}

// cpuTime returns the user and system time that the process has used.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage syscall.Rusage
	must(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
