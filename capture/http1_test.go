package capture

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

// newTestCoverage returns counters outside of any registry.
func newTestCoverage(tb testing.TB) *coverage {
	tb.Helper()
	cov, err := newCoverage(nil, classify.SourcePcap)
	must(tb, err)
	return cov
}

// collector is a receiver that writes down what it is given.
type collector struct {
	// method is that of the request which every response answers; empty if no
	// request was seen.
	method string
	got    []string
}

func (c *collector) begin(m *message) {
	if m.isResponse() && c.method != "" {
		m.peer = &message{startLine: startLine{method: []byte(c.method)}}
	}
}

func (c *collector) exchange(request, response *message) {
	for _, m := range []*message{request, response} {
		if m != nil {
			c.end(m)
		}
	}
}

func (c *collector) handOn(request, response *message) { c.exchange(request, response) }

func (c *collector) end(m *message) {
	var line strings.Builder
	if m.isResponse() {
		fmt.Fprintf(&line, "%d", m.status)
	} else {
		fmt.Fprintf(&line, "%s %s", m.method, m.target)
	}
	for _, h := range m.headers {
		fmt.Fprintf(&line, " %s=%s", h.Name, h.Value)
	}
	fmt.Fprintf(&line, " | %s", m.body.join(new([]byte)))
	if m.truncated() {
		line.WriteString(" | truncated")
	}
	c.got = append(c.got, line.String())
}

