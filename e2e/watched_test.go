//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// window is what was measured in a span of time.
type window struct {
	answers  float64 // per second
	cpu      float64 // microseconds of server and clients for each answer
	p50, p99 float64 // microseconds
}

// figures are those of a window that are compared.
var figures = []struct {
	name string
	of   func(w window) float64
}{
	{"answers/s", func(w window) float64 { return w.answers }},
	{"CPU per answer", func(w window) float64 { return w.cpu }},
	{"latency p50", func(w window) float64 { return w.p50 }},
	{"latency p99", func(w window) float64 { return w.p99 }},
}

// measure lets the clients ask for a span of time, after a moment in which they begin.
func (c *callers) measure(t *testing.T, server int) window {
	t.Helper()
	c.rest.Unlock()
	defer c.rest.Lock()
	time.Sleep(beginning)
	c.mu.Lock()
	c.took = c.took[:0]
	c.mu.Unlock()
	answers, cpu, start := c.answers.Load(), threadsTime(t, server)+threadsTime(t, os.Getpid()), time.Now()
	time.Sleep(span)
	n := float64(c.answers.Load() - answers)
	used := threadsTime(t, server) + threadsTime(t, os.Getpid()) - cpu
	w := window{answers: n / time.Since(start).Seconds(), cpu: float64(used.Microseconds()) / n}
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Sort(c.took); len(c.took) > 0 {
		w.p50, w.p99 = float64(c.took[len(c.took)/2].Microseconds()), float64(c.took[len(c.took)*99/100].Microseconds())
	}
	return w
}

// threadsTime is what the threads of a process that live have used of the processors
// (schedstat, in nanoseconds; the ticks of /proc/PID/stat are too coarse).
func threadsTime(t *testing.T, pid int) (sum time.Duration) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, task.Name()))
		if err != nil {
			continue // it has ended
		}
		n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(n)
	}
	return sum
}

// change is how far runs differ from those that they are paired with, in percent: the mean
// with half of its 95 % interval, and the median, which a run gone wrong does not move.
type change struct{ mean, half, median float64 }

func (c change) String() string {
	return fmt.Sprintf("mean %+.1f %% ± %.1f, median %+.1f %%", c.mean, c.half, c.median)
}

