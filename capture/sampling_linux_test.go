package capture

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/sys/unix"
)

// hidden is the number of the connection that is in tunnels.
const hidden = 12_345

// sampleShapes wrap a frame in what the kernel can look into, plain, and what it cannot.
func sampleShapes() (plain, other map[string]func([]byte) []byte) {
	other = tunnels()
	delete(other, "none")
	plain = map[string]func([]byte) []byte{
		"none":   func(f []byte) []byte { return f },
		"tagged": func(f []byte) []byte { return slices.Concat(f[:12], []byte{0x81, 0, 0, 5}, f[12:]) },
		"options": func(f []byte) []byte {
			out := slices.Concat(f[:34], []byte{1, 1, 1, 0}, f[34:])
			out[14]++
			out[17] += 4
			return out
		},
	}
	return plain, other
}

// TestInNamespaceSample has the kernel choose connections: it takes exactly those that
// [sample.takes] does, both directions, and all of what it cannot look into. That is
// left to workers, who share what is taken.
func TestInNamespaceSample(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	for _, exponent := range []uint8{2, 8} {
		for _, workers := range []int{1, 3} {
			for _, end := range []string{"lt0", "lt1"} { // going out and coming in
				sampleAt(t, end, workers, &sample{exponent: exponent, seed: golden})
			}
		}
	}
}

// sampleAt sends connections, and sees which of them the kernel takes at one end.
func sampleAt(t *testing.T, end string, workers int, wanted *sample) {
	t.Helper()
	selected, err := firstSelection([]string{end})
	must(t, err)
	g, err := openGroup(&Config{Interfaces: []string{end}}, workers, &selected, &interfaceNames{}, slog.New(slog.DiscardHandler))
	must(t, err)
	defer g.close()
	g.sample = wanted
	must(t, g.update(&selected))
	frames, plain, taken, other := sampleTraffic(t, wanted, end == "lt1")
	inject(t, "lt0", frames)
	got, shares := receive(t, g)
	what := fmt.Sprintf("%s, %d workers, one in %d", end, workers, wanted.every())
	if got["plain"] != taken || got["other"] < other {
		t.Errorf("%s: %v packets, want %d plain and %d other", what, got, taken, other)
	}
	expected := plain / wanted.every()
	if n := got["plain"]; wanted.exponent < 8 && (n < expected/2 || n > 2*expected) {
		t.Errorf("%s: %v of %d packets", what, n, plain)
	}
	for worker, n := range shares {
		if wanted.exponent < 8 && n < got["plain"]/workers/3 {
			t.Errorf("%s: worker %d has %d of %d packets", what, worker, n, got["plain"])
		}
	}
}

// sampleTraffic makes packets of many connections, how many of them are plain and how many
// of those the sample takes, and one connection in all shapes that are not.
func sampleTraffic(t *testing.T, wanted *sample, tagged bool) (frames []frame, plain, taken, other int) {
	t.Helper()
	shapes, others := sampleShapes()
	if !tagged {
		delete(shapes, "tagged") // which tags the kernel looks behind here depends on its version
		delete(others, "QinQ")
	}
	const connections = 600
	for i := range connections {
		c := newConn(i)
		if i%2 == 0 {
			c.ends = [2]netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("2001:db8::7"), uint16(30_000+i)), netip.MustParseAddrPort("[2001:db8:1::2]:80")}
		}
		c.packet(client, nil, flags{})
		c.packet(server, []byte("x"), flags{})
		for name, wrap := range shapes {
			if name == "options" && i%2 == 0 {
				continue // of IPv4
			}
			for _, f := range c.frames {
				frames = append(frames, frame{bytes: wrap(slices.Clone(f.bytes))})
			}
			plain += len(c.frames)
			if takes(t, wanted, c.frames[0]) {
				taken += len(c.frames)
			}
		}
	}
	c := newConn(hidden)
	c.packet(client, []byte("x"), flags{})
	for _, wrap := range others {
		frames = append(frames, frame{bytes: wrap(slices.Clone(c.frames[0].bytes))})
	}
	cuts := []int{20, 34, 37} // in the headers
	for _, cut := range cuts {
		frames = append(frames, frame{bytes: c.frames[0].bytes[:cut]})
	}
	return frames, plain, taken, len(others) + len(cuts)
}

