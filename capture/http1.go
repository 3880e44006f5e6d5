package capture

import "bytes"

// receiver is told of the messages that a parser finds.
type receiver interface {
	// begin is called when the head of m is complete; it sets m.peer if it
	// knows the other side.
	begin(m *message)
	// end is called when m is complete, or as complete as it will get. From
	// then on m belongs to the receiver.
	end(m *message)
}

// parserState is what the next byte of a stream is taken for.
type parserState uint8

const (
	hunting      parserState = iota // anything, until a segment starts a message
	inHead                          // start line and fields, or the start of a message
	inSized                         // body of known length
	inUntilClose                    // body that ends with the stream
	inChunkSize                     // hexadecimal digits
	inChunkExtension
	inChunk
	inChunkEnd
	inTrailer
	inHTTP2
	inWebSocket
	opaque // neither, and never again
)

// parser takes one direction of a connection apart into HTTP/1.0 and 1.1
// messages (RFC 9112). It is fed what arrives and told what did not.
type parser struct {
	*resources
	out  receiver
	side int
	// http2 or socket take the rest of the connection; pairs is given what they
	// find.
	http2  *http2
	socket *webSocket
	pairs  exchanger

	state parserState
	// why is the reason of what is skipped while hunting or opaque.
	why Reason
	// recognised is true once the stream held a message.
	recognised bool
	msg        *message
	// line is where the current line starts in msg.head.
	line int
	// left is what is missing of a sized body or a chunk.
	left   int64
	digits int
	at     mark
}

// feed takes the next bytes of the stream, which start at the mark.
func (p *parser) feed(data []byte, at mark) {
	p.at = at
	for first := true; len(data) > 0; first = false {
		n := p.step(data, first)
		p.at.seq += uint32(n)
		data = data[n:]
	}
}

// step takes some of data and returns how much; first says that data is how a
// segment begins. It takes nothing only when it changes the state.
func (p *parser) step(data []byte, first bool) int {
	if first && !p.recognised && p.atStart() {
		if n := p.firstBytes(data); n > 0 {
			return n
		}
	}
	switch p.state {
	case hunting:
		return p.hunt(data, first)
	case inHead:
		return p.head(data)
	case inSized:
		return p.sized(data, first)
	case inUntilClose:
		p.store(p.msg, data)
		return len(data)
	case inChunkSize, inChunkExtension, inChunkEnd:
		return p.chunkFrame(data)
	case inChunk:
		return p.chunk(data)
	case inTrailer:
		return p.trailer(data)
	case inHTTP2:
		p.http2.feed(p.side, data, p.at)
		return len(data)
	case inWebSocket:
		p.socket.feed(p.side, data, p.at)
		return len(data)
	case opaque:
	}
	p.skip(p.why, len(data))
	return len(data)
}

// firstBytes looks at how a stream may begin that is not HTTP/1, or not yet, and
// returns how much of data is done with.
func (p *parser) firstBytes(data []byte) int {
	n := proxyHeader(data)
	if n > 0 {
		p.inspect(n)
		p.state = inHead
	} else if startsFrames(data) {
		p.startsWithFrames()
	}
	return n
}

// hunt looks for a message at the start of a segment, where most begin.
func (p *parser) hunt(data []byte, first bool) int {
	if first && startsMessage(data) {
		p.state = inHead
		return 0
	}
	if first && !p.recognised && isTLS(data) {
		p.state, p.why = opaque, TLS
		return 0
	}
	p.skip(p.why, len(data))
	return len(data)
}

// isTLS reports whether b starts with the header of a TLS record (RFC 8446,
// section 5.1).
func isTLS(b []byte) bool {
	return len(b) >= 3 && 20 <= b[0] && b[0] <= 23 && b[1] == 3 && b[2] <= 4
}

// head takes the lines of a head until the blank one.
func (p *parser) head(data []byte) int {
	if p.atStart() {
		if n := len(data) - len(bytes.TrimLeft(data, "\r\n")); n > 0 {
			p.inspect(n) // RFC 9112, section 2.2: blank lines come before a message
			return n
		}
	}
	if p.msg == nil {
		p.msg = p.pool.get()
		p.msg.side, p.msg.start, p.line = p.side, p.at, 0
	}
	for n := 0; n < len(data); {
		line, taken, whole := p.takeLine(data[n:])
		n += taken
		switch {
		case len(p.msg.head) > p.limits.Head:
			p.discard(HeaderLimit)
			return n
		case p.line == 0 && !p.startLine(line, whole):
			return n
		case whole && isBlank(line):
			p.headComplete()
			return n
		case whole:
			p.line = len(p.msg.head)
		}
	}
	return len(data)
}

// takeLine adds data up to and including its first line end to the head, and
// returns the current line, how much it took and whether the line is whole.
func (p *parser) takeLine(data []byte) (line []byte, n int, whole bool) {
	n = bytes.IndexByte(data, '\n') + 1
	if whole = n > 0; !whole {
		n = len(data)
	}
	n = min(n, p.limits.Head+1-len(p.msg.head))
	p.msg.head = append(p.msg.head, data[:n]...)
	p.pool.used += n
	return p.msg.head[p.line:], n, whole
}

// startLine looks at what has come of the first line and reports whether it can
// be (or is, when it is whole) HTTP/1; if not, the message is discarded.
func (p *parser) startLine(line []byte, whole bool) bool {
	if !whole && mayStart(line) {
		return true
	}
	if whole {
		if start, ok := parseStartLine(line); ok {
			p.msg.startLine = start
			return true
		}
	}
	switch {
	case string(bytes.TrimRight(line, "\r\n")) == "PRI * HTTP/2.0":
		p.startsWithPreface()
	case !p.recognised && isTLS(line):
		p.discard(TLS)
		p.state, p.why = opaque, TLS
	default:
		p.discard(Malformed)
	}
	return false
}

