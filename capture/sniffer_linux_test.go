package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/leaktap/leaktap/classify"
)

// inNamespace tells the test binary that it runs in a network namespace of its
// own.
const inNamespace = "LEAKTAP_TEST_NAMESPACE"

// TestLive runs the live tests, TestInNamespace…, in a network namespace of
// their own, and without root in a user namespace too.
func TestLive(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		t.Skip("already there")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInNamespace", "-test.v", "-test.timeout=300s")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		t.Logf("%s", out)
	case errors.As(err, &exit):
		t.Fatalf("in the namespace:\n%s", out)
	case os.Getenv("CI") == "true":
		t.Fatalf("make a network namespace: %v", err)
	default:
		moved.Skip()
		t.Skipf("live capture is not tested: make a network namespace: %v", err)
	}
}

// needNamespace skips outside of the namespace and sets lo up or down.
func needNamespace(t *testing.T) {
	t.Helper()
	if os.Getenv(inNamespace) == "" {
		t.Skip("TestLive runs this in a network namespace")
	}
	setLoopback(t, true)
}

func setLoopback(t *testing.T, up bool) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer func() { must(t, unix.Close(fd)) }()
	request, err := unix.NewIfreq("lo")
	must(t, err)
	if up {
		request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	}
	must(t, unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request))
}

// sniff starts a sniffer on lo. wait waits for n exchanges; stop ends the
// sniffer and returns what was left, and its error.
func sniff(t *testing.T, cfg Config) (s *Sniffer, wait func(n int) []seen, stop func() ([]seen, error)) {
	t.Helper()
	cfg.Interfaces = []string{"lo"}
	s, err := NewSniffer(cfg, moved.Registry(), slog.New(slog.DiscardHandler))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	exchanges, done := make(chan seen, 1000), make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(x *classify.Exchange) { exchanges <- see(x) })
		close(exchanges)
	}()
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	wait = func(n int) (all []seen) {
		t.Helper()
		for range n {
			select {
			case x := <-exchanges:
				all = append(all, x)
			case <-time.After(10 * time.Second):
				t.Fatalf("only %d of %d exchanges", len(all), n)
			}
		}
		return all
	}
	stop = func() (rest []seen, err error) {
		cancel()
		err = <-done
		for x := range exchanges {
			rest = append(rest, x)
		}
		return rest, err
	}
	return s, wait, stop
}

// newServer serves on an address of lo: / echoes the request body, /large sends
// 300 kB.
func newServer(t *testing.T, address string) *httptest.Server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	must(t, err)
	handler := http.NewServeMux()
	handler.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	handler.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, largeBody())
	})
	server := httptest.NewUnstartedServer(handler)
	must(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func largeBody() string { return strings.Repeat("0123456789", 30_000) }

func fetch(t *testing.T, server *httptest.Server, path, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
	must(t, err)
	response, err := server.Client().Do(request)
	must(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	must(t, errors.Join(err, response.Body.Close()))
}

// TestInNamespaceLoopback checks that every exchange on lo is seen once, over
// IPv4 and IPv6, and those that the filter leaves out not at all.
func TestInNamespaceLoopback(t *testing.T) {
	needNamespace(t)
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		server, other := newServer(t, address), newServer(t, address)
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		s, wait, stop := sniff(t, Config{Filter: "tcp port " + port, Promiscuous: true})
		var want []seen
		host := server.Listener.Addr().String()
		for i := range 20 {
			path, body := fmt.Sprintf("/x%d?q=1", i), fmt.Sprintf("body %d", i)
			fetch(t, server, path, body)
			fetch(t, other, path, body)
			want = append(want, seen{Method: "POST", Host: host, Target: path, Status: 200, Request: body, Response: body})
		}
		fetch(t, server, "/large", "x")
		want = append(want, seen{Method: "POST", Host: host, Target: "/large", Status: 200, Request: "x", Response: largeBody()})
		got := wait(len(want))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %.2000s", address, diff)
		}
		started := time.Now()
		if rest, err := stop(); err != nil || len(rest) > 0 {
			t.Errorf("%v, and seen twice: %q", err, rest)
		}
		if waited := time.Since(started); waited > 2*time.Second {
			t.Errorf("stopped after %v", waited)
		}
		if stats := s.Stats(); stats.Packets == 0 || stats.Dropped != 0 || stats.Inspected == 0 {
			t.Errorf("%+v", stats)
		}
	}
}

