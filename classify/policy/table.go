package policy

import "encoding/binary"

// table finds names. It is made once and read for every member of every response, for which
// a map of Go does more than is needed: names are short and known beforehand.
type table[V any] struct {
	mask  uint32
	slots []slot[V]
}

type slot[V any] struct {
	name  string
	used  bool
	value V
}

// newTable makes a table that is half empty at least.
func newTable[V any](of map[string]V) table[V] {
	if len(of) == 0 {
		return table[V]{}
	}
	size := 4
	for size < 2*len(of) {
		size *= 2
	}
	t := table[V]{mask: uint32(size - 1), slots: make([]slot[V], size)}
	for name, v := range of {
		i := nameHash([]byte(name)) & t.mask
		for t.slots[i].used {
			i = (i + 1) & t.mask
		}
		t.slots[i] = slot[V]{name, true, v}
	}
	return t
}

// get returns the value of a name.
func (t *table[V]) get(name []byte) (v V, ok bool) {
	if len(t.slots) == 0 {
		return v, false
	}
	for i := nameHash(name) & t.mask; t.slots[i].used; i = (i + 1) & t.mask {
		if s := &t.slots[i]; s.name == string(name) {
			return s.value, true
		}
	}
	return v, false
}

// nameHash mixes the length and the ends of a name. Names that agree in them, which only
// somebody who means harm makes many of, cost time in proportion to their number.
func nameHash(name []byte) uint32 {
	n := len(name)
	h := uint32(n) * 0x9E3779B1
	switch {
	case n >= 8:
		h ^= binary.LittleEndian.Uint32(name) * 0x85EBCA6B
		h ^= binary.LittleEndian.Uint32(name[n-4:]) * 0xC2B2AE35
		h ^= binary.LittleEndian.Uint32(name[n/2-2:]) * 0x27D4EB2F
	case n >= 4:
		h ^= binary.LittleEndian.Uint32(name) * 0x85EBCA6B
		h ^= binary.LittleEndian.Uint32(name[n-4:]) * 0xC2B2AE35
	case n > 0:
		h ^= uint32(name[0])*0x85EBCA6B ^ uint32(name[n/2])*0xC2B2AE35 ^ uint32(name[n-1])*0x27D4EB2F
	}
	return h ^ h>>15 ^ h>>7
}
