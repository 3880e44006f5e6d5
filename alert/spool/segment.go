package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A segment is records one behind the other. Each begins with four bytes that are in no UTF-8,
// then has its length (4 bytes, little endian), the CRC-32C of length and content (4 bytes),
// and its content.
const (
	headBytes = 12
	// MaxRecord is the size in bytes that one record may have.
	MaxRecord = 16 << 20
)

var magic = [4]byte{0xff, 'L', 'T', 0xfe}

// appendRecord appends a record to a segment.
func appendRecord(segment, record []byte) []byte {
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(record)))
	segment = append(append(segment, magic[:]...), size...)
	segment = binary.LittleEndian.AppendUint32(segment, checksum(size, record))
	return append(segment, record...)
}

func checksum(size, record []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(size, table), table, record)
}

// parse returns the record at the beginning of b; ok is false if there is no whole one.
func parse(b []byte) (record []byte, ok bool) {
	if len(b) < headBytes || [4]byte(b) != magic {
		return nil, false
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > MaxRecord || int(n) > len(b)-headBytes {
		return nil, false
	}
	record = b[headBytes : headBytes+int(n)]
	return record, checksum(b[4:8], record) == binary.LittleEndian.Uint32(b[8:])
}

// entry is a record with where it ends in its segment.
type entry struct {
	record []byte
	end    int64
}

// scan finds the whole records of a segment. What is damaged between them is passed over and
// counted, each stretch once; torn says that the segment does not end with a whole record.
func scan(b []byte) (list []entry, damaged int, torn bool) {
	for at := 0; at < len(b); {
		if record, ok := parse(b[at:]); ok {
			at += headBytes + len(record)
			list = append(list, entry{record, int64(at)})
			continue
		}
		if at = following(b, at+1); at == len(b) {
			return list, damaged, true
		}
		damaged++
	}
	return list, damaged, false
}

// following is where the next whole record begins, or the end.
func following(b []byte, at int) int {
	for at < len(b) {
		i := bytes.Index(b[at:], magic[:])
		if i < 0 {
			break
		}
		at += i
		if _, ok := parse(b[at:]); ok {
			return at
		}
		at++
	}
	return len(b)
}
