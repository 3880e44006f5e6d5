package capture

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

const (
	getA   = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
	getB   = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
	getC   = "GET /c HTTP/1.1\r\nHost: h\r\n\r\n"
	reply1 = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
	reply2 = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"
	reply3 = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3"
)

func get(target, body string) seen {
	s := seen{Method: "GET", Host: "h", Target: target}
	if body != "" {
		s.Status, s.Response = 200, body
	}
	return s
}

// without drops the frames that carry the given payloads.
func (c *conn) without(payloads ...string) []frame {
	return slices.DeleteFunc(slices.Clone(c.frames), func(f frame) bool {
		return f.payload > 0 && slices.Contains(payloads, string(f.bytes[len(f.bytes)-f.payload:]))
	})
}

func TestPairing(t *testing.T) {
	three := func() *conn {
		return newConn(1).open().request(getA).response(reply1).request(getB).response(reply2).request(getC).response(reply3)
	}
	pipelined := func() *conn {
		return newConn(1).open().request(getA + getB + getC).response(reply1).response(reply2).response(reply3)
	}
	orphan := func(body string) seen { return seen{Status: 200, Response: body} }
	for _, test := range []struct {
		name   string
		frames []frame
		want   []seen
	}{
		{"keep-alive", three().close().frames, []seen{get("/a", "1"), get("/b", "2"), get("/c", "3")}},
		{"pipelined", pipelined().close().frames, []seen{get("/a", "1"), get("/b", "2"), get("/c", "3")}},
		{"responses in one segment", newConn(1).open().request(getA + getB).response(reply1 + reply2).frames, []seen{get("/a", "1"), get("/b", "2")}},
		{"no response", newConn(1).open().request(getA).close().frames, []seen{get("/a", "")}},
		{"reset", newConn(1).open().request(getA).response(reply1).request(getB).reset(server).frames, []seen{get("/a", "1"), get("/b", "")}},
		{"lost request", three().close().without(getB), []seen{get("/a", "1"), orphan("2"), get("/c", "3")}},
		{"lost response", three().close().without(reply2), []seen{get("/a", "1"), get("/b", ""), get("/c", "3")}},
		{"lost response and next request", three().close().without(reply1, getB), []seen{get("/a", ""), orphan("2"), get("/c", "3")}},
		{"lost pipelined response", pipelined().close().without(reply1), []seen{get("/a", ""), get("/b", ""), get("/c", ""), orphan("2"), orphan("3")}},
		{"responses alone", three().close().without(getA, getB, getC), []seen{orphan("1"), orphan("2"), orphan("3")}},
		{"requests alone", three().close().without(reply1, reply2, reply3), []seen{get("/a", ""), get("/b", ""), get("/c", "")}},
		{"mid-stream", three().close().frames[5:], []seen{get("/b", "2"), get("/c", "3")}},
		{
			"answered before its end", newConn(1).open().
				request("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc").response(reply1).request("def").close().frames,
			[]seen{{Method: "POST", Host: "h", Target: "/a", Status: 200, Request: "abcdef", Response: "1"}},
		},
		{
			"answered and cut off", newConn(1).open().
				request("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc").response(reply1).close().frames,
			[]seen{{Method: "POST", Host: "h", Target: "/a", Status: 200, Request: "abc", Response: "1", Cut: "request "}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := replay(t, test.frames)
			slices.SortFunc(got, compareSeen)
			slices.SortFunc(test.want, compareSeen)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func compareSeen(a, b seen) int { return strings.Compare(a.String(), b.String()) }

// TestResponseBeforeRequest captures the packets in the wrong order.
func TestResponseBeforeRequest(t *testing.T) {
	head := "HEAD" + getA[3:]
	c := newConn(1).open().request(head).response("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n").request(getB).response(reply2).close()
	f := c.frames
	f[3], f[4] = f[4], f[3]
	got, _ := replay(t, f)
	want := []seen{{Method: "HEAD", Host: "h", Target: "/a", Status: 200}, get("/b", "2")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOpaqueStreams(t *testing.T) {
	hello := "\x16\x03\x01\x00\x05hello"
	upgrade := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
	for _, test := range []struct {
		name    string
		conn    *conn
		want    int // exchanges
		skipped map[Reason]int64
	}{
		{"TLS", newConn(1).open().request(hello).response("\x16\x03\x03 server").request("more").close(), 0, map[Reason]int64{TLS: 24}},
		{"WebSocket", newConn(1).open().request(getA).response(upgrade).request("12345").response("678").close(), 1, map[Reason]int64{WebSocket: 8}},
		{"CONNECT", newConn(1).open().request("CONNECT h:443 HTTP/1.1\r\n\r\n").response("HTTP/1.1 200 OK\r\n\r\n").request(hello).response(reply1).close(), 1, map[Reason]int64{Tunnel: int64(10 + len(reply1))}},
		{"SSH", newConn(1).open().response("SSH-2.0-x\r\n").request("SSH-2.0-y\r\n").response("\x00\x01").close(), 0, map[Reason]int64{UnknownProtocol: 24}},
		{"TLS mid-stream", newConn(1).request("\x17\x03\x03\x00\x01x").response("whatever").close(), 0, map[Reason]int64{TLS: 14}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, stats := replay(t, test.conn.frames)
			if len(got) != test.want {
				t.Errorf("%d exchanges: %q", len(got), got)
			}
			for _, why := range Reasons() {
				if n := stats.Uninspected[why]; n != test.skipped[why] {
					t.Errorf("%d bytes %v, want %d", n, why, test.skipped[why])
				}
			}
		})
	}
}

// TestPortReuse opens a second connection between the same ends, with and
// without an end of the first one.
func TestPortReuse(t *testing.T) {
	for name, end := range map[string]func(*conn) *conn{
		"closed": (*conn).close, "open": func(c *conn) *conn { return c },
		"reset": func(c *conn) *conn { return c.reset(client) },
	} {
		c := end(newConn(1).open().request(getA).response(reply1))
		c.seq = [2]uint32{900_000, 800_000}
		c.open().request(getB).response(reply2).close()
		got, _ := replay(t, c.frames)
		if diff := cmp.Diff([]seen{get("/a", "1"), get("/b", "2")}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLateCopies repeats all packets of a closed connection.
func TestLateCopies(t *testing.T) {
	c := newConn(1).open().request(getA).response(reply1).close()
	got, stats := replay(t, append(c.frames, c.frames...))
	if diff := cmp.Diff([]seen{get("/a", "1")}, got); diff != "" {
		t.Error(diff)
	}
	if want := int64(len(getA) + len(reply1)); stats.sum() != want {
		t.Errorf("%d bytes are counted, want %d", stats.sum(), want)
	}
}

func TestSequenceJump(t *testing.T) {
	c := newConn(1).open().request(getA).response(reply1)
	c.seq = [2]uint32{1 << 31, 1<<31 + 77}
	c.request(getB).response(reply2).close()
	got, _ := replay(t, c.frames)
	if diff := cmp.Diff([]seen{get("/a", "1"), get("/b", "2")}, got); diff != "" {
		t.Error(diff)
	}
}

// bench runs frames through a table and gives access to it.
type bench struct {
	table *table
	got   []seen
	cov   *coverage
	a     *assembler
	now   time.Time
}

func newBench(tb testing.TB, limits Limits) *bench {
	tb.Helper()
	b := &bench{cov: newTestCoverage(tb), now: time.Unix(1_700_000_000, 0)}
	b.table = newTable(classify.Source{}, limits.withDefaults(), b.cov, func(x *classify.Exchange) { b.got = append(b.got, see(x)) })
	b.a = newAssembler(b.table, "")
	return b
}

func (b *bench) feed(tb testing.TB, frames []frame) {
	tb.Helper()
	for _, f := range frames {
		must(tb, b.a.packet(&packet{link: linkEthernet, bytes: f.bytes, length: len(f.bytes), time: b.now}))
	}
}

func TestExpiry(t *testing.T) {
	b := newBench(t, Limits{})
	b.feed(t, newConn(1).open().request(getA).frames)
	b.feed(t, newConn(2).open().frames)
	b.now = b.now.Add(20 * time.Second)
	b.table.expire(b.now)
	if len(b.table.flows) != 1 || len(b.got) != 0 {
		t.Errorf("after 20 s: %d connections, %q", len(b.table.flows), b.got)
	}
	b.now = b.now.Add(2 * time.Minute)
	b.table.expire(b.now)
	if diff := cmp.Diff([]seen{get("/a", "")}, b.got); diff != "" || len(b.table.flows) != 0 {
		t.Errorf("after 2 min: %d connections, %s", len(b.table.flows), diff)
	}
	if b.table.pool.used != 0 {
		t.Errorf("%d bytes are still held", b.table.pool.used)
	}
}

func TestFlowLimit(t *testing.T) {
	b := newBench(t, Limits{Flows: 10})
	good := newConn(1).open().request(getA)
	b.feed(t, good.frames)
	for n := range 50 {
		b.feed(t, newConn(100+n).open().frames)
		if len(b.table.flows) > 10 {
			t.Fatalf("%d connections", len(b.table.flows))
		}
	}
	b.feed(t, good.response(reply1).frames[4:])
	if diff := cmp.Diff([]seen{get("/a", "1")}, b.got); diff != "" {
		t.Error(diff)
	}
}

func TestBufferLimit(t *testing.T) {
	b := newBench(t, Limits{Buffered: 1 << 20})
	for n := range 40 {
		c := newConn(n).open().request(getA)
		b.feed(t, c.response("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 100_000)).frames)
		if b.table.pool.used > 1<<20 {
			t.Fatalf("%d bytes are held", b.table.pool.used)
		}
	}
	if len(b.got) < 29 {
		t.Errorf("%d exchanges were handed on", len(b.got))
	}
	for _, x := range b.got {
		if x.Cut != "response " || len(x.Response) != 100_000 {
			t.Fatalf("%d bytes, cut %q", len(x.Response), x.Cut)
		}
	}
	b.table.close()
	if b.table.pool.used != 0 || len(b.got) != 40 {
		t.Errorf("at the end %d bytes are held, %d exchanges", b.table.pool.used, len(b.got))
	}
}

func TestUnansweredLimit(t *testing.T) {
	b := newBench(t, Limits{Unanswered: 5})
	c := newConn(1).open()
	for range 20 {
		c.request(getA)
	}
	b.feed(t, c.frames)
	if len(b.got) != 15 {
		t.Errorf("%d requests were given up, want 15", len(b.got))
	}
}

// TestRelief fills the buffer with bodies of all kinds: each is handed on once,
// as far as it came, and every connection goes on.
func TestRelief(t *testing.T) {
	const limit = 1 << 20
	b := newBench(t, Limits{Buffered: limit})
	part := strings.Repeat("x", 100_000)
	feed := func(c *conn) {
		b.feed(t, c.frames)
		c.frames = nil
		if b.table.pool.used > limit {
			t.Fatalf("%d bytes are held", b.table.pool.used)
		}
	}
	var conns []*conn
	var talks []*talk
	var chats []*chat
	for n := range 10 {
		download := newConn(100 + n).open().request(getA).response("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + part)
		upload := newConn(200 + n).open().request("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + part)
		conns = append(conns, download, upload)
		g := newTalk(t, newConn(300+n).open()).hello().get(1, "/two").headers(server, 1, false, ":status: 200").data(server, 1, false, part)
		talks = append(talks, g)
		c := newChat(t, "")
		c.conn = newConn(400 + n).open().request("GET /chat HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n")
		c.say(server, 0x01, part)
		chats = append(chats, c)
		for _, c := range []*conn{download, upload, g.conn, c.conn} {
			feed(c)
		}
	}
	for _, c := range conns {
		if c.seq[client]-1001 > 100_000 {
			feed(c.request(part).response(reply1).request(getB).response(reply2).close())
		} else {
			feed(c.response(part).request(getB).response(reply2).close())
		}
	}
	for n := range talks {
		feed(talks[n].data(server, 1, true, part).get(3, "/three").answer(3, "3").close())
		feed(chats[n].say(server, 0x80, part).say(server, 0x81, "next").close())
	}
	b.table.close()
	bodies := map[string]int{}
	for _, x := range b.got {
		bodies[fmt.Sprintf("%s %d %d %d%s", x.Target, x.Status, len(x.Request), len(x.Response), x.Cut)]++
	}
	for _, whole := range []string{"/b 200 0 1", "/three 200 0 1", "/chat 101 0 4"} {
		if n := bodies[whole]; n != 10 && n != 20 {
			t.Errorf("%s: %d times", whole, n)
		}
	}
	total := 0
	for _, x := range b.got {
		total += len(x.Request) + len(x.Response)
	}
	lost := b.cov.stats().Uninspected[BufferLimit]
	if want := int64(8_000_000); int64(total)+lost < want || int64(total)+lost > want+1000 || lost == 0 {
		t.Errorf("%d bytes were handed on, %d not: %v", total, lost, bodies)
	}
	if b.table.pool.used != 0 {
		t.Errorf("%d bytes are still held", b.table.pool.used)
	}
}

// TestWaitingLimit loses one segment and checks that the gap is given up when
// 64 wait behind it, although the peer acknowledges nothing.
func TestWaitingLimit(t *testing.T) {
	b := newBench(t, Limits{})
	c := newConn(1).open().request(getA)
	c.mss = 10
	c.response("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + strings.Repeat("y", 2000))
	frames := slices.DeleteFunc(c.frames[4:], func(f frame) bool { return f.side == client })
	b.feed(t, c.frames[:4])
	b.feed(t, frames[:10])
	b.feed(t, frames[11:11+64])
	if n := b.cov.stats().Uninspected[Gap]; n != 0 {
		t.Errorf("%d bytes are given up too early", n)
	}
	b.feed(t, frames[11+64:])
	if diff := cmp.Diff([]seen{{Method: "GET", Host: "h", Target: "/a", Status: 200, Response: strings.Repeat("y", 59), Cut: "response "}}, b.got); diff != "" {
		t.Error(diff)
	}
}

// TestHalfOpenFlood checks the memory of 100,000 half-open connections with
// three segments out of order each, and a good connection among them.
func TestHalfOpenFlood(t *testing.T) {
	b := newBench(t, Limits{})
	good := newConn(1).open().request(getA)
	b.feed(t, good.frames)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 100_000 {
		c := newConn(n)
		c.ends[client] = newConn(2 + n).ends[client]
		c.packet(client, nil, flags{syn: true, noAck: true})
		for range 3 {
			c.seq[client] += 1000
			c.packet(client, []byte("out of order"), flags{})
		}
		b.feed(t, c.frames)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc-before.HeapAlloc) >> 20
	t.Logf("%d connections, %d MiB", len(b.table.flows), grown)
	if grown > 128 {
		t.Errorf("the flood takes %d MiB", grown)
	}
	b.feed(t, good.response(reply1).frames[4:])
	if diff := cmp.Diff([]seen{get("/a", "1")}, b.got); diff != "" {
		t.Error(diff)
	}
}

// TestUpgradedFlood opens many connections of HTTP/2 and WebSocket: what each
// takes is counted, so that the buffer's limit bounds them.
func TestUpgradedFlood(t *testing.T) {
	const conns = 20_000
	for name, start := range map[string]func(*conn){
		"HTTP/2": func(c *conn) { newTalk(t, c).hello().get(1, "/"+strings.Repeat("x", 500)) },
		"WebSocket": func(c *conn) {
			c.request("GET /" + strings.Repeat("x", 500) + " HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n")
		},
	} {
		b := newBench(t, Limits{Buffered: 16 << 20})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for n := range conns {
			c := newConn(n).open()
			start(c)
			b.feed(t, c.frames)
			if used := b.table.pool.used; used > 16<<20 {
				t.Fatalf("%s: %d bytes are held", name, used)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.got = nil
		grown := int64(after.HeapAlloc-before.HeapAlloc) >> 20
		t.Logf("%s: %d connections, %d MiB", name, len(b.table.flows), grown)
		if grown > 64 || len(b.table.flows) == 0 {
			t.Errorf("%s: %d connections take %d MiB", name, len(b.table.flows), grown)
		}
		b.table.close()
		if b.table.pool.used != 0 {
			t.Errorf("%s: %d bytes are held at the end", name, b.table.pool.used)
		}
	}
}

// TestEveryByteIsCounted mixes everything and compares the counters with what
// was sent.
func TestEveryByteIsCounted(t *testing.T) {
	for seed := range uint64(20) {
		rng := newRand(seed)
		var frames []frame
		sent := 0
		for n := range 20 {
			c := newConn(n).open()
			for range 5 {
				test := streamTests[rng.IntN(len(streamTests))]
				c.send(rng.IntN(2), []byte(test.stream))
			}
			c.close()
			for _, f := range c.frames {
				sent += f.payload
			}
			frames = append(frames, repeat(rng, reorder(rng, c.frames, 0.1), 0.1)...)
		}
		_, stats := replay(t, frames)
		if stats.sum() != int64(sent) {
			t.Errorf("seed %d: %d bytes are counted of %d: %v", seed, stats.sum(), sent, stats)
		}
	}
}

// TestHandlerBytes checks that what the handler is given holds all the headers.
func TestHandlerBytes(t *testing.T) {
	c := newConn(1).open().request("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\n\r\n")
	c.response("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Token: t\r\n\r\n")
	f, err := NewFileReader("x", Config{}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	var got []string
	must(t, f.Run(context.Background(), bytes.NewReader(pcapFile(t, c.frames)), func(x *classify.Exchange) {
		for _, h := range slices.Concat(x.Request.Headers, x.Response.Headers) {
			got = append(got, fmt.Sprintf("%s: %s", h.Name, h.Value))
		}
	}))
	want := []string{"Host: h", "Authorization: Bearer x", "Set-Cookie: a=b", "Transfer-Encoding: chunked", "X-Token: t"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// reasonsOf returns a handler that notes the body of each response and what is
// odd about it.
func reasonsOf(reasons *[]string) func(*classify.Exchange) {
	return func(x *classify.Exchange) {
		*reasons = append(*reasons, string(x.Response.Body)+x.Response.Reason)
	}
}

// TestContinue waits for 100 Continue before the body, and does without.
func TestContinue(t *testing.T) {
	head := "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
	c := newConn(1).open().request(head).response("HTTP/1.1 100 Continue\r\n\r\n").request("body").response(reply1)
	c.request(head).response("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n").request("body").request(getB).response(reply2).close()
	got, _ := replay(t, c.frames)
	want := []seen{
		{Method: "PUT", Host: "h", Target: "/a", Status: 200, Request: "body", Response: "1"},
		{Method: "PUT", Host: "h", Target: "/a", Status: 417, Request: "body"},
		get("/b", "2"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestConflicts checks that contradicting headers are told.
func TestConflicts(t *testing.T) {
	const chunk = "1\r\na\r\n0\r\n\r\n"
	for _, test := range []struct {
		name, head, body, reason string
		conflicts                int64
	}{
		{"length and coding", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunk, "framing-conflict", 1},
		{"lengths", "Content-Length: 1\r\nContent-Length: 2\r\n", "a", "framing-conflict", 1},
		{"same lengths", "Content-Length: 1\r\nContent-Length: 1\r\n", "a", "", 0},
		{"coding", "Transfer-Encoding: chunked\r\n", chunk, "", 0},
	} {
		b := newBench(t, Limits{})
		var reasons []string
		b.table.handle = reasonsOf(&reasons)
		c := newConn(1).open().request(getA).response("HTTP/1.1 200 OK\r\n" + test.head + "\r\n" + test.body).request(getB).response(reply2)
		b.feed(t, c.close().frames)
		if diff := cmp.Diff([]string{"a" + test.reason, "2"}, reasons); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if n := b.cov.stats().Conflicts; n != test.conflicts {
			t.Errorf("%s: %d conflicts are counted", test.name, n)
		}
	}
}
