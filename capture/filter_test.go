package capture

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// filterPackets are packets by name, for Ethernet.
func filterPackets() map[string][]byte {
	c := newConn(1) // 10.1.0.1:20001 -> 10.9.9.9:8080
	c.packet(client, []byte("x"), flags{})
	c.packet(server, []byte("x"), flags{})
	six := newConn(2)
	six.ends = [2]netip.AddrPort{
		netip.MustParseAddrPort("[2001:db8::1]:4444"), netip.MustParseAddrPort("[2001:db8:1::2]:80"),
	}
	six.packet(client, nil, flags{})
	v4 := c.frames[0].bytes
	udp := append([]byte{}, v4...)
	udp[23] = 17
	tagged := append(append(append([]byte{}, v4[:12]...), 0x81, 0, 0, 5), v4[12:]...)
	double := append(append(append([]byte{}, v4[:12]...), 0x88, 0xa8, 0, 9), tagged[12:]...)
	fragment := append([]byte{}, v4...)
	fragment[21] = 9
	arp := append(append([]byte{}, v4[:12]...), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	return map[string][]byte{
		"v4": v4, "reply": c.frames[1].bytes, "v6": six.frames[0].bytes, "udp": udp,
		"tagged": tagged, "double": double, "fragment": fragment, "arp": arp,
	}
}

var filterTests = []struct {
	filter, want string // names of the selected packets, sorted as in order
}{
	{"tcp", "v4 reply v6 tagged double fragment"},
	{"not tcp", "udp arp"},
	{"port 8080", "v4 reply tagged double"},
	{"dst port 8080", "v4 tagged double"},
	{"src port 8080", "reply"},
	{"tcp port 80", "v6"},
	{"tcp dst port 80 or src host 10.9.9.9", "reply v6"},
	{"host 10.1.0.1", "v4 reply udp tagged double fragment"},
	{"src host 10.1.0.1", "v4 udp tagged double fragment"},
	{"dst host 10.1.0.1", "reply"},
	{"host 2001:db8:1::2", "v6"},
	{"src host 2001:db8:1::2", ""},
	{"net 10.9.0.0/16", "v4 reply udp tagged double fragment"},
	{"src net 10.9.0.0/16", "reply"},
	{"dst net 2001:db8:1::/48", "v6"},
	{"net 2001:db8::/32", "v6"},
	{"net 0.0.0.0/0", "v4 reply udp tagged double fragment"},
	{"net ::/0", "v6"},
	{"not port 8080", "v6 udp fragment arp"},
	{"! ( port 8080 or port 80 )", "udp fragment arp"},
	{"tcp and not (host 10.1.0.1 and port 8080)", "v6 fragment"},
	{"port 80 or port 8080 and src host 10.9.9.9", "reply"}, // from left to right
	{"port 80 || (port 8080 && src host 10.9.9.9)", "reply v6"},
	{"not not tcp", "v4 reply v6 tagged double fragment"},
}

func TestFilter(t *testing.T) {
	packets := filterPackets()
	order := []string{"v4", "reply", "v6", "udp", "tagged", "double", "fragment", "arp"}
	for _, test := range filterTests {
		program, err := compileFilter(test.filter, linkEthernet)
		must(t, err)
		if _, err := bpf.Assemble(program); err != nil {
			t.Errorf("%s: %v", test.filter, err)
		}
		vm, err := bpf.NewVM(program)
		must(t, err)
		var got []string
		for _, name := range order {
			n, err := vm.Run(packets[name])
			must(t, err)
			if n > 0 {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q selects %q, want %q", test.filter, got, test.want)
		}
	}
}

// TestFilterLinks runs a filter over the same packet behind each kind of link
// header.
func TestFilterLinks(t *testing.T) {
	eth := filterPackets()["v4"]
	for link, head := range linkHeads(0x0800) {
		program, err := compileFilter("src host 10.1.0.1 and dst port 8080", link)
		must(t, err)
		vm, err := bpf.NewVM(program)
		must(t, err)
		if n, err := vm.Run(append(head, eth[14:]...)); n == 0 || err != nil {
			t.Errorf("link type %d: not selected (%v)", link, err)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, test := range []struct {
		filter  string
		column  int
		problem string
	}{
		{"port", 5, "want a port number"},
		{"port http", 6, "want a port number"},
		{"port 65536", 6, "want a port number"},
		{"tcp and", 8, `want "tcp", "port"`},
		{"tcp udp", 5, `want "and" or "or"`},
		{"src 10.0.0.1", 5, `want "tcp", "port"`},
		{"host example.org", 6, "want an IPv4 or IPv6 address"},
		{"host fe80::1%eth0", 6, "want an IPv4 or IPv6 address"},
		{"net 10.0.0.0", 5, "want a network"},
		{"net 10.0.0.0/33", 5, "want a network"},
		{"(port 80", 9, `want ")"`},
		{"port 80)", 8, `want "and" or "or"`},
		{"()", 2, `want "tcp"`},
		{strings.Repeat("port 1 and (", 20) + "port 1" + strings.Repeat(")", 20), 152, "too many parentheses"},
		{"port 1" + strings.Repeat(" or port 1", 400), 1, "too long"},
	} {
		err := CheckFilter(test.filter)
		var f *FilterError
		if !errors.As(err, &f) || f.Column != test.column || !strings.Contains(f.Problem, test.problem) {
			t.Errorf("%.40q: %v, want column %d: %s", test.filter, err, test.column, test.problem)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, test := range filterTests {
		f.Add(test.filter, []byte("x"))
	}
	f.Fuzz(func(t *testing.T, filter string, packet []byte) {
		program, err := compileFilter(filter, linkEthernet)
		if err != nil {
			return
		}
		if _, err := bpf.Assemble(program); err != nil {
			t.Fatal(err)
		}
		vm, err := bpf.NewVM(program)
		must(t, err)
		_, err = vm.Run(packet)
		must(t, err)
	})
}
