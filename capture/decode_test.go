package capture

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/gopacket/layers"
)

// linkHeads returns a link header of each kind for a packet of an Ethernet
// type.
func linkHeads(etherType uint16) map[linkType][]byte {
	kind := []byte{byte(etherType >> 8), byte(etherType)}
	family := byte(2) // AF_INET
	if etherType == 0x86dd {
		family = 30 // as on Darwin
	}
	return map[linkType][]byte{
		linkEthernet:  append(make([]byte, 12), kind...),
		linkLinuxSLL:  append(append([]byte{0, 0, 0, 1, 0, 6}, make([]byte, 8)...), kind...),
		linkLinuxSLL2: append(append([]byte{}, kind...), make([]byte, 18)...),
		linkNull:      {family, 0, 0, 0},
		linkLoop:      {0, 0, 0, family},
		linkRaw:       {},
	}
}

func decodeOne(t *testing.T, p packet) (segment, Reason) {
	t.Helper()
	if p.length == 0 {
		p.length = len(p.bytes)
	}
	var s segment
	why := newLayerDecoder(Limits{}.withDefaults(), newTestCoverage(t)).decode(&p, &s)
	return s, why
}

func TestDecodeLinks(t *testing.T) {
	four := newConn(1)
	six := newConn(1)
	six.ends = [2]netip.AddrPort{
		netip.MustParseAddrPort("[2001:db8::1]:4444"), netip.MustParseAddrPort("[2001:db8::2]:80"),
	}
	for etherType, c := range map[uint16]*conn{0x0800: four, 0x86dd: six} {
		c.packet(client, []byte("payload"), flags{})
		for link, head := range linkHeads(etherType) {
			s, why := decodeOne(t, packet{link: link, bytes: append(head, c.frames[0].bytes[14:]...)})
			if why != 0 || string(s.payload) != "payload" || s.src.addrPort() != c.ends[client] || s.dst.addrPort() != c.ends[server] {
				t.Errorf("type %04x, link type %d: %v %q %v > %v", etherType, link, why, s.payload, s.src.addrPort(), s.dst.addrPort())
			}
		}
	}
}

func TestDecodeReasons(t *testing.T) {
	packets := filterPackets()
	six := slices.Clone(packets["v6"])
	six[20] = 44                                              // next header: fragment
	six = slices.Insert(six, 54, 6, 0, 0, 8, 0, 0, 0, 1)      // offset 1
	binary.BigEndian.PutUint16(six[18:], uint16(len(six)-54)) // payload length
	options := slices.Clone(packets["v6"])
	options[20] = 60 // destination options
	options = slices.Insert(options, 54, 6, 0, 1, 4, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(options[18:], uint16(len(options)-54))
	moreFragments := slices.Clone(packets["v4"])
	moreFragments[20] = 0x20
	badOffset := slices.Clone(packets["v4"])
	badOffset[14+20+12] = 1 << 4
	for _, test := range []struct {
		name  string
		bytes []byte
		want  Reason
	}{
		{"tcp", packets["v4"], 0},
		{"tagged", packets["tagged"], 0},
		{"twice tagged", packets["double"], 0},
		{"udp", packets["udp"], NotTCP},
		{"arp", packets["arp"], NotTCP},
		{"fragment", packets["fragment"], Fragment},
		{"first fragment", moreFragments, Fragment},
		{"ipv6 fragment", six, Fragment},
		{"ipv6 options", options, 0},
		{"short", packets["v4"][:40], Undecodable},
		{"empty", nil, Undecodable},
		{"tcp header length", badOffset, Undecodable},
	} {
		if _, why := decodeOne(t, packet{link: linkEthernet, bytes: test.bytes}); why != test.want {
			t.Errorf("%s: %q, want %q", test.name, why, test.want)
		}
	}
	if _, why := decodeOne(t, packet{link: linkLinuxSLL2, bytes: []byte{8, 0}}); why != Undecodable {
		t.Errorf("short SLL2: %q", why)
	}
}

// TestDecodeLengths checks what is taken for payload: not the padding of short
// frames, and not what the capture cut off, which is missing.
func TestDecodeLengths(t *testing.T) {
	c := newConn(1)
	c.packet(client, []byte("payload"), flags{})
	whole := c.frames[0].bytes
	s, _ := decodeOne(t, packet{link: linkEthernet, bytes: append(slices.Clone(whole), 0, 0, 0)})
	if string(s.payload) != "payload" || s.missing != 0 {
		t.Errorf("padded: %q, %d missing", s.payload, s.missing)
	}
	s, _ = decodeOne(t, packet{link: linkEthernet, bytes: whole[:len(whole)-3], length: len(whole)})
	if string(s.payload) != "payl" || s.missing != 3 || s.end() != s.seq+7 {
		t.Errorf("cut: %q, %d missing", s.payload, s.missing)
	}
}

func TestSnapLength(t *testing.T) {
	c := newConn(1).open().request("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
	c.response("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + string(make([]byte, 100)))
	c.request("GET /b HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 204 No\r\n\r\n").close()
	for i := range c.frames {
		c.frames[i].bytes = c.frames[i].bytes[:min(len(c.frames[i].bytes), 54+60)]
	}
	got, stats := replay(t, c.frames)
	want := []seen{
		{Method: "GET", Host: "h", Target: "/a", Status: 200, Response: string(make([]byte, 20)), Cut: "response "},
		{Method: "GET", Host: "h", Target: "/b", Status: 204},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if n := stats.Uninspected[SnapLength]; n != 80 {
		t.Errorf("%d bytes are counted as cut off, want 80", n)
	}
}

// TestCookedTag tells tags from IP headers.
func TestCookedTag(t *testing.T) {
	header := func(b ...byte) []byte { return append(b, make([]byte, 40)...) }
	long := append([]byte{0x45, 0, 8, 0, 0x45}, make([]byte, 2043)...)
	for name, tt := range map[string]struct {
		kind layers.EthernetType
		b    []byte
		want int
	}{
		"IPv4":                 {typeIPv4, header(0x45, 0, 0, 44), 0},
		"IPv4 of 2,048 bytes":  {typeIPv4, long, 0},
		"IPv6":                 {typeIPv6, header(0x60, 0, 0, 0), 0},
		"tag":                  {typeIPv4, header(0, 5, 8, 0, 0x45), 4},
		"tag of priority 2":    {typeIPv4, header(0x45, 5, 8, 0, 0x45), 4},
		"tag before IPv6":      {typeIPv6, header(0x60, 5, 0x86, 0xdd, 0x60), 4},
		"another kind":         {typeIPv6, header(0, 5, 8, 0, 0x45), 0},
		"empty":                {typeIPv4, nil, 0},
		"nothing after a type": {typeIPv4, []byte{0, 5, 8, 0}, 0},
	} {
		if got := cookedTag(tt.kind, tt.b); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}
