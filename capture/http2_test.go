package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/leaktap/leaktap/classify"
)

func got2(target, body string) seen {
	return seen{Method: "GET", Host: "h", Target: target, Status: 200, Response: body}
}

// http2Tests are connections with what is in them.
func http2Tests(tb testing.TB) map[string]struct {
	g    *talk
	want []seen
} {
	tb.Helper()
	long := strings.Repeat("0123456789", 5000)
	fresh := func() *talk { return newTalk(tb, newConn(1).open()).hello() }
	padded := fresh()
	padded.pad, padded.frame = 7, 100
	split := fresh()
	split.fragment = 3
	upgraded := newTalk(tb, newConn(1).open().
		request("GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n").
		response("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"))
	serverFirst := newTalk(tb, newConn(1).open())
	serverFirst.write(server, func(f *h2.Framer) error { return f.WriteSettings(h2.Setting{ID: h2.SettingMaxFrameSize, Val: 1 << 20}) })
	type test = struct {
		g    *talk
		want []seen
	}
	return map[string]test{
		"one":     {fresh().get(1, "/a").answer(1, "x"), []seen{got2("/a", "x")}},
		"several": {fresh().get(1, "/a").answer(1, long).get(3, "/b").answer(3, "y").get(5, "/c").answer(5, ""), []seen{got2("/a", long), got2("/b", "y"), got2("/c", "")}},
		"interleaved": {
			fresh().get(1, "/a").get(3, "/b").headers(server, 3, false, ":status: 200").headers(server, 1, false, ":status: 404").
				data(server, 1, false, "a1").data(server, 3, false, "b1").data(server, 1, true, "a2").data(server, 3, true, "b2"),
			[]seen{{Method: "GET", Host: "h", Target: "/a", Status: 404, Response: "a1a2"}, got2("/b", "b1b2")},
		},
		"padded":        {padded.get(1, "/a").answer(1, long), []seen{got2("/a", long)}},
		"continuations": {split.get(1, "/a").answer(1, "x").get(3, "/b").answer(3, "y"), []seen{got2("/a", "x"), got2("/b", "y")}},
		"request body and trailers": {
			fresh().headers(client, 1, false, ":method: POST", ":path: /a", ":authority: h").data(client, 1, true, "question").
				headers(server, 1, false, ":status: 200").data(server, 1, false, "answer").headers(server, 1, true, "grpc-status: 0"),
			[]seen{{Method: "POST", Host: "h", Target: "/a", Status: 200, Request: "question", Response: "answer"}},
		},
		"interim": {fresh().get(1, "/a").headers(server, 1, false, ":status: 103", "link: x").answer(1, "x"), []seen{got2("/a", "x")}},
		"HEAD": {
			fresh().headers(client, 1, true, ":method: HEAD", ":path: /a", ":authority: h").headers(server, 1, true, ":status: 200", "content-length: 99"),
			[]seen{{Method: "HEAD", Host: "h", Target: "/a", Status: 200}},
		},
		"answered early": {
			fresh().headers(client, 1, false, ":method: POST", ":path: /a", ":authority: h").data(client, 1, false, "part").answer(1, "no").
				write(server, func(f *h2.Framer) error { return f.WriteRSTStream(1, h2.ErrCodeNo) }),
			[]seen{{Method: "POST", Host: "h", Target: "/a", Status: 200, Request: "part", Response: "no", Cut: "request "}},
		},
		"reset": {
			fresh().get(1, "/a").headers(server, 1, false, ":status: 200").data(server, 1, false, "pa").
				write(client, func(f *h2.Framer) error { return f.WriteRSTStream(1, h2.ErrCodeCancel) }).get(3, "/b").answer(3, "y"),
			[]seen{{Method: "GET", Host: "h", Target: "/a", Status: 200, Response: "pa", Cut: "response "}, got2("/b", "y")},
		},
		"reset unanswered": {
			fresh().get(1, "/a").write(server, func(f *h2.Framer) error { return f.WriteRSTStream(1, h2.ErrCodeRefusedStream) }),
			[]seen{get("/a", "")},
		},
		"gone away": {
			fresh().get(1, "/a").get(3, "/b").write(server, func(f *h2.Framer) error { return f.WriteGoAway(1, h2.ErrCodeNo, nil) }).answer(1, "x"),
			[]seen{got2("/a", "x"), get("/b", "")},
		},
		"other frames": {
			fresh().write(client, func(f *h2.Framer) error { return f.WritePing(false, [8]byte{1}) }).
				write(client, func(f *h2.Framer) error { return f.WriteWindowUpdate(0, 100) }).
				write(client, func(f *h2.Framer) error { return f.WritePriority(1, h2.PriorityParam{}) }).get(1, "/a").answer(1, "x"),
			[]seen{got2("/a", "x")},
		},
		"pushed": {pushed(fresh().get(1, "/a")).answer(1, "x").answer(2, "style").get(3, "/b").answer(3, "y"), []seen{got2("/a", "x"), got2("/style", "style"), got2("/b", "y")}},
		"coded": {
			fresh().get(1, "/a").headers(server, 1, false, ":status: 200", "content-encoding: gzip").data(server, 1, true, string(gzipped(tb, []byte(long)))),
			[]seen{got2("/a", long)},
		},
		"upgraded": {
			upgraded.write(server, func(f *h2.Framer) error { return f.WriteSettings() }).answer(1, "x").hello().get(3, "/b").answer(3, "y"),
			[]seen{{Method: "GET", Host: "h", Target: "/up", Status: 200, Response: "x"}, got2("/b", "y")},
		},
		"server first": {serverFirst.hello().get(1, "/a").answer(1, "x"), []seen{got2("/a", "x")}},
		"cut off": {fresh().get(1, "/a").headers(server, 1, false, ":status: 200").data(server, 1, false, "pa"), []seen{{
			Method: "GET", Host: "h", Target: "/a", Status: 200, Response: "pa", Cut: "response ",
		}}},
		"smaller table": {smaller(fresh()).get(1, "/a").answer(1, "x").get(3, "/b").answer(3, "y"), []seen{got2("/a", "x"), got2("/b", "y")}},
	}
}

