package policy

import (
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

// knownMember is a member that was looked up, with all that the answer depends on.
type knownMember struct {
	granted
	shape *shape
	route *route
	name  jsonscan.ShortName
}

// knownMembers are the members that were looked up last: the objects of a list have the same
// names again and again.
type knownMembers struct {
	entries [1 << knownBits]knownMember
	other   granted // of the last name that is not remembered
}

const knownBits = 7

// member looks up the member of an object whose name is at [start,end) of the body. What it
// returns holds until the next one.
func (w *walker) member(s *shape, start, end int, escaped bool) *granted {
	name, short := jsonscan.ShortNameAt(w.body, start, end)
	if escaped || !short {
		w.known.other = w.lookUp(s, w.plain(start, end, escaped))
		return &w.known.other
	}
	known := &w.known.entries[name.Hash()>>(64-knownBits)]
	if known.name != name || known.shape != s || known.route != w.route {
		*known = knownMember{w.lookUp(s, w.body[start:end]), s, w.route, name}
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
