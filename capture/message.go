package capture

import (
	"time"

	"github.com/leaktap/leaktap/classify"
)

// mark is a place in one direction of a connection, with the packet that
// brought it.
type mark struct {
	// seq is the place's own sequence number, ack the one that its packet
	// acknowledged.
	seq, ack uint32
	time     time.Time
	frame    int64
}

// message is one side of an exchange while it is put together.
type message struct {
	// side is the direction (0 or 1) of the flow that carries the message.
	side int
	// start is the first byte; frame is the packet of the last one.
	start mark
	frame int64

	startLine
	// head is the start line, the fields and the trailers as sent; the slices
	// of startLine and headers point into it.
	head    []byte
	headers []classify.Header
	// body is free of chunking, not of content codings.
	body bodyBytes

	// cut is why nothing more of the body is kept; 0 as long as it is.
	cut Reason
	// why is the first reason for which the body is not whole, 0 if it is.
	why Reason
	// odd is what else is to be said of it.
	odd Reason
	// counted says that the bytes which body was made of are counted.
	counted bool
	// shown says that what came of it was handed on before its end.
	shown bool
	done  bool
	// peer is the other side of the exchange, nil as long as it is unknown.
	peer *message
}

// truncate notes that the body is not whole; the first reason stays.
func (m *message) truncate(why Reason) {
	if m.why == 0 {
		m.why = why
	}
}

// cutAt notes that the body ends at a gap.
func (m *message) cutAt(why Reason) {
	m.truncate(why)
	if m.cut == 0 {
		m.cut = Gap
	}
}

// truncated reports whether the body is not whole.
func (m *message) truncated() bool { return m.why != 0 }

func (m *message) size() int { return len(m.head) + m.body.size }

// field returns the first header with that lower-case name.
func (m *message) field(lower string) []byte {
	view := classify.Message{Headers: m.headers}
	return view.Header(lower)
}

// messagePool recycles messages and chunks, and knows how many bytes are held.
// One goroutine owns it.
type messagePool struct {
	messages []*message
	// kept is the capacity of the free messages' buffers.
	kept   int
	chunks [][]byte
	// used is the number of bytes held by messages and waiting segments.
	used int
}

// Buffers past maxKeptBuffer are left to the garbage collector, and so are
// those past maxKept together, and chunks past maxChunks.
const (
	maxKeptBuffer = 1 << 20
	maxKept       = 32 << 20
	maxChunks     = 64 << 20 / chunkSize
)

func (p *messagePool) get() *message {
	n := len(p.messages)
	if n == 0 {
		return new(message)
	}
	m := p.messages[n-1]
	p.messages = p.messages[:n-1]
	p.kept -= cap(m.head) + cap(m.body.first)
	return m
}

// put takes back m, which must not be used any more.
func (p *messagePool) put(m *message) {
	p.used -= m.size()
	m.body.clear(p)
	size := cap(m.head) + cap(m.body.first)
	if size > maxKeptBuffer || p.kept+size > maxKept {
		return
	}
	p.kept += size
	*m = message{head: m.head[:0], body: m.body, headers: m.headers[:0]}
	p.messages = append(p.messages, m)
}

// chunk returns an empty chunk.
func (p *messagePool) chunk() []byte {
	n := len(p.chunks)
	if n == 0 {
		return make([]byte, 0, chunkSize)
	}
	c := p.chunks[n-1]
	p.chunks = p.chunks[:n-1]
	return c
}

// free takes back a chunk.
func (p *messagePool) free(chunk []byte) {
	if len(p.chunks) < maxChunks {
		p.chunks = append(p.chunks, chunk[:0])
	}
}