// takes asks the sample about a frame of Ethernet.
func takes(t *testing.T, s *sample, f frame) bool {
	t.Helper()
	seg := decoded(t, &packet{link: linkEthernet, bytes: f.bytes, length: len(f.bytes)})
	return s.takes(&seg.src, &seg.dst)
}

func decoded(t *testing.T, p *packet) *segment {
	t.Helper()
	cov, err := newCoverage(nil, "")
	must(t, err)
	d := newLayerDecoder(Limits{}.withDefaults(), cov)
	var s segment
	if why := d.decode(p, &s); why != 0 {
		return nil
	}
	return &s
}

// receive reads what the group has: plain packets, each of which has to be in the sample,
// by worker, and others: those in tunnels and those that cannot be read.
func receive(t *testing.T, g *group) (got map[string]int, shares []int) {
	t.Helper()
	time.Sleep(3 * blockTimeout * time.Millisecond)
	got, shares = map[string]int{}, make([]int, len(g.sources))
	for i, source := range g.sources {
		for p, err := source.waiting(); p != nil; p, err = source.waiting() {
			must(t, err)
			switch s := decoded(t, p); {
			case s == nil || s.src.port == newConn(hidden).ends[client].Port():
				got["other"]++
			case !g.sample.takes(&s.src, &s.dst):
				t.Errorf("%v %v is not in the sample", s.src, s.dst)
			default:
				got["plain"]++
				shares[i]++
			}
		}
	}
	return got, shares
}

// TestInNamespaceSamplesUnderLoad has a reader that is too slow, of connections that last:
// with sampling it sees more exchanges whole than when the kernel drops at random, and hardly
// any in part. It says how few connections it looks at, and looks at more when it can.
func TestInNamespaceSamplesUnderLoad(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	whole := map[bool]int{}
	for _, all := range []bool{true, false} {
		w := startWatching(t, Config{Interfaces: []string{"lt1"}, Filter: "tcp", Ring: MinRing, Workers: 2, Whole: all, second: 200 * time.Millisecond})
		w.slow = time.Millisecond
		w.isReady(t)
		flood(t, 0, 2*time.Second)
		w.exchanges(t, 1)
		before := w.Stats()
		flood(t, 1000, 2*time.Second)
		seen, stats := w.exchanges(t, 1), w.Stats()
		for _, x := range seen {
			if x.Cut == "" && x.Status == 200 {
				whole[all]++
			}
		}
		t.Logf("every connection %v: %d exchanges, %d whole, %d received, %d dropped, one in %d", all, len(seen), whole[all],
			stats.Received-before.Received, stats.Dropped-before.Dropped, stats.Sampled)
		if sampled := stats.Sampled > 1; sampled == all || before.Dropped == 0 {
			t.Errorf("every connection %v: one in %d, %d dropped", all, stats.Sampled, before.Dropped)
		}
		if share := float64(whole[all]) / float64(len(seen)); all && share > 0.6 || !all && share < 0.9 {
			t.Errorf("every connection %v: %d of %d are whole", all, whole[all], len(seen))
		}
		if !all {
			w.recovers(t)
		}
		w.end(t)
	}
	if whole[false] < whole[true] { // 1.3 to 5 times as many were seen, by how many are looked at
		t.Errorf("%d exchanges are whole with sampling, %d without", whole[false], whole[true])
	}
}

// recovers checks what is said of sampling, and waits until more is looked at.
func (w *watching) recovers(t *testing.T) {
	t.Helper()
	ratio, stats := w.cov.metrics.sampleRatio, w.Stats()
	before := testutil.ToFloat64(ratio)
	if before < 1/float64(stats.Sampled) || before >= 1 || stats.Uninspected[Sampled] == 0 {
		t.Errorf("the metric says %v, %d bytes were not looked at", before, stats.Uninspected[Sampled])
	}
	for end := time.Now().Add(2 * minCalm * time.Second); testutil.ToFloat64(ratio) <= before; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no more is looked at when there is time again")
		}
	}
}

