package ingest

import (
	"time"
)

// Why offsets were passed over: the values of the label "reason".
const (
	skippedRetention  = "retention"  // deleted before they were read
	skippedTruncated  = "truncated"  // the log ends before: it was cut or made anew
	skippedRecreated  = "recreated"  // of another topic that had this one's name
	skippedUnreadable = "unreadable" // no client could decode the batch
	skippedBomb       = "bomb"       // the batch unpacks to more than the limit
	skippedLarge      = "large"      // the batch is over the limit as it is
	skippedAborted    = "aborted"    // of a transaction that was taken back
)

// jump goes on elsewhere than behind the last record.
func (w *worker) jump(d *delivery) {
	w.decoding.flush() // nothing continues it
	skipped := d.end - d.from
	if d.jump == skippedTruncated {
		skipped = 1
		// Only here a commit may go back: the old offsets are gone.
		w.committed.Store(noOffset)
	}
	w.k.metrics.skipped.WithLabelValues(w.tp.topic, d.jump).Add(float64(skipped))
	w.k.log.Warn("offsets are passed over", "reason", d.jump, "topic", w.tp.topic, "partition", w.tp.partition,
		"offset", d.from, "next", d.end)
	w.advance(d.end)
}

// skip passes over offsets whose records nobody can have, and counts them.
func (w *worker) skip(reason string, first, last int64, cause error) {
	w.k.metrics.skipped.WithLabelValues(w.tp.topic, reason).Add(float64(last - first + 1))
	w.complain(reason+" batch", first, cause)
	w.advance(last + 1)
}

// troubles keeps the log readable where a topic is full of bad records: of each
// kind one line in an interval tells where, and how many there were before.
type troubles struct {
	kinds map[string]*troubleKind
}

type troubleKind struct {
	told  time.Time
	since int64
}

// complainEvery is the interval between lines about one kind of bad records in one
// partition.
const complainEvery = 10 * time.Second

// complain says where a bad record is. It tells nothing of what is in it.
func (w *worker) complain(what string, offset int64, cause error) {
	t := &w.trouble
	if t.kinds == nil {
		t.kinds = map[string]*troubleKind{}
	}
	kind := t.kinds[what]
	if kind == nil {
		kind = &troubleKind{}
		t.kinds[what] = kind
	}
	now := time.Now()
	if now.Sub(kind.told) < complainEvery {
		kind.since++
		return
	}
	kind.told = now
	args := []any{"kind", what, "topic", w.tp.topic, "partition", w.tp.partition, "offset", offset, "untold", kind.since}
	if cause != nil {
		args = append(args, "cause", cause)
	}
	w.k.log.Warn("bad record counted", args...)
	kind.since = 0
}
