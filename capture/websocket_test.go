package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/flate"
)

// chat generates a WebSocket connection.
type chat struct {
	tb testing.TB
	*conn
	// writers compress each direction when the extension is in use; without
	// takeover they start anew with each message.
	writers  [2]*flate.Writer
	outputs  [2]*bytes.Buffer
	takeover bool
}

const socketKey = "\x12\x34\x56\x78"

func newChat(tb testing.TB, extension string) *chat {
	tb.Helper()
	c := &chat{tb: tb, conn: newConn(1).open(), takeover: !strings.Contains(extension, "no_context")}
	c.request("GET /chat?x=1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	if extension != "" {
		head += "Sec-WebSocket-Extensions: " + extension + "\r\n"
	}
	c.response(head + "\r\n")
	for side := range c.writers {
		c.outputs[side] = new(bytes.Buffer)
		w, err := flate.NewWriter(c.outputs[side], 6)
		must(tb, err)
		c.writers[side] = w
	}
	return c
}

// frame returns a frame; flags are those of its first byte.
func (c *chat) frame(side int, first byte, payload string) []byte {
	b := []byte{first, 0}
	switch n := len(payload); {
	case n > 1<<16-1:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	case n > 125:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = byte(n)
	}
	if side == server {
		return append(b, payload...)
	}
	b[1] |= 0x80
	b = append(b, socketKey...)
	for i := range payload {
		b = append(b, payload[i]^socketKey[i%4])
	}
	return b
}

func (c *chat) say(side int, first byte, payload string) *chat {
	c.send(side, c.frame(side, first, payload))
	return c
}

