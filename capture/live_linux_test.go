package capture

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/leaktap/leaktap/classify"
)

// ipTool runs ip(8).
func ipTool(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// veth makes a pair of interfaces that are up; what one sends the other receives.
func veth(t *testing.T, a, b string) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip(8) is not here")
	}
	ipTool(t, "link", "add", a, "type", "veth", "peer", "name", b)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", a).Run() })
	for _, name := range []string{a, b} {
		ipTool(t, "link", "set", name, "up")
	}
}

// inject sends frames as they are on an interface.
func inject(t *testing.T, name string, frames []frame) {
	t.Helper()
	link, err := net.InterfaceByName(name)
	must(t, err)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer func() { must(t, unix.Close(fd)) }()
	for _, f := range frames {
		must(t, unix.Sendto(fd, f.bytes, 0, &unix.SockaddrLinklayer{Ifindex: link.Index, Halen: 6}))
	}
}

// watching is a sniffer that runs.
type watching struct {
	*Sniffer
	mutex sync.Mutex
	all   []seen
	names map[string]int
	done  chan error
	stop  func()
	slow  time.Duration
}

func startWatching(t *testing.T, cfg Config) *watching {
	t.Helper()
	s, err := NewSniffer(cfg, moved.Registry(), slog.New(slog.DiscardHandler))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{Sniffer: s, names: map[string]int{}, done: make(chan error, 1), stop: cancel}
	go func() { w.done <- s.Run(ctx, w.handle) }()
	t.Cleanup(cancel)
	return w
}

func (w *watching) handle(x *classify.Exchange) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.all = append(w.all, see(x))
	w.names[x.Source.Name]++
	time.Sleep(w.slow)
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (w *watching) isReady(t *testing.T) {
	t.Helper()
	select {
	case <-w.Ready():
	case err := <-w.done:
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("not ready")
	}
}

// exchanges waits for n exchanges and takes them.
func (w *watching) exchanges(t *testing.T, n int) []seen {
	t.Helper()
	until(t, fmt.Sprintf("%d exchanges", n), func() bool {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		return len(w.all) >= n
	})
	w.mutex.Lock()
	defer w.mutex.Unlock()
	got := w.all
	w.all = nil
	return got
}

// end stops the sniffer and checks that nothing is left open.
func (w *watching) end(t *testing.T) {
	t.Helper()
	w.stop()
	select {
	case err := <-w.done:
		must(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("does not stop")
	}
	if open := packetSockets(t); open > 0 {
		t.Errorf("%d packet sockets are still open", open)
	}
}

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(list)
}

// packetSockets counts those of this namespace.
func packetSockets(t *testing.T) int {
	t.Helper()
	list, err := os.ReadFile("/proc/self/net/packet")
	must(t, err)
	return strings.Count(string(list), "\n") - 1
}

func exchangeOf(n int, target string) []frame {
	return newConn(n).open().request("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n").
		response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").close().frames
}

func sawOf(target string) seen {
	return seen{Method: "GET", Host: "h", Target: target, Status: 200, Response: "ok"}
}

// TestInNamespaceWorkers spreads many connections, in tunnels too, over workers:
// both directions of each have to meet.
func TestInNamespaceWorkers(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	before, files := runtime.NumGoroutine(), openFiles(t)
	w := startWatching(t, Config{Interfaces: []string{"lt1"}, Workers: 3})
	w.isReady(t)
	vxlan := tunnels()["VXLAN"]
	var want []seen
	for n := range 200 {
		target := fmt.Sprintf("/%d", n)
		frames := exchangeOf(n, target)
		if n%4 == 0 {
			for i, f := range frames {
				frames[i].bytes = vxlan(f.bytes)
				// The source port of VXLAN differs between directions.
				frames[i].bytes[14+20+1] = byte(f.side + n)
			}
		}
		inject(t, "lt0", frames)
		want = append(want, sawOf(target))
	}
	byTarget := func(a, b seen) int { return strings.Compare(a.Target, b.Target) }
	got := w.exchanges(t, len(want))
	slices.SortFunc(got, byTarget)
	slices.SortFunc(want, byTarget)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%.2000s", diff)
	}
	w.end(t)
	stats := w.Stats()
	if stats.Dropped != 0 || stats.Received != stats.Packets {
		t.Errorf("%d received, %d read, %d dropped", stats.Received, stats.Packets, stats.Dropped)
	}
	until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	if now := openFiles(t); now > files {
		t.Errorf("%d descriptors are open, %d were before", now, files)
	}
}

// TestInNamespaceNice looks at the priority of threads: the workers have one of their own, and
// leave it to nobody when they end.
func TestInNamespaceNice(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	const nice = 11 // nobody else's
	w := startWatching(t, Config{Interfaces: []string{"lt1"}, Workers: 2, Nice: nice})
	w.isReady(t)
	until(t, "threads step back", func() bool { return threadsAt(t, nice) > 0 })
	w.end(t)
	until(t, "no thread steps back", func() bool { return threadsAt(t, nice) == 0 })
}

