package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/klauspost/compress/gzip"

	"github.com/leaktap/leaktap/classify"
)

// frame is a generated Ethernet frame.
type frame struct {
	bytes []byte
	// payload is how many bytes of TCP payload it has.
	payload int
	side    int
}

const (
	client = 0
	server = 1
)

// conn generates the packets of one TCP connection.
type conn struct {
	ends    [2]netip.AddrPort
	seq     [2]uint32
	mss     int
	frames  []frame
	pending int // segments since the receiver last acknowledged
}

func newConn(n int) *conn {
	return &conn{
		ends: [2]netip.AddrPort{
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}), uint16(20000+n%40000)),
			netip.MustParseAddrPort("10.9.9.9:8080"),
		},
		seq: [2]uint32{1000, 5000},
		mss: 1448,
	}
}

type flags struct{ syn, fin, rst, noAck bool }

// packet adds one segment; it does not move the sequence number.
func (c *conn) packet(side int, payload []byte, f flags) {
	tcp := make([]byte, 20, 20+len(payload))
	binary.BigEndian.PutUint16(tcp, c.ends[side].Port())
	binary.BigEndian.PutUint16(tcp[2:], c.ends[1-side].Port())
	binary.BigEndian.PutUint32(tcp[4:], c.seq[side])
	tcp[12] = 5 << 4
	if !f.noAck {
		binary.BigEndian.PutUint32(tcp[8:], c.seq[1-side])
		tcp[13] |= 0x10
	}
	for bit, on := range []bool{f.fin, f.syn, f.rst} {
		if on {
			tcp[13] |= 1 << bit
		}
	}
	binary.BigEndian.PutUint16(tcp[14:], 0xffff)
	tcp = append(tcp, payload...)
	eth := make([]byte, 0, 54+len(payload))
	eth = append(eth, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2)
	eth = append(eth, ip(c.ends[side].Addr(), c.ends[1-side].Addr(), tcp)...)
	c.frames = append(c.frames, frame{eth, len(payload), side})
}

// ip returns an Ethernet type and an IP packet.
func ip(src, dst netip.Addr, payload []byte) []byte {
	if src.Is6() {
		b := append([]byte{0x86, 0xdd, 0x60, 0, 0, 0}, byte(len(payload)>>8), byte(len(payload)), 6, 64)
		b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
		return append(b, payload...)
	}
	n := 20 + len(payload)
	b := []byte{8, 0, 0x45, 0, byte(n >> 8), byte(n), 0, 0, 0x40, 0, 64, 6, 0, 0}
	b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
	return append(b, payload...)
}

func (c *conn) open() *conn {
	c.packet(client, nil, flags{syn: true, noAck: true})
	c.seq[client]++
	c.packet(server, nil, flags{syn: true})
	c.seq[server]++
	c.packet(client, nil, flags{})
	return c
}

// send sends data in segments, every other of which is acknowledged.
func (c *conn) send(side int, data []byte) *conn {
	for len(data) > 0 {
		n := min(c.mss, len(data))
		c.packet(side, data[:n], flags{})
		c.seq[side] += uint32(n)
		data = data[n:]
		if c.pending++; c.pending%2 == 0 {
			c.packet(1-side, nil, flags{})
		}
	}
	return c
}

func (c *conn) request(text string) *conn  { return c.send(client, []byte(text)) }
func (c *conn) response(text string) *conn { return c.send(server, []byte(text)) }

func (c *conn) fin(side int) *conn {
	c.packet(side, nil, flags{fin: true})
	c.seq[side]++
	c.packet(1-side, nil, flags{})
	return c
}

func (c *conn) close() *conn { return c.fin(server).fin(client) }

func (c *conn) reset(side int) *conn {
	c.packet(side, nil, flags{rst: true})
	return c
}

// seen is what tests compare of an exchange.
type seen struct {
	Method, Host, Target string
	Status               int
	Request, Response    string
	// Cut lists the sides that were truncated: "request", "response".
	Cut string
}

func (s seen) String() string {
	return fmt.Sprintf("%s %s%s %q -> %d %q %s", s.Method, s.Host, s.Target, s.Request, s.Status, s.Response, s.Cut)
}

