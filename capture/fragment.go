package capture

import (
	"bytes"
	"container/list"
	"slices"
	"time"

	"github.com/google/gopacket/layers"
)

const (
	// fragmentAge is how long a datagram waits for its fragments, by packet time:
	// the default of Linux (net.ipv4.ipfrag_time).
	fragmentAge = 30 * time.Second
	// maxDatagram is the most bytes of one datagram (RFC 791, section 3.1).
	maxDatagram = 1<<16 - 1
	// maxFragments is the most fragments of one datagram: 64 KiB in packets of
	// 576 bytes, and more.
	maxFragments = 128
	// fragmentCost is what a waiting fragment takes besides its bytes.
	fragmentCost = 128
)

// fragmentKey names a datagram (RFC 791, section 3.2; RFC 8200, section 4.5).
type fragmentKey struct {
	src, dst [16]byte
	tunnels  uint64
	id       uint32
	protocol layers.IPProtocol
	is6      bool
}

// part is one fragment that waits.
type part struct {
	offset int
	bytes  []byte
}

// partial is a datagram of which not all fragments have come.
type partial struct {
	key   fragmentKey
	place *list.Element
	since time.Time
	// parts are disjoint, by offset; size is how many bytes they have.
	parts []part
	size  int
	// total is the datagram's length, 0 as long as it is unknown.
	total    int
	protocol layers.IPProtocol
	// captured is how many bytes of packets it was made of.
	captured int
	// rejected says that fragments overlap: nothing of the datagram is used (RFC
	// 5722, section 4).
	rejected bool
}

// fragments puts IP datagrams together. It holds a bounded number of bytes;
// what never becomes whole is counted as it is given up.
type fragments struct {
	limit   int
	cov     *coverage
	waiting map[fragmentKey]*partial
	// order has the oldest first.
	order *list.List
	held  int
	// whole is the last datagram that was put together.
	whole []byte
}

func newFragments(limit int, cov *coverage) fragments {
	return fragments{limit: limit, cov: cov, waiting: map[fragmentKey]*partial{}, order: list.New()}
}

// complete adds a fragment and reports whether its datagram is whole; then d is
// the datagram. Its bytes are valid until the next one is.
func (f *fragments) complete(d *datagram, p *packet) bool {
	f.expire(p.time)
	if !d.mayBePart() {
		f.cov.skipPacket(Fragment, len(p.bytes))
		return false
	}
	w := f.find(d, p.time)
	if w.rejected {
		f.cov.skipPacket(FragmentOverlap, len(p.bytes))
		return false
	}
	i, _ := slices.BinarySearchFunc(w.parts, d.offset, func(have part, offset int) int { return have.offset - offset })
	if i < len(w.parts) && w.parts[i].offset == d.offset && bytes.Equal(w.parts[i].bytes, d.payload) {
		return false // a copy
	}
	w.captured += len(p.bytes)
	if !d.more && w.total == 0 {
		w.total = d.offset + len(d.payload)
	}
	switch {
	case w.overlaps(i, d.offset, d.offset+len(d.payload)):
		f.reject(w)
		return false
	case len(w.parts) == maxFragments:
		f.forget(w)
		return false
	}
	if d.offset == 0 {
		w.protocol = d.protocol
	}
	w.parts = slices.Insert(w.parts, i, part{d.offset, bytes.Clone(d.payload)})
	w.size += len(d.payload)
	f.held += len(d.payload) + fragmentCost
	if w.size == w.total {
		f.join(w, d)
		return true
	}
	for f.held > f.limit {
		f.forgetOldest()
	}
	return false
}

// mayBePart reports whether the fragment d can be part of a datagram, and is
// there.
func (d *datagram) mayBePart() bool {
	return d.missing == 0 && len(d.payload) > 0 && d.offset+len(d.payload) <= maxDatagram &&
		(!d.more || len(d.payload)%8 == 0)
}

// find returns the datagram that d is of.
func (f *fragments) find(d *datagram, now time.Time) *partial {
	key := fragmentKey{d.src, d.dst, d.tunnels, d.id, d.protocol, d.is6}
	if d.is6 {
		key.protocol = 0 // only the first fragment has the right one
	}
	w := f.waiting[key]
	if w == nil {
		w = &partial{key: key, since: now}
		w.place = f.order.PushBack(w)
		f.waiting[key] = w
		f.held += fragmentCost
	}
	return w
}

// overlaps reports whether the bytes [from,to), which belong before part i,
// contradict those that are there.
func (w *partial) overlaps(i, from, to int) bool {
	last := len(w.parts) - 1
	return i > 0 && w.parts[i-1].offset+len(w.parts[i-1].bytes) > from ||
		i <= last && w.parts[i].offset < to ||
		w.total > 0 && (to > w.total || last >= 0 && w.parts[last].offset+len(w.parts[last].bytes) > w.total)
}

// reject gives up the bytes of a datagram and stays aware of it.
func (f *fragments) reject(w *partial) {
	f.cov.skipPacket(FragmentOverlap, w.captured)
	f.held -= w.size + fragmentCost*len(w.parts)
	w.parts, w.size, w.captured, w.rejected = nil, 0, 0, true
}

// join makes d the whole datagram.
func (f *fragments) join(w *partial, d *datagram) {
	f.whole = f.whole[:0]
	for _, p := range w.parts {
		f.whole = append(f.whole, p.bytes...)
	}
	d.payload, d.protocol, d.more, d.offset = f.whole, w.protocol, false, 0
	w.captured = 0
	f.forget(w)
}

// forget gives up a datagram.
func (f *fragments) forget(w *partial) {
	f.cov.skipPacket(Fragment, w.captured)
	f.held -= w.size + fragmentCost*(1+len(w.parts))
	f.order.Remove(w.place)
	delete(f.waiting, w.key)
}

// forgetOldest gives up the datagram that waits longest.
func (f *fragments) forgetOldest() {
	if front := f.order.Front(); front != nil {
		if w, ok := front.Value.(*partial); ok {
			f.forget(w)
		}
	}
}

// expire gives up what waits for too long.
func (f *fragments) expire(now time.Time) {
	for front := f.order.Front(); front != nil; front = f.order.Front() {
		if w, ok := front.Value.(*partial); !ok || now.Sub(w.since) < fragmentAge {
			return
		}
		f.forgetOldest()
	}
}

// close gives up everything.
func (f *fragments) close() {
	for f.order.Len() > 0 {
		f.forgetOldest()
	}
}
