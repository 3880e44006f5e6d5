package alert

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
)

// boltMeta is what a meta page tells of its file.
type boltMeta struct{ pages, pageSize, txn uint64 }

// readMeta reads a meta page (bbolt, internal/common/meta.go): behind a head of 16 bytes,
// magic, version, page size and flags of four bytes each, root of 16, freelist, number of
// pages, transaction, and the FNV-1a hash of all these.
func readMeta(f *os.File, at int64) (m boltMeta, ok bool) {
	const (
		head, size = 16, 64
		magic      = 0xED0CDAED
	)
	var page [head + size]byte
	if _, err := f.ReadAt(page[:], at); err != nil {
		return m, false
	}
	b := page[head:]
	sum := fnv.New64a()
	sum.Write(b[:56])
	m = boltMeta{binary.LittleEndian.Uint64(b[40:]), uint64(binary.LittleEndian.Uint32(b[8:])), binary.LittleEndian.Uint64(b[48:])}
	return m, binary.LittleEndian.Uint32(b) == magic && m.pageSize > 0 && sum.Sum64() == binary.LittleEndian.Uint64(b[56:])
}

// checkSize says whether a file is as long as its last valid meta page says: memory that is
// mapped behind the end of a file that was cut must not be read.
func checkSize(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	defer f.Close()
	var newest boltMeta
	for page := range int64(2) {
		if m, ok := readMeta(f, page*int64(os.Getpagesize())); ok && m.txn >= newest.txn {
			newest = m
		}
	}
	if newest.pages == 0 || newest.pages > uint64(size)/newest.pageSize {
		return &damagedError{fmt.Errorf("%s has %d bytes and is not whole", path, size)}
	}
	return nil
}
