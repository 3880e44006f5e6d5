package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// batchUnpacker unpacks the records of compressed batches. It is used by one
// goroutine at a time, and keeps its memory between batches as long as that is
// little.
type batchUnpacker struct {
	limit int
	buf   []byte
	in    bytes.Reader
	zstd  *zstd.Decoder
}

// errBatchBomb says that a batch is larger than allowed when it is unpacked.
var errBatchBomb = errors.New("the batch unpacks to more than the limit")

// unpack returns the records of a batch; they are valid until the next call. With
// errBatchBomb it returns nothing, and has not held more than twice the limit.
func (u *batchUnpacker) unpack(codec int8, packed []byte) ([]byte, error) {
	u.buf = u.buf[:0]
	if cap(u.buf) > min(keptUnpacked, u.limit) {
		u.buf = nil
	}
	var err error
	switch compress.Compression(codec) {
	case compress.None:
		return packed, nil
	case compress.Zstd:
		err = u.unpackZstd(packed)
	case compress.Snappy:
		err = u.unpackSnappy(packed)
	case compress.Gzip, compress.Lz4:
		u.in.Reset(packed)
		r := compress.Compression(codec).Codec().NewReader(&u.in)
		defer r.Close()
		err = u.stream(r, len(packed))
	default:
		return nil, fmt.Errorf("unknown compression %d", codec)
	}
	if err != nil {
		return nil, err
	}
	return u.buf, nil
}

// keptUnpacked is how much memory is kept for the next batch, in bytes.
const keptUnpacked = 4 << 20

// grow makes room for n bytes behind those that are there, in few steps, or says
// that there may not be so much.
func (u *batchUnpacker) grow(n int) error {
	need := len(u.buf) + n
	if need > u.limit {
		u.buf = nil
		return errBatchBomb
	}
	if need > cap(u.buf) {
		grown := make([]byte, len(u.buf), min(max(need, 8*cap(u.buf), 64<<10), u.limit))
		copy(grown, u.buf)
		u.buf = grown
	}
	return nil
}

// unpackZstd unpacks at once if the frame tells its size (RFC 8878, section
// 3.1.1.1.4), which producers in Java do not do.
func (u *batchUnpacker) unpackZstd(packed []byte) (err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(uint64(u.limit)), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("make zstd decoder: %w", err)
		}
	}
	var head zstd.Header
	if err = head.Decode(packed); err == nil && head.HasFCS {
		if err := u.grow(int(min(head.FrameContentSize, uint64(u.limit)+1))); err != nil {
			return err
		}
		u.buf, err = u.zstd.DecodeAll(packed, u.buf)
	} else {
		u.in.Reset(packed)
		if err = u.zstd.Reset(&u.in); err == nil {
			err = u.stream(u.zstd, len(packed))
		}
	}
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		u.buf = nil
		return errBatchBomb
	}
	return err
}

// xerialMagic begins the frames in which Java's producers put snappy blocks
// (github.com/xerial/snappy-java, SnappyOutputStream); two versions follow, then
// blocks with their length before them. Other producers send one block.
const (
	xerialMagic = "\x82SNAPPY\x00"
	xerialHead  = len(xerialMagic) + 8
)

func (u *batchUnpacker) unpackSnappy(packed []byte) error {
	u.buf = u.buf[:0]
	if !bytes.HasPrefix(packed, []byte(xerialMagic)) {
		return u.snappyBlock(packed)
	}
	if len(packed) < xerialHead {
		return errBatchCut
	}
	for packed = packed[xerialHead:]; len(packed) > 0; {
		if len(packed) < 4 {
			return errBatchCut
		}
		n := binary.BigEndian.Uint32(packed)
		if uint64(n) > uint64(len(packed)-4) {
			return errBatchCut
		}
		if err := u.snappyBlock(packed[4 : 4+n]); err != nil {
			return err
		}
		packed = packed[4+n:]
	}
	return nil
}

// snappyBlock appends one block.
func (u *batchUnpacker) snappyBlock(block []byte) error {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return err
	}
	if err := u.grow(n); err != nil {
		return err
	}
	start := len(u.buf)
	u.buf = u.buf[:start+n]
	_, err = snappy.Decode(u.buf[start:], block)
	return err
}

// stream reads all that a codec gives.
func (u *batchUnpacker) stream(r io.Reader, packed int) error {
	if err := u.grow(min(4*packed, u.limit)); err != nil {
		return err
	}
	for {
		if len(u.buf) == cap(u.buf) {
			var more [1]byte // there is room for all that is there, or not
			if _, err := io.ReadFull(r, more[:]); err != nil {
				return unlessEOF(err)
			}
			if err := u.grow(1); err != nil {
				return err
			}
			u.buf = append(u.buf, more[0])
		}
		n, err := r.Read(u.buf[len(u.buf):cap(u.buf)])
		u.buf = u.buf[:len(u.buf)+n]
		if err != nil {
			return unlessEOF(err)
		}
	}
}

func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// close gives the decoder's memory back.
func (u *batchUnpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}
