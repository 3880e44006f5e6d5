package capture

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPorts counts by the server's port, of which some are learnt from the
// requests.
func TestPorts(t *testing.T) {
	web := newConn(1).open().request(getA).response(reply1).close()
	secure := newConn(2)
	secure.ends[server] = netip.MustParseAddrPort("10.9.9.9:443")
	secure.open().request("\x16\x03\x01\x00\x05hello").response("\x16\x03\x03 server").close()
	high := newConn(3)
	high.ends[server] = netip.MustParseAddrPort("10.9.9.9:61000") // above the client's, and no SYN
	high.request(getB).response(reply2)
	high.close()
	var frames []frame
	for _, c := range []*conn{web, secure, high} {
		frames = append(frames, c.frames...)
	}
	_, stats := replay(t, frames)
	size := int64(len(getA) + len(reply1))
	want := []PortStats{
		{Port: 8080, Inspected: size, Uninspected: map[Reason]int64{}},
		{Port: 61000, Inspected: size, Uninspected: map[Reason]int64{}},
		{Port: 443, Uninspected: map[Reason]int64{TLS: 20}},
	}
	if diff := cmp.Diff(want, stats.Ports); diff != "" {
		t.Error(diff)
	}
	if missed := stats.Ports[2].Missed(); missed != 20 {
		t.Errorf("%d bytes are missed", missed)
	}
}

// TestPortLimit uses more ports than have counters: nothing is lost.
func TestPortLimit(t *testing.T) {
	var frames []frame
	const conns = 1000
	for n := range conns {
		c := newConn(n)
		c.ends[server] = netip.AddrPortFrom(c.ends[server].Addr(), uint16(1000+n))
		frames = append(frames, c.open().request(getA).response(reply1).close().frames...)
	}
	_, stats := replay(t, frames)
	var sum int64
	for _, p := range stats.Ports {
		sum += p.Inspected
	}
	if len(stats.Ports) != maxPorts+1 || stats.Ports[0].Port != 0 || sum != stats.Inspected {
		t.Errorf("%d ports, %d bytes of %d", len(stats.Ports), sum, stats.Inspected)
	}
}
