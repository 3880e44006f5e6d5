package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

// attachedIndex is the index of a record's key and headers among its exchanges.
// It does not depend on how many there are, since a line that waits for the rest
// of its trace is handed over later: a replay has to give the same ids.
const attachedIndex = 1 << 16

// worker handles the records of one partition, in the order in which a puller
// feeds it. Its fields are of its goroutine but for route, which is the session's,
// and the offsets.
type worker struct {
	k        *Kafka
	tp       topicPartition
	start    Start
	decoding *decoding
	tally    *tally
	feed     chan delivery
	route    route

	// handled is the offset behind the last record of which nothing is held back,
	// noOffset before the first is known; committed is what the group has stored.
	handled, committed atomic.Int64
	unpacker           batchUnpacker
	attached           []byte
	held               holding
	trouble            troubles
	bad
	gauges
}

// gauges are a partition's.
type gauges struct{ lagRecords, lagSeconds prometheus.Gauge }

// delivery is what one fetch brought for a partition, or a jump over offsets.
type delivery struct {
	fetchedPartition
	buf *buffer
	// from is the offset that was asked for, end where the next fetch goes on.
	from, end int64
	// jump says why offsets are passed over, "" if none are.
	jump string
}

// bad says what is wrong with the record in hand, at the offset current; "" for
// nothing.
type bad struct {
	current int64
	noted   string
	// over is how many bytes of it are past the limit.
	over int
}

// feedSize is how many deliveries wait for a worker beside the one it is at.
const feedSize = 1

func newWorker(k *Kafka, h Handler, tp topicPartition, offset int64, start Start) *worker {
	tally := newTally(k.metrics, k.cfg.Config)
	partition := strconv.Itoa(int(tp.partition))
	w := &worker{
		k: k, tp: tp, start: start, tally: tally,
		decoding: newDecoding(k.cfg.Config, tally, k.log, h.Handle),
		feed:     make(chan delivery, feedSize+1),
		route:    route{next: offset, until: noOffset, leader: noLeader, near: replica{broker: noLeader}},
		unpacker: batchUnpacker{limit: k.cfg.MaxUnpacked, whole: k.cfg.MaxBatch, slot: k.buffers.unpacking},
		gauges: gauges{
			k.metrics.lagRecords.WithLabelValues(tp.topic, partition), k.metrics.lagSeconds.WithLabelValues(tp.topic, partition),
		},
	}
	w.decoding.joiner = newJoiner(k.cfg.Config, true)
	tally.note = w.note
	w.handled.Store(offset)
	w.committed.Store(offset)
	return w
}

func (w *worker) name() string { return fmt.Sprintf("%s/%d", w.tp.topic, w.tp.partition) }

// run handles what comes until the context ends or the partition does. took is
// called behind each delivery.
func (w *worker) run(ctx context.Context, took func()) {
	defer w.finish()
	patience := time.NewTimer(time.Hour)
	defer patience.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case d, ok := <-w.feed:
			if !ok {
				return
			}
			w.take(ctx, &d)
			took()
		case <-patience.C:
		}
		if wait := w.held.patience(w.decoding.joiner, w.k.cfg.Timing.Join); wait > 0 {
			patience.Reset(wait)
		} else if wait == 0 {
			w.decoding.flush()
			w.handled.Store(w.held.next)
		}
	}
}

// finish hands over what is held back: nobody will bring the rest.
func (w *worker) finish() {
	w.decoding.flush()
	if w.held.next > w.handled.Load() {
		w.handled.Store(w.held.next)
	}
	w.unpacker.close()
}

// take handles one delivery, up to the context's end.
func (w *worker) take(ctx context.Context, d *delivery) {
	if d.buf != nil {
		defer d.buf.release()
	}
	if d.jump != "" {
		w.jump(d)
		return
	}
	aborted := abortedTransactions{list: d.aborted}
	for rest := d.records; ctx.Err() == nil; {
		h, ok := parseBatchHeader(rest)
		if !ok || h.size > len(rest) {
			break
		}
		w.batch(ctx, d, &h, rest[:h.size], &aborted)
		rest = rest[h.size:]
	}
	if d.large != nil && ctx.Err() == nil {
		w.skip(skippedLarge, d.large.base, d.large.last, nil)
		w.tally.uninspected(classify.SourceKafka, UninspectedLimit, int64(d.large.size))
	}
	if ctx.Err() == nil {
		w.lag(d)
	}
}

// lag tells how far the partition is from its end.
func (w *worker) lag(d *delivery) {
	w.lagRecords.Set(float64(max(d.high-d.end, 0)))
	if d.end >= min(d.high, d.stable) {
		w.lagSeconds.Set(0)
	} else if w.held.last > 0 {
		w.lagSeconds.Set(time.Since(time.UnixMilli(w.held.last)).Seconds())
	}
}

