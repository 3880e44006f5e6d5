package ingest

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// A record batch (KIP-98, "Message Format"; kafka.apache.org/protocol, "Record
// Batch"). All numbers are big-endian, those inside records are zigzag varints.
const (
	batchPrefix = 12 // base offset and length, which does not count them
	batchMagic  = 16 // where the version is, in this format and those before
	batchSum    = 21 // what the checksum is of starts here
	batchHead   = 61 // where the records start
)

// The attributes of a batch.
const (
	attributeCodec         = 0x07
	attributeAppendTime    = 0x08
	attributeTransactional = 0x10
	attributeControl       = 0x20
)

// batchHeader is what a batch tells before its records.
type batchHeader struct {
	// size is that of the batch with its header, in bytes.
	size int
	// base is the first offset, last the last, which compaction may have emptied.
	base, last int64
	magic      int8
	crc        uint32
	attributes int16
	// first and max are times in milliseconds since 1970.
	first, max int64
	producer   int64
	records    int32
}

// Why a batch is not decoded.
var (
	errBatchCut     = errors.New("the batch is cut off")
	errBatchOld     = errors.New("the batch has a format from before Kafka 0.11")
	errBatchSum     = errors.New("the checksum is wrong")
	errBatchRecords = errors.New("the records are not those that the header tells")
)

// parseBatchHeader reads the header of the first batch in b, which needs not be
// there to its end. It returns false for less than a header.
func parseBatchHeader(b []byte) (h batchHeader, ok bool) {
	if len(b) < batchMagic+1 {
		return h, false
	}
	h.base = int64(binary.BigEndian.Uint64(b))
	length := int32(binary.BigEndian.Uint32(b[8:]))
	h.magic = int8(b[batchMagic])
	h.size = batchPrefix + int(length)
	h.last = h.base
	if length < batchMagic+1-batchPrefix || h.base < 0 {
		return h, false
	}
	if h.magic < 2 {
		return h, true
	}
	if len(b) < batchHead || h.size < batchHead {
		return h, false
	}
	h.crc = binary.BigEndian.Uint32(b[17:])
	h.attributes = int16(binary.BigEndian.Uint16(b[batchSum:]))
	delta := int32(binary.BigEndian.Uint32(b[23:]))
	h.last = h.base + int64(delta)
	h.first = int64(binary.BigEndian.Uint64(b[27:]))
	h.max = int64(binary.BigEndian.Uint64(b[35:]))
	h.producer = int64(binary.BigEndian.Uint64(b[43:]))
	h.records = int32(binary.BigEndian.Uint32(b[57:]))
	return h, delta >= 0 && h.records >= 0 && h.last >= h.base
}

// scanBatches returns the offset behind the last batch that is there to its end,
// and the bytes up to it; noOffset without one.
func scanBatches(b []byte) (next int64, size int) {
	next = noOffset
	for {
		h, ok := parseBatchHeader(b[size:])
		if !ok || h.size > len(b)-size {
			return next, size
		}
		next = h.last + 1
		size += h.size
	}
}

// check says why a batch, which is there to its end, is not to be decoded.
func (h *batchHeader) check(batch []byte) error {
	switch {
	case h.magic != 2:
		return errBatchOld
	case crc32.Checksum(batch[batchSum:], castagnoli()) != h.crc:
		return errBatchSum
	}
	return nil
}

// castagnoli is the polynomial of the checksum; the standard library makes its
// table once.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (h *batchHeader) codec() int8         { return int8(h.attributes & attributeCodec) }
func (h *batchHeader) control() bool       { return h.attributes&attributeControl != 0 }
func (h *batchHeader) transactional() bool { return h.attributes&attributeTransactional != 0 }

// kafkaRecord is one record of a batch. Its parts are of the batch's memory.
type kafkaRecord struct {
	offset int64
	// ms is its time in milliseconds since 1970.
	ms int64
	// key and value are nil if they are null.
	key, value []byte
	// headers are so many, encoded.
	count   int
	headers []byte
	// lost is how many bytes at the end were not unpacked: the record is too long.
	lost int
}

// batchRecords reads the records of a batch one after the other.
type batchRecords struct {
	head *batchHeader
	// rest is what was not read yet, unpacked.
	rest []byte
	left int32
	// bad says that what is left cannot be read.
	bad bool
	// unpacker, unless nil, has what follows rest. Of a record that is not there,
	// only longest bytes are unpacked, and passed are dropped before the next.
	unpacker *batchUnpacker
	longest  int
	passed   int
}

// next reads the next record; it returns false behind the last one, and where the
// bytes make no sense. A record is valid until the next call.
func (m *batchRecords) next(r *kafkaRecord) bool {
	if m.left == 0 || m.bad {
		return false
	}
	c, ok := m.body()
	if !ok {
		m.bad = true
		return false
	}
	r.lost = m.passed
	c.skip(1) // attributes: none are in use
	r.ms = m.head.first + c.varint()
	if m.head.attributes&attributeAppendTime != 0 {
		r.ms = m.head.max
	}
	r.offset = m.head.base + c.varint()
	r.key = c.bytes()
	r.value = c.bytes()
	r.count = int(c.varint())
	r.headers = c.b
	if c.bad || r.offset < m.head.base || r.offset > m.head.last || r.count < 0 || r.count > len(c.b) {
		m.bad = true
		return false
	}
	m.left--
	return true
}

// body takes the next record, which has its length before it, off the rest.
func (m *batchRecords) body() (c cursor, ok bool) {
	if m.passed > 0 {
		m.rest, m.passed = m.unpacker.pass(m.passed), 0
	}
	length, n := binary.Varint(m.rest)
	if n == 0 {
		m.unpack(binary.MaxVarintLen32)
		length, n = binary.Varint(m.rest)
	}
	if n <= 0 || length < 1 || length > math.MaxInt32 {
		return c, false
	}
	end := n + int(length)
	if end > len(m.rest) {
		m.unpack(min(end, n+m.longest))
		m.passed = max(end-len(m.rest), 0)
	}
	if m.passed > 0 && len(m.rest) < n+m.longest || m.unpacker == nil && end > len(m.rest) {
		m.passed = 0
		return c, false // it ends before
	}
	end -= m.passed
	c = cursor{b: m.rest[n:end], cut: m.passed > 0}
	m.rest = m.rest[end:]
	return c, true
}

// unpack makes the rest at least so long if the batch is.
func (m *batchRecords) unpack(want int) {
	if m.unpacker != nil {
		m.rest = m.unpacker.more(m.rest, want)
	}
}

// failure says why there is no next record although there should be.
func (m *batchRecords) failure() error {
	if m.unpacker != nil && m.unpacker.err != nil {
		return m.unpacker.err
	}
	return errBatchRecords
}

// cursor reads what a record is made of. If it is cut, what lies past its end counts
// as empty, and the last part ends where the bytes do.
type cursor struct {
	b        []byte
	cut, bad bool
}

func (c *cursor) skip(n int) {
	if n > len(c.b) {
		c.end()
		return
	}
	c.b = c.b[n:]
}

// end notes that a part is not there.
func (c *cursor) end() { c.b, c.bad = nil, !c.cut }

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.end()
		return 0
	}
	c.b = c.b[n:]
	return v
}

// bytes returns what has its length before it; nil for null.
func (c *cursor) bytes() []byte {
	n := c.varint()
	if n < 0 {
		return nil
	}
	b := c.b
	if n > int64(len(b)) {
		c.end()
		if c.bad {
			return nil
		}
		return b
	}
	c.b = c.b[n:]
	return b[:n:n]
}