// pushed promises stream 2 on stream 1.
func pushed(g *talk) *talk {
	block := g.encode(server, []string{":method: GET", ":path: /style", ":authority: h"})
	return g.write(server, func(f *h2.Framer) error {
		return f.WritePushPromise(h2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: block, EndHeaders: true})
	})
}

// smaller changes the sizes of the tables.
func smaller(g *talk) *talk {
	g.encoders[client].SetMaxDynamicTableSize(64)
	g.encoders[server].SetMaxDynamicTableSize(0)
	return g
}

func sorted(all []seen) []seen {
	slices.SortFunc(all, compareSeen)
	return all
}

// TestHTTP2 reads each connection in frames, byte by byte and in one segment.
func TestHTTP2(t *testing.T) {
	for name, test := range http2Tests(t) {
		t.Run(name, func(t *testing.T) {
			for _, mss := range []int{0, 1, 11} {
				frames := test.g.close().frames
				if mss > 0 {
					frames = segmented(frames, mss)
				}
				got, stats := replay(t, frames)
				if diff := cmp.Diff(sorted(test.want), sorted(got)); diff != "" {
					t.Errorf("segments of %d: %s", mss, diff)
				}
				sent := 0
				for _, f := range test.g.frames {
					sent += f.payload
				}
				if stats.sum() != int64(sent) {
					t.Errorf("segments of %d: %d bytes are counted of %d: %v", mss, stats.sum(), sent, stats)
				}
				for why, n := range stats.Uninspected {
					if goneAway := why == HTTP2 && name == "gone away"; n != 0 && why != Interim && !goneAway {
						t.Errorf("segments of %d: %d bytes %v", mss, n, why)
					}
				}
				test.g.frames = test.g.frames[:len(test.g.frames)-4]
				test.g.seq[0]--
				test.g.seq[1]--
			}
		})
	}
}

// segmented sends each segment as several; the server's come at once, so that
// its settings are told from noise.
func segmented(frames []frame, mss int) []frame {
	var all []frame
	for _, f := range frames {
		head := len(f.bytes) - f.payload
		if f.payload <= mss || bytes.Contains(f.bytes[head:], []byte{0, 0, 6, 4, 0, 0, 0, 0, 0}) {
			all = append(all, f)
			continue
		}
		for at := head; at < len(f.bytes); at += mss {
			b := append(slices.Clone(f.bytes[:head]), f.bytes[at:min(at+mss, len(f.bytes))]...)
			binary.BigEndian.PutUint16(b[16:], uint16(len(b)-14))
			binary.BigEndian.PutUint32(b[38:], binary.BigEndian.Uint32(b[38:])+uint32(at-head))
			all = append(all, frame{b, len(b) - head, f.side})
		}
	}
	return all
}

