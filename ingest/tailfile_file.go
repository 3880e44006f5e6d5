package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// fileID is what a file keeps when it is renamed.
type fileID struct {
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
}

// identify returns the id of the regular file that a path leads to.
func identify(path string) (id fileID, ok bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return id, false
	}
	return idOf(info)
}

func idOf(info os.FileInfo) (id fileID, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return id, false
	}
	return fileID{uint64(stat.Dev), stat.Ino}, true //nolint:unconvert // Dev has another size elsewhere
}

// fingerprint is the checksum of a file's first bytes, of more of them while the
// file is short: a number that an inode was given anew is not taken for the file.
type fingerprint struct {
	Size int    `json:"size"`
	Sum  uint32 `json:"sum"`
}

// maxFingerprint is how many bytes are looked at, at most.
const maxFingerprint = 1024

// take returns the fingerprint of the file's first size bytes, less if it is
// shorter.
func takeFingerprint(r io.ReaderAt, size int) (fingerprint, error) {
	buf := make([]byte, size)
	n, err := r.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fingerprint{}, err
	}
	return fingerprint{n, crc32.Checksum(buf[:n], castagnoli())}, nil
}

// tailed is one file that is followed.
type tailed struct {
	t        *Tail
	path     string
	id       fileID
	file     *os.File
	decoding *decoding
	print    fingerprint

	// buf[:filled] was read and starts at offset; line is the number of the line
	// that starts there.
	buf          []byte
	filled       int
	offset, line int64
	// size and changed are the file's when it was last looked at.
	size    int64
	changed time.Time
	held    holding
	// cut says that the present line is over the limit and its rest is dropped.
	cut bool
	// nameless is since when no path leads to the file.
	nameless time.Time
}

func openTailed(t *Tail, path string, h Handler) (*tailed, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &tailed{t: t, path: path, file: file, line: 1}
	info, err := file.Stat()
	if err == nil {
		f.id, _ = idOf(info)
		f.print, err = takeFingerprint(file, maxFingerprint)
	}
	if err != nil {
		_ = file.Close() // it was only read
		return nil, err
	}
	f.size = info.Size()
	f.decoding = newDecoding(t.cfg.Config, newTally(t.metrics, t.cfg.Config), t.log, h.Handle)
	f.decoding.joiner = newJoiner(t.cfg.Config, true)
	return f, nil
}

func (f *tailed) seek(offset, line int64) { f.offset, f.line = offset, line }

// seekEnd goes behind the last line that is there to its end. Lines are counted
// from there.
func (f *tailed) seekEnd() {
	const last = 64 << 10
	start := max(f.size-last, 0)
	buf := make([]byte, f.size-start)
	n, _ := f.file.ReadAt(buf, start) // what cannot be read is read later, or fails then
	if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
		f.offset = start + int64(i) + 1
	}
}

// lag is how many bytes are there that were not handled.
func (f *tailed) lag() int64 { return max(f.size-f.offset-int64(f.filled), 0) }

// turn is how much is read of one file before it is the next one's turn, in bytes.
const turn = 1 << 20

// read handles lines that were not read yet. more says that there are others.
func (f *tailed) read(ctx context.Context) (more bool, err error) {
	if err := f.check(); err != nil {
		return false, err
	}
	for done := 0; done < turn && ctx.Err() == nil; {
		n, err := f.fill()
		if err != nil || n == 0 {
			f.rest()
			return false, err
		}
		done += n
		f.lines(ctx)
	}
	return f.lag() > 0, nil
}

// check looks whether the file was cut, and begins anew then.
func (f *tailed) check() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() == f.size && info.ModTime().Equal(f.changed) {
		return nil
	}
	f.size, f.changed = info.Size(), info.ModTime()
	now, err := takeFingerprint(f.file, f.print.Size)
	if err != nil {
		return err
	}
	if f.size >= f.offset+int64(f.filled) && now == f.print {
		if f.print.Size < maxFingerprint {
			f.print, err = takeFingerprint(f.file, maxFingerprint)
		}
		return err
	}
	f.t.log.Warn("file was cut: it is read from its beginning", "path", f.path, "read", f.offset+int64(f.filled), "size", f.size)
	f.t.files.losses.WithLabelValues(lossTruncated).Inc()
	f.flush()
	f.offset, f.line, f.filled, f.cut = 0, 1, 0, false
	f.print, err = takeFingerprint(f.file, maxFingerprint)
	return err
}

// fill reads more behind what is there.
func (f *tailed) fill() (n int, err error) {
	if f.filled == len(f.buf) {
		f.buf = append(f.buf, make([]byte, max(readSize, len(f.buf)))...)
	}
	n, err = f.file.ReadAt(f.buf[f.filled:], f.offset+int64(f.filled))
	f.filled += n
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("read: %w", err)
	}
	return n, nil
}

// lines handles the lines that are there to their ends.
func (f *tailed) lines(ctx context.Context) {
	start := 0
	for ctx.Err() == nil {
		n := bytes.IndexByte(f.buf[start:f.filled], '\n')
		if n < 0 {
			break
		}
		f.record(f.buf[start:start+n], int64(n)+1)
		start += n + 1
	}
	if f.filled-start > f.t.cfg.MaxRecord {
		f.record(f.buf[start:f.filled], int64(f.filled-start))
		f.line--
		f.cut = true
		start = f.filled
	}
	f.filled = copy(f.buf, f.buf[start:f.filled])
	if f.filled == 0 {
		f.buf = shrink(f.buf)
	}
}

// record handles one line; size is that with its end.
func (f *tailed) record(line []byte, size int64) {
	over := len(line) - f.t.cfg.MaxRecord
	if f.cut {
		over = len(line)
	}
	if over > 0 {
		f.decoding.tally.cut(classify.SourceFile, int64(over))
	}
	if !f.cut {
		line = bytes.TrimSuffix(line[:len(line)-max(over, 0)], []byte("\r"))
		f.decoding.record(f.source(), time.Time{}, line)
	}
	f.cut = false
	f.offset += size
	f.line++
	f.held.next = f.offset
}

// source is where the line at the present offset is. The inode tells files of one
// name apart, so that findings in them have different ids.
func (f *tailed) source() classify.Source {
	return classify.Source{
		Kind: classify.SourceFile, Name: f.path, Line: f.line, Offset: f.offset, Partition: int32(f.id.Inode), //nolint:gosec // only to differ
	}
}

// rest hands over what waited long enough for more: a record held back, and the
// last line of a file that will get no end.
func (f *tailed) rest() {
	wait := f.held.patience(f.decoding.joiner, f.t.cfg.Timing.Join)
	if wait == 0 {
		f.decoding.flush()
	}
	if f.filled > 0 && !f.nameless.IsZero() && time.Since(f.nameless) > f.t.cfg.Timing.Grace {
		f.lastLine()
	}
}

// lastLine handles a line without an end.
func (f *tailed) lastLine() {
	f.record(f.buf[:f.filled], int64(f.filled))
	f.filled = 0
}

// flush hands over what is held back.
func (f *tailed) flush() {
	if f.t.cfg.StopAtEnd && f.filled > 0 {
		f.lastLine()
	}
	f.decoding.flush()
}

// handled returns how far the file was handled, with the number of the line there.
func (f *tailed) handled() (offset, line int64) {
	if src, ok := f.decoding.joiner.oldest(); ok {
		return src.Offset, src.Line
	}
	return f.offset, f.line
}
