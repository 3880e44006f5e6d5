package capture

import (
	"container/list"
	"slices"
	"time"
)

// flow is one TCP connection.
type flow struct {
	table  *table
	key    flowKey
	halves [2]half
	// unanswered are the requests without a response so far, oldest first.
	unanswered []*message
	// place is the flow's element in one of the table's lists.
	place  *list.Element
	isHTTP bool
	// done says that the connection is over; it stays a while so that late
	// copies of its packets do not make a new one.
	done bool
	last time.Time
	// origin is the interface that its first packet was captured on.
	origin *string
	// port is the server's, counts its counters.
	port   uint16
	counts *portCoverage
}

// segment takes the next packet of the flow, which comes from side.
func (f *flow) segment(s *segment, side int) {
	h, peer := &f.halves[side], &f.halves[1-side]
	if s.rst {
		f.finish()
		return
	}
	if s.hasAck {
		peer.acknowledge(s.ack)
	}
	f.add(h, s, peer)
	if s.fin {
		h.finish(s.end())
	}
	f.drain()
	for i := range f.halves {
		if f.halves[i].skipOverdue() {
			f.drain()
		}
	}
	if h.closed && peer.closed {
		f.finish()
	}
}

// add delivers the bytes of s if it is their turn, else lets them wait.
func (f *flow) add(h *half, s *segment, peer *half) {
	if s.end() == s.seq {
		return
	}
	if !h.started {
		h.startMidway(s.seq)
	}
	if jump := s.seq - h.next; jump > maxJump && -jump > maxJump {
		h.flush()
		h.start(s.seq)
	}
	if after(h.next, s.seq) || len(h.waiting) > 0 {
		h.checkOverlap(&s.stretch)
	}
	if len(h.waiting) == 0 && !after(s.seq, h.next) && f.mayDeliver(h, peer, &s.stretch) {
		h.deliver(&s.stretch)
		f.spread()
		return
	}
	if after(s.end(), h.next) {
		h.insert(&s.stretch)
	}
}

// mayDeliver reports false when s starts a response to a request that was sent,
// but has not been captured so far: the packets are out of order.
func (f *flow) mayDeliver(h, peer *half, s *stretch) bool {
	return !h.parser.atStart() || !peer.started || !after(s.ack, peer.next) ||
		!startsResponse(s.payload)
}

// drain delivers what waits in both directions as far as possible.
func (f *flow) drain() {
	for f.advance(0) || f.advance(1) {
	}
}

// advance delivers what waits on one side and reports whether anything moved.
func (f *flow) advance(side int) bool {
	h, peer := &f.halves[side], &f.halves[1-side]
	moved := false
	for len(h.waiting) > 0 {
		first, crowded := &h.waiting[0], len(h.waiting) > f.table.limits.Segments
		switch {
		case after(first.seq, h.next) && !crowded:
			return moved
		case after(first.seq, h.next):
			h.skipTo(first.seq)
		case !crowded && !f.mayDeliver(h, peer, first):
			return moved
		}
		s := h.popFirst()
		h.deliver(&s)
		f.spread()
		moved = true
	}
	return h.closeAtFIN() || moved
}

// spread tells one direction what the other has found the connection to be.
func (f *flow) spread() {
	a, b := &f.halves[0].parser, &f.halves[1].parser
	if a.state == b.state || a.state < inHTTP2 && b.state < inHTTP2 {
		return
	}
	if b.state > a.state {
		a, b = b, a
	}
	switch a.state {
	case inHTTP2:
		a.http2.likely = f.likelyClient()
		b.joinHTTP2(a.http2)
	case inWebSocket:
		b.joinWebSocket(a.socket)
	default:
		b.becomeOpaque(a.why)
	}
}

// likelyClient is the side that is the client if ports tell.
func (f *flow) likelyClient() int {
	if f.key.low.port > f.key.high.port {
		return 0
	}
	return 1
}

// exchange implements exchanger.
func (f *flow) exchange(request, response *message) { f.table.emit(f, request, response) }

// handOn implements exchanger.
func (f *flow) handOn(request, response *message) { f.table.handOn(f, request, response) }

// finish ends the connection: what waits is delivered, what is unfinished is
// handed on as truncated, requests without response are handed on alone.
func (f *flow) finish() {
	if f.done {
		return
	}
	f.done = true
	f.drain()
	first := 0
	if f.halves[1].carriesRequests() {
		first = 1
	}
	f.halves[first].flush()
	f.halves[1-first].flush()
	for i := range f.halves {
		f.halves[i].parser.closeUpgraded() // one may not know what the other has become
	}
	f.giveUp(len(f.unanswered))
}

// carriesRequests reports whether this half is known to be the client's.
func (h *half) carriesRequests() bool {
	m := h.parser.msg
	return m != nil && m.method != nil || len(h.waiting) > 0 && !startsResponse(h.waiting[0].payload)
}

// begin implements receiver.
func (f *flow) begin(m *message) {
	if m.isResponse() {
		m.peer = f.match(m)
		return
	}
	f.server(m.side)
	f.unanswered = append(f.unanswered, m)
	if len(f.unanswered) > f.table.limits.Unanswered {
		f.giveUp(1)
	}
}

// end implements receiver: it hands on the exchange once both sides are there.
func (f *flow) end(m *message) {
	switch {
	case m.isResponse() && m.peer == nil:
		f.table.emit(f, nil, m)
	case m.peer == nil:
		if !slices.Contains(f.unanswered, m) { // given up while it was sent
			f.table.emit(f, m, nil)
		}
	case !m.peer.done:
	case m.isResponse():
		f.table.emit(f, m.peer, m)
	default:
		f.table.emit(f, m, m.peer)
	}
}

// match takes from the unanswered requests the one that m answers, or returns
// nil when nobody can say. The acknowledgement that came with m tells which
// requests the server can have known; they are answered in order.
func (f *flow) match(m *message) *message {
	known := 0
	for known < len(f.unanswered) && after(m.start.ack, f.unanswered[known].start.seq) {
		known++
	}
	h := &f.halves[m.side]
	if h.lossy {
		known = f.resume(m, known)
	}
	// If nobody asked for m, the request may still come, too late.
	if h.lossy = known == 0; h.lossy {
		return nil
	}
	request := f.unanswered[0]
	f.unanswered = f.unanswered[1:]
	request.peer = m
	return request
}

// resume is called when responses may have been lost before m, or had no
// request: of the known requests it gives up those that m cannot be the answer
// to, and returns how many are left. A client acknowledges with a request all
// that was sent to it before, so that the response begins exactly there.
func (f *flow) resume(m *message, known int) int {
	first := slices.IndexFunc(f.unanswered[:known], func(request *message) bool {
		return request.start.ack == m.start.seq
	})
	if first < 0 {
		first = known
	}
	f.giveUp(first)
	return known - first
}

// giveUp hands on the n oldest requests without their responses.
func (f *flow) giveUp(n int) {
	alone := f.unanswered[:n]
	f.unanswered = f.unanswered[n:]
	for _, m := range alone {
		if m.done {
			f.table.emit(f, m, nil)
		}
	}
}
