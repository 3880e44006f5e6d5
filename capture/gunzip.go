package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

var errGzip = errors.New("broken gzip member")

// gunzip undoes gzip (RFC 1952), of one member or several, and appends to out.
// The error says why there is no more; out has then what could be decoded.
func (f *inflater) gunzip(in, out []byte, limit int) (all []byte, used int, err error) {
	for used < len(in) || used == 0 {
		n, err := gzipHead(in[used:])
		if err != nil {
			return out, used, err
		}
		used += n
		start := len(out)
		out, n, err = f.inflate(in[used:], out, limit)
		used += n
		if err != nil {
			return out, used, err
		}
		tail := in[used:]
		if len(tail) < 8 {
			return out, len(in), io.ErrUnexpectedEOF
		}
		used += 8
		if binary.LittleEndian.Uint32(tail) != crc32.ChecksumIEEE(out[start:]) || binary.LittleEndian.Uint32(tail[4:]) != uint32(len(out)-start) {
			return out, used, errGzip
		}
	}
	return out, used, nil
}

// gzipHead returns the length of a member's header (section 2.3).
func gzipHead(b []byte) (int, error) {
	const headCRC, extra, name, comment = 2, 4, 8, 16
	n := 10
	if len(b) < n {
		return 0, io.ErrUnexpectedEOF
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return 0, errGzip
	}
	flags := b[3]
	if flags&extra != 0 {
		if len(b) < n+2 {
			return 0, io.ErrUnexpectedEOF
		}
		n += 2 + int(binary.LittleEndian.Uint16(b[n:]))
	}
	for _, text := range []byte{name, comment} {
		if flags&text == 0 {
			continue
		}
		end := bytes.IndexByte(b[min(n, len(b)):], 0)
		if end < 0 {
			return 0, io.ErrUnexpectedEOF
		}
		n += end + 1
	}
	if flags&headCRC != 0 {
		n += 2
	}
	if n > len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}
