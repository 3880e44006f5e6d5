package capture

import (
	"errors"

	"golang.org/x/net/http2/hpack"
)

const (
	// tableSize is the size of a table that nobody has changed (RFC 9113, section
	// 6.5.2), maxTableSize the largest that is kept.
	tableSize    = 4096
	maxTableSize = 64 << 10
	// entryCost is what an entry counts besides its strings (RFC 7541, section
	// 4.1).
	entryCost = 32
)

// headerField is a field of a header block. One whose name is not known, because
// it stands in a part of the table that was not seen, has none.
type headerField struct{ name, value string }

// headerTable decodes the header blocks of one direction of a connection (RFC
// 7541). It may start in the middle: entries count from the newest, so that what
// came since then is known for sure, and whatever is older is reported as
// unknown. An entry is kept no shorter than the sender does, which never refers
// to one that it dropped.
type headerTable struct {
	decoder *hpack.Decoder
	// field is the last one that the decoder found.
	field headerField
	// max is the size that the sender has chosen, used at most the size in use.
	max, used int
	// spare holds a representation that is put in the place of another.
	spare []byte
}

// reset forgets all entries. Before the first block max is known, later on it is
// the largest that there may be.
func (t *headerTable) reset(limit, size int) {
	if t.decoder == nil {
		t.decoder = hpack.NewDecoder(maxTableSize, func(f hpack.HeaderField) {
			t.field = headerField{f.Name, f.Value}
		})
		t.decoder.SetMaxStringLength(limit)
	}
	t.decoder.SetMaxDynamicTableSize(0)
	t.resize(size)
	t.used = 0
}

func (t *headerTable) resize(size int) {
	t.max = min(size, maxTableSize)
	t.decoder.SetMaxDynamicTableSize(uint32(t.max))
	t.used = min(t.used, t.max)
}

// errHeaderBlock is a header block that breaks its own framing.
var errHeaderBlock = errors.New("malformed header block")

// next takes the first representation off block: n bytes, of which found says
// whether they gave a field. known is false when the field, or its name, stands
// in the part of the table that was not seen. After an error the table is
// useless.
func (t *headerTable) next(block []byte) (n int, found, known bool, err error) {
	r, ok := readRepresentation(block)
	if !ok {
		return 0, false, false, errHeaderBlock
	}
	if r.kind == sizeUpdate {
		t.resize(int(min(r.index, maxTableSize)))
		return r.length, false, true, nil
	}
	known = true
	_, err = t.decoder.Write(block[:r.length])
	if err != nil && isUnknownIndex(err) {
		known = false
		if r.kind == indexed {
			return r.length, false, false, nil
		}
		// The value is there. Under an empty name the entry is not larger than
		// that of the sender, so that none is dropped too early.
		t.spare = append(t.spare[:0], byte(r.kind), 0)
		t.spare = append(t.spare, block[r.value:r.length]...)
		_, err = t.decoder.Write(t.spare)
	}
	if err != nil {
		return r.length, false, false, errHeaderBlock
	}
	if r.kind == literalIndexed {
		t.used = min(t.max, t.used+len(t.field.name)+len(t.field.value)+entryCost)
	}
	// No real field has an empty name: it is the one from above.
	return r.length, true, known && t.field.name != "", nil
}

// isUnknownIndex reports whether err says that an entry is not in the table.
func isUnknownIndex(err error) bool {
	decoding, ok := errors.AsType[hpack.DecodingError](err)
	if !ok {
		return false
	}
	_, ok = errors.AsType[hpack.InvalidIndexError](decoding.Err)
	return ok
}

// representationKind is how a field is written, by its first bits (RFC 7541,
// section 6).
type representationKind byte

const (
	indexed        representationKind = 0x80
	literalIndexed representationKind = 0x40
	sizeUpdate     representationKind = 0x20
	literalNever   representationKind = 0x10
	literal        representationKind = 0x00
)

// representation is one element of a header block.
type representation struct {
	kind   representationKind
	index  uint64
	length int
	// value is where the value's string begins.
	value int
}

// readRepresentation reads where the first element of block ends; ok is false
// when it does not.
func readRepresentation(block []byte) (r representation, ok bool) {
	if len(block) == 0 {
		return r, false
	}
	prefix := 4
	switch b := block[0]; {
	case b&0x80 != 0:
		r.kind, prefix = indexed, 7
	case b&0xc0 == 0x40:
		r.kind, prefix = literalIndexed, 6
	case b&0xe0 == 0x20:
		r.kind, prefix = sizeUpdate, 5
	case b&0xf0 == 0x10:
		r.kind = literalNever
	}
	if r.index, r.length, ok = readInteger(block, prefix); !ok {
		return r, false
	}
	if r.kind == indexed || r.kind == sizeUpdate {
		return r, true
	}
	if r.index == 0 {
		if r.length, ok = skipString(block, r.length); !ok {
			return r, false
		}
	}
	r.value = r.length
	r.length, ok = skipString(block, r.length)
	return r, ok
}

// skipString returns the end of the string that begins at from (RFC 7541,
// section 5.2).
func skipString(block []byte, from int) (end int, ok bool) {
	size, n, ok := readInteger(block[from:], 7)
	if !ok || size > uint64(len(block)-from-n) {
		return 0, false
	}
	return from + n + int(size), true
}

// readInteger reads an integer whose first byte has prefix bits for it (RFC
// 7541, section 5.1), and returns how many bytes it has.
func readInteger(b []byte, prefix int) (value uint64, n int, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	mask := uint64(1)<<prefix - 1
	if value = uint64(b[0]) & mask; value < mask {
		return value, 1, true
	}
	const most = 5 // more than 32 bits mean nothing
	for i := 1; i < len(b) && i <= most; i++ {
		value += uint64(b[i]&0x7f) << (7 * (i - 1))
		if b[i]&0x80 == 0 {
			return value, i + 1, true
		}
	}
	return 0, 0, false
}
