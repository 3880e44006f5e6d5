package classify

import (
	"encoding/binary"
	"math/bits"

	"github.com/leaktap/leaktap/classify/planes"
)

// nameCache remembers the classes of the names that were looked up last: the same few
// hundred names come again and again. It belongs to one classifier.
type nameCache struct {
	v       *vocabulary
	entries [256]cachedName
	members [256]cachedMember
}

// cachedMember is the name of a member of a document, of at most seven bytes: they are
// its word, and their number is in the byte above them. 0 is no name.
type cachedMember struct {
	word uint64
	id   uint16
}

// memberWord returns the word of the name that ends at hi, behind a quote, or 0 if it has
// more than seven bytes.
func memberWord(text []byte, hi int) uint64 {
	if hi < 8 {
		return 0
	}
	word := binary.LittleEndian.Uint64(text[hi-8:])
	quotes := planes.ZeroBytes(word ^ 0x2222222222222222)
	if quotes == 0 {
		return 0
	}
	size := uint(bits.LeadingZeros64(quotes)) / 8
	return word>>(8*(7-size))>>8 | uint64(size)<<56
}

// member returns the entry that a word has if it is known.
func (c *nameCache) member(word uint64) *cachedMember {
	return &c.members[word*0x9E3779B97F4A7C15>>56]
}

// cachedName is a name of at most maxCached bytes with its class.
type cachedName struct {
	id   uint16
	size uint8
	name [maxCached]byte
}

const (
	minCached = 4
	maxCached = 29 // an entry has 32 bytes then
)

// lookup is that of the vocabulary.
func (c *nameCache) lookup(name []byte) uint16 {
	name = withoutTail(name)
	if !c.v.mayEnd(name) {
		return 0
	}
	return c.class(name)
}

// class is lookup for a name of which the end has been looked at.
func (c *nameCache) class(name []byte) uint16 {
	if len(name) < minCached || len(name) > maxCached {
		return c.v.lookup(name)
	}
	first, last := binary.LittleEndian.Uint32(name), binary.LittleEndian.Uint32(name[len(name)-4:])
	e := &c.entries[(first*2654435769^last*2246822519^uint32(len(name)))>>24]
	if string(e.name[:e.size]) == string(name) {
		return e.id
	}
	e.id, e.size = c.v.lookup(name), uint8(len(name))
	copy(e.name[:], name)
	return e.id
}
