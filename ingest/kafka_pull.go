package ingest

import (
	"cmp"
	"context"
	"errors"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/leaktap/leaktap/kafkaconn"
)

// noLeader stands for a broker that is not known.
const noLeader = -1

// How trouble is waited out.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second
	// maxStalls is how often an answer without progress is asked for again.
	maxStalls = 3
	// busyWait is how long a fetch waits at the broker while another partition of
	// its cannot be asked for, which may change at any moment.
	busyWait = 100 * time.Millisecond
	// routing is the interval at which leaders are looked up.
	routing = 500 * time.Millisecond
)

func backoffAfter(stalls int) time.Duration {
	return min(firstBackoff<<min(max(stalls-1, 0), 8), maxBackoff)
}

// puller fetches the partitions that one broker leads, one request after the other.
type puller struct {
	s      *session
	broker int32
	wake   chan struct{}
	turn   int
	fails  int
}

func (p *puller) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// took notes that a worker has taken a delivery.
func (s *session) took(w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.route.queued--
	if p := s.pullers[w.route.leader]; p != nil {
		p.poke()
	}
}

// run fetches until the context ends.
func (p *puller) run(ctx context.Context) {
	for ctx.Err() == nil {
		o := p.due(time.Now())
		if len(o.wanted) == 0 {
			p.idle(ctx)
			continue
		}
		select {
		case p.s.k.buffers.places <- struct{}{}:
			p.fetch(ctx, &o)
		case <-ctx.Done():
			p.land(o.wanted)
			if o.large {
				<-p.s.k.buffers.large
			}
		}
	}
}

// idle waits until a partition may be due.
func (p *puller) idle(ctx context.Context) {
	timer := time.NewTimer(firstBackoff)
	defer timer.Stop()
	select {
	case <-p.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// order is what one request asks for.
type order struct {
	wanted    []*worker
	positions []int64
	// busy says that there are others which cannot be asked for at present.
	busy bool
	// large says that it is one partition whose next batch is large. It holds the
	// place for that.
	large bool
}

// due returns the partitions to ask for, another one first each time, since a
// broker fills its answer in this order; they are in flight from now on. A partition
// with a large batch is asked for by itself, and every second time others come first.
func (p *puller) due(now time.Time) (o order) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	n := len(p.s.workers)
	p.turn++
	var large *worker
	for i := range n {
		w := p.s.workers[(i+p.turn)%n]
		r := &w.route
		switch {
		case r.leader != p.broker || r.over || r.next == noOffset:
		case r.flying || r.queued > feedSize || now.Before(r.notBefore):
			o.busy = true
		case r.large:
			o.busy, large = true, cmp.Or(large, w)
		default:
			o.wanted = append(o.wanted, w)
		}
	}
	if large != nil && (len(o.wanted) == 0 || p.turn%2 == 0) && p.s.k.buffers.takeLarge() {
		o.wanted, o.large = []*worker{large}, true
	}
	for _, w := range o.wanted {
		w.route.flying = true
		o.positions = append(o.positions, w.route.next)
	}
	return o
}

// land ends the flight of partitions of which nothing was heard.
func (p *puller) land(wanted []*worker) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for _, w := range wanted {
		w.route.flying = false
	}
}

// fetch makes one request and feeds the workers. It has a place for the answer.
func (p *puller) fetch(ctx context.Context, o *order) {
	k := p.s.k
	wanted := o.wanted
	linger := k.cfg.Timing.Wait
	if o.busy || k.cfg.ends() {
		linger = min(linger, busyWait)
	}
	request, cancel := context.WithTimeout(ctx, linger+k.cfg.Timing.Request)
	defer cancel()
	res, err := k.client.Transport.RoundTrip(request, k.client.Addr, k.fetchRequest(p.broker, o, int32(linger.Milliseconds())))
	answer, ok := res.(*fetched)
	if err == nil && !ok {
		err = errors.New("unexpected kind of answer")
	}
	if err == nil && answer.code != 0 {
		err = kafka.Error(answer.code)
	}
	if err != nil {
		k.buffers.leave(o.large)
		p.failed(ctx, wanted, err)
		return
	}
	p.fails = 0
	answer.buf.large = o.large
	answer.buf.refs.Store(1)
	defer answer.buf.release()
	asked := make(map[topicPartition]*worker, len(wanted))
	for _, w := range wanted {
		asked[w.tp] = w
	}
	for i := range answer.partitions {
		part := &answer.partitions[i]
		w := asked[part.tp]
		if w == nil {
			continue // not asked for, or answered already
		}
		delete(asked, part.tp)
		if err := p.answered(ctx, w, part, answer.buf, w == wanted[0]); err != nil {
			p.s.fail(err)
		}
	}
	p.land(wanted)
}

