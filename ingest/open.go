package ingest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// readSize is the size in bytes of the buffers between the layers of a stream.
const readSize = 64 << 10

// maxWindow bounds, in bytes, the memory that a zstd frame may ask for. Frames
// made with --long=27, the greatest window that zstd takes without being told,
// still fit (RFC 8878, section 3.1.1.1.2).
const maxWindow = 128 << 20

// stream is an opened input: decompressed, and UTF-8 if it said UTF-16.
type stream struct {
	*bufio.Reader
	counter *counter
	raw     *bufio.Reader
	close   func()
}

// open detects compression and character encoding by their first bytes. The
// stream is not nil even if an error is returned.
func open(in io.Reader) (*stream, error) {
	s := &stream{counter: &counter{in: in}, close: func() {}}
	s.raw = bufio.NewReaderSize(s.counter, readSize)
	s.Reader = s.raw
	magic, _ := s.raw.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}): // RFC 1952
		r, err := gzip.NewReader(s.raw)
		if err != nil {
			return s, err
		}
		s.Reader = bufio.NewReaderSize(r, readSize)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}): // RFC 8878
		r, err := zstd.NewReader(s.raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return s, err
		}
		s.close = r.Close
		s.Reader = bufio.NewReaderSize(r, readSize)
	}
	s.Reader = decodeText(s.Reader)
	return s, nil
}

// Close releases the decompressor; the input is the caller's.
func (s *stream) Close() { s.close() }

// offset returns how many bytes of the input were used up.
func (s *stream) offset() int64 { return s.counter.n - int64(s.raw.Buffered()) }

// counter counts the bytes read through it.
type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// decodeText takes a byte order mark off, and UTF-16 that has one to UTF-8.
func decodeText(in *bufio.Reader) *bufio.Reader {
	mark, _ := in.Peek(3)
	var order binary.ByteOrder
	switch {
	case bytes.Equal(mark, []byte{0xef, 0xbb, 0xbf}):
		_, _ = in.Discard(3) // cannot fail: they were peeked
		return in
	case bytes.HasPrefix(mark, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(mark, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return in
	}
	_, _ = in.Discard(2) // cannot fail: they were peeked
	return bufio.NewReaderSize(&utf16Reader{in: in, order: order}, readSize)
}

// utf16Reader reads UTF-16 as UTF-8; lone surrogates and half a unit at the end
// become U+FFFD.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	// high is a high surrogate whose low one may follow, or 0.
	high rune
}

func (r *utf16Reader) Read(p []byte) (n int, err error) {
	for n+2*utf8.UTFMax <= len(p) {
		unit, err := r.unit()
		if err != nil {
			return n, err
		}
		n += len(r.append(p[n:n], unit))
		if r.in.Buffered() < 2 && n > 0 {
			break // do not wait for more than there is
		}
	}
	return n, nil
}

// unit reads the next 16-bit unit.
func (r *utf16Reader) unit() (rune, error) {
	b, err := r.in.Peek(2)
	if len(b) == 0 {
		return 0, err
	}
	if len(b) < 2 {
		_, err = r.in.Discard(1)
		return utf8.RuneError, err
	}
	unit := rune(r.order.Uint16(b))
	_, err = r.in.Discard(2)
	return unit, err
}

// append writes what the unit completes: nothing, one rune, or a lone surrogate
// and a rune.
func (r *utf16Reader) append(dst []byte, unit rune) []byte {
	const lowStart, end = 0xdc00, 0xe000
	high := r.high
	r.high = 0
	if high != 0 {
		if pair := utf16.DecodeRune(high, unit); pair != utf8.RuneError {
			return utf8.AppendRune(dst, pair)
		}
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	if utf16.IsSurrogate(unit) && unit < lowStart && unit < end {
		r.high = unit
		return dst
	}
	return utf8.AppendRune(dst, unit)
}

// unexpected makes the end of a stream inside a compressed frame read as what
// it is, and the plain end no error.
func unexpected(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file is cut off: it ends inside a compressed block")
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}
