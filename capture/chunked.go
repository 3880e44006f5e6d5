package capture

import "bytes"

// maxChunkDigits is the most hexadecimal digits of a chunk size: 2^60 - 1
// bytes.
const maxChunkDigits = 15

// chunkFrame takes the bytes around the chunks (RFC 9112, section 7.1): size,
// extension and line ends. They count as inspected, for they carry nothing.
func (p *parser) chunkFrame(data []byte) int {
	n := 0
	for n < len(data) && p.frameByte(data[n]) {
		n++
	}
	p.inspect(n)
	if p.msg == nil && n < len(data) { // given up because of data[n]
		p.skip(p.why, 1)
		n++
	}
	return n
}

// frameByte takes c if it belongs to the frame of a chunk.
func (p *parser) frameByte(c byte) bool {
	switch {
	case p.state == inChunkSize:
		p.chunkSize(c)
	case p.state == inChunkEnd:
		p.chunkEnd(c)
	case p.state != inChunkExtension:
		return false
	case c == '\n':
		p.chunkStarts()
	}
	return p.msg != nil
}

func (p *parser) chunkSize(c byte) {
	digit := bytes.IndexByte([]byte("0123456789abcdef"), c|0x20)
	switch {
	case digit >= 0 && c >= '0' && p.digits < maxChunkDigits:
		p.left = p.left<<4 | int64(digit)
		p.digits++
	case p.digits == 0:
		p.abort(Malformed)
	case c == '\n':
		p.chunkStarts()
	case c == ';' || c == ' ' || c == '\t' || c == '\r':
		p.state = inChunkExtension
	default:
		p.abort(Malformed)
	}
}

// chunkStarts is called when the line with the size is over.
func (p *parser) chunkStarts() {
	p.state = inChunk
	if p.left == 0 {
		p.state, p.line = inTrailer, len(p.msg.head)
	}
}

// chunkEnd takes the line end behind a chunk.
func (p *parser) chunkEnd(c byte) {
	switch c {
	case '\n':
		p.state, p.left, p.digits = inChunkSize, 0, 0
	case '\r':
	default:
		p.abort(Malformed)
	}
}

// chunk takes bytes of a chunk.
func (p *parser) chunk(data []byte) int {
	n := int(min(p.left, int64(len(data))))
	p.store(p.msg, data[:n])
	if p.left -= int64(n); p.left == 0 {
		p.state = inChunkEnd
	}
	return n
}

// trailer takes the lines behind the last chunk until the blank one; their
// fields join the headers.
func (p *parser) trailer(data []byte) int {
	m := p.msg
	line, n, whole := p.takeLine(data)
	switch {
	case len(m.head) > p.limits.Head:
		p.skip(HeaderLimit, n)
		p.abort(HeaderLimit)
		return n
	case whole && isBlank(line):
		p.finish()
	case whole:
		if len(m.headers) < p.limits.Fields {
			m.headers = appendFields(m.headers, line)
		}
		p.line = len(m.head)
	}
	p.inspect(n)
	return n
}