var streamTests = []struct {
	name   string
	method string // of the answered request
	stream string
	open   bool // no FIN at the end
	want   []string
	// skipped is the uninspected bytes.
	skipped map[Reason]int64
}{
	{
		name:   "keep-alive requests",
		stream: "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcDELETE /c HTTP/1.0\r\n\r\n",
		want:   []string{"GET /a Host=x | ", "POST /b Host=x Content-Length=3 | abc", "DELETE /c | "},
	},
	{
		name: "a method that is called PROXY", stream: "PROXY /a HTTP/1.1\r\n\r\n",
		want: []string{"PROXY /a | "},
	},
	{
		name: "unknown methods", stream: "PURGE /a HTTP/1.1\r\n\r\nM-SEARCH * HTTP/1.1\r\n\r\nx /b HTTP/1.1\r\n\r\n",
		want: []string{"PURGE /a | ", "M-SEARCH * | ", "x /b | "},
	},
	{
		name: "content length", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n",
		want: []string{"200 Content-Length=5 | hello", "404 content-length=0 | "},
	},
	{
		name: "lower case and no reason", method: "GET", stream: "http/1.1 200\r\nContent-Length: 2\r\n\r\nhi",
		want: []string{"200 Content-Length=2 | hi"},
	},
	{
		name: "bare line feeds", method: "GET", stream: "HTTP/1.1 200 OK\nA: 1\nContent-Length: 2\n\nhi",
		want: []string{"200 A=1 Content-Length=2 | hi"},
	},
	{
		name: "folded field", method: "GET", stream: "HTTP/1.1 204 No\r\nA: 1,\r\n\t 2\r\n  3\r\nB: x\r\n\r\n",
		want: []string{"204 A=1,  \t 2    3 B=x | "},
	},
	{
		name: "blank lines before a message", method: "GET", stream: "\r\n\nHTTP/1.1 204 No\r\n\r\n\r\nHTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n",
		want: []string{"204 | ", "304 Content-Length=99 | "},
	},
	{
		name: "no body to HEAD", method: "HEAD", stream: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		want: []string{"200 Content-Length=99 | ", "200 Transfer-Encoding=chunked | "},
	},
	{
		name: "interim responses", method: "POST", stream: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nz",
		want:    []string{"201 Content-Length=1 | z"},
		skipped: map[Reason]int64{Interim: 25 + 37},
	},
	{
		name: "chunked", method: "GET", stream: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00A;x=\"y;\"\r\n, my world\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
		want: []string{"200 Transfer-Encoding=Chunked | hello, my world", "204 | "},
	},
	{
		name: "chunked with trailers and bare line feeds", method: "GET", stream: "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n3\nabc\n0 \nX-Sum: 1\nX-Key: 2\n\nHTTP/1.1 204 No\r\n\r\n",
		want: []string{"200 Transfer-Encoding=gzip, chunked X-Sum=1 X-Key=2 | abc", "204 | "},
	},
	{
		name: "chunked beats length", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		want: []string{"200 Content-Length=100 Transfer-Encoding=chunked | a"},
	},
	{
		name: "broken chunk", method: "GET", stream: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX",
		want:    []string{"200 Transfer-Encoding=chunked | abc | truncated"},
		skipped: map[Reason]int64{Malformed: 1},
	},
	{
		name: "chunk size too long", method: "GET", stream: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1234567890abcdef",
		want:    []string{"200 Transfer-Encoding=chunked |  | truncated"},
		skipped: map[Reason]int64{Malformed: 1},
	},
	{
		name: "until close", method: "GET", stream: "HTTP/1.0 200 OK\r\n\r\nall of it",
		want: []string{"200 | all of it"},
	},
	{
		name: "until close, but no close", method: "GET", stream: "HTTP/1.0 200 OK\r\n\r\nsome of it", open: true,
		want: []string{"200 | some of it | truncated"},
	},
	{
		name: "cut short", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		want: []string{"200 Content-Length=9 | hello | truncated"},
	},
	{
		name: "repeated length", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nhi",
		want: []string{"200 Content-Length=2, 2 Content-Length=2 | hi"},
	},
	{
		name: "contradicting lengths", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
		want:    []string{"200 Content-Length=2 Content-Length=3 | hi | truncated"},
		skipped: map[Reason]int64{MidMessage: 1},
	},
	{
		name: "contradicting lengths, the shorter is right", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Length: 30, 2\r\n\r\nhiHTTP/1.1 204 No\r\n\r\n",
		want: []string{"200 Content-Length=30, 2 | hi | truncated", "204 | "},
	},
	{
		name: "two transfer codings", method: "GET", stream: "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		want: []string{"200 Transfer-Encoding=identity Transfer-Encoding=chunked | a"},
	},
	{
		name: "keep-alive of HTTP/1.0", method: "GET", stream: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\naHTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nb",
		want: []string{"200 Connection=keep-alive Content-Length=1 | a", "200 Content-Length=1 | b"},
	},
	{
		name: "range", method: "GET", stream: "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncdeHTTP/1.1 204 No\r\n\r\n",
		want: []string{"206 Content-Range=bytes 2-4/9 Content-Length=3 | cde", "204 | "},
	},
	{
		name: "multipart", stream: "POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 63\r\n\r\n--b\r\nContent-Disposition: form-data; name=a\r\n\r\nGET / HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n",
		want: []string{"POST / Content-Type=multipart/form-data; boundary=b Content-Length=63 | --b\r\nContent-Disposition: form-data; name=a\r\n\r\nGET / HTTP/1.1\r\n", "GET /c | "},
	},
	{
		name: "negative length", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		want: []string{"200 Content-Length=-1 |  | truncated"},
	},
	{
		name: "transfer coding that ends nowhere in a request", stream: "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
		want:    []string{"POST / Transfer-Encoding=gzip |  | truncated"},
		skipped: map[Reason]int64{Malformed: 3},
	},
	{
		name: "field without colon", method: "GET", stream: "HTTP/1.1 204 No\r\nnonsense\r\nA : 1\r\n\r\n",
		want: []string{"204 =nonsense A=1 | "},
	},
	{
		name: "websocket", method: "GET", stream: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n\x81\x02hi",
		want: []string{"101 Upgrade=WebSocket | ", "GET  | ", "101 | hi"},
	},
	{
		name: "upgrade to HTTP/2", method: "GET", stream: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n12345",
	},
	{
		name: "tunnel", method: "CONNECT", stream: "HTTP/1.1 200 Connected\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		want:    []string{"200 | "},
		skipped: map[Reason]int64{Tunnel: 19},
	},
	{
		name: "tunnel refused", method: "CONNECT", stream: "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
		want: []string{"403 Content-Length=2 | no"},
	},
	{
		name: "head cut short", method: "GET", stream: "HTTP/1.1 200 OK\r\nContent-Le",
		skipped: map[Reason]int64{UnknownProtocol: 27},
	},
	{
		name: "HTTP/2 preface", stream: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxx",
	},
	{
		name: "nearly HTTP/2", stream: "PRI * HTTP/2.0\r\n\r\nSM!\r\n\r\n",
		skipped: map[Reason]int64{MidMessage: 5},
	},
	{
		name: "another protocol", stream: "EHLO example.org\r\nMAIL FROM:<a@b>\r\n",
		skipped: map[Reason]int64{UnknownProtocol: 35},
	},
	{
		name: "nearly HTTP", stream: "GET /x HTTP/3.1\r\nA: b\r\n\r\n",
		skipped: map[Reason]int64{UnknownProtocol: 25},
	},
}

// parse feeds the pieces of a stream, each its own segment, and returns the
// messages and the uninspected bytes.
func parse(tb testing.TB, method string, closed bool, pieces ...string) ([]string, map[Reason]int64) {
	tb.Helper()
	out := &collector{method: method}
	cov := newTestCoverage(tb)
	p := &parser{resources: &resources{limits: Limits{}.withDefaults(), cov: cov}, out: out, pairs: out, state: inHead}
	for i, piece := range pieces {
		p.feed([]byte(piece), mark{time: time.Unix(0, 0), frame: int64(i)})
	}
	p.close(closed)
	skipped := map[Reason]int64{}
	for why, n := range cov.stats().Uninspected {
		if n != 0 {
			skipped[why] = n
		}
	}
	return out.got, skipped
}

