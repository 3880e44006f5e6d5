package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/leaktap/leaktap/classify"
)

// Why offsets were passed over: the values of the label "reason".
const (
	skippedRetention  = "retention"  // deleted before they were read
	skippedTruncated  = "truncated"  // the log ends before: it was cut or made anew
	skippedUnreadable = "unreadable" // no client could decode the batch
)

// worker reads one partition. Its fields are of its goroutine but for handled
// and committed.
type worker struct {
	k        *Kafka
	tp       topicPartition
	start    Start
	decoding *decoding
	tally    *tally

	// next is the offset to fetch next.
	next int64
	// handled is the offset behind the last record handled, noOffset before the
	// first is known; committed is what the group has stored.
	handled, committed atomic.Int64
	// value and attached are buffers for one record.
	value, attached []byte
	// stalls counts the fetches in a row that gave an error or no progress.
	stalls int

	lagRecords, lagSeconds prometheus.Gauge
}

func newWorker(k *Kafka, h Handler, tp topicPartition, offset int64, start Start) *worker {
	tally := newTally(k.metrics, k.cfg.Config)
	partition := strconv.Itoa(int(tp.partition))
	w := &worker{
		k: k, tp: tp, start: start, next: offset, tally: tally,
		decoding:   newDecoding(k.cfg.Config, tally, k.log, h.Handle),
		lagRecords: k.metrics.lagRecords.WithLabelValues(tp.topic, partition),
		lagSeconds: k.metrics.lagSeconds.WithLabelValues(tp.topic, partition),
	}
	w.handled.Store(offset)
	w.committed.Store(offset)
	return w
}

// run reads until the context ends or, with StopAtEnd, the partition does. It
// calls started when the first offset is known.
func (w *worker) run(ctx context.Context, started func()) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	started()
	for ctx.Err() == nil {
		end, err := w.fetch(ctx)
		switch {
		case ctx.Err() != nil:
		case isDenied(err):
			return w.k.explain("read "+w.name(), err)
		case err != nil:
			w.stall(ctx, err)
		case end && w.k.cfg.StopAtEnd:
			return nil
		}
	}
	return nil
}

// begin finds the first offset. A broker that cannot be reached then is an
// error, since waiting would look like a partition without records.
func (w *worker) begin(ctx context.Context) error {
	const attempts = 5
	for i := 1; w.next == noOffset; i++ {
		offset, err := w.k.resolve(ctx, w.tp, w.start)
		if err == nil {
			w.next = offset
			w.handled.Store(offset)
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		if i == attempts || isDenied(err) {
			return w.k.explain("find the start of "+w.name(), err)
		}
		w.pause(ctx, err)
	}
	w.stalls = 0
	return nil
}

func (w *worker) name() string { return fmt.Sprintf("%s/%d", w.tp.topic, w.tp.partition) }

// fetch reads and handles one answer of the broker. end says that the
// partition has no more records at present.
func (w *worker) fetch(ctx context.Context) (end bool, err error) {
	timing := w.k.cfg.Timing
	request, cancel := context.WithTimeout(ctx, timing.Wait+timing.Request)
	defer cancel()
	res, err := w.k.client.Fetch(request, &kafka.FetchRequest{
		Topic: w.tp.topic, Partition: int(w.tp.partition), Offset: w.next,
		MinBytes: 1, MaxBytes: int64(w.k.cfg.FetchBytes), MaxWait: timing.Wait,
	})
	if err == nil {
		err = res.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return false, w.reset(ctx)
	}
	if err != nil {
		return false, err
	}
	before := w.next
	if err = w.consume(ctx, res.Records); err != nil {
		return false, err
	}
	w.lagRecords.Set(float64(res.HighWatermark - w.next))
	if w.next >= res.HighWatermark {
		w.lagSeconds.Set(0)
	} else if w.next == before && ctx.Err() == nil {
		return false, errNoProgress
	}
	w.recovered()
	return w.next >= res.HighWatermark, nil
}

// errNoProgress says that a fetch below the high watermark gave no record.
var errNoProgress = errors.New("the broker's answer holds no record that can be decoded")

// consume handles the records until the context ends. kafka-go leaves control
// batches out; they are stepped past, or a partition that ends in one would
// never be read to its end.
func (w *worker) consume(ctx context.Context, records kafka.RecordReader) error {
	for ctx.Err() == nil {
		record, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if record.Offset >= w.next { // a batch may start before the offset asked for
			w.record(record)
			w.advance(record.Offset + 1)
		}
		closeBytes(record.Key, record.Value)
	}
	stream, ok := records.(*protocol.RecordStream)
	for i := 0; ok && i < len(stream.Records) && ctx.Err() == nil; i++ {
		batch, isControl := stream.Records[i].(*protocol.ControlBatch)
		for isControl {
			marker, err := batch.ReadRecord()
			if err != nil {
				break
			}
			w.advance(max(w.next, marker.Offset+1))
		}
	}
	return nil
}

// advance moves the position on.
func (w *worker) advance(next int64) {
	w.next = next
	w.handled.Store(next)
}

// record hands over a record's value, then its key and headers as one text of
// lines "key: KEY" and "NAME: VALUE" with the index that follows.
func (w *worker) record(record *kafka.Record) {
	src := classify.Source{
		Kind: classify.SourceKafka, Name: w.tp.topic, Partition: w.tp.partition, Offset: record.Offset,
	}
	if record.Value == nil {
		w.tally.record(src.Kind, "none", outcomeTombstone, 0)
		w.decoding.src = src
	} else {
		w.value = w.read(w.value[:0], src.Kind, record.Value)
		w.decoding.record(src, record.Time, w.value)
	}
	w.attached = w.attached[:0]
	if record.Key != nil && record.Key.Len() > 0 {
		w.attached = append(w.attached, "key: "...)
		w.attached = append(w.read(w.attached, src.Kind, record.Key), '\n')
	}
	for _, h := range record.Headers {
		w.attached = append(append(append(w.attached, h.Key...), ": "...), h.Value...)
		w.attached = append(w.attached, '\n')
	}
	if len(w.attached) > 0 {
		w.decoding.attached(record.Time, w.attached)
	}
	if !record.Time.IsZero() {
		w.lagSeconds.Set(time.Since(record.Time).Seconds())
	}
	w.value, w.attached = shrink(w.value), shrink(w.attached)
}

// read appends the bytes up to the limit to dst and counts the rest.
func (w *worker) read(dst []byte, kind classify.SourceKind, b kafka.Bytes) []byte {
	size := min(b.Len(), w.k.cfg.MaxRecord)
	w.tally.uninspected(kind, UninspectedLimit, int64(b.Len()-size))
	start := len(dst)
	dst = append(dst, make([]byte, size)...)
	n, _ := io.ReadFull(b, dst[start:]) // in memory: it cannot fail short of Len
	return dst[:start+n]
}

// maxKept is the size in bytes of the buffers that a worker keeps.
const maxKept = 1 << 20

// shrink gives a large buffer back, since every partition has its own.
func shrink(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b
}

func closeBytes(parts ...kafka.Bytes) {
	for _, b := range parts {
		if b != nil {
			_ = b.Close() // gives memory back; there is nothing to fail
		}
	}
}