// flood sends exchanges of 200 connections from that number on, which go on and on, 50 of
// them at a time.
func flood(t *testing.T, first int, span time.Duration) {
	t.Helper()
	const connections, atOnce = 200, 50
	request, response := "GET /flood HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"+strings.Repeat("0123456789", 2000)
	var round []frame
	for start := 0; start < connections; start += atOnce {
		all := make([][]frame, atOnce)
		for i := range all {
			all[i] = newConn(first + start + i).request(request).response(response).frames
		}
		for step := range all[0] {
			for i := range all {
				round = append(round, all[i][step])
			}
		}
	}
	for end := time.Now().Add(span); time.Now().Before(end); {
		inject(t, "lt0", round)
		for _, f := range round {
			const seq, ack = 14 + 20 + 4, 14 + 20 + 8
			lengths := [2]int{len(request), len(response)}
			for at, n := range map[int]int{seq: lengths[f.side], ack: lengths[1-f.side]} {
				binary.BigEndian.PutUint32(f.bytes[at:], binary.BigEndian.Uint32(f.bytes[at:])+uint32(n))
			}
		}
	}
}

// TestMeter measures a thread that works and one that does not.
func TestMeter(t *testing.T) {
	m := newMeter(&Config{Budget: 150, Nice: 1}, 1)
	start := time.Now()
	look := func(after time.Duration, kernel kernelStats) (strain, bool) {
		cost, ok, err := m.look(start.Add(after), kernel)
		must(t, err)
		return cost, ok
	}
	if _, ok := look(0, kernelStats{}); ok {
		t.Error("nothing runs")
	}
	if _, ok := look(0, kernelStats{}); ok {
		t.Error("still nothing runs")
	}
	m.threads[0].Store(int32(unix.Gettid()))
	look(time.Second, kernelStats{})
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
		_ = slices.Repeat([]int{1}, 100)
	}
	cost, ok := look(2*time.Second, kernelStats{received: 5, dropped: 3})
	if !ok || cost.received != 5 || cost.dropped != 3 || cost.budget != 1.5 || cost.workers != 1 || cost.used > 1 {
		t.Errorf("%+v %v", cost, ok)
	}
	if cost.cores < 1 || cost.idle < 0 || cost.idle > cost.cores {
		t.Errorf("%+v", cost)
	}
	m.file = filepath.Join(t.TempDir(), "none")
	m.threads[0].Store(1 << 22)
	cost, ok, err := m.look(start.Add(3*time.Second), kernelStats{received: 9, dropped: 8})
	if !ok || err == nil || cost.dropped != 8 || cost.used != 0 || cost.cores != 0 {
		t.Errorf("without clocks: %+v %v %v", cost, ok, err)
	}
	first, err := threadTime(unix.Gettid())
	must(t, err)
	if first <= 0 {
		t.Errorf("this thread used %v", first)
	}
	if _, err := threadTime(1 << 22); err == nil {
		t.Error("a thread that there is not has a clock")
	}
}

func TestMachineTime(t *testing.T) {
	for text, want := range map[string]machineTime{
		"cpu  1 2 3 40 5 6 7 8 9 10\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 7\n": {idle: 45, all: 72, cores: 2},
		"cpu 1 2 3 4\ncpu0 1\n": {idle: 4, all: 10, cores: 1}, // Linux 2.4
	} {
		file := filepath.Join(t.TempDir(), "stat")
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if got, err := readMachineTime(file); err != nil || got != want {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "cpu  x\ncpu0 1\n", "cpu  0 0 0 0\ncpu0 0\n", "cpu  1 2 3 4\n", "cpu \ncpu0\n"} {
		file := filepath.Join(t.TempDir(), "stat")
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if got, err := readMachineTime(file); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
	if _, err := readMachineTime(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file is no error")
	}
}

func TestMachineTimeSince(t *testing.T) {
	before := machineTime{idle: 1000, all: 9000, cores: 4}
	for name, c := range map[string]struct {
		now         machineTime
		cores, idle float64
	}{
		"no time has passed":           {before, 0, 0},
		"all is idle":                  {machineTime{idle: 1400, all: 9400, cores: 4}, 4, 4},
		"a quarter is":                 {machineTime{idle: 1100, all: 9400, cores: 4}, 4, 1},
		"nothing is":                   {machineTime{idle: 1000, all: 9400, cores: 4}, 4, 0},
		"a clock that was turned back": {machineTime{idle: 1000, all: 8000, cores: 4}, 0, 0},
	} {
		if cores, idle := c.now.since(&before); cores != c.cores || idle != c.idle {
			t.Errorf("%s: %v of %v cores are idle, want %v of %v", name, idle, cores, c.idle, c.cores)
		}
	}
}