func changeOf(before, after []window, of func(window) float64) (c change) {
	n := float64(len(before))
	var all []float64
	var squares float64
	for i := range before {
		d := 100 * (of(after[i]) - of(before[i])) / of(before[i])
		all = append(all, d)
		c.mean += d / n
		squares += d * d
	}
	slices.Sort(all)
	c.median = (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	// 1.96+2.5/(n-1) is Student's quantile of 0.975, within 2 % from 10 pairs on.
	c.half = (1.96 + 2.5/(n-1)) * math.Sqrt(max(0, squares/n-c.mean*c.mean)/(n-1))
	return c
}

const (
	// watchedPairs is how many runs over a watched link are compared with runs over another.
	watchedPairs = 100
	beginning    = 50 * time.Millisecond
	span         = 450 * time.Millisecond
	// settling is how long an agent has to find out how much it may look at: a few halvings
	// of three seconds each.
	settling = 16 * time.Second
	// tolerated is how many percent of its answers a server may lose.
	tolerated = 3
)

// The link that nobody watches.
const (
	otherClientLink, otherClientAddress = "lt-client2", "198.51.100.1" // RFC 5737, TEST-NET-2
	otherServerLink, otherServerAddress = "lt-server2", "198.51.100.2"
)

// TestWatchedServer measures what leaktap costs a server that it watches, which shares the
// cores with its clients, and fails if the server answers at least 3 % fewer requests for
// certain. The server has two links, of which one is watched; the clients use one after the
// other in turns of half a second, for what else the machine does changes more than leaktap. All
// is done again with an agent that is stopped: what is left is the kernel's tap.
func TestWatchedServer(t *testing.T) {
	if os.Getenv("LEAKTAP_PROVE") != "1" {
		t.Skip("did not run: it takes ten minutes (LEAKTAP_PROVE=1)")
	}
	if !inNamespaceFor(t, time.Hour) {
		return
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), serverVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	p := start(t, "server", cmd)
	port := p.expect(t, p.stdout, `listening on (\d+)`, 30*time.Second)[1]
	s := &watchedServer{pid: p.cmd.Process.Pid}
	connect(t, s.pid)
	link(t, s.pid, otherClientLink, otherClientAddress, otherServerLink, otherServerAddress)
	defer s.watched.start(t, net.JoinHostPort(serverAddress, port))()
	defer s.other.start(t, net.JoinHostPort(otherServerAddress, port))()
	s.other.measure(t, s.pid)
	full := s.other.measure(t, s.pid)
	t.Run("saturated", func(t *testing.T) {
		if change := s.compare(t); change.mean+change.half < -tolerated {
			t.Errorf("the server answers %v, want a loss of at most %d %%", change, tolerated)
		}
	})
	pace := int64(clients / (full.answers / 2) * float64(time.Second))
	s.watched.pace.Store(pace)
	s.other.pace.Store(pace)
	t.Run("half load", func(t *testing.T) { s.compare(t) })
}

// watchedServer is the one that is watched, with its clients.
type watchedServer struct {
	pid            int
	watched, other callers
}

// clients is how many use a link.
const clients = 32

// start opens the connections of clients that rest; end closes them and waits.
func (c *callers) start(t *testing.T, address string) (end func()) {
	t.Helper()
	var wg sync.WaitGroup
	var conns []net.Conn
	c.rest.Lock()
	for i := range clients {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		wg.Go(func() { c.call(conn, i) })
	}
	return func() {
		for _, conn := range conns {
			_ = conn.Close()
		}
		c.rest.Unlock()
		wg.Wait()
	}
}

// compare makes the pairs and returns the change of answers with a running agent.
func (s *watchedServer) compare(t *testing.T) change {
	t.Helper()
	a := watchServer(t, s.pid)
	for end := time.Now().Add(settling); time.Now().Before(end); {
		s.watched.measure(t, s.pid)
		s.other.measure(t, s.pid)
	}
	used, start := threadsTime(t, a.cmd.Process.Pid), time.Now()
	loss := s.pairs(t, "agent")
	used = threadsTime(t, a.cmd.Process.Pid) - used
	t.Logf("the agent used %.1f %% of a core and looked at %v of the connections at last; %v of %v packets were dropped", 100*used.Seconds()/time.Since(start).Seconds(),
		a.metric("leaktap_capture_sample_ratio"), a.metric("leaktap_capture_dropped_packets_total"), a.metric("leaktap_capture_received_packets_total"))
	a.signal(syscall.SIGSTOP)
	s.pairs(t, "stopped agent")
	a.kill()
	s.pairs(t, "nothing") // shows what differs without any cause
	return loss
}

// pairs measures in turns over both links, and returns the change of answers.
func (s *watchedServer) pairs(t *testing.T, what string) change {
	t.Helper()
	var without, with []window
	for i := range pairs(t) {
		if i%2 == 0 {
			without = append(without, s.other.measure(t, s.pid))
		}
		with = append(with, s.watched.measure(t, s.pid))
		if i%2 == 1 {
			without = append(without, s.other.measure(t, s.pid))
		}
	}
	for _, f := range figures {
		mean := 0.0
		for _, w := range without {
			mean += f.of(w) / float64(len(without))
		}
		t.Logf("%s: %s: %.0f without, %v", what, f.name, mean, changeOf(without, with, f.of))
	}
	return changeOf(without, with, figures[0].of)
}

// pairs is how many there are: LEAKTAP_PAIRS, for a quick look.
func pairs(t *testing.T) int {
	t.Helper()
	text := os.Getenv("LEAKTAP_PAIRS")
	if text == "" {
		return watchedPairs
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 2 {
		t.Fatalf("LEAKTAP_PAIRS: %q is no number of pairs", text)
	}
	return n
}

// watchServer starts an agent on the server's end of the pair, in the server's namespace, with
// LEAKTAP_SNIFF as further arguments.
func watchServer(t *testing.T, server int) *agent {
	t.Helper()
	args := []string{"-t", strconv.Itoa(server), "-n", leaktap(), "sniff", "-i", serverLink, "-o", "jsonl", "--listen", serverAddress + ":0"}
	args = append(args, strings.Fields(os.Getenv("LEAKTAP_SNIFF"))...)
	p := start(t, "agent", exec.Command(tool(t, "nsenter"), args...))
	return &agent{p, t, strings.TrimSuffix(p.expect(t, p.stderr, `msg=serving url=(\S+)`, 20*time.Second)[1], "/")}
}