// headComplete reads the head and decides how the body will end.
func (p *parser) headComplete() {
	m := p.msg
	m.headers = appendFields(m.headers, m.head[bytes.IndexByte(m.head, '\n')+1:])
	if len(m.headers) > p.limits.Fields {
		p.discard(HeaderLimit)
		return
	}
	p.recognised = true
	if m.isResponse() && m.status < 200 && m.status != 101 {
		p.skipInterim()
		return
	}
	p.out.begin(m)
	p.inspect(len(m.head))
	kind, length := m.framing()
	if m.odd == FramingConflict {
		p.cov.conflicts.Add(1)
	}
	p.left = length
	p.bodyStarts(kind)
}

// skipInterim passes over a 1xx response. The final one is taken to start with
// it, where the client expects its answer.
func (p *parser) skipInterim() {
	m := p.msg
	p.skip(Interim, len(m.head))
	p.pool.used -= len(m.head)
	m.startLine, m.head, m.headers, p.line = startLine{}, m.head[:0], m.headers[:0], 0
}

func (p *parser) bodyStarts(kind framing) {
	switch kind {
	case noBody:
		why := p.msg.switches()
		switch why {
		case HTTP2:
			p.upgradeToHTTP2()
		case WebSocket:
			p.upgradeToWebSocket()
		case 0:
			p.finish()
		default:
			p.finish()
			p.state, p.why = opaque, why
		}
	case sized:
		p.state = inSized
		if p.left == 0 {
			p.finish()
		}
	case chunked:
		p.state, p.left, p.digits = inChunkSize, 0, 0
	case untilClose:
		p.state = inUntilClose
	case broken:
		p.abort(Malformed)
	}
}

// sized takes bytes of a body whose length is known.
func (p *parser) sized(data []byte, first bool) int {
	m := p.msg
	if first && m.body.size == 0 && m.isResponse() && m.peer == nil && startsMessage(data) {
		p.finish() // the unseen request must have been a HEAD
		return 0
	}
	n := int(min(p.left, int64(len(data))))
	p.store(p.msg, data[:n])
	if p.left -= int64(n); p.left == 0 {
		p.finish()
	}
	return n
}

// finish hands on the message; what follows is the next one.
func (p *parser) finish() {
	m := p.msg
	m.done, m.frame = true, p.at.frame
	p.msg, p.state = nil, inHead
	p.out.end(m)
}

// abort hands on a message whose rest will not be understood, or not come.
func (p *parser) abort(why Reason) {
	p.msg.truncate(why)
	p.finish()
	if why == Gap || why == SnapLength || why == CutOff {
		why = MidMessage
	}
	p.lose(why)
}

// discard gives up a message whose head is not complete.
func (p *parser) discard(why Reason) {
	m := p.msg
	p.msg = nil
	p.lose(why)
	p.skip(p.why, len(m.head))
	p.pool.put(m)
}

// lose starts to hunt for the next message. A stream that never was HTTP is
// not malformed, it is something else.
func (p *parser) lose(why Reason) {
	if !p.recognised && (why == Malformed || why == MidMessage) {
		why = UnknownProtocol
	}
	p.state, p.why = hunting, why
}

// restart says that what comes next has nothing to do with what came before.
func (p *parser) restart() {
	switch p.state {
	case opaque:
	case inHTTP2:
		p.http2.lose(p.side, MidMessage)
	case inWebSocket:
		p.socket.lose(p.side, MidMessage)
	default:
		p.lose(MidMessage)
	}
}

// gap says that the next n bytes of the stream will never come, and why. A body
// of known length survives it: what is kept ends at the gap, and the next
// message starts where it should.
func (p *parser) gap(n int64, why Reason) {
	switch {
	case p.state == opaque, p.state == hunting:
	case p.state == inHTTP2:
		p.http2.gap(p.side, n, why)
	case p.state == inWebSocket:
		p.socket.gap(p.side, n, why, p.at)
	case p.msg == nil:
		p.lose(MidMessage)
	case p.state == inHead:
		p.discard(MidMessage)
	case p.state == inUntilClose:
		p.msg.cutAt(why)
	case p.state == inSized && n < p.left:
		p.left -= n
		p.msg.cutAt(why)
	case p.state == inSized && n == p.left:
		p.msg.cutAt(why)
		p.finish()
	default:
		p.abort(why)
	}
}

// close says that the stream is over; clean means that it ended by a FIN after
// all of its bytes.
func (p *parser) close(clean bool) {
	switch {
	case p.state == inHTTP2:
		p.http2.close(p.side)
	case p.state == inWebSocket:
		p.socket.close(p.side)
	case p.msg == nil:
	case p.state == inHead:
		p.discard(MidMessage)
	case p.state == inUntilClose && clean:
		p.finish()
	default:
		p.abort(CutOff)
	}
}

// becomeOpaque ends the parsing for good.
func (p *parser) becomeOpaque(why Reason) {
	p.close(false)
	p.closeUpgraded()
	p.state, p.why = opaque, why
}

// atStart reports whether the next byte is expected to start a message.
func (p *parser) atStart() bool {
	return p.state == hunting || p.state == inHead && (p.msg == nil || len(p.msg.head) == 0)
}
