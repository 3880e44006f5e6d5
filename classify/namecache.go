package classify

import (
	"encoding/binary"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// nameCache remembers the classes of the names that were looked up last: the same few
// hundred names come again and again. It belongs to one classifier.
type nameCache struct {
	v       *vocabulary
	entries [256]cachedName
	members [256]cachedMember
}

// cachedMember is the name of a member of a document.
type cachedMember struct {
	name jsonscan.ShortName
	id   uint16
}

// member returns the entry that a name has if it is known.
func (c *nameCache) member(name jsonscan.ShortName) *cachedMember { return &c.members[name.Hash()>>56] }

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
