package ingest

import (
	"bytes"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// pairs remembers what the first record of an exchange said, for the second one:
// logbook writes request and response as two records, Envoy's tap a trace in
// segments. Nothing is held back: the first record is handed over at once, and what
// is remembered completes the exchange of the second.
type pairs struct {
	max   int
	list  []pair // a ring, oldest at next
	next  int
	index map[string]int
}

// pair is what is remembered of a request.
type pair struct {
	key                    string
	at                     time.Time
	service, scheme        string
	method, host, target   []byte
	requestBody, replyBody []byte
	status                 int
}

// What is remembered of one record, in bytes: a key, a target, the bodies of a
// trace that comes in segments.
const (
	maxPairKey    = 128
	maxPairTarget = 4 << 10
	maxPairBody   = 64 << 10
	// pairOverlap is how much of what was before stands before a part that has no
	// room any more, so that what lies across is seen.
	pairOverlap = 4 << 10
	// maxPairAge is how far the two records may be apart.
	maxPairAge = 5 * time.Minute
)

func newPairs(limit int) *pairs { return &pairs{max: limit, index: map[string]int{}} }

// find returns what is remembered under a key, or nil.
func (p *pairs) find(key []byte, at time.Time) *pair {
	i, ok := p.index[string(key)]
	if !ok {
		return nil
	}
	found := &p.list[i]
	if !at.IsZero() && !found.at.IsZero() && at.Sub(found.at) > maxPairAge {
		return nil
	}
	return found
}

// open returns the pair of a key, which is made if there is none; dropped says that
// another one, whose second record did not come, had to make room.
func (p *pairs) open(key []byte, at time.Time) (q *pair, dropped bool) {
	if q = p.find(key, at); q != nil {
		return q, false
	}
	if i, ok := p.index[string(key)]; ok { // too old
		p.list[i] = pair{key: string(key), at: at}
		return &p.list[i], true
	}
	if len(p.list) < p.max {
		p.list = append(p.list, pair{})
		p.next = len(p.list) - 1
	} else if dropped = p.list[p.next].key != ""; dropped {
		delete(p.index, p.list[p.next].key)
	}
	q = &p.list[p.next]
	*q = pair{key: string(key), at: at}
	p.index[q.key] = p.next
	p.next = (p.next + 1) % p.max
	return q, dropped
}

// close forgets a pair, which is complete.
func (p *pairs) close(q *pair) {
	delete(p.index, q.key)
	*q = pair{}
}

// remember takes from an exchange what the other record does not tell.
func (q *pair) remember(x *classify.Exchange) {
	if x.Method != nil {
		q.method = bytes.Clone(x.Method)
		q.target = bytes.Clone(x.Target[:min(len(x.Target), maxPairTarget)])
		q.host = bytes.Clone(x.Host[:min(len(x.Host), maxInternLen)])
		q.scheme = x.Scheme
	}
	if x.Service != "" {
		q.service = x.Service
	}
	if x.Status != 0 {
		q.status = x.Status
	}
}

// complete gives an exchange what it does not tell itself.
func (q *pair) complete(x *classify.Exchange) {
	if x.Method == nil {
		x.Method, x.Target, x.Host, x.Scheme = q.method, q.target, q.host, q.scheme
	}
	if x.Service == "" {
		x.Service = q.service
	}
	if x.Status == 0 {
		x.Status = q.status
	}
}

// extend puts a further part of a body behind those before and returns the body as
// far as it is kept. A body that grows too large goes on with its end.
func extend(body *[]byte, part []byte) (whole []byte, cut bool) {
	if cut = len(*body)+len(part) > maxPairBody; cut {
		keep := (*body)[max(0, len(*body)-pairOverlap):]
		*body = append((*body)[:0], keep...)
	}
	if len(*body)+len(part) > maxPairBody { // the part alone is too large
		whole = append(bytes.Clone(*body), part...)
		*body = append((*body)[:0], part[len(part)-pairOverlap:]...)
		return whole, true
	}
	*body = append(*body, part...)
	return *body, cut
}
