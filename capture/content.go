package capture

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxCodings is the most codings stacked on one body that are undone.
	maxCodings = 2
	// maxWindow is the largest zstd window (RFC 9659, section 3).
	maxWindow = 8 << 20
)

// contentDecoder undoes content codings. It reuses its readers and buffers: what
// it returns is valid until the next body of the same side.
type contentDecoder struct {
	source   bytes.Reader
	inflater *inflater
	zlib     io.ReadCloser
	brotli   *brotli.Reader
	zstd     *zstd.Decoder
	// request and response hold the decoded bodies, spare the step before.
	request, response, spare []byte
}

// decode returns the body of m without its content codings, at most limit
// bytes. read is how many bytes of m's body stand behind that; why is not 0 when
// the result is not the whole body. A body that does not decode at all is
// returned as it was sent.
func (d *contentDecoder) decode(m *message, limit int, buf *[]byte) (body []byte, read int, why Reason) {
	body, read = m.body.join(buf), m.body.size
	codings := m.codings()
	if len(codings) == 0 && m.odd == HeaderTable {
		if codings = hiddenCoding(body); codings == nil && !isText(body) {
			return body, 0, ContentCoding // or not: nobody knows
		}
	}
	if read == 0 || len(codings) == 0 {
		return body, read, 0
	}
	if len(codings) > maxCodings {
		return body, 0, ContentCoding
	}
	for i, coding := range slices.Backward(codings) {
		out, used, reason := d.undo(coding, body, limit, d.spare)
		d.spare, *buf = *buf, out
		if reason != 0 {
			// How much of what was sent an inner coding used, nobody can say.
			why, read = reason, 0
			if i == len(codings)-1 {
				read = used
			}
		}
		if reason != 0 && len(out) == 0 {
			return m.body.join(buf), 0, why
		}
		body = out
	}
	return body, read, why
}

// hiddenCoding tells the coding of a body by how it begins, where the field that
// names it was not seen (RFC 1952, section 2.3.1; RFC 8878, section 3.1.1).
func hiddenCoding(body []byte) [][]byte {
	switch {
	case bytes.HasPrefix(body, []byte("\x1f\x8b\x08")):
		return [][]byte{[]byte("gzip")}
	case bytes.HasPrefix(body, []byte("\x28\xb5\x2f\xfd")):
		return [][]byte{[]byte("zstd")}
	}
	return nil
}

// isText reports whether body begins like UTF-8 text, which no coding leaves it.
func isText(body []byte) bool {
	body = body[:min(len(body), 64)]
	for i := 0; i < len(body); {
		c, n := utf8.DecodeRune(body[i:])
		isBroken := c == utf8.RuneError && n == 1 && len(body)-i >= utf8.UTFMax
		isControl := c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f
		if isBroken || isControl {
			return false
		}
		i += n
	}
	return true
}

// codings returns the codings of the body in the order in which they were
// applied, those of Transfer-Encoding last.
func (m *message) codings() [][]byte {
	var codings [][]byte
	for _, name := range []string{"content-encoding", "transfer-encoding"} {
		for _, value := range m.fields(name) {
			for coding := range bytes.SplitSeq(value, []byte(",")) {
				coding = bytes.ToLower(bytes.TrimSpace(coding))
				switch string(coding) {
				case "", "identity", "chunked":
				default:
					codings = append(codings, coding)
				}
			}
		}
	}
	return codings
}

// undo decodes body into buf, which it may replace.
func (d *contentDecoder) undo(coding, body []byte, limit int, buf []byte) (out []byte, used int, why Reason) {
	out, used, err := d.decoded(coding, body, limit, buf[:0])
	switch {
	case errors.Is(err, errLimit):
		return out, used, BodyLimit
	case err != nil || used < len(body):
		return out, used, ContentCoding
	}
	return out, used, 0
}

// decoded appends what body holds to buf; err says why there is no more.
func (d *contentDecoder) decoded(coding, body []byte, limit int, buf []byte) (out []byte, used int, err error) {
	if d.inflater == nil {
		d.inflater = &inflater{}
	}
	switch name := string(coding); {
	case name == "gzip" || name == "x-gzip":
		return d.inflater.gunzip(body, buf, limit)
	case name == "deflate" && !isZlib(body):
		return d.inflater.inflate(body, buf, limit)
	}
	d.source.Reset(body)
	r, err := d.reader(coding)
	if err != nil {
		return buf, 0, err
	}
	out, err = readUpTo(r, buf, limit)
	return out, len(body) - d.source.Len(), err
}

var (
	errLimit  = errors.New("more than the limit")
	errCoding = errors.New("unknown content coding")
)

// reader returns a reader of what d.source holds in decoded form.
func (d *contentDecoder) reader(coding []byte) (io.Reader, error) {
	switch string(coding) {
	case "deflate":
		return d.zlibReader()
	case "br":
		if d.brotli == nil {
			d.brotli = brotli.NewReader(nil)
		}
		return d.brotli, d.brotli.Reset(&d.source)
	case "zstd":
		return d.zstdReader()
	}
	return nil, errCoding
}

// isZlib reports whether b starts with a zlib header (RFC 1950, section 2.2);
// some servers send "deflate" without one.
func isZlib(b []byte) bool {
	return len(b) >= 2 && b[0]&0x0f == 8 && (int(b[0])<<8|int(b[1]))%31 == 0
}

func (d *contentDecoder) zlibReader() (r io.Reader, err error) {
	if resetter, ok := d.zlib.(zlib.Resetter); ok {
		return d.zlib, resetter.Reset(&d.source, nil)
	}
	d.zlib, err = zlib.NewReader(&d.source)
	return d.zlib, err
}

// zstdReader decodes in the calling goroutine.
func (d *contentDecoder) zstdReader() (r io.Reader, err error) {
	if d.zstd == nil {
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
	}
	return d.zstd, d.zstd.Reset(&d.source)
}

// readUpTo appends what r gives to buf, until limit bytes are there.
func readUpTo(r io.Reader, buf []byte, limit int) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, min(max(64<<10, len(buf)), limit+1-len(buf)))
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), limit+1)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf[:limit], errLimit
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}
