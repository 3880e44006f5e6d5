package ingest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// unpacker decompresses records. It keeps its readers.
type unpacker struct {
	in   bytes.Reader
	gzip *gzip.Reader
	zstd *zstd.Decoder
}

// maxRatio bounds how many bytes one byte of a packed record may unpack to; gzip
// reaches 1032, and logs are packed about 10 to 1.
const maxRatio = 2000

// errBomb says that more was packed than a record may have.
var errBomb = errors.New("the record unpacks to more than the limit")

// append unpacks gzip (RFC 1952) or zstd (RFC 8878) behind dst, up to limit bytes.
// What could be unpacked before an error is returned with it.
func (u *unpacker) append(dst, packed []byte, limit int) ([]byte, error) {
	u.in.Reset(packed)
	in, err := u.reader(packed)
	if err != nil {
		return dst, err
	}
	limit = min(limit, max(maxRatio*len(packed), 1<<16))
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, make([]byte, max(4096, len(dst)))...)[:len(dst)]
		}
		n, err := in.Read(dst[len(dst):min(cap(dst), start+limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > start+limit:
			return dst[:start+limit], errBomb
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}

func (u *unpacker) reader(packed []byte) (io.Reader, error) {
	if packed[0] == 0x1f {
		if u.gzip != nil {
			return u.gzip, u.gzip.Reset(&u.in)
		}
		r, err := gzip.NewReader(&u.in)
		if err != nil {
			return nil, err
		}
		u.gzip = r
		return r, nil
	}
	if u.zstd != nil {
		return u.zstd, u.zstd.Reset(&u.in)
	}
	r, err := zstd.NewReader(&u.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxRecordWindow), zstd.WithDecoderLowmem(true))
	u.zstd = r
	return r, err
}

// maxRecordWindow bounds, in bytes, the memory that the zstd frame of one record
// may ask for (RFC 8878, section 3.1.1.1.2); level 19 asks for 8 MiB.
const maxRecordWindow = 8 << 20

// unpacked opens a record that is gzip or zstd. A part that cannot be unpacked is
// counted with its packed size; what could is decoded.
func (d *decoding) unpacked(record []byte) (e envelope, ok bool) {
	kind := envelopeZstd
	if record[0] == 0x1f {
		if record[1] != 0x8b || record[2] != 8 {
			return e, false
		}
		kind = envelopeGzip
	} else if record[2] != 0x2f || record[3] != 0xfd {
		return e, false
	}
	if d.depth >= d.cfg.MaxEnvelopes {
		d.tally.uninspected(d.src.Kind, UninspectedPacked, int64(len(record)))
		return envelope{kind: kind}, true // inside counts the limit
	}
	l := d.level()
	text, err := l.unpack.append(l.buf[:0], record, d.cfg.MaxRecord)
	l.buf = text
	switch {
	case errors.Is(err, errBomb):
		d.limit(LimitBomb)
		d.tally.uninspected(d.src.Kind, UninspectedPacked, int64(len(record)))
	case err != nil:
		d.limit(LimitBroken)
		d.tally.uninspected(d.src.Kind, UninspectedPacked, int64(len(record)))
	}
	return envelope{kind: kind, inner: bytes.TrimRight(text, "\r\n")}, len(text) > 0
}

// base64 opens a record that is base64 (RFC 4648, section 4) of a record of some
// format. Other base64 is left to be scanned as it stands.
func (d *decoding) base64(record []byte) (e envelope, ok bool) {
	if len(record) < 16 || len(record)%4 != 0 || !isBase64(record) {
		return e, false
	}
	l := d.level()
	text, err := base64.StdEncoding.AppendDecode(l.buf[:0], record)
	l.buf = text
	return envelope{kind: envelopeBase64, inner: text, want: wantShape}, err == nil
}

// isBase64 says whether all bytes are of the alphabet, padding at the end.
func isBase64(b []byte) bool {
	for i, c := range b {
		if foldName(c) == 0 && c != '+' && c != '/' && (c != '=' || i < len(b)-2) {
			return false
		}
	}
	return true
}
