package capture

const (
	// smallBody is how much of a body is kept together, which most bodies are.
	smallBody = 4 << 10
	// chunkSize is the size of the pieces that larger bodies are kept in. They are
	// used again and again, so that a thousand bodies that grow at once neither
	// move nor leave garbage.
	chunkSize = 16 << 10
)

// bodyBytes are the bytes of a body as they come.
type bodyBytes struct {
	first []byte
	// more follows first; all but the last are full.
	more [][]byte
	size int
}

// add adds data, in chunks of p.
func (b *bodyBytes) add(p *messagePool, data []byte) {
	b.size += len(data)
	if len(b.more) == 0 && len(b.first)+len(data) <= smallBody {
		b.first = append(b.first, data...)
		return
	}
	for len(data) > 0 {
		last := len(b.more) - 1
		if last < 0 || len(b.more[last]) == chunkSize {
			b.more = append(b.more, p.chunk())
			last++
		}
		n := min(len(data), chunkSize-len(b.more[last]))
		b.more[last] = append(b.more[last], data[:n]...)
		data = data[n:]
	}
}

// join returns the bytes in one piece; what is in chunks goes into buf.
func (b *bodyBytes) join(buf *[]byte) []byte {
	if len(b.more) == 0 {
		return b.first
	}
	*buf = append((*buf)[:0], b.first...)
	for _, chunk := range b.more {
		*buf = append(*buf, chunk...)
	}
	return *buf
}

// clear forgets the bytes and gives the chunks back to p.
func (b *bodyBytes) clear(p *messagePool) {
	for i, chunk := range b.more {
		p.free(chunk)
		b.more[i] = nil
	}
	b.first, b.more, b.size = b.first[:0], b.more[:0], 0
}
