package policy

import (
	"encoding/binary"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// granted is what a route says of a member of an object, but for what holds for the object: the
// shape of its value, who may get what is inside of it, and who may get it if it is plain.
type granted struct {
	next        *shape
	mask, plain uint64
}

// grantedBy tells what a shape says of a value that stands there, and others of its name.
func grantedBy(next *shape, others uint64) granted {
	g := granted{next, others, others}
	if next == nil {
		return g
	}
	g.mask |= next.below
	g.plain = g.mask | next.self
	if next.writeOnly {
		g.plain |= denied
	}
	return g
}

// knownMember is a member that was looked up, with all that the answer depends on: names of at
// most sixteen bytes are two words.
type knownMember struct {
	granted
	shape         *shape
	route         *route
	size          int
	first, second uint64
}

// knownMembers are the members that were looked up last: the objects of a list have the same
// names again and again.
type knownMembers [128]knownMember

// shortName bounds the names that are remembered.
const shortName = 16

// nameMasks cut two words to the bytes of a name, by its size.
var nameMasks = func() (masks [shortName + 1][2]uint64) {
	for size := range masks {
		masks[size] = [2]uint64{1<<(8*min(size, 8)) - 1, 1<<(8*max(size-8, 0)) - 1}
	}
	return masks
}()

// member looks up the member of an object whose name is at [start,end) of the body. What it
// returns holds until the next one.
func (w *walker) member(s *shape, start, end int, escaped bool) *granted {
	size := end - start
	if escaped || size > shortName || start+shortName > len(w.body) {
		w.other = w.lookUp(s, w.plain(start, end, escaped))
		return &w.other
	}
	masks := &nameMasks[size]
	first, second := binary.LittleEndian.Uint64(w.body[start:])&masks[0], binary.LittleEndian.Uint64(w.body[start+8:])&masks[1]
	known := &w.known[(first*0x9E3779B97F4A7C15^second*0xC2B2AE3D27D4EB4F)>>57]
	if known.first != first || known.second != second || known.size != size || known.shape != s || known.route != w.route {
		*known = knownMember{w.lookUp(s, w.body[start:end]), s, w.route, size, first, second}
	}
	return &known.granted
}

// plain returns the name at [start,end) of the body without escapes, valid until the next one.
func (w *walker) plain(start, end int, escaped bool) []byte {
	name := w.body[start:end]
	if escaped {
		w.name = jsonscan.AppendUnescaped(w.name[:0], name)
		name = w.name
	}
	return name
}

// lookUp asks the shape of the object and the names of the route.
func (w *walker) lookUp(s *shape, name []byte) granted {
	others, _ := w.route.names.get(name)
	return grantedBy(s.member(name), others)
}
