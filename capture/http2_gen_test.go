package capture

import (
	"bytes"
	"strings"
	"testing"

	h2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// talk generates an HTTP/2 connection with the framer and the encoder of
// golang.org/x/net, which share no code with the parser.
type talk struct {
	tb testing.TB
	*conn
	encoders [2]*hpack.Encoder
	blocks   [2]*bytes.Buffer
	// fragment is how many bytes of a header block go into one frame, 0 for all.
	fragment int
	// frame is how many bytes of a body go into one DATA frame; pad is its
	// padding.
	frame, pad int
}

func newTalk(tb testing.TB, c *conn) *talk {
	tb.Helper()
	g := &talk{tb: tb, conn: c, frame: 16384}
	for side := range g.encoders {
		g.blocks[side] = new(bytes.Buffer)
		g.encoders[side] = hpack.NewEncoder(g.blocks[side])
	}
	return g
}

// write sends what f writes with a framer.
func (g *talk) write(side int, f func(*h2.Framer) error) *talk {
	g.tb.Helper()
	var buf bytes.Buffer
	framer := h2.NewFramer(&buf, nil)
	framer.AllowIllegalWrites = true
	must(g.tb, f(framer))
	g.send(side, buf.Bytes())
	return g
}

// hello sends the preface and both SETTINGS.
func (g *talk) hello() *talk {
	g.tb.Helper()
	g.send(client, []byte(h2.ClientPreface))
	for _, side := range []int{client, server} {
		g.write(side, func(f *h2.Framer) error { return f.WriteSettings(h2.Setting{ID: h2.SettingMaxFrameSize, Val: 1 << 20}) })
	}
	return g.write(client, (*h2.Framer).WriteSettingsAck)
}

// encode encodes fields, written "name: value".
func (g *talk) encode(side int, fields []string) []byte {
	g.tb.Helper()
	g.blocks[side].Reset()
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		must(g.tb, g.encoders[side].WriteField(hpack.HeaderField{Name: name, Value: value}))
	}
	return bytes.Clone(g.blocks[side].Bytes())
}

func (g *talk) headers(side int, stream uint32, end bool, fields ...string) *talk {
	g.tb.Helper()
	block := g.encode(side, fields)
	first, rest := g.split(block)
	g.write(side, func(f *h2.Framer) error {
		return f.WriteHeaders(h2.HeadersFrameParam{
			StreamID: stream, BlockFragment: first, EndStream: end, EndHeaders: len(rest) == 0, PadLength: uint8(g.pad),
			Priority: h2.PriorityParam{Weight: uint8(g.pad)},
		})
	})
	return g.continuations(side, stream, rest)
}

func (g *talk) split(block []byte) (first, rest []byte) {
	if g.fragment == 0 || len(block) <= g.fragment {
		return block, nil
	}
	return block[:g.fragment], block[g.fragment:]
}

func (g *talk) continuations(side int, stream uint32, block []byte) *talk {
	g.tb.Helper()
	for len(block) > 0 {
		first, rest := g.split(block)
		g.write(side, func(f *h2.Framer) error { return f.WriteContinuation(stream, len(rest) == 0, first) })
		block = rest
	}
	return g
}

func (g *talk) get(stream uint32, path string) *talk {
	g.tb.Helper()
	return g.headers(client, stream, true, ":method: GET", ":scheme: http", ":path: "+path, ":authority: h", "user-agent: test", "authorization: Bearer "+path)
}

func (g *talk) data(side int, stream uint32, end bool, body string) *talk {
	g.tb.Helper()
	for first := true; first || len(body) > 0; first = false {
		n := min(len(body), g.frame)
		g.write(side, func(f *h2.Framer) error {
			if g.pad == 0 {
				return f.WriteData(stream, end && n == len(body), []byte(body[:n]))
			}
			return f.WriteDataPadded(stream, end && n == len(body), []byte(body[:n]), make([]byte, g.pad))
		})
		body = body[n:]
	}
	return g
}

func (g *talk) answer(stream uint32, body string) *talk {
	g.tb.Helper()
	return g.headers(server, stream, false, ":status: 200", "content-type: application/json", "server: test").data(server, stream, true, body)
}