func TestStreams(t *testing.T) {
	for _, test := range streamTests {
		t.Run(test.name, func(t *testing.T) {
			if test.skipped == nil {
				test.skipped = map[Reason]int64{}
			}
			compare := func(how string, pieces ...string) {
				t.Helper()
				got, skipped := parse(t, test.method, !test.open, pieces...)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Fatalf("%s: messages (-want +got):\n%s", how, diff)
				}
				if diff := cmp.Diff(test.skipped, skipped); diff != "" {
					t.Fatalf("%s: uninspected (-want +got):\n%s", how, diff)
				}
			}
			compare("whole", test.stream)
			compare("byte by byte", strings.Split(test.stream, "")...)
			for i := range test.stream {
				compare(fmt.Sprintf("cut at %d", i), test.stream[:i], test.stream[i:])
			}
		})
	}
}

func TestHeadLimits(t *testing.T) {
	long := "GET /" + strings.Repeat("a", 300<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	many := "GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 1001) + "\r\n"
	for name, stream := range map[string]string{"long target": long, "many fields": many} {
		t.Run(name, func(t *testing.T) {
			next := "GET /next HTTP/1.1\r\n\r\n"
			got, skipped := parse(t, "", true, stream, next)
			if diff := cmp.Diff([]string{"GET /next | "}, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[Reason]int64{HeaderLimit: int64(len(stream))}, skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTrailerLimit(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
	got, skipped := parse(t, "GET", true, head, "X: "+strings.Repeat("y", 300<<10), "HTTP/1.1 204 No\r\n\r\n")
	want := []string{"200 Transfer-Encoding=chunked | a | truncated", "204 | "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if skipped[HeaderLimit] != 300<<10+3 {
		t.Errorf("uninspected: %v", skipped)
	}
}

func TestBodyLimit(t *testing.T) {
	body := strings.Repeat("x", 9<<20)
	stream := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%sHTTP/1.1 204 No\r\n\r\n", len(body), body)
	got, skipped := parse(t, "GET", true, stream)
	want := []string{fmt.Sprintf("200 Content-Length=%d | %s | truncated", len(body), body[:8<<20]), "204 | "}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%d messages, the first of %d bytes", len(got), len(got[0]))
	}
	if diff := cmp.Diff(map[Reason]int64{BodyLimit: 1 << 20}, skipped); diff != "" {
		t.Error(diff)
	}
}

// TestGaps leaves out every range of bytes in turn: what is presented as whole
// has to be right, and once a segment starts a message, all is well again.
func TestGaps(t *testing.T) {
	first := "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
	second := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"
	third := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthird"
	right := map[string]bool{
		"200 Content-Length=10 | 0123456789":      true,
		"200 Transfer-Encoding=chunked | abcdefg": true,
		"200 Content-Length=5 | third":            true,
	}
	stream := first + second
	for from := range stream {
		for to := from + 1; to <= len(stream); to++ {
			out := &collector{method: "GET"}
			p := &parser{
				resources: &resources{limits: Limits{}.withDefaults(), cov: newTestCoverage(t)},
				out:       out, state: inHead,
			}
			p.feed([]byte(stream[:from]), mark{})
			p.gap(int64(to-from), Gap)
			p.feed([]byte(stream[to:]), mark{})
			p.feed([]byte(third), mark{})
			p.close(true)
			for _, got := range out.got {
				if !right[got] && !strings.HasSuffix(got, "truncated") {
					t.Fatalf("gap [%d,%d): presented as whole: %s", from, to, got)
				}
			}
			if last := out.got[len(out.got)-1]; last != "200 Content-Length=5 | third" {
				t.Fatalf("gap [%d,%d): not synchronized again: %q", from, to, out.got)
			}
		}
	}
}

// TestGapInBody checks that a gap inside of a sized body keeps the framing and
// that nothing is joined over it.
func TestGapInBody(t *testing.T) {
	out := &collector{method: "GET"}
	cov := newTestCoverage(t)
	p := &parser{resources: &resources{limits: Limits{}.withDefaults(), cov: cov}, out: out, pairs: out, state: inHead}
	p.feed([]byte("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012"), mark{})
	p.gap(4, Gap)
	p.feed([]byte("789HTTP/1.1 204 No\r\n\r\n"), mark{})
	if diff := cmp.Diff([]string{"200 Content-Length=10 | 012 | truncated", "204 | "}, out.got); diff != "" {
		t.Error(diff)
	}
	if n := cov.stats().Uninspected[Gap]; n != 3 {
		t.Errorf("%d bytes behind the gap are counted, want 3", n)
	}
}

func FuzzStream(f *testing.F) {
	for _, test := range streamTests {
		f.Add([]byte(test.stream), uint8(7), test.method)
	}
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8, method string) {
		var pieces []string
		for rest := stream; len(rest) > 0; {
			n := min(int(cut)+1, len(rest))
			pieces = append(pieces, string(rest[:n]))
			rest = rest[n:]
		}
		parse(t, method, true, pieces...)
	})
}
