// Package spool keeps records on disk until they are delivered. A record is acknowledged when
// Append has returned nil: it is in a file by then, and the file is synced, so that it survives
// the process and the machine. What was acknowledged is given out at least once, in order; after
// a crash the newest deliveries may be repeated. The bytes on disk are bounded: the oldest records
// make room for new ones, and are counted. A damaged record is passed over and counted, too.
package spool

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The reasons for which records are dropped.
const (
	// ReasonFull stands for the oldest records, dropped for new ones.
	ReasonFull = "full"
	// ReasonDamaged stands for stretches that no longer have their checksum.
	ReasonDamaged = "damaged"
	// ReasonTorn stands for ends of files that a crash has cut. What was acknowledged is not
	// among it, unless the disk lost what it had synced.
	ReasonTorn = "torn"
)

// ErrInUse says that another process has the directory.
var ErrInUse = errors.New("another process uses it")

// Config says where a spool is; zero fields mean defaults.
type Config struct {
	// Dir is made, with mode 0700, if it is not there.
	Dir string
	// MaxBytes bounds the files, 256 MiB by default, 64 KiB at least.
	MaxBytes int64
	// Dropped, unless nil, is called with how many records were dropped and why.
	Dropped func(reason string, records int)

	create func(name string) (file, error) // of a test with a disk at fault
}

// file is a segment that is written to.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// Spool is a queue of records on disk. It is safe for concurrent use by any number of writers
// and one reader.
type Spool struct {
	config       Config
	segmentBytes int64
	lock         *os.File
	ready        chan struct{}

	mu       sync.Mutex
	segments []*segment // the oldest first
	tail     file       // the newest, if it is written to
	size     int64      // of all
	next     uint64     // number of the next segment
	head     int64      // up to where the oldest was delivered
	loaded   []entry    // records of the oldest that follow head
	taken    int        // records of the oldest that were given out and are not done
	orphans  int        // records that were given out, and then made room
}

// segment is one file.
type segment struct {
	number  uint64
	size    int64
	records int // that were not delivered
}

const (
	suffix         = ".spool"
	headFile       = "head"
	defaultBytes   = 256 << 20
	leastBytes     = 64 << 10
	largestSegment = 4 << 20
)

// Open opens a directory and finds what was not delivered. It fails with [ErrInUse] if another
// process has it open.
func Open(c Config) (*Spool, error) {
	c.MaxBytes = max(cmp.Or(c.MaxBytes, defaultBytes), leastBytes)
	if c.Dropped == nil {
		c.Dropped = func(string, int) {}
	}
	if c.create == nil {
		c.create = createFile
	}
	s := &Spool{config: c, segmentBytes: min(largestSegment, c.MaxBytes/8), ready: make(chan struct{}, 1)}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open spool %s: %w", c.Dir, err)
	}
	return s, nil
}