func see(x *classify.Exchange) seen {
	s := seen{
		Method: string(x.Method), Host: string(x.Host), Target: string(x.Target), Status: x.Status,
		Request: string(x.Request.Body), Response: string(x.Response.Body),
	}
	if x.Request.Truncated {
		s.Cut += "request "
	}
	if x.Response.Truncated {
		s.Cut += "response "
	}
	return s
}

// pcapFile returns the frames as a pcap file, one packet per millisecond.
func pcapFile(tb testing.TB, frames []frame) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := pcapgo.NewWriter(&buf)
	must(tb, w.WriteFileHeader(maxPacket, layers.LinkTypeEthernet))
	for i, f := range frames {
		must(tb, w.WritePacket(gopacket.CaptureInfo{
			Timestamp:     time.Unix(1_700_000_000, int64(i)*1e6),
			CaptureLength: len(f.bytes), Length: len(f.bytes),
		}, f.bytes))
	}
	return buf.Bytes()
}

// readAll reads a capture file and returns what was in it.
func readAll(tb testing.TB, cfg Config, file []byte) (all []seen, stats Stats, err error) {
	tb.Helper()
	f, err := NewFileReader("test.pcap", cfg, shared, slog.New(slog.DiscardHandler))
	must(tb, err)
	err = f.Run(context.Background(), bytes.NewReader(file), func(x *classify.Exchange) {
		all = append(all, see(x))
	})
	return all, f.Stats(), err
}