// deflated compresses a message as RFC 7692 has it.
func (c *chat) deflated(side int, text string) string {
	c.tb.Helper()
	out, w := c.outputs[side], c.writers[side]
	out.Reset()
	if !c.takeover {
		w.Reset(out)
	}
	_, err := w.Write([]byte(text))
	must(c.tb, err)
	must(c.tb, w.Flush())
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

func (c *chat) pack(side int, first byte, text string) *chat {
	c.tb.Helper()
	return c.say(side, first|0x40, c.deflated(side, text))
}

func said(side int, text string) seen {
	s := seen{Method: "GET", Host: "h", Target: "/chat?x=1"}
	if side == client {
		s.Request = text
	} else {
		s.Status, s.Response = 101, text
	}
	return s
}

var upgradeSeen = seen{Method: "GET", Host: "h", Target: "/chat?x=1", Status: 101}

type chatTest struct {
	c    *chat
	want []seen
	// skipped is the uninspected bytes.
	skipped map[Reason]int64
}

func chatTests(tb testing.TB) map[string]chatTest {
	tb.Helper()
	long := strings.Repeat("0123456789", 10_000)
	const deflate, alone = "permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	plain := func() *chat { return newChat(tb, "") }
	packed := func(text string) *chat {
		c := newChat(tb, alone)
		b := c.deflated(server, text)
		return c.say(server, 0x41, b[:5]).say(server, 0x89, "ping").say(server, 0x80, b[5:])
	}
	binaryFirst := newChat(tb, deflate)
	binaryFirst.pack(server, 0x82, long)
	packedBinary := int64(binaryFirst.frames[len(binaryFirst.frames)-1].payload + 0)
	for _, f := range binaryFirst.frames {
		if f.side == server && f.payload > 0 {
			packedBinary = int64(f.payload) - 4 // the last one; its head has four bytes
		}
	}
	return map[string]chatTest{
		"texts":      {plain().say(client, 0x81, "hello").say(server, 0x81, "world").say(server, 0x81, "again"), []seen{said(client, "hello"), said(server, "world"), said(server, "again")}, nil},
		"lengths":    {plain().say(client, 0x81, long[:200]).say(server, 0x81, long).say(client, 0x81, long[:125]), []seen{said(client, long[:200]), said(server, long), said(client, long[:125])}, nil},
		"fragments":  {plain().say(client, 0x01, "he").say(client, 0x89, "").say(client, 0x00, "l").say(client, 0x80, "lo"), []seen{said(client, "hello")}, nil},
		"empty":      {plain().say(client, 0x81, "").say(server, 0x81, "x"), []seen{said(server, "x")}, nil},
		"binary":     {plain().say(server, 0x82, "12345").say(server, 0x81, "x").say(server, 2, "67").say(server, 0x80, "8"), []seen{said(server, "x")}, map[Reason]int64{WebSocketBinary: 8}},
		"control":    {plain().say(client, 0x89, "ping").say(server, 0x8a, "ping").say(client, 0x88, "\x03\xe8bye"), nil, map[Reason]int64{WebSocket: 13}},
		"compressed": {newChat(tb, alone).pack(client, 0x81, "hello").pack(client, 0x81, "hello").pack(server, 0x81, long), []seen{said(client, "hello"), said(client, "hello"), said(server, long)}, nil},
		"with context": {
			newChat(tb, deflate).pack(client, 0x81, "hello hello").pack(client, 0x81, "hello hello").pack(server, 0x81, long).pack(server, 0x81, long).say(server, 0x81, "plain"),
			[]seen{said(client, "hello hello"), said(client, "hello hello"), said(server, long), said(server, long), said(server, "plain")},
			nil,
		},
		"compressed fragments":            {packed(long), []seen{said(server, long)}, map[Reason]int64{WebSocket: 4}},
		"binary in the context":           {binaryFirst.pack(server, 0x81, long), []seen{said(server, long)}, map[Reason]int64{WebSocketBinary: packedBinary}},
		"compressed, but not agreed upon": {plain().say(server, 0xc1, "12345"), nil, map[Reason]int64{WebSocket: 7}},
		"not masked":                      {plain().send2(client, "\x81\x05hello"), nil, map[Reason]int64{WebSocket: 7}},
		"no compression at all":           {newChat(tb, deflate).say(server, 0xc1, "\xff\xff\xff"), []seen{}, map[Reason]int64{ContentCoding: 2}},
		"cut off":                         {plain().send2(server, "\x81\x05hel"), []seen{{Method: "GET", Host: "h", Target: "/chat?x=1", Status: 101, Response: "hel", Cut: "response "}}, nil},
	}
}

func (c *chat) send2(side int, text string) *chat {
	c.send(side, []byte(text))
	return c
}

func TestWebSocket(t *testing.T) {
	for name, test := range chatTests(t) {
		t.Run(name, func(t *testing.T) {
			frames := test.c.close().frames
			for _, mss := range []int{0, 1, 13} {
				if mss > 0 {
					frames = segmented(test.c.frames, mss)
				}
				got, stats := replay(t, frames)
				if diff := cmp.Diff(append([]seen{upgradeSeen}, test.want...), got); diff != "" {
					t.Errorf("segments of %d: %s", mss, diff)
				}
				sent := 0
				for _, f := range test.c.frames {
					sent += f.payload
				}
				if stats.sum() != int64(sent) {
					t.Errorf("segments of %d: %d bytes are counted of %d: %v", mss, stats.sum(), sent, stats)
				}
				for why, n := range stats.Uninspected {
					if want := test.skipped[why]; n != want {
						t.Errorf("segments of %d: %d bytes %v, want %d", mss, n, why, want)
					}
				}
			}
		})
	}
}

// TestWebSocketLoss loses every packet in turn: no text is wrong, and the last
// ones are seen again.
func TestWebSocketLoss(t *testing.T) {
	for _, extension := range []string{"", "permessage-deflate; server_no_context_takeover"} {
		c := newChat(t, extension)
		c.takeover = false
		c.mss = 500
		right := map[string]bool{"": true}
		for n := range 8 {
			text := strings.Repeat(fmt.Sprintf("message %d of %d. ", n, newRand(uint64(n)).Uint64()), 40+n*30)
			right[text] = true
			if extension == "" {
				c.say(server, 0x81, text)
			} else {
				c.pack(server, 0x81, text)
			}
		}
		c.close()
		for lost := 5; lost < len(c.frames)-4; lost++ {
			got, _ := replay(t, slices.Delete(slices.Clone(c.frames), lost, lost+1))
			whole := 0
			for _, x := range got {
				if x.Cut != "" {
					continue
				}
				if !right[x.Response] {
					t.Fatalf("%q without packet %d: presented as whole: %.100q", extension, lost, x.Response)
				}
				whole++
			}
			if whole < 1+4 {
				t.Errorf("%q without packet %d: %d texts are whole", extension, lost, whole-1)
			}
		}
	}
}

// TestWebSocketLimits sends a text that is too long, and a bomb.
func TestWebSocketLimits(t *testing.T) {
	b := newBench(t, Limits{Body: 100_000})
	c := newChat(t, "permessage-deflate")
	c.say(client, 0x01, strings.Repeat("x", 60_000)).say(client, 0x00, strings.Repeat("x", 60_000)).say(client, 0x80, "end")
	c.pack(server, 0x81, strings.Repeat("y", 10<<20)).pack(server, 0x81, "blind").say(server, 0x81, "plain")
	b.feed(t, c.close().frames)
	b.table.close()
	want := []seen{upgradeSeen, said(client, strings.Repeat("x", 100_000)), said(server, strings.Repeat("y", 100_000)), said(server, "plain")}
	want[1].Cut, want[2].Cut = "request ", "response "
	if diff := cmp.Diff(want, b.got); diff != "" {
		t.Errorf("%.2000s", diff)
	}
	stats := b.cov.stats()
	if stats.Uninspected[BodyLimit] < 20_003 || stats.Uninspected[ContentCoding] == 0 || b.table.pool.used != 0 {
		t.Errorf("%d bytes are held, %v", b.table.pool.used, stats)
	}
}

func FuzzWebSocket(f *testing.F) {
	for _, test := range chatTests(f) {
		var sides [2][]byte
		for _, p := range test.c.frames[5:] {
			sides[p.side] = append(sides[p.side], p.bytes[len(p.bytes)-p.payload:]...)
		}
		f.Add(sides[0], sides[1], uint8(40), uint16(0))
		f.Add(sides[0], sides[1], uint8(200), uint16(7))
	}
	f.Fuzz(func(t *testing.T, request, response []byte, cut uint8, lost uint16) {
		b := newBench(t, Limits{Body: 8192})
		c := newChat(t, "permessage-deflate; server_no_context_takeover").conn
		b.exhaust(t, c, request, response, cut, lost)
	})
}
