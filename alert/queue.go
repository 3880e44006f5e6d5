package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// errDropped is why a finding that found no place in a queue was not delivered.
var errDropped = errors.New("queue is full or closed")

// flushGrace is how long a sink goes on delivering after its context ended.
const flushGrace = 5 * time.Second

// queue is the shape that sinks with a receiver share: a bounded queue, one
// goroutine that delivers in batches, and the count of what was settled. A finding
// that finds the queue full is dropped and counted.
type queue struct {
	name    string
	log     *slog.Logger
	metrics *Metrics
	counts  deliveries
	batch   int
	deliver func(context.Context, []*classify.Finding) error

	findings chan *classify.Finding
	spool    *spooling // nil: what waits is in memory
	// wanted receives when somebody waits for findings to be settled.
	wanted chan struct{}

	mu                sync.Mutex
	accepted, settled uint64
	moved             chan struct{} // closed and replaced when settled moves
	closed            bool
}

// newQueue returns a queue for size findings, which it hands to deliver in order,
// up to batch at a time. What deliver fails on is dropped: it has tried again
// where that helps.
func newQueue(
	name string, size, batch int, m *Metrics, log *slog.Logger,
	deliver func(context.Context, []*classify.Finding) error,
) *queue {
	q := &queue{
		name: name, log: log, metrics: m, counts: m.deliveries(name), batch: batch, deliver: deliver,
		findings: make(chan *classify.Finding, size),
		wanted:   make(chan struct{}, 1),
		moved:    make(chan struct{}),
	}
	m.WatchQueue(func() float64 { return float64(len(q.findings)) / float64(size) })
	return q
}

// Accept queues f, or drops and counts it when the queue is full or Run has ended.
func (q *queue) Accept(f *classify.Finding) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		select {
		case q.findings <- f:
			q.accepted++
			return
		default:
		}
	}
	q.counts.count(1, errDropped)
}

// Settle waits until all findings accepted before it were delivered, or dropped
// and counted. It returns an error only when ctx ends first.
func (q *queue) Settle(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for goal := q.accepted; q.settled < goal; {
		q.want()
		moved := q.moved
		q.mu.Unlock()
		var err error
		select {
		case <-moved:
		case <-ctx.Done():
			err = fmt.Errorf("settle %s: %w", q.name, ctx.Err())
		}
		q.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}

// want says that somebody waits.
func (q *queue) want() {
	select {
	case q.wanted <- struct{}{}:
	default: // that is known
	}
}

// Run delivers until ctx ends, then flushes for at most flushGrace. It returns an
// error only if another process uses the spool.
func (q *queue) Run(ctx context.Context) error {
	if q.spool != nil {
		return q.spool.Run(ctx)
	}
	return q.runInMemory(ctx)
}

func (q *queue) runInMemory(ctx context.Context) error {
	work, cancel := outlive(ctx, flushGrace)
	defer cancel()
	for {
		select {
		case f := <-q.findings:
			q.deliverBatch(work, q.gather(f, q.batch))
		case <-ctx.Done():
			q.close(work)
			return nil
		}
	}
}

// close refuses further findings and delivers what is queued.
func (q *queue) close(ctx context.Context) {
	q.refuse()
	for len(q.findings) > 0 {
		q.deliverBatch(ctx, q.gather(<-q.findings, q.batch))
	}
}

// refuse lets no further findings in.
func (q *queue) refuse() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// gather returns up to n findings that are queued, from first on.
func (q *queue) gather(first *classify.Finding, n int) []*classify.Finding {
	batch := append(make([]*classify.Finding, 0, min(n, 1+len(q.findings))), first)
	for len(batch) < n && len(q.findings) > 0 {
		batch = append(batch, <-q.findings)
	}
	return batch
}

// deliverBatch delivers a batch and settles it.
func (q *queue) deliverBatch(ctx context.Context, batch []*classify.Finding) {
	err := q.deliver(ctx, batch)
	q.counts.count(len(batch), err)
	if err != nil {
		q.log.Warn("findings dropped", "sink", q.name, "count", len(batch), "cause", err)
	}
	q.settle(len(batch))
}

// settle notes that n findings were delivered, stored, or dropped and counted.
func (q *queue) settle(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settled += uint64(n)
	close(q.moved)
	q.moved = make(chan struct{})
}
