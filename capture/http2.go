package capture

import "encoding/binary"

// The frame types of HTTP/2 (RFC 9113, section 6).
const (
	frameData = iota
	frameHeaders
	framePriority
	frameReset
	frameSettings
	framePushPromise
	framePing
	frameGoAway
	frameWindowUpdate
	frameContinuation
)

// Flags of frames; those of other types have other meanings.
const (
	flagEndStream  = 0x01
	flagEndHeaders = 0x04
	flagPadded     = 0x08
	flagPriority   = 0x20
)

const (
	frameHead = 9
	// http2Cost is about what a connection takes besides its bytes.
	http2Cost = 2048
	// preface is what a client sends first (RFC 9113, section 3.4).
	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

// frameHeader is the head of a frame (RFC 9113, section 4.1).
type frameHeader struct {
	length      int
	kind, flags byte
	stream      uint32
}

func readFrameHeader(b []byte) frameHeader {
	return frameHeader{
		length: int(b[0])<<16 | int(b[1])<<8 | int(b[2]),
		kind:   b[3], flags: b[4],
		stream: binary.BigEndian.Uint32(b[5:]) & 0x7fffffff,
	}
}

func (h frameHeader) has(flag byte) bool { return h.flags&flag != 0 }

// isValid reports whether length and stream are what the frame's type asks for.
func (h frameHeader) isValid() bool {
	switch h.kind {
	case frameData, frameHeaders, framePushPromise, frameContinuation:
		return h.stream != 0
	case framePriority:
		return h.stream != 0 && h.length == 5
	case frameReset:
		return h.stream != 0 && h.length == 4
	case frameSettings:
		return h.stream == 0 && h.length%6 == 0
	case framePing:
		return h.stream == 0 && h.length == 8
	case frameGoAway:
		return h.stream == 0 && h.length >= 8
	case frameWindowUpdate:
		return h.length == 4
	}
	return true
}

// isLikely is stricter: it is for bytes of which nothing is known.
func (h frameHeader) isLikely(first byte) bool {
	known := [...]byte{0x09, 0x2d, 0, 0, 1, 0x0c, 1, 0, 0, 4} // the flags of each type
	return int(h.kind) < len(known) && h.isValid() && h.flags&^known[h.kind] == 0 &&
		first&0x80 == 0 && h.length <= 1<<20
}

// startsFrames reports whether b, the start of a segment, is a chain of frames.
// At least one has to be followed by another, or by the segment's end.
func startsFrames(b []byte) bool {
	for ends := 0; ; ends++ {
		if len(b) == 0 {
			return ends > 0
		}
		if len(b) < frameHead {
			return ends > 1
		}
		h := readFrameHeader(b)
		if !h.isLikely(b[5]) {
			return false
		}
		if len(b) < frameHead+h.length {
			return ends > 0
		}
		b = b[frameHead+h.length:]
	}
}

// frameReader is one direction of an HTTP/2 connection.
type frameReader struct {
	// hunting says that frames begin nobody knows where.
	hunting bool
	closed  bool
	// preface is how much of the client's preface is still to come.
	preface int
	// head is the head of the next frame, as far as it has come.
	head     [frameHead]byte
	headSize int
	frame    frameHeader
	// left is what is missing of the frame, of which pad bytes are padding; pad is
	// -1 as long as it is not known.
	left, pad int
	// payload is what has come of a frame that is needed as a whole.
	payload []byte
	block   headerBlock
	table   headerTable
}

// http2 takes both directions of an HTTP/2 connection over clear text apart
// (RFC 9113).
type http2 struct {
	*resources
	out   exchanger
	sides [2]frameReader
	// client is the client's side, -1 as long as nobody knows.
	client int
	// likely is what client is taken for if it never shows.
	likely  int
	streams map[uint32]*stream
	// highest are the last streams that were opened, with even numbers and odd.
	highest [2]uint32
	// lossy says that streams may have been opened which were not seen.
	lossy bool
	// at is where the bytes are from that are looked at.
	at mark
}

// newHTTP2 returns a connection of which nothing was seen.
func newHTTP2(r *resources, out exchanger, likelyClient int) *http2 {
	c := &http2{resources: r, out: out, client: -1, likely: likelyClient, streams: map[uint32]*stream{}}
	for side := range c.sides {
		c.sides[side].hunting = true
	}
	r.pool.used += http2Cost
	return c
}

// open says that the side's frames begin with the next byte of the connection;
// the client's begin with n bytes of the preface.
func (c *http2) open(side, n int) {
	s := &c.sides[side]
	s.hunting, s.preface = false, n
	c.resetTable(side, tableSize)
}

// join says that the next byte begins a frame, but nobody knows what was before.
func (c *http2) join(side int) {
	c.sides[side].hunting = false
	c.lossy = true
	c.resetTable(side, maxTableSize)
}

// feed takes the next bytes of one side.
func (c *http2) feed(side int, data []byte, at mark) {
	for first := true; len(data) > 0; first = false {
		c.at = at
		n := c.step(side, data, first)
		at.seq += uint32(n)
		data = data[n:]
	}
}

// step takes some of data and returns how much. It takes nothing only when it
// stops hunting.
func (c *http2) step(side int, data []byte, first bool) int {
	s := &c.sides[side]
	switch {
	case s.hunting && first && startsFrames(data):
		c.join(side)
		return 0
	case s.hunting:
		c.skip(MidMessage, len(data))
		return len(data)
	case s.preface > 0:
		return c.takePreface(side, data)
	case s.headSize < frameHead:
		n := copy(s.head[s.headSize:], data)
		s.headSize += n
		c.inspect(n)
		if s.headSize == frameHead {
			c.frameStarts(side)
		}
		return n
	}
	data = data[:min(len(data), s.left)]
	if s.frame.kind == frameData {
		return c.takeData(side, data)
	}
	return c.takePayload(side, data)
}

func (c *http2) takePreface(side int, data []byte) int {
	s := &c.sides[side]
	n := 0
	for n < len(data) && s.preface > 0 && data[n] == preface[len(preface)-s.preface] {
		n++
		s.preface--
	}
	c.inspect(n)
	if n < len(data) && s.preface > 0 {
		c.lose(side, Malformed)
	}
	return n
}

// frameStarts is called when the head of a frame is complete.
func (c *http2) frameStarts(side int) {
	s := &c.sides[side]
	s.frame = readFrameHeader(s.head[:])
	h := s.frame
	continues := h.kind == frameContinuation
	if !h.isValid() || s.block.open != continues || continues && h.stream != s.block.carrier {
		c.lose(side, Malformed)
		return
	}
	s.left, s.pad = h.length, 0
	if h.kind == frameData && h.has(flagPadded) {
		s.pad = -1
	}
	if s.left == 0 {
		c.frameEnds(side)
	}
}

// takePayload takes bytes of a frame that is not DATA. One that is longer than
// a head may be is not kept, nor is one of an unknown type.
func (c *http2) takePayload(side int, data []byte) int {
	s := &c.sides[side]
	isHeaders := s.frame.kind == frameHeaders || s.frame.kind == framePushPromise || s.frame.kind == frameContinuation
	switch {
	case isHeaders && (s.frame.length > c.limits.Head || s.block.lost):
		c.skip(HeaderLimit, len(data))
		s.block.lost = true
	case s.frame.kind > frameContinuation || s.frame.kind == frameGoAway:
		c.skip(HTTP2, len(data))
	case s.frame.kind == framePriority || s.frame.kind == frameSettings || s.frame.kind == framePing || s.frame.kind == frameWindowUpdate:
		c.inspect(len(data)) // numbers; what is in a PING is the client's own
	default:
		s.payload = append(s.payload, data...)
		c.pool.used += len(data)
	}
	if s.left -= len(data); s.left == 0 {
		c.frameEnds(side)
	}
	return len(data)
}

// takeData takes bytes of a DATA frame.
func (c *http2) takeData(side int, data []byte) int {
	s := &c.sides[side]
	if s.pad < 0 {
		s.pad = int(data[0])
		s.left--
		c.inspect(1)
		if s.pad > s.left {
			c.lose(side, Malformed)
		} else if s.left == 0 {
			c.frameEnds(side)
		}
		return 1
	}
	n := min(len(data), max(0, s.left-s.pad))
	if n > 0 {
		c.data(side, s.frame.stream, data[:n])
	}
	c.inspect(len(data) - n)
	if s.left -= len(data); s.left == 0 {
		c.frameEnds(side)
	}
	return len(data)
}

// frameEnds is called when a frame is complete.
func (c *http2) frameEnds(side int) {
	s := &c.sides[side]
	s.headSize = 0
	payload := s.payload
	c.pool.used -= len(payload)
	s.payload = s.payload[:0]
	switch h := s.frame; h.kind {
	case frameData:
		if h.has(flagEndStream) {
			c.endStream(side, h.stream)
		}
	case frameHeaders, framePushPromise:
		c.beginBlock(side, payload)
	case frameContinuation:
		c.addBlock(side, payload)
	case frameReset:
		c.inspect(len(payload))
		c.finish(h.stream, CutOff)
	}
	if cap(s.payload) > maxKeptBuffer {
		s.payload = nil
	}
}

// gap says that the next n bytes of one side will never come. Inside of a DATA
// frame the frames go on where they should.
func (c *http2) gap(side int, n int64, why Reason) {
	s := &c.sides[side]
	if s.hunting || s.closed {
		return
	}
	inData := s.preface == 0 && s.headSize == frameHead && s.frame.kind == frameData
	if !inData || n > int64(s.left) {
		c.cutAll(side, why)
		c.lose(side, MidMessage)
		return
	}
	s.pad = max(s.pad, 0)
	c.cut(side, s.frame.stream, why)
	if s.left -= int(n); s.left == 0 {
		c.frameEnds(side)
	}
}

// lose starts to hunt for the next frame. Header blocks may be lost, too, so
// that nothing in the table has its number any more.
func (c *http2) lose(side int, why Reason) {
	s := &c.sides[side]
	c.cutAll(side, why)
	c.skip(why, len(s.payload)+len(s.block.bytes))
	c.pool.used -= len(s.payload) + len(s.block.bytes)
	s.payload, s.block = s.payload[:0], headerBlock{bytes: s.block.bytes[:0]}
	s.hunting, s.headSize, s.left, s.preface = true, 0, 0, 0
	c.lossy = true
}

// resetTable forgets what one side put into its table.
func (c *http2) resetTable(side, size int) {
	t := &c.sides[side].table
	c.pool.used -= t.used
	t.reset(c.limits.Head, size)
}