// replay reads frames under default limits.
func replay(tb testing.TB, frames []frame) ([]seen, Stats) {
	tb.Helper()
	all, stats, err := readAll(tb, Config{}, pcapFile(tb, frames))
	must(tb, err)
	return all, stats
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func gzipped(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(data)
	must(tb, errors.Join(err, w.Close()))
	return buf.Bytes()
}

// chunks writes data in chunks of random sizes.
func chunks(rng *rand.Rand, data []byte) []byte {
	var buf bytes.Buffer
	for len(data) > 0 {
		n := min(1+rng.IntN(8000), len(data))
		fmt.Fprintf(&buf, "%x\r\n%s\r\n", n, data[:n])
		data = data[n:]
	}
	buf.WriteString("0\r\n\r\n")
	return buf.Bytes()
}

// site generates the traffic of a JSON API, with the truth.
type site struct {
	rng *rand.Rand
	// conns connections of exchanges exchanges each.
	conns, exchanges int
	// minBody and maxBody bound the sizes of response bodies.
	minBody, maxBody int
	mss              int
	ipv6, noOpen     bool
	// http2 has HTTP/2 over clear text, three streams at a time.
	http2 bool
}

// traffic returns the frames of each connection and the exchanges in them; the
// target of each is unique.
func (s site) traffic(tb testing.TB) (conns [][]frame, truth map[string]seen) {
	tb.Helper()
	truth = map[string]seen{}
	for n := range s.conns {
		c := newConn(n)
		if s.mss > 0 {
			c.mss = s.mss
		}
		if s.ipv6 {
			c.ends[client] = netip.AddrPortFrom(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", n)), c.ends[client].Port())
			c.ends[server] = netip.MustParseAddrPort("[2001:db8:ffff::1]:80")
		}
		c.seq = [2]uint32{s.rng.Uint32(), s.rng.Uint32()}
		if n%3 == 0 {
			c.seq = [2]uint32{^uint32(0) - 300, ^uint32(0) - 3000} // wraps soon
		}
		if !s.noOpen {
			c.open()
		}
		if s.http2 {
			s.streams(tb, newTalk(tb, c).hello(), n, truth)
			conns = append(conns, c.close().frames)
			continue
		}
		for i := range s.exchanges {
			x := s.exchange(tb, c, fmt.Sprintf("/c%d/x%d", n, i))
			truth[x.Target] = x
		}
		c.close()
		conns = append(conns, c.frames)
	}
	return conns, truth
}

func (s site) exchange(tb testing.TB, c *conn, target string) seen {
	tb.Helper()
	x := seen{Method: "GET", Host: "api.test", Target: target, Status: 200}
	if s.rng.IntN(5) == 0 {
		x.Method, x.Request = "POST", s.json(target, 20+s.rng.IntN(3000))
		c.request(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: api.test\r\nContent-Length: %d\r\n\r\n%s", target, len(x.Request), x.Request))
	} else {
		c.request("GET " + target + " HTTP/1.1\r\nHost: api.test\r\nAccept: */*\r\n\r\n")
	}
	x.Response = s.json(target, s.minBody+s.rng.IntN(s.maxBody-s.minBody+1))
	body, head := []byte(x.Response), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	if s.rng.IntN(10) < 3 {
		body, head = gzipped(tb, body), head+"Content-Encoding: gzip\r\n"
	}
	if s.rng.IntN(10) < 3 {
		body, head = chunks(s.rng, body), head+"Transfer-Encoding: chunked\r\n\r\n"
	} else {
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
	}
	c.send(server, append([]byte(head), body...))
	return x
}

// streams adds exchanges over HTTP/2 to truth.
func (s site) streams(tb testing.TB, g *talk, n int, truth map[string]seen) {
	tb.Helper()
	g.frame = 4000
	for i := 0; i < s.exchanges; i += 3 {
		left := map[uint32]string{}
		for k := i; k < min(i+3, s.exchanges); k++ {
			x := seen{Method: "GET", Host: "h", Target: fmt.Sprintf("/c%d/x%d", n, k), Status: 200}
			x.Response = s.json(x.Target, s.minBody+s.rng.IntN(s.maxBody-s.minBody+1))
			stream := uint32(2*k + 1)
			g.get(stream, x.Target)
			truth[x.Target], left[stream] = x, x.Response
			fields := []string{":status: 200", "content-type: application/json"}
			if s.rng.IntN(10) < 3 {
				fields, left[stream] = append(fields, "content-encoding: gzip"), string(gzipped(tb, []byte(x.Response)))
			}
			g.headers(server, stream, false, fields...)
		}
		for len(left) > 0 {
			for stream := uint32(2*i + 1); stream <= uint32(2*i+5); stream += 2 {
				body, ok := left[stream]
				if !ok {
					continue
				}
				size := min(len(body), 1+s.rng.IntN(8000))
				g.data(server, stream, size == len(body), body[:size])
				if left[stream] = body[size:]; size == len(body) {
					delete(left, stream)
				}
			}
		}
	}
}

// json returns a document of about size bytes that names its target, so that
// no two are the same.
func (s site) json(target string, size int) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"target":%q,"items":[`, target)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `{"id":%d,"name":"user %d","score":%d,"email":"u%d@example.org"},`,
			i, s.rng.Uint32(), s.rng.IntN(1000), s.rng.IntN(100000))
	}
	b.WriteString(`{}]}`)
	return b.String()
}

// interleave merges connections at random and keeps the order inside of each.
func interleave(rng *rand.Rand, conns [][]frame) []frame {
	var order []int
	for i, c := range conns {
		order = append(order, slices.Repeat([]int{i}, len(c))...)
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	next, all := make([]int, len(conns)), make([]frame, 0, len(order))
	for _, i := range order {
		all = append(all, conns[i][next[i]])
		next[i]++
	}
	return all
}

// reorder moves a share of the packets up to three places back.
func reorder(rng *rand.Rand, frames []frame, share float64) []frame {
	out := slices.Clone(frames)
	for i := range out {
		if j := i + 1 + rng.IntN(3); rng.Float64() < share && j < len(out) {
			moved := out[i]
			copy(out[i:j], out[i+1:j+1])
			out[j] = moved
		}
	}
	return out
}

// repeat sends a share of the packets once more, a little later.
func repeat(rng *rand.Rand, frames []frame, share float64) []frame {
	out := slices.Clone(frames)
	for i := range frames {
		if rng.Float64() < share {
			at := min(i+1+rng.IntN(20), len(out))
			out = slices.Insert(out, at, frames[i])
		}
	}
	return out
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// sum adds up what the counters say of TCP payload.
func (s Stats) sum() int64 {
	n := s.Inspected
	for why, skipped := range s.Uninspected {
		if why > Undecodable {
			n += skipped
		}
	}
	return n
}
