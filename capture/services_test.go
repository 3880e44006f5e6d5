package capture

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

func TestServices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pods")
	write := func(text string) { must(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("# pods\n10.1.0.7 shop\n10.1.0.8\tcart # of team A\n\n10.2.0.0/16 jobs\nfd00::1 shop\n10.9.0.1 from-file\n")
	s, err := NewServices(map[string]string{
		"10.1.0.7:9000": "shop-admin", "10.0.0.0/8": "cluster", "[fd00::1]:81": "shop-6", "10.9.0.1": "from-map", "::ffff:10.9.0.2": "mapped",
	}, file)
	must(t, err)
	check := func(want map[string]string) {
		t.Helper()
		for at, name := range want {
			if got := s.Name(netip.MustParseAddrPort(at)); got != name {
				t.Errorf("%s is %q, want %q", at, got, name)
			}
		}
	}
	check(map[string]string{
		"10.1.0.7:80": "shop", "10.1.0.7:9000": "shop-admin", "10.1.0.8:1": "cart", "10.2.3.4:80": "jobs",
		"10.3.0.1:80": "cluster", "192.0.2.1:80": "", "[fd00::1]:80": "shop", "[fd00::1]:81": "shop-6",
		"10.9.0.1:1": "from-file", "10.9.0.2:1": "mapped",
	})
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	s.refresh(log)
	if logged.Len() > 0 {
		t.Errorf("read again although nothing changed: %s", &logged)
	}
	write("10.1.0.7 other\n")
	s.refresh(log)
	check(map[string]string{"10.1.0.7:80": "other", "10.1.0.8:1": "cluster"})
	write("10.1.0.7 broken twice\n")
	logged.Reset()
	s.refresh(log)
	s.refresh(log)
	check(map[string]string{"10.1.0.7:80": "other"})
	if got := logged.String(); strings.Count(got, "line 1: want an address and a name") != 1 {
		t.Errorf("logged %s", got)
	}
	must(t, os.Remove(file))
	s.refresh(log)
	check(map[string]string{"10.1.0.7:80": "other"})
	var none *Services
	if none.Name(netip.MustParseAddrPort("10.1.0.7:80")) != "" {
		t.Error("no services have a name")
	}
}

func TestServicesErrors(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1":                             "line 1: want an address and a name",
		"\n10.0.0.1 a b":                       "line 2: want an address and a name",
		"host name":                            "line 1: want an address, ADDRESS:PORT or a network",
		"10.0.0.1:70000 name":                  "line 1: want an address, ADDRESS:PORT or a network",
		"10.0.0.1 " + strings.Repeat("n", 254): "line 1: want a name of 1 to 253 bytes",
		"10.0.0.1 n\n" + strings.Repeat("n", 70_000) + "\n": "line 2: too long",
	} {
		file := filepath.Join(t.TempDir(), "pods")
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if _, err := NewServices(nil, file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	if _, err := NewServices(map[string]string{"x": "y"}, ""); err == nil || !strings.HasPrefix(err.Error(), `service "x": want an address`) {
		t.Errorf("%v", err)
	}
	if _, err := NewServices(nil, "/nowhere/pods"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("%v", err)
	}
}

// TestServiceOfExchange checks that the answering side gives the name.
func TestServiceOfExchange(t *testing.T) {
	s, err := NewServices(map[string]string{"10.9.9.9:8080": "shop"}, "")
	must(t, err)
	f, err := NewFileReader("x", Config{Services: s}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	c := newConn(1).open().request(getA).response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").close()
	var names []string
	must(t, f.Run(context.Background(), bytes.NewReader(pcapFile(t, c.frames)), func(x *classify.Exchange) { names = append(names, x.Service) }))
	if len(names) != 1 || names[0] != "shop" {
		t.Errorf("%q", names)
	}
}

// FuzzServices reads files of names.
func FuzzServices(f *testing.F) {
	f.Add([]byte("# pods\n10.1.0.7 shop\n10.2.0.0/16 jobs\n[fd00::1]:80 shop\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := &serviceNames{ports: map[netip.AddrPort]string{}, addrs: map[netip.Addr]string{}}
		if n.parse(text) != nil {
			return
		}
		if got := len(n.ports) + len(n.addrs) + len(n.networks); got > bytes.Count(text, []byte("\n"))+1 {
			t.Fatalf("%d names in %q", got, text)
		}
	})
}
