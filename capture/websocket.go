package capture

import (
	"bytes"
	"encoding/binary"
)

// Opcodes of WebSocket frames (RFC 6455, section 5.2); those from opClose on are
// control frames.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPong         = 10
)

const maxSocketHead = 14

// socketFrame is the head of a frame.
type socketFrame struct {
	opcode          byte
	fin, compressed bool
	masked          bool
	mask            [4]byte
	length          int64
}

// socketHeadSize returns how long the head is that begins with b, of which there
// are two bytes at least.
func socketHeadSize(b []byte) int {
	n := 2
	switch b[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// readSocketFrame reads a whole head; ok is false when it is none.
func readSocketFrame(b []byte) (f socketFrame, ok bool) {
	f.fin, f.compressed, f.opcode = b[0]&0x80 != 0, b[0]&0x40 != 0, b[0]&0x0f
	f.masked, f.length = b[1]&0x80 != 0, int64(b[1]&0x7f)
	rest := b[2:]
	switch f.length {
	case 126:
		f.length, rest = int64(binary.BigEndian.Uint16(rest)), rest[2:]
		ok = f.length > 125
	case 127:
		f.length, rest = int64(binary.BigEndian.Uint64(rest)), rest[8:]
		ok = f.length > 1<<16-1
	default:
		ok = true
	}
	if f.masked {
		copy(f.mask[:], rest)
	}
	isControl := opClose <= f.opcode && f.opcode <= opPong
	return f, ok && b[0]&0x30 == 0 && (f.opcode <= opBinary || isControl && f.fin && f.length <= 125)
}

// socketSide is one direction of a WebSocket connection.
type socketSide struct {
	// lost says that frames begin nobody knows where, unsure that they may begin
	// here.
	lost, unsure, closed bool
	head                 [maxSocketHead]byte
	headSize             int
	frame                socketFrame
	// frames counts those since the side was lost.
	frames int
	// left is what is missing of the frame, at how much of it has come.
	left, at int64
	// msg is put together of a frame and its continuations; binary is what it is.
	msg                *message
	binary, compressed bool
	// takeover says that messages refer back to those before, of which window
	// holds the end; blind that those are not known.
	takeover, blind bool
	window          []byte
}

// webSocket takes both directions of a connection apart after its upgrade (RFC
// 6455; compression by RFC 7692). Texts are exchanges of their own, under the
// request that the connection began with.
type webSocket struct {
	*resources
	out   exchanger
	sides [2]socketSide
	// client is the client's side, request its first line.
	client  int
	request startLine
	deflate bool
}

// newWebSocket returns the connection that begins behind the 101 response m.
func newWebSocket(r *resources, out exchanger, m *message) *webSocket {
	w := &webSocket{resources: r, out: out, client: 1 - m.side}
	for side := range w.sides {
		w.sides[side].lost = true
	}
	if q := m.peer; q != nil {
		w.request = startLine{
			method: bytes.Clone(q.method), target: bytes.Clone(q.target), host: bytes.Clone(q.field("host")),
		}
	}
	extensions := bytes.Join(m.fields("sec-websocket-extensions"), []byte(","))
	w.deflate = bytes.Contains(extensions, []byte("permessage-deflate"))
	w.sides[w.client].takeover = !bytes.Contains(extensions, []byte("client_no_context_takeover"))
	w.sides[m.side].takeover = !bytes.Contains(extensions, []byte("server_no_context_takeover"))
	r.pool.used += w.cost()
	return w
}

// cost is about what the connection takes besides its messages.
func (w *webSocket) cost() int {
	const fixed = 1024
	return fixed + len(w.request.method) + len(w.request.target) + len(w.request.host)
}

// feed takes the next bytes of one side.
func (w *webSocket) feed(side int, data []byte, at mark) {
	s := &w.sides[side]
	if s.lost {
		s.lost, s.unsure = w.startsFrames(side, data)
	}
	for len(data) > 0 {
		n := w.step(side, data, at)
		at.seq += uint32(n)
		data = data[n:]
	}
}

// startsFrames looks at b, the start of a segment. If that is a chain of frames
// the side is not lost any more; whether it is one is not sure if the segment
// ends before the frame.
func (w *webSocket) startsFrames(side int, b []byte) (lost, unsure bool) {
	for first := true; len(b) > 0; first = false {
		if len(b) < 2 || len(b) < socketHeadSize(b) {
			return true, false
		}
		n := int64(socketHeadSize(b))
		f, ok := readSocketFrame(b)
		if !ok || f.masked != (side == w.client) || f.compressed && !w.deflate {
			return true, false
		}
		if f.length > int64(len(b))-n {
			isLong := f.length > 125 && f.opcode != opContinuation
			return !isLong, first
		}
		b = b[n+f.length:]
	}
	return false, false
}

// step takes some of data and returns how much.
func (w *webSocket) step(side int, data []byte, at mark) int {
	s := &w.sides[side]
	switch {
	case s.lost:
		w.skip(WebSocket, len(data))
		return len(data)
	case s.left > 0:
		data = data[:min(int64(len(data)), s.left)]
		w.payload(s, data, at)
		s.at += int64(len(data))
		if s.left -= int64(len(data)); s.left == 0 {
			w.frameEnds(side, at)
		}
		return len(data)
	}
	want := 2
	if s.headSize >= 2 {
		want = socketHeadSize(s.head[:])
	}
	n := copy(s.head[s.headSize:want], data)
	s.headSize += n
	if s.headSize >= 2 && s.headSize == socketHeadSize(s.head[:]) {
		w.frameStarts(side, at)
	}
	return n
}

// frameStarts is called when the head of a frame is complete.
func (w *webSocket) frameStarts(side int, at mark) {
	s := &w.sides[side]
	f, ok := readSocketFrame(s.head[:s.headSize])
	isControl := f.opcode >= opClose
	continues := f.opcode == opContinuation
	ok = ok && f.masked == (side == w.client) && (isControl || continues || s.msg == nil) &&
		(!f.compressed || w.deflate && !isControl && !continues)
	if !ok {
		w.lose(side, Malformed)
		return
	}
	w.inspect(s.headSize)
	s.unsure = s.unsure && s.frames == 0
	s.frames++
	s.headSize, s.frame, s.left, s.at = 0, f, f.length, 0
	if !isControl && s.msg == nil {
		s.msg, s.binary, s.compressed = w.pool.get(), f.opcode == opBinary, f.compressed
		s.msg.side, s.msg.start = side, at
		if continues { // its start was not seen, nor whether it is compressed
			s.msg.cutAt(MidMessage)
			s.binary = true
		}
	}
	if s.left == 0 {
		w.frameEnds(side, at)
	}
}

// payload takes bytes of a frame. Binary messages are kept only where those that
// follow refer to them.
func (w *webSocket) payload(s *socketSide, data []byte, at mark) {
	m := s.msg
	switch {
	case s.frame.opcode >= opClose:
		w.skip(WebSocket, len(data))
		return
	case s.binary && (!s.compressed || !s.takeover || s.blind):
		w.skip(WebSocketBinary, len(data))
		return
	}
	m.frame = at.frame
	if !s.frame.masked {
		w.store(m, data)
		return
	}
	var plain [512]byte // packets are not written to
	for from := 0; from < len(data); from += len(plain) {
		n := copy(plain[:], data[from:])
		for i := range plain[:n] {
			plain[i] ^= s.frame.mask[(s.at+int64(from+i))&3]
		}
		w.store(m, plain[:n])
	}
}

// frameEnds is called when a frame is complete.
func (w *webSocket) frameEnds(side int, at mark) {
	s := &w.sides[side]
	if s.frame.opcode < opClose && s.frame.fin && s.msg != nil {
		s.msg.frame = at.frame
		w.messageEnds(side)
	}
}

// messageEnds hands on a text.
func (w *webSocket) messageEnds(side int) {
	s := &w.sides[side]
	m := s.msg
	s.msg = nil
	if s.unsure {
		m.truncate(MidMessage)
	}
	if s.compressed && m.body.size > 0 {
		w.inflate(s, m)
	}
	if s.compressed && m.truncated() {
		s.blind = s.takeover
	}
	switch {
	case m.body.size == 0:
		w.pool.put(m)
	case s.binary && s.compressed:
		w.pool.put(m)
	case s.binary:
		w.skip(WebSocketBinary, m.body.size)
		w.pool.put(m)
	case side == w.client:
		m.startLine, m.done = w.request, true
		w.out.exchange(m, nil)
	default:
		m.status, m.done = 101, true
		request := w.pool.get()
		request.side, request.startLine, request.start, request.frame = w.client, w.request, m.start, m.frame
		w.out.exchange(request, m)
	}
}

// gap says that the next n bytes of one side will never come. Inside of a frame
// the frames go on where they should.
func (w *webSocket) gap(side int, n int64, why Reason, at mark) {
	s := &w.sides[side]
	switch {
	case s.lost || s.closed:
		return
	case s.left < n || s.headSize > 0:
		w.lose(side, why)
		return
	}
	if s.frame.opcode < opClose && s.msg != nil {
		s.msg.cutAt(why)
	}
	s.at += n
	if s.left -= n; s.left == 0 {
		w.frameEnds(side, at)
	}
}

// lose hands on what there is of a message and waits for a segment that starts
// with a frame.
func (w *webSocket) lose(side int, why Reason) {
	s := &w.sides[side]
	if s.lost {
		return
	}
	w.skip(WebSocket, s.headSize)
	if s.msg != nil {
		s.msg.truncate(why)
		w.messageEnds(side)
	}
	s.lost, s.blind, s.frames, s.headSize, s.left = true, true, 0, 0, 0
}

// close says that one side is over.
func (w *webSocket) close(side int) {
	s := &w.sides[side]
	if s.closed {
		return
	}
	w.lose(side, CutOff)
	w.pool.used -= len(s.window)
	s.window, s.closed = nil, true
	if w.sides[1-side].closed {
		w.pool.used -= w.cost()
	}
}