// TestHTTP2Headers checks names, values and trailers.
func TestHTTP2Headers(t *testing.T) {
	g := newTalk(t, newConn(1).open()).hello()
	for stream := uint32(1); stream < 6; stream += 2 { // the table fills
		g.get(stream, "/a").headers(server, stream, false, ":status: 200", "set-cookie: a=b").
			data(server, stream, false, "x").headers(server, stream, true, "x-trailer: t")
	}
	want := []string{"user-agent: test", "authorization: Bearer /a", "set-cookie: a=b", "x-trailer: t"}
	var got []string
	f, err := NewFileReader("x", Config{}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	must(t, f.Run(context.Background(), bytes.NewReader(pcapFile(t, g.frames)), func(x *classify.Exchange) {
		for _, h := range slices.Concat(x.Request.Headers, x.Response.Headers) {
			got = append(got, fmt.Sprintf("%s: %s", h.Name, h.Value))
		}
		if x.Response.Reason != "" {
			t.Errorf("reason %q", x.Response.Reason)
		}
	}))
	if diff := cmp.Diff(slices.Concat(want, want, want), got); diff != "" {
		t.Error(diff)
	}
}

// TestGRPC checks that messages keep the prefixes that package classify reads.
func TestGRPC(t *testing.T) {
	message := "\x00\x00\x00\x00\x05\x0a\x03abc"
	g := newTalk(t, newConn(1).open()).hello()
	g.headers(client, 1, false, ":method: POST", ":path: /pkg.Service/Get", ":authority: h", "content-type: application/grpc").data(client, 1, true, message)
	g.headers(server, 1, false, ":status: 200", "content-type: application/grpc").data(server, 1, false, message+message).headers(server, 1, true, "grpc-status: 0")
	got, _ := replay(t, g.close().frames)
	want := []seen{{Method: "POST", Host: "h", Target: "/pkg.Service/Get", Status: 200, Request: message, Response: message + message}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHTTP2Tunnel(t *testing.T) {
	g := newTalk(t, newConn(1).open()).hello()
	g.headers(client, 1, false, ":method: CONNECT", ":authority: h").headers(server, 1, false, ":status: 200")
	g.data(client, 1, true, "12345").data(server, 1, true, "678")
	g.headers(client, 3, false, ":method: CONNECT", ":authority: h").headers(server, 3, false, ":status: 403").data(server, 3, true, "no").data(client, 3, true, "")
	got, stats := replay(t, g.close().frames)
	want := []seen{{Method: "CONNECT", Host: "h", Status: 200}, {Method: "CONNECT", Host: "h", Status: 403, Response: "no"}}
	if diff := cmp.Diff(want, got); diff != "" || stats.Uninspected[Tunnel] != 8 {
		t.Errorf("%s %v", diff, stats)
	}
}

// TestHTTP2Midway joins a connection late: what the lost part of the table holds
// is unknown, and bodies are seen all the same.
func TestHTTP2Midway(t *testing.T) {
	g := newTalk(t, newConn(1).open()).hello().get(1, "/a").answer(1, "one")
	g.headers(server, 1, false, ":status: 200") // nonsense, before the start
	start := len(g.frames)
	g.data(server, 3, false, "tail of").data(server, 3, true, " three")
	g.get(5, "/a").answer(5, "five").get(7, "/new").answer(7, "seven").get(9, "/new").answer(9, "nine")
	got, stats := replay(t, g.close().frames[start:])
	want := []seen{
		{Response: "tail of three", Cut: "response "},
		{Method: "GET", Status: 200, Response: "five"}, // path and host stand in the table
		{Method: "GET", Target: "/new", Status: 200, Response: "seven"},
		{Method: "GET", Target: "/new", Status: 200, Response: "nine"},
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Error(diff)
	}
	if stats.Uninspected[HeaderTable] == 0 {
		t.Errorf("%v", stats)
	}
}

// TestHTTP2Loss loses every packet of a connection in turn: what is presented as
// whole has to be right, and nothing is guessed.
func TestHTTP2Loss(t *testing.T) {
	body := func(n int) string { return strings.Repeat(strconv.Itoa(n), 3000) }
	g := newTalk(t, newConn(1).open()).hello()
	g.frame = 1000
	truth := map[string]string{}
	for n := range 6 {
		path := fmt.Sprintf("/%d", n)
		truth[path] = body(n)
		g.get(uint32(2*n+1), path).answer(uint32(2*n+1), body(n))
	}
	g.close()
	recovered := 0
	for lost := 6; lost < len(g.frames)-4; lost++ {
		got, _ := replay(t, slices.Delete(slices.Clone(g.frames), lost, lost+1))
		for _, x := range got {
			want, known := truth[x.Target]
			if x.Target != "" && !known {
				t.Fatalf("without packet %d: invented %q", lost, x)
			}
			if x.Cut == "" && x.Status != 0 && x.Target != "" && x.Response != want {
				t.Fatalf("without packet %d: presented as whole: %.200v", lost, x)
			}
			if x.Cut == "" && x.Status == 200 && x.Response == body(5) {
				recovered++
			}
		}
	}
	if recovered < (len(g.frames)-10)*2/3 {
		t.Errorf("the last response was whole %d times of %d", recovered, len(g.frames)-10)
	}
}

func TestHTTP2StreamLimit(t *testing.T) {
	b := newBench(t, Limits{Streams: 10})
	g := newTalk(t, newConn(1).open()).hello()
	for n := range uint32(50) {
		g.get(2*n+1, "/a")
	}
	g.answer(1, "late")
	b.feed(t, g.frames)
	if len(b.got) != 40 {
		t.Errorf("%d exchanges, want 40", len(b.got))
	}
	if n := b.cov.stats().Uninspected[HTTP2]; n < 4 {
		t.Errorf("%d bytes are counted", n)
	}
	b.table.close()
	if b.table.pool.used != 0 || len(b.got) != 50 {
		t.Errorf("%d bytes are held, %d exchanges", b.table.pool.used, len(b.got))
	}
}

// TestHTTP2Floods sends header blocks without an end, and a small one that
// decodes to much.
func TestHTTP2Floods(t *testing.T) {
	flood := newTalk(t, newConn(1).open()).hello()
	flood.write(client, func(f *h2.Framer) error {
		return f.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
	})
	for range 100 {
		flood.write(client, func(f *h2.Framer) error { return f.WriteContinuation(1, false, make([]byte, 16000)) })
	}
	bomb := newTalk(t, newConn(2).open()).hello()
	var block bytes.Buffer
	must(t, hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 4000)}))
	block.Write(bytes.Repeat([]byte{0x80 | 62}, 100_000))
	bomb.write(client, func(f *h2.Framer) error {
		return f.WriteHeaders(h2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	})
	for name, g := range map[string]*talk{"continuations": flood, "table": bomb} {
		b := newBench(t, Limits{})
		b.feed(t, g.frames)
		if used := b.table.pool.used; used > 1<<20 {
			t.Errorf("%s: %d bytes are held", name, used)
		}
		if n := b.cov.stats().Uninspected[HeaderLimit]; n < 90_000 {
			t.Errorf("%s: %d bytes are counted as past the limit", name, n)
		}
		b.table.close()
		if b.table.pool.used != 0 {
			t.Errorf("%s: %d bytes are held at the end", name, b.table.pool.used)
		}
	}
}

func FuzzHTTP2(f *testing.F) {
	for _, test := range http2Tests(f) {
		var sides [2][]byte
		for _, p := range test.g.frames {
			sides[p.side] = append(sides[p.side], p.bytes[len(p.bytes)-p.payload:]...)
		}
		f.Add(sides[0], sides[1], uint8(40), uint16(0))
		f.Add(sides[0], sides[1], uint8(200), uint16(30))
	}
	f.Fuzz(func(t *testing.T, request, response []byte, cut uint8, lost uint16) {
		b := newBench(t, Limits{Head: 4096, Streams: 8, Body: 8192})
		c := newConn(1).open()
		b.exhaust(t, c, request, response, cut, lost)
	})
}

// exhaust sends the bytes of both sides in segments of cut+1 bytes, of which one may be lost,
// and checks that all bytes are counted and none is held at the end.
func (b *bench) exhaust(t *testing.T, c *conn, request, response []byte, cut uint8, lost uint16) {
	t.Helper()
	c.mss = int(cut) + 1
	c.send(client, request).send(server, response)
	sent := 0
	for _, p := range c.frames {
		sent += p.payload
	}
	if at := int(lost); at > 3 && at < len(c.frames) {
		c.frames = slices.Delete(c.frames, at, at+1)
	}
	b.feed(t, c.frames)
	b.table.close()
	if b.table.pool.used != 0 {
		t.Fatalf("%d bytes are held at the end", b.table.pool.used)
	}
	if sum := b.cov.stats().sum(); sum > int64(sent) || lost == 0 && sum != int64(sent) {
		t.Fatalf("%d bytes are counted of %d: %v", sum, sent, b.cov.stats())
	}
}
