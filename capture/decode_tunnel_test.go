package capture

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outer4 puts an Ethernet and an IPv4 header before payload.
func outer4(protocol byte, payload []byte) []byte {
	b := append(make([]byte, 12), ip(netip.MustParseAddr("172.16.0.1"), netip.MustParseAddr("172.16.0.2"), payload)...)
	b[14+9] = protocol
	return b
}

// outer6 does the same with IPv6.
func outer6(protocol byte, payload []byte) []byte {
	b := append(make([]byte, 12), ip(netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2"), payload)...)
	b[14+6] = protocol
	return b
}

func udpTo(port uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0xc0, 0}, port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return append(append(b, 0, 0), payload...)
}

// tunnels are ways to carry an Ethernet frame with IPv4 in it.
func tunnels() map[string]func(frame []byte) []byte {
	vxlan := []byte{8, 0, 0, 0, 0, 0, 42, 0}
	return map[string]func([]byte) []byte{
		"none":           func(f []byte) []byte { return f },
		"VXLAN":          func(f []byte) []byte { return outer4(17, udpTo(4789, append(slices.Clone(vxlan), f...))) },
		"VXLAN on Linux": func(f []byte) []byte { return outer4(17, udpTo(8472, append(slices.Clone(vxlan), f...))) },
		"VXLAN on IPv6":  func(f []byte) []byte { return outer6(17, udpTo(4789, append(slices.Clone(vxlan), f...))) },
		"GENEVE": func(f []byte) []byte {
			return outer4(17, udpTo(6081, append([]byte{0, 0, 0x65, 0x58, 0, 0, 9, 0}, f...)))
		},
		"GENEVE with options": func(f []byte) []byte {
			return outer4(17, udpTo(6081, append([]byte{2, 0, 8, 0, 0, 0, 9, 0, 1, 1, 1, 1, 0, 0, 0, 0}, f[14:]...)))
		},
		"GRE": func(f []byte) []byte { return outer4(47, append([]byte{0, 0, 8, 0}, f[14:]...)) },
		"GRE with all fields": func(f []byte) []byte {
			return outer4(47, append([]byte{0xb0, 0, 8, 0, 1, 1, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3}, f[14:]...))
		},
		"GRE with Ethernet": func(f []byte) []byte { return outer6(47, append([]byte{0x20, 0, 0x65, 0x58, 1, 1, 1, 1}, f...)) },
		"ERSPAN I":          func(f []byte) []byte { return outer4(47, append([]byte{0, 0, 0x88, 0xbe}, f...)) },
		"ERSPAN II": func(f []byte) []byte {
			return outer4(47, append([]byte{0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0}, f...))
		},
		"ERSPAN III": func(f []byte) []byte {
			return outer4(47, append([]byte{0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, f...))
		},
		"ERSPAN III with a subheader": func(f []byte) []byte {
			return outer4(47, append([]byte{0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7}, f...))
		},
		"IP in IP": func(f []byte) []byte { return outer4(4, f[14:]) },
		"4in6":     func(f []byte) []byte { return outer6(4, f[14:]) },
		"QinQ": func(f []byte) []byte {
			return slices.Concat(f[:12], []byte{0x88, 0xa8, 0, 1, 0x81, 0, 0, 2}, f[12:])
		},
		"VXLAN with tags in and out": func(f []byte) []byte {
			tagged := slices.Concat(f[:12], []byte{0x81, 0, 0, 2}, f[12:])
			out := outer4(17, udpTo(4789, append(slices.Clone(vxlan), tagged...)))
			return slices.Concat(out[:12], []byte{0x81, 0, 0, 3}, out[12:])
		},
	}
}

// TestTunnels sees a connection through each kind of tunnel.
func TestTunnels(t *testing.T) {
	for name, wrap := range tunnels() {
		frames, want := exampleFrames()
		sent := 0
		for i, f := range frames {
			frames[i].bytes = wrap(f.bytes)
			sent += f.payload
		}
		got, stats := replay(t, frames)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if stats.Inspected != int64(sent) || stats.sum() != int64(sent) {
			t.Errorf("%s: %d of %d bytes are inspected: %v", name, stats.Inspected, sent, stats)
		}
	}
}

// Test6in4 carries IPv6 in IPv4.
func Test6in4(t *testing.T) {
	c := newConn(1)
	c.ends[client] = netip.MustParseAddrPort("[2001:db8::1]:4444")
	c.ends[server] = netip.MustParseAddrPort("[2001:db8::2]:80")
	c.packet(client, []byte("payload"), flags{})
	s, why := decodeOne(t, packet{link: linkEthernet, bytes: outer4(41, c.frames[0].bytes[14:])})
	if why != 0 || string(s.payload) != "payload" || s.src.addrPort() != c.ends[client] || s.missing != 0 {
		t.Errorf("%v %q from %v", why, s.payload, s.src.addrPort())
	}
}

func TestTunnelReasons(t *testing.T) {
	inner := filterPackets()["v4"]
	deep := func(n int) []byte {
		b := inner
		for range n {
			b = outer4(4, b[14:])
		}
		return b
	}
	for _, test := range []struct {
		name  string
		bytes []byte
		want  Reason
	}{
		{"as deep as allowed", deep(3), 0},
		{"deeper", deep(4), TunnelDepth},
		{"very deep", deep(400), TunnelDepth},
		{"five tags", slices.Concat(inner[:12], slices.Repeat([]byte{0x81, 0, 0, 1}, 5), inner[12:]), NotTCP},
		{"PPTP", outer4(47, append([]byte{0x20, 1, 0x88, 0x0b}, inner...)), NotTCP},
		{"GRE of something", outer4(47, append([]byte{0, 0, 0x12, 0x34}, inner...)), NotTCP},
		{"short GRE", outer4(47, []byte{0xb0, 0, 8, 0, 1}), Undecodable},
		{"short ERSPAN", outer4(47, []byte{0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 9}), Undecodable},
		{"VXLAN without a network", outer4(17, udpTo(4789, append(make([]byte, 8), inner...))), NotTCP},
		{"short VXLAN", outer4(17, udpTo(4789, []byte{8})), NotTCP},
		{"DNS", outer4(17, udpTo(53, inner)), NotTCP},
		{"GENEVE cut", outer4(17, udpTo(6081, []byte{0x3f, 0, 8, 0, 0, 0, 0, 0, 0})), Undecodable},
		{"GENEVE of another version", outer4(17, udpTo(6081, append([]byte{0x40, 0, 8, 0, 0, 0, 0, 0}, inner[14:]...))), NotTCP},
	} {
		if _, why := decodeOne(t, packet{link: linkEthernet, bytes: test.bytes}); why != test.want {
			t.Errorf("%s: %q, want %q", test.name, why, test.want)
		}
	}
}

// TestBigFrames reads IP packets of more than 64 KiB, whose length is 0.
func TestBigFrames(t *testing.T) {
	body := slices.Repeat([]byte("x"), 100_000)
	four, six := newConn(1), newConn(1)
	six.ends = [2]netip.AddrPort{netip.MustParseAddrPort("[fd00::1]:4444"), netip.MustParseAddrPort("[fd00::2]:80")}
	for at, c := range map[int]*conn{16: four, 18: six} {
		c.packet(server, body, flags{})
		b := c.frames[0].bytes
		b[at], b[at+1] = 0, 0
		s, why := decodeOne(t, packet{link: linkEthernet, bytes: b})
		if why != 0 || len(s.payload) != len(body) || s.missing != 0 {
			t.Errorf("%v, %d bytes, %d missing", why, len(s.payload), s.missing)
		}
	}
}

func TestDecodeAllocates(t *testing.T) {
	d, s := newLayerDecoder(Limits{}.withDefaults(), newTestCoverage(t)), segment{}
	for name, wrap := range tunnels() {
		p := packet{link: linkEthernet, bytes: wrap(filterPackets()["v4"])}
		if n := testing.AllocsPerRun(100, func() { d.decode(&p, &s) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestTunnelsApart sends two connections between the same inner addresses and
// ports through two tunnels, packet by packet in turn: nothing of one may end up
// in the other.
func TestTunnelsApart(t *testing.T) {
	vxlan := func(id byte) func([]byte) []byte {
		return func(f []byte) []byte {
			return outer4(17, udpTo(4789, append([]byte{8, 0, 0, 0, 0, 0, id, 0}, f...)))
		}
	}
	geneve := func(id byte) func([]byte) []byte {
		return func(f []byte) []byte {
			return outer4(17, udpTo(6081, append([]byte{0, 0, 0x65, 0x58, 0, 0, id, 0}, f...)))
		}
	}
	gre := func(id byte) func([]byte) []byte {
		return func(f []byte) []byte {
			return outer4(47, append([]byte{0xa0, 0, 8, 0, 1, 1, 0, 0, 0, 0, 0, id}, f[14:]...))
		}
	}
	plain := func(f []byte) []byte { return f }
	nested := func(f []byte) []byte { return vxlan(1)(vxlan(2)(f)) }
	for name, in := range map[string][2]func([]byte) []byte{
		"VXLAN": {vxlan(1), vxlan(2)}, "GENEVE": {geneve(1), geneve(2)}, "GRE keys": {gre(1), gre(2)},
		"VXLAN and none": {vxlan(1), plain}, "VXLAN and GENEVE": {vxlan(1), geneve(1)}, "nested": {nested, vxlan(1)},
	} {
		t.Run(name, func(t *testing.T) {
			var conns [2][]frame
			var want []seen
			for i, text := range []string{"first", "other"} {
				conns[i] = newConn(1).open().request("GET /" + text + " HTTP/1.1\r\nHost: h\r\n\r\n").
					response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + text).close().frames
				want = append(want, seen{Method: "GET", Host: "h", Target: "/" + text, Status: 200, Response: text})
			}
			var frames []frame
			for n := range conns[0] {
				for i := range conns {
					f := conns[i][n]
					f.bytes = in[i](f.bytes)
					frames = append(frames, f)
				}
			}
			got, _ := replay(t, frames)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range filterPackets() {
		f.Add(uint16(linkEthernet), b, []byte(nil))
	}
	for _, wrap := range tunnels() {
		f.Add(uint16(linkEthernet), wrap(filterPackets()["v4"]), []byte(nil))
	}
	f.Add(uint16(linkCooked), filterPackets()["v4"][14:], []byte{0, 5, 8, 0, 0x45})
	pieces := fragmented(filterPackets()["v4"], 8, 7)
	f.Add(uint16(linkEthernet), pieces[0], pieces[1])
	f.Fuzz(func(t *testing.T, link uint16, first, second []byte) {
		cov := newTestCoverage(t)
		limits := Limits{Fragments: 4096}.withDefaults()
		d := newLayerDecoder(limits, cov)
		for _, b := range [][]byte{first, second, first} {
			var s segment
			p := packet{link: linkType(link), kind: typeIPv4, bytes: b, length: len(b)}
			if why := d.decode(&p, &s); why == 0 && (s.missing < 0 || len(s.payload) > len(first)+len(second)) {
				t.Fatalf("%d bytes, %d missing", len(s.payload), s.missing)
			}
			if d.fragments.held > limits.Fragments || d.fragments.held < 0 {
				t.Fatalf("%d bytes are held", d.fragments.held)
			}
		}
		d.fragments.close()
		if d.fragments.held != 0 || len(d.fragments.waiting) != 0 {
			t.Fatalf("%d bytes are held at the end", d.fragments.held)
		}
	})
}
