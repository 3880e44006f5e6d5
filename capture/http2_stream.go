package capture

import (
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// exchanger is given the exchanges of a connection that pairs them itself.
type exchanger interface {
	// exchange hands on an exchange, of which one side may be nil; both belong to
	// the receiver.
	exchange(request, response *message)
	// handOn hands on what there is of an exchange and lets go of its bodies; the
	// messages stay with the caller.
	handOn(request, response *message)
}

// stream is one exchange of an HTTP/2 connection.
type stream struct {
	// messages and done are by side.
	messages [2]*message
	done     [2]bool
	// tunnel says that DATA is another protocol (RFC 9113, section 8.5; RFC 8441).
	tunnel bool
}

// headerBlock is put together of a frame and its continuations.
type headerBlock struct {
	open bool
	// lost says that it is past the limit.
	lost bool
	// carrier is the stream of its frames, stream the one that it is for.
	carrier, stream    uint32
	endStream, promise bool
	bytes              []byte
}

// beginBlock takes a frame that begins a header block out of its padding and
// priority. A promise is for a stream of its own.
func (c *http2) beginBlock(side int, payload []byte) {
	s := &c.sides[side]
	h := s.frame
	s.block.open, s.block.carrier, s.block.stream = true, h.stream, h.stream
	s.block.promise = h.kind == framePushPromise
	s.block.endStream = h.has(flagEndStream) && !s.block.promise
	if s.block.lost {
		c.addBlock(side, nil)
		return
	}
	b, pad, fixed := payload, 0, 0
	if h.has(flagPadded) && len(b) > 0 {
		pad, b = int(b[0]), b[1:]
	}
	switch {
	case s.block.promise:
		fixed = 4
	case h.has(flagPriority):
		fixed = 5
	}
	if len(b) < pad+fixed || h.has(flagPadded) && len(payload) == 0 {
		c.skip(Malformed, len(payload))
		c.lose(side, Malformed)
		return
	}
	if s.block.promise {
		s.block.stream = binary.BigEndian.Uint32(b) & 0x7fffffff
	}
	b = b[fixed : len(b)-pad]
	c.inspect(len(payload) - len(b))
	c.addBlock(side, b)
}

// addBlock adds to a header block, and reads it if it is complete.
func (c *http2) addBlock(side int, b []byte) {
	s := &c.sides[side]
	if !s.block.lost && len(s.block.bytes)+len(b) > c.limits.Head {
		c.skip(HeaderLimit, len(s.block.bytes))
		c.pool.used -= len(s.block.bytes)
		s.block.bytes, s.block.lost = s.block.bytes[:0], true
	}
	whole := s.frame.has(flagEndHeaders)
	switch {
	case s.block.lost:
		c.skip(HeaderLimit, len(b))
		b = nil
	case !whole || len(s.block.bytes) > 0:
		s.block.bytes = append(s.block.bytes, b...)
		c.pool.used += len(b)
		b = s.block.bytes
	}
	if !whole {
		return
	}
	block := s.block
	c.pool.used -= len(s.block.bytes)
	s.block = headerBlock{bytes: s.block.bytes[:0]}
	c.headers(side, &block, b)
	if block.endStream {
		c.endStream(side, block.stream)
	}
}

// headers takes a whole header block, the encoded form of which is b.
func (c *http2) headers(side int, block *headerBlock, b []byte) {
	read, odd := c.readBlock(side, b)
	if block.lost {
		c.resetTable(side, maxTableSize)
		odd = HeaderLimit
	}
	owner := side
	if block.promise { // the server tells what the client would have asked
		owner = 1 - side
	}
	start := c.startLine(side, block.promise)
	st := c.stream(block.stream)
	switch {
	case st == nil || st.done[owner]:
		c.skip(HTTP2, read)
		return
	case start.isInterim() && !block.endStream:
		c.skip(Interim, read)
		return
	}
	c.inspect(read)
	m := st.messages[owner]
	if m == nil {
		m = c.newMessage(owner, st)
		c.keepStartLine(m, start)
	}
	if m.odd == 0 {
		m.odd = odd
	}
	c.addFields(m)
	if string(start.method) == "CONNECT" {
		st.tunnel = true
	} else if start.status >= 300 {
		st.tunnel = false
	}
	if block.promise {
		st.done[owner], m.done, m.frame = true, true, c.at.frame
	}
}

func (s *startLine) isInterim() bool { return 100 <= s.status && s.status < 200 }

// readBlock decodes a header block into c.fields, and returns how many of its
// bytes stand there, and what is odd about it.
func (c *http2) readBlock(side int, b []byte) (read int, odd Reason) {
	t := &c.sides[side].table
	c.fields = c.fields[:0]
	for total := 0; len(b) > 0; {
		used := t.used
		n, found, known, err := t.next(b)
		c.pool.used += t.used - used
		if err != nil {
			c.skip(Malformed, len(b))
			c.resetTable(side, maxTableSize)
			return read, Malformed
		}
		b = b[n:]
		total += len(t.field.name) + len(t.field.value)
		switch {
		case !found && !known:
			c.skip(HeaderTable, n)
			odd = HeaderTable
		case found && (total > c.limits.Head || len(c.fields) == c.limits.Fields):
			c.skip(HeaderLimit, n)
			odd = HeaderLimit
		default:
			read += n
			if found {
				c.fields = append(c.fields, t.field)
			}
			if !known {
				odd = HeaderTable
			}
		}
	}
	return read, odd
}

// startLine reads the pseudo-header fields (RFC 9113, section 8.3) of c.fields,
// and learns from them who is the client.
func (c *http2) startLine(side int, promise bool) (s startLine) {
	for _, f := range c.fields {
		switch f.name {
		case ":method":
			s.method = []byte(f.value)
		case ":path":
			s.target = []byte(f.value)
		case ":authority":
			s.host = []byte(f.value)
		case ":status":
			s.status, _ = strconv.Atoi(f.value)
		}
	}
	switch {
	case promise || s.status != 0:
		c.client = 1 - side
	case s.method != nil || s.target != nil:
		c.client = side
	}
	return s
}

// keepStartLine copies a start line into the head of m, so that it is counted as
// held.
func (c *http2) keepStartLine(m *message, s startLine) {
	before := len(m.head)
	m.status = s.status
	for _, part := range []struct {
		to   *[]byte
		from []byte
	}{{&m.method, s.method}, {&m.target, s.target}, {&m.host, s.host}} {
		if part.from != nil {
			from := len(m.head)
			m.head = append(m.head, part.from...)
			*part.to = m.head[from:len(m.head):len(m.head)]
		}
	}
	c.pool.used += len(m.head) - before
}

// addFields adds c.fields to the headers of m.
func (c *http2) addFields(m *message) {
	before := len(m.head)
	for _, f := range c.fields {
		if strings.HasPrefix(f.name, ":") {
			continue
		}
		from := len(m.head)
		m.head = append(append(m.head, f.name...), f.value...)
		field := m.head[from:len(m.head):len(m.head)]
		m.headers = append(m.headers, classify.Header{Name: field[:len(f.name):len(f.name)], Value: field[len(f.name):]})
	}
	c.pool.used += len(m.head) - before
}

// stream returns the stream of that number; it is nil when the stream is over.
func (c *http2) stream(id uint32) *stream {
	if st := c.streams[id]; st != nil {
		return st
	}
	highest := &c.highest[id&1]
	if id <= *highest && !c.lossy {
		return nil
	}
	*highest = max(*highest, id)
	if len(c.streams) >= c.limits.Streams {
		oldest := slices.Min(slices.Collect(maps.Keys(c.streams)))
		c.finish(oldest, HTTP2)
	}
	st := &stream{}
	c.streams[id] = st
	return st
}

func (c *http2) newMessage(side int, st *stream) *message {
	m := c.pool.get()
	m.side, m.start = side, c.at
	st.messages[side] = m
	return m
}

// data takes bytes of a body. A message whose headers were not seen has a body,
// too.
func (c *http2) data(side int, id uint32, b []byte) {
	st := c.stream(id)
	switch {
	case st == nil || st.done[side]:
		c.skip(HTTP2, len(b))
		return
	case st.tunnel:
		c.skip(Tunnel, len(b))
		return
	}
	m := st.messages[side]
	if m == nil {
		m = c.newMessage(side, st)
		m.truncate(MidMessage)
	}
	c.store(m, b)
}

// endStream says that a side has sent all of a stream.
func (c *http2) endStream(side int, id uint32) {
	st := c.streams[id]
	if st == nil {
		return
	}
	st.done[side] = true
	if m := st.messages[side]; m != nil {
		m.done, m.frame = true, c.at.frame
	}
	if st.done[1-side] {
		c.finish(id, CutOff)
	}
}

// finish hands on a stream; why is why messages are truncated that are not
// done.
func (c *http2) finish(id uint32, why Reason) {
	st := c.streams[id]
	if st == nil {
		return
	}
	delete(c.streams, id)
	for _, m := range st.messages {
		if m != nil && !m.done {
			m.truncate(why)
			m.done, m.frame = true, c.at.frame
		}
	}
	client := c.clientSide()
	if st.messages[0] != nil || st.messages[1] != nil {
		c.out.exchange(st.messages[client], st.messages[1-client])
	}
}

// clientSide is the client's side, as far as anybody knows.
func (c *http2) clientSide() int {
	if c.client < 0 {
		return c.likely
	}
	return c.client
}

// cut ends a body at a gap.
func (c *http2) cut(side int, id uint32, why Reason) {
	if st := c.streams[id]; st != nil && st.messages[side] != nil && !st.done[side] {
		st.messages[side].cutAt(why)
	}
}

// cutAll is called when bytes of any stream may be lost. Bodies end here; one
// that has not begun may still come, without its first bytes.
func (c *http2) cutAll(side int, why Reason) {
	for _, st := range c.streams {
		m := st.messages[side]
		switch {
		case m == nil || st.done[side]:
		case m.body.size > 0:
			m.cutAt(why)
		default:
			m.truncate(why)
		}
	}
}

// close says that one side is over; with the second the connection is.
func (c *http2) close(side int) {
	s := &c.sides[side]
	if s.closed {
		return
	}
	c.cutAll(side, CutOff)
	c.lose(side, MidMessage)
	c.resetTable(side, 0)
	s.closed = true
	if c.sides[1-side].closed {
		c.pool.used -= http2Cost
	}
	for id := range c.streams {
		c.streams[id].done[side] = true
	}
	for _, id := range slices.Sorted(maps.Keys(c.streams)) {
		if c.sides[1-side].closed || c.streams[id].done[1-side] {
			c.finish(id, CutOff)
		}
	}
}
