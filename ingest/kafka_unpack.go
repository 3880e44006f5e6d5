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

// batchUnpacker unpacks the records of compressed batches, a window at a time: what
// a batch unpacks to is not bounded by memory. It is used by one goroutine at a time,
// and keeps its window between batches.
type batchUnpacker struct {
	// limit is how much one batch may unpack to, whole how large a block may be that
	// can only be unpacked at once, both in bytes.
	limit, whole int
	// slot, unless nil, has room for the one worker that unpacks a block larger than
	// the window.
	slot    chan struct{}
	holding bool

	// buf is the window: bytes that were unpacked and not passed.
	buf []byte
	in  bytes.Reader
	// stream gives what is not unpacked yet, blocks has it for snappy.
	stream io.Reader
	pooled io.Closer
	blocks []byte
	zstd   *zstd.Decoder
	total  int
	// err says why there is no more; nil at a batch's proper end.
	err error
}

// errBatchBomb says that a batch is larger than allowed when it is unpacked.
var errBatchBomb = errors.New("the batch unpacks to more than the limit")

const (
	// unpackWindow is how much of a batch is unpacked at a time, in bytes, unless one
	// record is larger.
	unpackWindow = 4 << 20
	// unpackHistory is how far back a zstd frame may refer, in bytes.
	unpackHistory = 32 << 20
)

// unpack returns the first records of a batch; they are valid until the next call,
// and more gets the following ones.
func (u *batchUnpacker) unpack(codec int8, packed []byte) []byte {
	u.done()
	if compress.Compression(codec) == compress.None {
		return packed
	}
	if err := u.open(compress.Compression(codec), packed); err != nil {
		u.err = unpackError(err)
		return nil
	}
	u.fill(unpackWindow)
	return u.buf
}

// open finds out how a batch is to be unpacked.
func (u *batchUnpacker) open(codec compress.Compression, packed []byte) error {
	switch codec {
	case compress.Zstd:
		return u.openZstd(packed)
	case compress.Snappy:
		u.reserve(min(4*len(packed), unpackWindow))
		return u.openSnappy(packed)
	case compress.Gzip, compress.Lz4:
		u.reserve(min(4*len(packed), unpackWindow))
		u.in.Reset(packed)
		r := codec.Codec().NewReader(&u.in)
		u.stream, u.pooled = r, r
	default:
		return fmt.Errorf("unknown compression %d", codec)
	}
	return nil
}

// more returns rest, the end of what was returned last, with what follows it: at
// least so many bytes together unless the batch ends before.
func (u *batchUnpacker) more(rest []byte, want int) []byte {
	if u.ended() {
		return rest
	}
	if want > cap(u.buf) && want > unpackWindow {
		grown := make([]byte, len(rest), want)
		copy(grown, rest)
		u.buf = grown
	} else {
		u.buf = u.buf[:copy(u.buf[:cap(u.buf)], rest)]
	}
	u.fill(max(want, unpackWindow))
	return u.buf
}

// fill unpacks until there are so many bytes.
func (u *batchUnpacker) fill(want int) {
	for len(u.buf) < want && !u.ended() {
		u.step()
	}
}

// pass drops so many bytes behind what was returned last, which is dropped, too.
func (u *batchUnpacker) pass(n int) []byte {
	for n > 0 && !u.ended() {
		u.buf = u.buf[:0]
		u.step()
		kept := max(len(u.buf)-n, 0)
		n -= len(u.buf) - kept
		u.buf = u.buf[len(u.buf)-kept:]
	}
	if n > 0 && u.err == nil {
		u.err = errBatchCut
	}
	return u.buf
}

// ended says whether there is nothing more to unpack.
func (u *batchUnpacker) ended() bool {
	return u.err != nil || u.stream == nil && len(u.blocks) == 0
}

// step unpacks some bytes more.
func (u *batchUnpacker) step() {
	before := len(u.buf)
	var err error
	if u.stream != nil {
		err = u.read()
	} else {
		err = u.block()
	}
	u.total += len(u.buf) - before
	switch {
	case u.total > u.limit:
		u.err, u.buf = errBatchBomb, u.buf[:before]
	case errors.Is(err, io.EOF):
		u.stream = nil
	case err != nil:
		u.err = unpackError(err)
	}
}

