package capture

import (
	"cmp"
	"container/list"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// table follows connections and hands on their exchanges. One goroutine owns
// it.
type table struct {
	resources
	source classify.Source
	handle func(*classify.Exchange)
	// services gives names to servers; nil gives none.
	services *Services

	flows map[flowKey]*flow
	// http and other hold the flows, the one longest unheard of first. Those
	// that carry no HTTP, or are over, are in other: they go first.
	http, other *list.List
	// now is the latest packet time.
	now time.Time

	decoder  contentDecoder
	exchange classify.Exchange
}

func newTable(source classify.Source, limits Limits, cov *coverage, handle func(*classify.Exchange)) *table {
	return &table{
		resources: resources{limits: limits, cov: cov},
		source:    source,
		handle:    handle,
		flows:     map[flowKey]*flow{},
		http:      list.New(),
		other:     list.New(),
	}
}

// segment takes the TCP part of the next packet.
func (t *table) segment(s *segment) {
	t.expire(s.time)
	key, side := keyOf(s.src, s.dst, s.tunnels)
	f := t.flows[key]
	if f != nil && f.isReplacedBy(s, side) {
		t.remove(f)
		f = nil
	}
	switch {
	case f == nil && !s.syn && s.end() == s.seq:
		return // nothing to follow
	case f == nil:
		f = t.add(key, s.serverPort())
		f.origin = s.origin
	case f.done:
		return
	}
	f.last, t.port = t.now, f.counts
	if s.syn {
		s.seq++
		f.halves[side].open(s.seq)
	}
	f.segment(s, side)
	t.place(f)
	t.evict()
}

// isReplacedBy reports whether s belongs to another connection between the same
// ends.
func (f *flow) isReplacedBy(s *segment, side int) bool {
	h := &f.halves[side]
	if s.syn {
		return !h.accepts(s.seq + 1)
	}
	return f.done && s.end() != s.seq && after(s.end(), h.next)
}

func (t *table) add(key flowKey, port uint16) *flow {
	f := &flow{table: t, key: key, port: port, counts: t.cov.ports.get(port)}
	for i := range f.halves {
		f.halves[i].parser = parser{resources: &t.resources, out: f, pairs: f, side: i}
	}
	f.place = t.other.PushBack(f)
	t.flows[key] = f
	t.cov.metrics.otherFlows.Inc()
	return f
}

// place moves f behind all others of its list, which may have changed.
func (t *table) place(f *flow) {
	isHTTP := !f.done && (f.halves[0].parser.recognised || f.halves[1].parser.recognised)
	switch {
	case isHTTP == f.isHTTP && isHTTP:
		t.http.MoveToBack(f.place)
	case isHTTP == f.isHTTP:
		t.other.MoveToBack(f.place)
	default:
		t.unlist(f)
		f.isHTTP = isHTTP
		t.enlist(f)
	}
}

func (t *table) enlist(f *flow) {
	if f.isHTTP {
		f.place = t.http.PushBack(f)
		t.cov.metrics.httpFlows.Inc()
		return
	}
	f.place = t.other.PushBack(f)
	t.cov.metrics.otherFlows.Inc()
}

func (t *table) unlist(f *flow) {
	if f.isHTTP {
		t.http.Remove(f.place)
		t.cov.metrics.httpFlows.Dec()
		return
	}
	t.other.Remove(f.place)
	t.cov.metrics.otherFlows.Dec()
}

// remove ends f and forgets it.
func (t *table) remove(f *flow) {
	t.port = f.counts
	f.finish()
	t.unlist(f)
	delete(t.flows, f.key)
}

// expire ends the flows that were silent for too long at the given time.
func (t *table) expire(now time.Time) {
	if now.After(t.now) {
		t.now = now
	}
	t.expireList(t.other, t.limits.Quiet)
	t.expireList(t.http, t.limits.Idle)
}

func (t *table) expireList(l *list.List, age time.Duration) {
	for {
		f := oldest(l)
		if f == nil || t.now.Sub(f.last) < age {
			return
		}
		t.remove(f)
	}
}

// evict keeps the limits.
func (t *table) evict() {
	for len(t.flows) > t.limits.Flows {
		t.removeOldest()
	}
	if t.pool.used > t.limits.Buffered {
		t.relieve()
	}
}

// removeOldest ends a flow, of those without HTTP if there are any.
func (t *table) removeOldest() {
	f := oldest(t.other)
	if f == nil {
		f = oldest(t.http)
	}
	t.remove(f)
}

// oldest returns the first flow of l, or nil.
func oldest(l *list.List) *flow {
	if front := l.Front(); front != nil {
		f, _ := front.Value.(*flow)
		return f
	}
	return nil
}

// close ends all flows.
func (t *table) close() {
	for _, l := range []*list.List{t.other, t.http} {
		for f := oldest(l); f != nil; f = oldest(l) {
			t.remove(f)
		}
	}
}

// emit hands on an exchange, of which one side may be nil, and takes its
// messages back. One that was handed on before its end is not again.
func (t *table) emit(f *flow, request, response *message) {
	last := response
	if last == nil {
		last = request
	}
	if !last.shown {
		t.show(f, request, response)
	}
	for _, m := range []*message{request, response} {
		if m != nil {
			t.pool.put(m)
		}
	}
}

// show calls the handler with an exchange.
func (t *table) show(f *flow, request, response *message) {
	x := &t.exchange
	x.Reset()
	x.Source, x.Scheme = t.source, "http"
	if f.origin != nil {
		x.Source.Name = *f.origin
	}
	var client int
	if request != nil {
		client = request.side
		x.Time, x.Source.Frame = request.start.time, request.frame
		x.Method, x.Target, x.Host = request.method, request.target, request.host
		if x.Host == nil {
			x.Host = request.field("host")
		}
		t.fill(&x.Request, request, &t.decoder.request)
	}
	if response != nil {
		client = 1 - response.side
		x.Time, x.Source.Frame = response.start.time, max(x.Source.Frame, response.frame)
		x.Status = response.status
		t.fill(&x.Response, response, &t.decoder.response)
	}
	ends := [2]endpoint{f.key.low, f.key.high}
	x.Client, x.Server = ends[client].addrPort(), ends[1-client].addrPort()
	x.Service = t.services.Name(x.Server)
	t.handle(x)
}

// fill makes the side of an exchange from m; a decoded body is kept in buf.
func (t *table) fill(to *classify.Message, m *message, buf *[]byte) {
	body, read, why := t.decoder.decode(m, t.limits.Body, buf)
	if !m.counted {
		t.inspect(read)
	}
	if why != 0 {
		t.skip(why, m.body.size-read)
		m.truncate(why)
	}
	*to = classify.Message{Headers: m.headers, Body: body, Truncated: m.truncated(), Reason: cmp.Or(m.why, m.odd).String()}
}