// batch handles one batch.
func (w *worker) batch(ctx context.Context, d *delivery, h *batchHeader, batch []byte, aborted *abortedTransactions) {
	if h.last < d.from {
		return // a batch may start before the offset that was asked for
	}
	if err := h.check(batch); err != nil {
		w.skip(skippedUnreadable, max(h.base, d.from), h.last, err)
		return
	}
	isAborted := aborted.contains(h)
	if isAborted && !h.control() {
		w.k.metrics.skipped.WithLabelValues(w.tp.topic, skippedAborted).Add(float64(h.records))
		w.complain("aborted transaction", h.base, nil)
		w.advance(h.last + 1)
		return
	}
	defer w.unpacker.done()
	m := batchRecords{
		head: h, rest: w.unpacker.unpack(h.codec(), batch[batchHead:]), left: h.records,
		unpacker: &w.unpacker, longest: w.k.cfg.MaxRecord + maxAttached,
	}
	if h.control() {
		w.tally.record(classify.SourceKafka, "none", outcomeControl, 0)
		aborted.end(h, &m)
		w.advance(h.last + 1)
		return
	}
	w.records(ctx, d, &m)
}

// records handles the records of a batch.
func (w *worker) records(ctx context.Context, d *delivery, m *batchRecords) {
	var r kafkaRecord
	next := max(m.head.base, d.from)
	for ctx.Err() == nil {
		if !m.next(&r) {
			if m.bad || m.left > 0 {
				w.unreadable(m, next)
			}
			w.advance(m.head.last + 1)
			return
		}
		if r.offset < d.from {
			continue
		}
		if until := w.route.until; until >= 0 && r.offset >= until {
			w.advance(until)
			return
		}
		w.bad = bad{current: r.offset, over: r.lost}
		w.record(&r)
		if w.noted != "" && w.k.dead != nil {
			w.k.dead.copy(ctx, w, &r)
		}
		next = r.offset + 1
		w.advance(next)
	}
}

// unreadable passes over the rest of a batch, from an offset on.
func (w *worker) unreadable(m *batchRecords, next int64) {
	reason, cause := skippedUnreadable, m.failure()
	if errors.Is(cause, errBatchBomb) {
		reason = skippedBomb
	}
	w.skip(reason, next, m.head.last, cause)
	if m.head.codec() != 0 { // of the batch, the share of the records that are missing
		share := int64(m.head.size) * int64(m.left) / max(int64(m.head.records), 1)
		w.tally.uninspected(classify.SourceKafka, UninspectedPacked, share)
	}
}

// advance moves the position on; what is held back stays uncommitted.
func (w *worker) advance(next int64) {
	w.held.next = next
	if src, ok := w.decoding.joiner.oldest(); ok {
		next = min(next, src.Offset)
	}
	w.handled.Store(next)
}

// record hands over a record's value, then its key and headers as one text of
// lines "key: KEY" and "NAME: VALUE".
func (w *worker) record(r *kafkaRecord) {
	src := classify.Source{
		Kind: classify.SourceKafka, Name: w.tp.topic, Partition: w.tp.partition, Offset: r.offset,
	}
	defer w.survive(src, len(r.value))
	at := time.UnixMilli(r.ms)
	if r.ms < 0 {
		at = time.Time{}
	}
	w.held.last = r.ms
	w.decoding.src = src
	if w.k.raw != nil {
		w.k.raw(r.value)
		return
	}
	if r.value == nil {
		w.tally.record(src.Kind, "none", outcomeTombstone, 0)
	} else {
		w.decoding.record(src, at, w.bounded(r.value))
	}
	w.attach(r)
	if len(w.attached) > 0 {
		src.Index = attachedIndex
		w.decoding.src = src // another record's, if that was released
		w.decoding.attached(at, w.bounded(w.attached))
	}
	w.attached = shrink(w.attached)
	w.tally.cut(src.Kind, int64(w.over))
}

// attach writes the key and the headers out.
func (w *worker) attach(r *kafkaRecord) {
	w.attached = w.attached[:0]
	if len(r.key) > 0 {
		w.attached = append(append(append(w.attached, "key: "...), r.key...), '\n')
	}
	c := cursor{b: r.headers}
	for range r.count {
		name, value := c.bytes(), c.bytes()
		if c.bad {
			w.complain("headers cut off", r.offset, nil)
			return
		}
		w.attached = append(append(append(w.attached, name...), ": "...), value...)
		w.attached = append(w.attached, '\n')
	}
}

// bounded returns the bytes up to the limit and notes how many are over it.
func (w *worker) bounded(b []byte) []byte {
	limit := min(len(b), w.k.cfg.MaxRecord)
	w.over += len(b) - limit
	return b[:limit]
}

// survive counts a record that made something panic outside of its decoding.
func (w *worker) survive(src classify.Source, size int) {
	if cause := recover(); cause != nil {
		w.decoding.src = src
		w.decoding.poison(size, cause)
	}
}

// maxAttached is how long the key and the headers of a record may be, in bytes, for a
// value of MaxRecord bytes to be unpacked to its end.
const maxAttached = 64 << 10

// maxKept is the size in bytes of the buffers that a worker keeps.
const maxKept = 1 << 20

// shrink gives a large buffer back, since every partition has its own.
func shrink(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b
}

// holding knows how long the joiner has waited for the rest of a record.
type holding struct {
	// next is the offset behind the last record seen, last that one's time.
	next, last int64
	offset     int64
	since      time.Time
}

// patience returns how long the oldest record held back may wait yet: 0 for no
// longer, less if there is none.
func (h *holding) patience(j *joiner, limit time.Duration) time.Duration {
	src, ok := j.oldest()
	if !ok {
		h.since = time.Time{}
		return -1
	}
	if h.since.IsZero() || src.Offset != h.offset {
		h.offset, h.since = src.Offset, time.Now()
	}
	return max(limit-time.Since(h.since), 0)
}