// threadsAt counts this process's threads of a niceness. The first is left out: it does not
// end as others do, but rests for ever.
func threadsAt(t *testing.T, nice int) (n int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	must(t, err)
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		must(t, err)
		// The system call returns 20 minus the niceness; 0 and an error for a thread that has ended.
		if prio, err := unix.Getpriority(unix.PRIO_PROCESS, id); id != os.Getpid() && err == nil && prio == 20-nice {
			n++
		}
	}
	return n
}

// TestInNamespaceSpread checks that the workers share the work.
func TestInNamespaceSpread(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	const n = 4
	names := &interfaceNames{}
	selected, err := firstSelection([]string{"lt1"})
	must(t, err)
	g, err := openGroup(&Config{Interfaces: []string{"lt1"}, Filter: "tcp"}, n, &selected, names, slog.New(slog.DiscardHandler))
	must(t, err)
	defer g.close()
	const connections = 400
	var frames []frame
	for i := range connections { // ports that are all even, as of connect(2)
		c := newConn(2 * i)
		c.packet(client, []byte("x"), flags{})
		c.packet(server, []byte("x"), flags{})
		frames = append(frames, c.frames...)
	}
	inject(t, "lt0", frames)
	time.Sleep(3 * blockTimeout * time.Millisecond)
	for i, source := range g.sources {
		got := 0
		for p, err := source.waiting(); p != nil; p, err = source.waiting() {
			must(t, err)
			got++
		}
		if got%2 != 0 || got < 2*connections/n/2 || got > 2*connections/n*2 {
			t.Errorf("worker %d has %d of %d packets", i, got, 2*connections)
		}
	}
}

// TestInNamespaceInterfaces captures on interfaces that come and go.
func TestInNamespaceInterfaces(t *testing.T) {
	needNamespace(t)
	w := startWatching(t, Config{Interfaces: []string{"lt*"}, Workers: 2, Filter: "tcp port 8080"})
	select {
	case <-w.Ready():
		t.Fatal("ready without an interface")
	case <-time.After(50 * time.Millisecond):
	}
	for round := range 2 {
		for i, pair := range [][2]string{{"lta0", "other0"}, {"ltb0", "other1"}} {
			veth(t, pair[0], pair[1])
			until(t, pair[0], func() bool { return w.interfaces.Load() == int64(i+1) })
			must(t, w.Capturing())
			target := "/" + pair[0]
			inject(t, pair[1], exchangeOf(2*round+i, target))
			if diff := cmp.Diff([]seen{sawOf(target)}, w.exchanges(t, 1)); diff != "" {
				t.Error(diff)
			}
		}
		for _, name := range []string{"lta0", "ltb0"} {
			ipTool(t, "link", "del", name)
		}
		until(t, "nothing left", func() bool { return w.Capturing() != nil })
	}
	if diff := cmp.Diff(map[string]int{"lta0": 2, "ltb0": 2}, w.names); diff != "" {
		t.Error(diff)
	}
	w.end(t)
}

// TestInNamespaceVanishes takes the only interface away, and back: a sniffer that
// stays waits, does not spin, and goes on.
func TestInNamespaceVanishes(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	w := startWatching(t, Config{Interfaces: []string{"lt1"}, Workers: 2, Stay: true})
	w.isReady(t)
	moved.Look(t)
	inject(t, "lt0", exchangeOf(1, "/before"))
	w.exchanges(t, 1)
	ipTool(t, "link", "del", "lt0")
	until(t, "not capturing", func() bool { return w.Capturing() != nil })
	cpu := cpuTime(t)
	time.Sleep(500 * time.Millisecond)
	if used := cpuTime(t) - cpu; used > 100*time.Millisecond {
		t.Errorf("used %v of the CPU in half a second without interface", used)
	}
	veth(t, "lt0", "lt1")
	until(t, "capturing", func() bool { return w.Capturing() == nil })
	inject(t, "lt0", exchangeOf(2, "/after"))
	if diff := cmp.Diff([]seen{sawOf("/after")}, w.exchanges(t, 1)); diff != "" {
		t.Error(diff)
	}
	ipTool(t, "link", "set", "lt1", "down")
	until(t, "not capturing", func() bool { return w.Capturing() != nil })
	ipTool(t, "link", "set", "lt1", "up")
	until(t, "capturing", func() bool { return w.Capturing() == nil })
	inject(t, "lt0", exchangeOf(3, "/up"))
	if diff := cmp.Diff([]seen{sawOf("/up")}, w.exchanges(t, 1)); diff != "" {
		t.Error(diff)
	}
	w.end(t)
}

