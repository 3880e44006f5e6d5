package capture

import (
	"slices"
	"testing"
)

// FuzzReassembly sends pieces of a connection in any order, again and again, with
// holes: what is presented as whole has to be right, and nothing is held at the
// end. Each piece is four bytes of order:
// side and flags, where it begins (two), and its length.
func FuzzReassembly(f *testing.F) {
	streams := [2]string{
		"GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789GET /c HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabcdefghijklmnopqrstHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n" +
			"HTTP/1.1 404 No\r\nContent-Length: 7\r\n\r\nnothing",
	}
	requests := map[string]string{"/a": "", "/b": "0123456789", "/c": ""}
	responses := []string{"abcdefghijklmnopqrst", "1234567890", "nothing"}
	var inOrder, backwards []byte
	for at := 0; at < len(streams[1]); at += 30 {
		inOrder = append(inOrder, 0, 0, byte(at), 30, 1, 0, byte(at), 30)
		backwards = append(backwards, 0, 0, byte(180-at), 30, 1, 0, byte(180-at), 30)
	}
	f.Add(inOrder, true)
	f.Add(inOrder[8:], false)
	f.Add(backwards, true)
	f.Add(append(slices.Clone(inOrder), 0x11, 0, 200, 0, 0x20, 0, 100, 3), true)
	f.Fuzz(func(t *testing.T, order []byte, opened bool) {
		b := newBench(t, Limits{Segments: 8})
		c := newConn(1)
		if opened {
			c.open()
		}
		start := c.seq
		for ; len(order) >= 4 && len(c.frames) < 300; order = order[4:] {
			side := int(order[0] & 1)
			from := (int(order[1])<<8 | int(order[2])) % (len(streams[side]) + 1)
			piece := streams[side][from:min(from+int(order[3]), len(streams[side]))]
			c.seq[side] = start[side] + uint32(from)
			c.packet(side, []byte(piece), flags{fin: order[0]&0x10 != 0 && from+len(piece) == len(streams[side]), rst: order[0]&0x20 != 0})
			c.seq[side] += uint32(len(piece))
		}
		b.feed(t, c.frames)
		b.table.close()
		for _, x := range b.got {
			body, known := requests[x.Target]
			switch {
			case x.Cut != "":
			case x.Method != "" && (!known || x.Request != body):
				t.Fatalf("presented as whole: %v", x)
			case x.Status != 0 && !slices.Contains(responses, x.Response):
				t.Fatalf("presented as whole: %v", x)
			}
		}
		if b.table.pool.used != 0 {
			t.Fatalf("%d bytes are held at the end", b.table.pool.used)
		}
	})
}