// TestInNamespaceUnfinished stops the sniffer in the middle of an exchange.
func TestInNamespaceUnfinished(t *testing.T) {
	needNamespace(t)
	server := newServer(t, "127.0.0.1:0")
	_, wait, stop := sniff(t, Config{})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	must(t, err)
	_, err = io.WriteString(conn, "POST /half HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf")
	must(t, err)
	fetch(t, server, "/whole", "") // its packets come behind those of the other
	wait(1)
	rest, err := stop()
	must(t, errors.Join(err, conn.Close()))
	want := []seen{{Method: "POST", Host: "h", Target: "/half", Request: "half", Cut: "request "}}
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Error(diff)
	}
}

func TestInNamespaceInterfaceDown(t *testing.T) {
	needNamespace(t)
	s, err := NewSniffer(Config{Interfaces: []string{"lo"}}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context(), func(*classify.Exchange) {}) }()
	<-s.Ready()
	setLoopback(t, false)
	select {
	case err := <-done:
		if want := "capture on interface lo: the interface went down or vanished"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	case <-time.After(10 * time.Second):
		t.Error("an interface that is down is not noticed")
	}
}

// TestInNamespaceDownAtStart has no interface to capture on from the start.
func TestInNamespaceDownAtStart(t *testing.T) {
	needNamespace(t)
	setLoopback(t, false)
	s, err := NewSniffer(Config{Interfaces: []string{"lo"}}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	if err := s.Run(t.Context(), func(*classify.Exchange) {}); !errors.Is(err, ErrNoInterface) || !strings.Contains(err.Error(), "interface lo: ") {
		t.Errorf("%v", err)
	}
	select {
	case <-s.Ready():
		t.Error("is ready")
	default:
	}
}

// TestInNamespaceWithoutCapability opens a socket on a thread that has given up
// its capabilities.
func TestInNamespaceWithoutCapability(t *testing.T) {
	needNamespace(t)
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends here
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			failed <- err
			return
		}
		if CheckCapability() == nil {
			failed <- errors.New("CheckCapability found one")
			return
		}
		_, err := newSocket(&interfaceNames{})
		failed <- err
	}()
	err := <-failed
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_RAW is missing") || !strings.Contains(err.Error(), "setcap cap_net_raw+ep") {
		t.Errorf("%v", err)
	}
}

func TestUnknownInterface(t *testing.T) {
	s, err := NewSniffer(Config{Interfaces: []string{"nosuch0"}}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	err = s.Run(t.Context(), func(*classify.Exchange) {})
	if err == nil || !strings.Contains(err.Error(), `find interface "nosuch0"`) {
		t.Fatalf("%v", err)
	}
	all, err2 := net.Interfaces()
	must(t, err2)
	if !slices.ContainsFunc(all, func(i net.Interface) bool { return strings.Contains(err.Error(), i.Name) }) {
		t.Errorf("%v names none of the interfaces", err)
	}
}

func TestNewSnifferErrors(t *testing.T) {
	var filter *FilterError
	lo := []string{"lo"}
	for name, c := range map[string]struct {
		cfg   Config
		check func(error) bool
	}{
		"no interface": {Config{}, func(err error) bool { return strings.Contains(err.Error(), "no interface") }},
		"empty name":   {Config{Interfaces: []string{""}}, func(err error) bool { return strings.Contains(err.Error(), "neither") }},
		"bad pattern":  {Config{Interfaces: []string{"eth["}}, func(err error) bool { return strings.Contains(err.Error(), "neither") }},
		"filter":       {Config{Interfaces: lo, Filter: "port x"}, func(err error) bool { return errors.As(err, &filter) && filter.Column == 6 }},
		"ring":         {Config{Interfaces: lo, Ring: 2 << 30}, func(err error) bool { return strings.Contains(err.Error(), "ring of") }},
		"workers":      {Config{Interfaces: lo, Workers: 65}, func(err error) bool { return strings.Contains(err.Error(), "65 workers") }},
	} {
		if _, err := NewSniffer(c.cfg, nil, slog.New(slog.DiscardHandler)); err == nil || !c.check(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