func (s *Spool) open() error {
	if err := os.MkdirAll(s.config.Dir, 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(s.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := lockFile(lock); err != nil {
		return errors.Join(ErrInUse, lock.Close())
	}
	s.lock = lock
	if err := s.recover(); err != nil {
		return errors.Join(err, lock.Close())
	}
	s.wake()
	return nil
}

// recover finds the segments and counts their records.
func (s *Spool) recover() error {
	names, err := filepath.Glob(s.path("*" + suffix))
	if err != nil {
		return err
	}
	number, head := s.readHead()
	s.next = number + 1 // what was delivered of another segment must not count for a new one
	for _, name := range names {
		n, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(name), suffix), 16, 64)
		if err != nil {
			continue // it is none of ours
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		from := int64(0)
		if n == number && head <= int64(len(text)) {
			from, s.head = head, head
		}
		list, damaged, torn := scan(text[from:])
		s.dropped(ReasonDamaged, damaged)
		if torn {
			s.dropped(ReasonTorn, 1)
		}
		s.segments = append(s.segments, &segment{n, int64(len(text)), len(list)})
		s.size += int64(len(text))
		s.next = max(s.next, n+1)
	}
	slices.SortFunc(s.segments, func(a, b *segment) int { return cmp.Compare(a.number, b.number) })
	if len(s.segments) > 0 && s.segments[0].number != number {
		s.head = 0
	}
	return nil
}

func (s *Spool) path(name string) string { return filepath.Join(s.config.Dir, name) }

func (s *Spool) segmentPath(number uint64) string {
	return s.path(fmt.Sprintf("%016x%s", number, suffix))
}

func (s *Spool) dropped(reason string, records int) {
	if records > 0 {
		s.config.Dropped(reason, records)
	}
}

// wake tells a reader that there are records.
func (s *Spool) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Ready receives when records may have come since Take returned none.
func (s *Spool) Ready() <-chan struct{} { return s.ready }

// Bytes is the size of the files.
func (s *Spool) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Append writes records and syncs the file, once for as many as a file has room for. After an
// error none of them is acknowledged, though some may be given out; the next call tries with a
// new file.
func (s *Spool) Append(records ...[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var buf []byte
	waiting := 0
	for i, r := range records {
		if len(r) > MaxRecord {
			return fmt.Errorf("append to spool: a record of %d bytes: want %d at most", len(r), MaxRecord)
		}
		buf = appendRecord(buf, r)
		waiting++
		if i+1 < len(records) && int64(len(buf)+headBytes+len(records[i+1])) <= s.segmentBytes {
			continue
		}
		if err := s.write(buf, waiting); err != nil {
			return fmt.Errorf("append to spool: %w", err)
		}
		buf, waiting = buf[:0], 0
	}
	s.wake()
	return nil
}

func (s *Spool) write(buf []byte, records int) error {
	if err := s.makeRoom(int64(len(buf))); err != nil {
		return err
	}
	newest := s.newest()
	if s.tail != nil && newest.size+int64(len(buf)) > s.segmentBytes {
		s.closeTail()
	}
	if s.tail == nil {
		tail, err := s.config.create(s.segmentPath(s.next))
		if err != nil {
			return err
		}
		newest = &segment{number: s.next}
		s.tail, s.segments, s.next = tail, append(s.segments, newest), s.next+1
	}
	_, err := s.tail.Write(buf)
	if err == nil {
		err = s.tail.Sync()
	}
	if err != nil {
		_ = s.tail.Truncate(newest.size) // what is left behind a failed write is passed over
		s.closeTail()
		return err
	}
	newest.size += int64(len(buf))
	newest.records += records
	s.size += int64(len(buf))
	return nil
}

// newest is the segment that is written to, if any is.
func (s *Spool) newest() *segment {
	if len(s.segments) == 0 {
		return nil
	}
	return s.segments[len(s.segments)-1]
}

// closeTail ends the newest segment: another is begun with the next record.
func (s *Spool) closeTail() {
	_ = s.tail.Close() // it was synced, or is given up
	s.tail = nil
}

// makeRoom drops the oldest segments until so many bytes fit.
func (s *Spool) makeRoom(need int64) error {
	if need > s.config.MaxBytes {
		return fmt.Errorf("%d bytes are more than the spool holds", need)
	}
	for s.size+need > s.config.MaxBytes {
		// What is being delivered is dropped only if that fails.
		s.dropped(ReasonFull, s.segments[0].records-s.taken)
		s.orphans, s.taken = s.orphans+s.taken, 0
		if err := s.removeOldest(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool) removeOldest() error {
	oldest := s.segments[0]
	if len(s.segments) == 1 && s.tail != nil {
		s.closeTail()
	}
	s.segments, s.size = s.segments[1:], s.size-oldest.size
	s.head, s.loaded = 0, nil
	return os.Remove(s.segmentPath(oldest.number))
}

// Close closes the files. What was not delivered is there when the directory is opened again.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropOrphans()
	if s.tail != nil {
		s.closeTail()
	}
	return s.lock.Close()
}

// createFile makes a segment, and has its name survive a crash.
func createFile(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	return f, nil
}

// readHead returns up to where a segment was delivered. One that is damaged says nothing: then
// the segment is given out again.
func (s *Spool) readHead() (number uint64, head int64) {
	text, err := os.ReadFile(s.path(headFile))
	if err != nil {
		return 0, 0
	}
	record, ok := parse(text)
	if !ok || len(record) != 16 {
		return 0, 0
	}
	return binary.LittleEndian.Uint64(record), int64(binary.LittleEndian.Uint64(record[8:]))
}

// writeHead notes up to where the oldest segment was delivered. It is not synced: what a crash
// loses is delivered again.
func (s *Spool) writeHead(number uint64) {
	record := binary.LittleEndian.AppendUint64(nil, number)
	record = binary.LittleEndian.AppendUint64(record, uint64(s.head))
	_ = os.WriteFile(s.path(headFile), appendRecord(nil, record), 0o600) // the same
}
