package capture

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// tcpreplay sends a load of connections on an interface as fast as it can and
// returns how many packets and bytes were sent, and in which time.
func tcpreplay(t *testing.T, name string, connections, mss, loops int) (packets int64, megabits float64) {
	t.Helper()
	program, err := exec.LookPath("tcpreplay")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tcpreplay is not here")
		}
		t.Skip("tcpreplay is not here")
	}
	l, _, _ := newLoad(t, connections, mss)
	file := filepath.Join(t.TempDir(), "load.pcap")
	content, err := io.ReadAll(l)
	must(t, err)
	must(t, os.WriteFile(file, content, 0o600))
	out, err := exec.CommandContext(t.Context(), program, "-i", name, "--topspeed", "--preload-pcap", "--unique-ip",
		fmt.Sprintf("--loop=%d", loops), file).CombinedOutput()
	if err != nil {
		t.Fatalf("tcpreplay: %v: %s", err, out)
	}
	return number(t, out, `Successful packets: +(\d+)`), float64(number(t, out, `Rated: [\d.]+ Bps, (\d+)`))
}

func number(t *testing.T, text []byte, pattern string) int64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s", pattern, text)
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	must(t, err)
	return n
}

// settled waits until the sniffer has read what there is.
func (w *watching) settled(t *testing.T) Stats {
	t.Helper()
	before := int64(-1)
	for range 100 {
		time.Sleep(3 * blockTimeout * time.Millisecond)
		now := w.Stats().Packets
		if now == before {
			break
		}
		before = now
	}
	w.end(t)
	return w.Stats()
}

// TestInNamespaceReplay replays a capture as fast as tcpreplay can: nothing may be
// lost, and every exchange whole.
func TestInNamespaceReplay(t *testing.T) {
	needNamespace(t)
	for name, mss := range map[string]int{"mtu": 1448, "gso": 60_000} {
		t.Run(name, func(t *testing.T) {
			veth(t, "lt0", "lt1")
			for _, end := range []string{"lt0", "lt1"} {
				ipTool(t, "link", "set", end, "mtu", "65535")
			}
			w := startWatching(t, Config{Interfaces: []string{"lt1"}, Filter: "tcp", Ring: 64 << 20})
			w.isReady(t)
			const connections = 150
			loops := 1
			if mss < 1500 && os.Getenv("LEAKTAP_PROVE") != "" {
				loops = 30 // more than a ring can hold, so that the rate is one that is kept up
			}
			sent, rate := tcpreplay(t, "lt0", connections, mss, loops)
			stats := w.settled(t)
			t.Logf("%d packets at %v Mbit/s: %d received, %d dropped", sent, rate, stats.Received, stats.Dropped)
			if stats.Received != sent || stats.Packets+stats.Dropped != sent || stats.Truncated > 0 {
				t.Errorf("sent %d, received %d, read %d, dropped %d, truncated %d", sent, stats.Received, stats.Packets, stats.Dropped, stats.Truncated)
			}
			whole := 0
			for _, x := range w.all {
				if x.Cut == "" && x.Status == 200 {
					whole++
				}
			}
			if stats.Dropped > 0 || whole != connections*loadExchanges*loops {
				t.Errorf("%d dropped, %d of %d exchanges are whole", stats.Dropped, whole, connections*loadExchanges*loops)
			}
		})
	}
}

// TestInNamespaceOverload has a reader that is too slow for a small ring: what it
// says that was dropped is what it did not see.
func TestInNamespaceOverload(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	for _, workers := range []int{1, 2} {
		w := startWatching(t, Config{Interfaces: []string{"lt1"}, Filter: "tcp", Ring: MinRing, Workers: workers, Whole: true})
		w.slow = 20 * time.Millisecond
		w.isReady(t)
		sent, rate := tcpreplay(t, "lt0", 60, 1448, 3)
		stats := w.settled(t)
		t.Logf("%d workers: %d packets at %v Mbit/s: %d read, %d dropped, %d freezes", workers, sent, rate, stats.Packets, stats.Dropped, stats.Freezes)
		if stats.Dropped == 0 || stats.Freezes == 0 {
			t.Error("this is no overload")
		}
		if off := sent - stats.Packets - stats.Dropped; off > sent/100 || -off > sent/100 {
			t.Errorf("sent %d, but read %d and dropped %d", sent, stats.Packets, stats.Dropped)
		}
	}
}