// unpackError names a bomb as one.
func unpackError(err error) error {
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return errBatchBomb
	}
	return err
}

// read takes what a stream has ready.
func (u *batchUnpacker) read() error {
	if len(u.buf) == cap(u.buf) {
		u.reserve(max(min(7*len(u.buf), unpackWindow-len(u.buf)), 64<<10))
	}
	n, err := u.stream.Read(u.buf[len(u.buf):cap(u.buf)])
	u.buf = u.buf[:len(u.buf)+n]
	return err
}

// reserve makes room for n bytes behind those that are there.
func (u *batchUnpacker) reserve(n int) {
	if need := len(u.buf) + n; need > cap(u.buf) {
		grown := make([]byte, len(u.buf), need)
		copy(grown, u.buf)
		u.buf = grown
	}
}

// openZstd unpacks at once if the frame tells its size (RFC 8878, section 3.1.1.1.4)
// and it is small; producers in Java do not tell.
func (u *batchUnpacker) openZstd(packed []byte) (err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(unpackHistory), zstd.WithDecoderMaxWindow(unpackHistory))
		if err != nil {
			return fmt.Errorf("make zstd decoder: %w", err)
		}
	}
	var head zstd.Header
	if err = head.Decode(packed); err == nil && head.HasFCS && head.FrameContentSize <= uint64(min(unpackWindow, u.limit)) {
		u.reserve(int(head.FrameContentSize))
		u.buf, err = u.zstd.DecodeAll(packed, u.buf)
		u.total = len(u.buf)
		return err
	}
	u.reserve(min(4*len(packed), unpackWindow))
	u.in.Reset(packed)
	if err = u.zstd.Reset(&u.in); err != nil {
		return err
	}
	u.stream = u.zstd
	return nil
}

// xerialMagic begins the frames in which Java's producers put snappy blocks
// (github.com/xerial/snappy-java, SnappyOutputStream); two versions follow, then
// blocks with their length before them. Other producers send one block.
const (
	xerialMagic = "\x82SNAPPY\x00"
	xerialHead  = len(xerialMagic) + 8
)

// openSnappy makes all of it blocks with their length before them.
func (u *batchUnpacker) openSnappy(packed []byte) error {
	if !bytes.HasPrefix(packed, []byte(xerialMagic)) {
		return u.unpackBlock(packed)
	}
	if len(packed) < xerialHead {
		return errBatchCut
	}
	u.blocks = packed[xerialHead:]
	return nil
}

// block unpacks the next block.
func (u *batchUnpacker) block() error {
	if len(u.blocks) < 4 {
		return errBatchCut
	}
	n := binary.BigEndian.Uint32(u.blocks)
	if uint64(n) > uint64(len(u.blocks)-4) {
		return errBatchCut
	}
	block := u.blocks[4 : 4+n]
	u.blocks = u.blocks[4+n:]
	return u.unpackBlock(block)
}

// unpackBlock appends one snappy block. Where it is larger than the window, only one
// worker has such a block at a time.
func (u *batchUnpacker) unpackBlock(block []byte) error {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return err
	}
	if n > min(u.whole, u.limit-u.total) {
		return errBatchBomb
	}
	if n > unpackWindow && !u.holding && u.slot != nil {
		u.slot <- struct{}{}
		u.holding = true
	}
	u.reserve(n)
	start := len(u.buf)
	if _, err = snappy.Decode(u.buf[start:start+n], block); err == nil {
		u.buf = u.buf[:start+n]
	}
	return err
}

// done gives back what the last batch needed.
func (u *batchUnpacker) done() {
	if u.pooled != nil {
		_ = u.pooled.Close() // it was read, or it failed before
	}
	u.stream, u.pooled, u.blocks, u.total, u.err = nil, nil, nil, 0, nil
	u.buf = u.buf[:0]
	if cap(u.buf) > unpackWindow {
		u.buf = nil
	}
	if u.holding {
		u.holding = false
		<-u.slot
	}
}

// close gives the decoder's memory back.
func (u *batchUnpacker) close() {
	u.done()
	if u.zstd != nil {
		u.zstd.Close()
	}
}
