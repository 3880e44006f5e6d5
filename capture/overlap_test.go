package capture

import (
	"strings"
	"testing"
)

// TestOverlaps sends bytes twice: copies are no conflict, other bytes are one
// each, and the first that came is what counts.
func TestOverlaps(t *testing.T) {
	const response = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"
	forged := strings.Replace(response, "secret", "sacred", 1)
	at := func(c *conn, offset uint32, text string) { // without moving on
		next := c.seq[server]
		c.seq[server] = next + offset
		c.packet(server, []byte(text), flags{})
		c.seq[server] = next
	}
	for name, tt := range map[string]struct {
		send func(c *conn)
		want int64
	}{
		"a copy":             {func(c *conn) { c.response(response); back(c, response) }, 0},
		"another copy":       {func(c *conn) { c.response(response); back(c, forged) }, 1},
		"waiting":            {func(c *conn) { at(c, 10, response[10:]); at(c, 10, response[10:]); c.response(response) }, 0},
		"waiting, forged":    {func(c *conn) { at(c, 10, response[10:]); at(c, 20, forged[20:]); c.response(response) }, 2},
		"behind and waiting": {func(c *conn) { at(c, 20, response[20:]); at(c, 30, forged[30:]); c.response(response) }, 2},
		"disjoint":           {func(c *conn) { at(c, 30, response[30:]); at(c, 20, response[20:30]); c.response(response) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newConn(1).open().request(getA)
			tt.send(c)
			got, stats := replay(t, c.close().frames)
			if stats.Overlaps != tt.want {
				t.Errorf("%d conflicts, want %d", stats.Overlaps, tt.want)
			}
			if len(got) != 1 || got[0].Response != "secret" {
				t.Errorf("%v", got)
			}
		})
	}
}

// back sends text in place of what the server sent last.
func back(c *conn, text string) {
	c.seq[server] -= uint32(len(text))
	c.packet(server, []byte(text), flags{})
	c.seq[server] += uint32(len(text))
}
