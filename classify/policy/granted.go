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

// knownMembers are the members that were looked up last, four for each hash of a name: the objects
// of a list have the same names again and again. It has 16 KiB.
type knownMembers struct {
	sets [1 << knownBits][4]knownMember
	next uint // the one of four that makes room
}

const knownBits = 6

// find returns the member of a name; false if the entry is one that was made for it.
func (k *knownMembers) find(s *shape, r *route, name jsonscan.ShortName) (m *knownMember, ok bool) {
	set := &k.sets[name.Hash()>>(64-knownBits)]
	for i := range set {
		if m = &set[i]; m.name == name && m.shape == s && m.route == r {
			return m, true
		}
	}
	k.next++
	m = &set[k.next%uint(len(set))]
	m.name, m.shape, m.route = name, s, r
	return m, false
}

// member notes the name at [start,end) of the body, and what holds for the value that comes.
func (w *walker) member(top *step, start, end int, escaped bool) {
	if name, short := jsonscan.ShortNameAt(w.body, start, end); short && !escaped {
		w.named(top, name, start, end)
		return
	}
	top.start, top.end, top.escaped = start, end, escaped
	g := w.lookUp(top.shape, w.plain(start, end, escaped))
	w.comes(top, &g)
}

// named is member for a short name.
func (w *walker) named(top *step, name jsonscan.ShortName, start, end int) {
	top.start, top.end, top.escaped = start, end, false
	known, ok := w.known.find(top.shape, w.route, name)
	if !ok {
		known.granted = w.lookUp(top.shape, w.body[start:end])
	}
	w.comes(top, &known.granted)
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
