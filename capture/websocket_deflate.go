package capture

import (
	"errors"
	"io"

	"github.com/klauspost/compress/flate"
)

const (
	// deflateWindow is how far a message may refer back into those before it
	// (RFC 7692, section 7.1.2).
	deflateWindow = 32 << 10
	// deflateTail ends a message: what its sender took off (RFC 7692, section
	// 7.2.2), and a last block without content.
	deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
)

// inflate replaces the body of m by what it is without compression, and counts
// what was read of it.
func (w *webSocket) inflate(s *socketSide, m *message) {
	size := m.body.size
	if s.blind && s.takeover {
		w.skip(ContentCoding, size)
		w.pool.used -= size
		m.body.clear(&w.pool)
		return
	}
	deflated := m.body.join(&w.deflated)
	if !m.truncated() {
		deflated = append(deflated, deflateTail...)
	}
	w.source.Reset(deflated)
	if w.inflater == nil {
		w.inflater = flate.NewReader(&w.source)
	}
	var err error
	if resetter, ok := w.inflater.(flate.Resetter); ok {
		err = resetter.Reset(&w.source, s.window)
	}
	if err == nil {
		w.inflated, err = readUpTo(w.inflater, w.inflated[:0], w.limits.Body)
	}
	read := min(size, len(deflated)-w.source.Len())
	switch {
	case errors.Is(err, errLimit):
		m.truncate(BodyLimit)
		w.skip(BodyLimit, size-read)
	case err != nil && !errors.Is(err, io.EOF):
		m.truncate(ContentCoding)
		w.skip(ContentCoding, size-read)
	default:
		read = size
	}
	if s.binary {
		w.skip(WebSocketBinary, read)
	} else {
		w.inspect(read)
	}
	m.body.clear(&w.pool)
	m.body.add(&w.pool, w.inflated)
	m.counted = true
	w.pool.used += m.body.size - size
	w.remember(s, w.inflated)
}

// remember keeps the end of what was sent, for the next message.
func (w *webSocket) remember(s *socketSide, text []byte) {
	if !s.takeover {
		return
	}
	before := len(s.window)
	s.window = append(s.window, text[max(0, len(text)-deflateWindow):]...)
	if over := len(s.window) - deflateWindow; over > 0 {
		s.window = append(s.window[:0], s.window[over:]...)
	}
	w.pool.used += len(s.window) - before
}