// failed puts partitions off when a whole request has failed.
func (p *puller) failed(ctx context.Context, wanted []*worker, err error) {
	if ctx.Err() != nil {
		p.land(wanted)
		return
	}
	if kafkaconn.Denied(err) {
		p.s.fail(p.s.k.explain("read "+wanted[0].name(), err))
	}
	if p.fails++; p.fails == 1 {
		p.s.k.log.Warn("broker does not answer at present", "broker", p.broker, "partitions", len(wanted), "cause", err)
	}
	p.s.mu.Lock()
	for _, w := range wanted {
		w.route.flying = false
		w.route.leave()
		w.route.leader = noLeader
		w.route.notBefore = time.Now().Add(backoffAfter(p.fails))
	}
	p.s.mu.Unlock()
	p.s.askRoute()
}

func (s *session) askRoute() {
	select {
	case s.reroute <- struct{}{}:
	default:
	}
}

// answered takes what the broker said about one partition.
func (p *puller) answered(ctx context.Context, w *worker, part *fetchedPartition, buf *buffer, first bool) error {
	err := kafka.Error(part.code)
	switch {
	case part.code == 0:
		p.progress(w, part, buf, first)
		return nil
	case errors.Is(err, kafka.OffsetOutOfRange):
		return p.reset(ctx, w)
	case kafkaconn.Denied(err):
		return p.s.k.explain("read "+w.name(), err)
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	r := &w.route
	r.leave()
	r.stalls++
	if r.stalls == 1 {
		p.s.k.log.Warn("partition is not readable at present", "topic", w.tp.topic,
			"partition", w.tp.partition, "offset", r.next, "cause", err)
	}
	r.notBefore = time.Now().Add(backoffAfter(r.stalls))
	if errors.Is(err, kafka.InvalidMessage) && r.stalls > maxStalls {
		// The broker itself cannot read the block; it does not tell where it ends.
		p.feed(w, delivery{from: r.next, end: r.next + 1, jump: skippedUnreadable})
		return nil
	}
	r.leader = noLeader
	p.s.askRoute()
	return nil
}

// progress feeds the worker with what came.
func (p *puller) progress(w *worker, part *fetchedPartition, buf *buffer, first bool) {
	end, size := scanBatches(part.records)
	part.records = part.records[:size]
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	r := &w.route
	from := r.next
	if p.prefer(w, part) {
		return
	}
	r.high = part.high
	if part.large != nil {
		if r.large = !r.large && part.large.size <= p.s.k.cfg.MaxBatch; r.large {
			return // it is asked for once more, by itself
		}
		end = part.large.last + 1
	}
	switch {
	case end > from:
		if r.stalls > 0 {
			p.s.k.log.Info("partition is read again", "topic", w.tp.topic, "partition", w.tp.partition, "offset", from, "tries", r.stalls)
		}
		r.stalls = 0
		r.large = r.large && size > p.s.k.buffers.largeBatch()
		buf.refs.Add(1)
		p.feed(w, delivery{fetchedPartition: *part, buf: buf, from: from, end: end})
	case first && from < min(part.high, part.stable):
		// The first partition of a request gets a batch however large it is.
		if r.stalls++; r.stalls > maxStalls {
			p.feed(w, delivery{from: from, end: from + 1, jump: skippedUnreadable})
		}
		r.notBefore = time.Now().Add(backoffAfter(r.stalls))
	case from >= min(part.high, part.stable):
		r.stalls, r.large = 0, false
		if r.queued == 0 {
			w.lagRecords.Set(float64(max(part.high-from, 0)))
			w.lagSeconds.Set(0)
		}
	}
	p.end(w, part)
}

// feed hands a delivery to the worker, which has room for it. The session is locked.
func (p *puller) feed(w *worker, d delivery) {
	w.route.next = d.end
	w.route.queued++
	w.feed <- d
}

// end closes the worker's feed if there is nothing more to read. The session is
// locked.
func (p *puller) end(w *worker, part *fetchedPartition) {
	r := &w.route
	atEnd := p.s.k.cfg.StopAtEnd && r.next >= min(part.high, part.stable)
	if !r.over && (atEnd || r.until >= 0 && r.next >= r.until) {
		r.over = true
		close(w.feed)
	}
}

// reset goes on where there are records after the broker has said that the offset
// is out of range: at the first one that is kept. What was lost is counted.
func (p *puller) reset(ctx context.Context, w *worker) error {
	p.s.mu.Lock()
	left := w.route.leave()
	p.s.mu.Unlock()
	if left { // a replica may be behind; the leader knows
		p.s.askRoute()
		return nil
	}
	found, err := p.s.k.resolve(ctx, map[topicPartition]Start{w.tp: {}})
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	first, ok := found[w.tp]
	if err != nil || !ok {
		w.route.stalls++
		w.route.notBefore = time.Now().Add(backoffAfter(w.route.stalls))
		return nil // the next fetch will say the same
	}
	d := delivery{from: w.route.next, end: first, jump: skippedRetention}
	if first <= w.route.next {
		d.jump = skippedTruncated
	}
	p.feed(w, d)
	return nil
}
