package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// BenchmarkCapture reads 2,000 connections that are all open at once, with 600 MB
// of bodies of which 30 % are compressed, and makes the digest of each, without
// classification; textbook does the same with what gopacket's examples and
// net/http offer. MB are those of the file; MB/cpu-s counts user and system time
// of all threads, the garbage collector's too, and so does making the packets,
// which is measured alone as load. peak-MB is the most memory that was resident.
func BenchmarkCapture(b *testing.B) {
	const connections = 2000
	for _, frames := range []struct {
		name string
		mss  int
	}{{"mtu", 1448}, {"gro", 65_000}} {
		b.Run("leaktap/"+frames.name, func(b *testing.B) {
			measure(b, connections, frames.mss, func(l io.Reader, truth map[[32]byte]bool) (right int) {
				f, err := NewFileReader("bench.pcap", Config{}, nil, slog.New(slog.DiscardHandler))
				must(b, err)
				must(b, f.Run(context.Background(), l, func(x *classify.Exchange) {
					if !x.Response.Truncated && truth[sha256.Sum256(x.Response.Body)] {
						right++
					}
				}))
				return right
			})
		})
	}
	b.Run("textbook/mtu", func(b *testing.B) {
		measure(b, connections, 1448, func(l io.Reader, truth map[[32]byte]bool) int {
			_, right := (&textbook{truth: truth}).run(b, l)
			return right
		})
	})
	b.Run("tshark/mtu", benchmarkTshark)
	b.Run("load/mtu", func(b *testing.B) {
		measure(b, connections, 1448, func(l io.Reader, _ map[[32]byte]bool) int {
			_, err := io.Copy(io.Discard, l)
			must(b, err)
			return connections * loadExchanges
		})
	})
}

// benchmarkTshark has tshark count the responses of a tenth of the connections,
// which is enough of its time, and this package read the same file.
func benchmarkTshark(b *testing.B) {
	program, err := exec.LookPath("tshark")
	if err != nil {
		b.Skip("tshark is not here")
	}
	const connections = 200
	l, _, _ := newLoad(b, connections, 1448)
	content, err := io.ReadAll(l)
	must(b, err)
	file := filepath.Join(b.TempDir(), "load.pcap")
	must(b, os.WriteFile(file, content, 0o600))
	var theirs, ours float64
	for range b.N {
		c := exec.Command(program, "-r", file, "-n", "-q", "-z", "http,stat", "-o", "tcp.reassemble_out_of_order:TRUE")
		out, err := c.Output()
		must(b, err)
		if want := fmt.Sprintf("200 OK %d", connections*loadExchanges); !strings.Contains(strings.Join(strings.Fields(string(out)), " "), want) {
			b.Fatalf("tshark does not say %s: %s", want, out)
		}
		theirs += (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()
		before, n := cpuTime(b), 0
		f, err := NewFileReader(file, Config{}, nil, slog.New(slog.DiscardHandler))
		must(b, err)
		must(b, f.Run(context.Background(), bytes.NewReader(content), func(x *classify.Exchange) {
			sum := sha256.Sum256(x.Response.Body)
			n += min(1, int(sum[0])+1)
		}))
		if n != connections*loadExchanges {
			b.Fatalf("%d exchanges", n)
		}
		ours += (cpuTime(b) - before).Seconds()
	}
	megabytes := float64(b.N) * float64(len(content)) / 1e6
	b.ReportMetric(megabytes/theirs, "MB/cpu-s")
	b.ReportMetric(megabytes/ours, "leaktap-MB/cpu-s")
}

// measure runs read over a load and reports recall, speed and memory.
func measure(b *testing.B, connections, mss int, read func(io.Reader, map[[32]byte]bool) int) {
	b.Helper()
	var megabytes, cpu, bodies float64
	right, peak := 0, 0.0
	for range b.N {
		l, texts, size := newLoad(b, connections, mss)
		truth := map[[32]byte]bool{}
		for text := range texts {
			truth[sha256.Sum256([]byte(text))] = true
		}
		clear(texts)
		runtime.GC()
		debug.FreeOSMemory()
		resident := memory(b, "VmRSS")
		must(b, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)) // resets VmHWM
		counted := &counter{r: l}
		before := cpuTime(b)
		right += read(counted, truth)
		cpu += (cpuTime(b) - before).Seconds()
		megabytes += float64(counted.n) / 1e6
		bodies += float64(size) / 1e6
		peak = max(peak, memory(b, "VmHWM")-resident)
	}
	b.ReportMetric(megabytes/cpu, "MB/cpu-s")
	b.ReportMetric(bodies/float64(b.N), "MB-bodies")
	b.ReportMetric(peak, "peak-MB")
	b.ReportMetric(float64(right)/float64(b.N*connections*loadExchanges), "recall")
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// memory returns a line of /proc/self/status in MB.
func memory(tb testing.TB, name string) float64 {
	tb.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(tb, err)
	_, rest, _ := strings.Cut(string(status), name+":")
	kilobytes, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	must(tb, err)
	return kilobytes * 1024 / 1e6
}

// BenchmarkFileReader reads a generated capture again and again.
func BenchmarkFileReader(b *testing.B) {
	for name, s := range map[string]site{
		"mtu":   {conns: 300, exchanges: 5, minBody: 1000, maxBody: 200_000},
		"gro":   {conns: 300, exchanges: 5, minBody: 1000, maxBody: 200_000, mss: 65_000},
		"http2": {conns: 300, exchanges: 5, minBody: 1000, maxBody: 200_000, http2: true},
	} {
		b.Run(name, func(b *testing.B) {
			s.rng = newRand(1)
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
