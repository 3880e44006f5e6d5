package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writeCleanExchanges writes JSON exchanges with nothing to find: lists of
// products, log-normal in length with a median of about 1.5 KB.
func writeCleanExchanges(b *testing.B, w io.Writer, size int) {
	b.Helper()
	rng := rand.New(rand.NewPCG(4, 2))
	words := strings.Fields("kettle steel garden lamp paper blue river small light cotton wooden table chair summer winter coffee bread music")
	pick := func() string { return words[rng.IntN(len(words))] }
	item := func() map[string]any {
		return map[string]any{
			"sku": fmt.Sprintf("K-%d", rng.IntN(9999)), "title": pick() + " " + pick() + " " + pick(), "price": rng.IntN(30000) / 100,
			"currency": "EUR", "stock": rng.IntN(99), "tags": []string{pick(), pick()}, "created_at": "2026-03-01T10:00:00Z",
			"image": "https://cdn.shop.test/img/" + pick() + ".png", "rating": map[string]any{"mean": 4.4, "count": rng.IntN(900)}, "available": true,
		}
	}
	for written := 0; written < size; {
		items := make([]any, 1+int(math.Exp(rng.NormFloat64()+1.9)))
		for i := range items {
			items[i] = item()
		}
		body, err := json.Marshal(map[string]any{"items": items, "next": "b2Zmc2V0PTEw"})
		if err != nil {
			b.Fatal(err)
		}
		line, err := json.Marshal(map[string]any{
			"ts": "2026-11-23T15:08:36Z", "method": "GET", "url": fmt.Sprintf("https://shop.test/api/products?page=%d", rng.IntN(99)), "status": 200,
			"req_headers":  map[string]string{"User-Agent": "curl/8", "X-Request-Id": fmt.Sprintf("%032x", rng.Uint64())},
			"resp_headers": [][2]string{{"Content-Type", "application/json"}, {"ETag", fmt.Sprintf("%032x", rng.Uint64())}},
			"resp_body":    string(body),
		})
		if err != nil {
			b.Fatal(err)
		}
		n, err := w.Write(append(line, '\n'))
		if err != nil {
			b.Fatal(err)
		}
		written += n
	}
}

// cpuSeconds is what the process has used, user and system.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// BenchmarkScanClean is the whole of `leaktap scan` on 100 MB of clean
// exchanges: reading, decoding, classification, reporting. The figure that
// counts is MB/cpu-s.
func BenchmarkScanClean(b *testing.B) {
	const size = 100_000_000
	name := filepath.Join(b.TempDir(), "clean.jsonl")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	writeCleanExchanges(b, f, size)
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	start := cpuSeconds(b)
	for b.Loop() {
		var out strings.Builder
		if code := run(context.Background(), []string{"scan", name}, &streams{os.Stdin, &out, io.Discard}); code != exitOK || out.Len() > 0 {
			b.Fatalf("exit %d, and found in clean exchanges:\n%s", code, out.String())
		}
	}
	b.ReportMetric(size/1e6*float64(b.N)/(cpuSeconds(b)-start), "MB/cpu-s")
}