// TestInNamespaceAny captures everywhere: what passes two interfaces, or lo, is
// seen once.
func TestInNamespaceAny(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	w := startWatching(t, Config{Interfaces: []string{"any"}, Workers: 2})
	w.isReady(t)
	inject(t, "lt0", exchangeOf(1, "/veth")) // out of lt0, into lt1
	server := newServer(t, "127.0.0.1:0")
	fetch(t, server, "/lo", "x")
	veth(t, "lt2", "lt3")
	inject(t, "lt2", exchangeOf(2, "/new"))
	var targets []string
	for _, x := range w.exchanges(t, 3) {
		targets = append(targets, x.Target)
	}
	slices.Sort(targets)
	if diff := cmp.Diff([]string{"/lo", "/new", "/veth"}, targets); diff != "" {
		t.Error(diff)
	}
	server.Close()
	w.end(t)
	if len(w.all) > 0 {
		t.Errorf("seen twice: %v", w.all)
	}
}

// TestInNamespaceVLAN captures what bears a VLAN tag, with a filter: network cards
// and the kernel take the tag off.
func TestInNamespaceVLAN(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	for _, workers := range []int{1, 2} {
		w := startWatching(t, Config{Interfaces: []string{"lt1"}, Workers: workers, Filter: "tcp port 8080"})
		w.isReady(t)
		for i, tags := range [][]byte{nil, {0x81, 0, 0, 5}, {0x88, 0xa8, 0, 7, 0x81, 0, 0, 5}} {
			target := fmt.Sprintf("/%d", i)
			frames := exchangeOf(i, target)
			for n, f := range frames {
				frames[n].bytes = slices.Concat(f.bytes[:12], tags, f.bytes[12:])
			}
			inject(t, "lt0", frames)
			if diff := cmp.Diff([]seen{sawOf(target)}, w.exchanges(t, 1)); diff != "" {
				t.Errorf("%d workers, tags %x: %s", workers, tags, diff)
			}
		}
		w.end(t)
	}
}

// TestInNamespaceFragments sends segments in fragments: with several workers the
// kernel puts them together.
func TestInNamespaceFragments(t *testing.T) {
	needNamespace(t)
	veth(t, "lt0", "lt1")
	for workers, to := range map[int]string{1: "lt1", 3: "lt1", 2: "lo"} {
		from := map[string]string{"lt1": "lt0", "lo": "lo"}[to]
		w := startWatching(t, Config{Interfaces: []string{to}, Workers: workers})
		w.isReady(t)
		var frames []frame
		for i, f := range exchangeOf(7, "/fragments") {
			frames = append(frames, inFragments(f, uint16(workers*100+i))...)
		}
		inject(t, from, frames)
		if diff := cmp.Diff([]seen{sawOf("/fragments")}, w.exchanges(t, 1)); diff != "" {
			t.Errorf("%d workers, %s: %s", workers, to, diff)
		}
		w.end(t)
	}
}

// inFragments cuts an IPv4 packet into fragments of 24 bytes.
func inFragments(f frame, id uint16) (all []frame) {
	const head, size = 34, 24
	payload := f.bytes[head:]
	for at := 0; at < len(payload); at += size {
		part := payload[at:min(at+size, len(payload))]
		b := append(slices.Clone(f.bytes[:head]), part...)
		place := uint16(at / 8)
		if at+size < len(payload) {
			place |= 0x2000
		}
		b[16], b[17] = byte((20+len(part))>>8), byte(20+len(part))
		b[18], b[19] = byte(id>>8), byte(id)
		b[20], b[21] = byte(place>>8), byte(place)
		b[24], b[25] = 0, 0
		sum := uint32(0)
		for i := 14; i < head; i += 2 {
			sum += uint32(b[i])<<8 | uint32(b[i+1])
		}
		sum = sum>>16 + sum&0xffff
		sum = ^(sum + sum>>16)
		b[24], b[25] = byte(sum>>8), byte(sum)
		all = append(all, frame{bytes: b, side: f.side})
	}
	return all
}

// TestInNamespacePlain reads a socket without a ring.
func TestInNamespacePlain(t *testing.T) {
	needNamespace(t)
	names := &interfaceNames{}
	selected, err := firstSelection([]string{"lo"})
	must(t, err)
	names.set(selected.ifaces)
	sock, err := newSocket(names)
	must(t, err)
	p, err := newPlain(sock, MinRing)
	must(t, err)
	defer p.close()
	must(t, p.bind(selected.ifaces[0].index))
	program, err := kernelFilter("tcp", &selected, nil)
	must(t, err)
	must(t, p.attach(program))
	server := newServer(t, "127.0.0.1:0")
	fetch(t, server, "/large", "")
	bytes := 0
	for packet, err := p.next(); packet != nil; packet, err = p.next() {
		must(t, err)
		if packet.kind != typeIPv4 || *packet.origin != "lo" || packet.length != len(packet.bytes) {
			t.Errorf("%x on %v: %d of %d bytes", packet.kind, packet.origin, len(packet.bytes), packet.length)
		}
		bytes += packet.length
	}
	if bytes < len(largeBody()) {
		t.Errorf("only %d bytes", bytes)
	}
	stats, err := p.stats()
	if err != nil || stats.received == 0 || stats.dropped != 0 {
		t.Errorf("%+v %v", stats, err)
	}
}
