package ingest

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// decoder knows one log format. A decoder keeps buffers between records: it is
// used by one goroutine at a time.
type decoder interface {
	// format is the format's name.
	format() string
	// decode maps the record into x, which is empty but for its source and
	// Persisted (true), and calls give for each exchange in it; give hands x
	// over and empties it for the next. It returns false, before any call of
	// give, for a record of another format.
	decode(x *classify.Exchange, record []byte, give func()) bool
}

// What became of a record: the values of the label "outcome".
const (
	outcomeExchange  = "exchange"  // HTTP was mapped
	outcomeLog       = "log"       // no HTTP in it
	outcomeEmpty     = "empty"     // no bytes
	outcomeTombstone = "tombstone" // a Kafka message with a null value
	outcomeFailed    = "failed"    // not of the format that was asked for, or something panicked
)

// decoding decodes the records of one stream or partition one after the other.
type decoding struct {
	cfg      Config
	decoders []decoder
	// last is the decoder of the record before, which is tried first.
	last   int
	handle func(*classify.Exchange)
	tally  *tally
	log    *slog.Logger

	x    classify.Exchange
	src  classify.Source
	at   time.Time
	http bool
	give func()
	peel peeler
}

// newDecoding needs a configuration with defaults.
func newDecoding(cfg Config, tally *tally, log *slog.Logger, handle func(*classify.Exchange)) *decoding {
	d := &decoding{cfg: cfg, decoders: decoders(), tally: tally, log: log, handle: handle}
	if cfg.Format != FormatAuto {
		d.decoders = slices.DeleteFunc(d.decoders, func(dec decoder) bool {
			return dec.format() != cfg.Format && dec.format() != textDecoder{}.format()
		})
	}
	d.give = d.handOver
	return d
}

// record decodes one record and hands over its exchanges. The envelope's time,
// or else at, stands for a time that the record does not tell.
func (d *decoding) record(src classify.Source, at time.Time, record []byte) {
	format := "none"
	defer func() {
		if cause := recover(); cause != nil {
			d.tally.record(src.Kind, format, outcomeFailed, len(record))
			d.poison(len(record), cause)
		}
	}()
	d.src, d.at, d.http = src, at, false
	if len(record) == 0 {
		d.tally.record(src.Kind, format, outcomeEmpty, 0)
		return
	}
	size := len(record)
	record, sealed := d.peel.envelope(record)
	if !sealed.IsZero() {
		d.at = sealed
	}
	d.begin()
	format = d.decode(record)
	outcome := outcomeLog
	switch {
	case d.http:
		outcome = outcomeExchange
	case d.cfg.Format != FormatAuto && format != d.cfg.Format:
		outcome = outcomeFailed // looked at as text all the same
	}
	d.tally.record(src.Kind, format, outcome, size)
}

// decode tries the decoders, the last successful one first, and returns the
// name of the format found. The text decoder at the end takes everything.
func (d *decoding) decode(record []byte) string {
	if first := d.decoders[d.last]; d.last < len(d.decoders)-1 && first.decode(&d.x, record, d.give) {
		return first.format()
	}
	for i, dec := range d.decoders {
		if dec.decode(&d.x, record, d.give) {
			d.last = i
			return dec.format()
		}
	}
	return "none"
}

// begin empties the exchange for the next use.
func (d *decoding) begin() {
	d.x.Reset()
	d.x.Source = d.src
	d.x.Persisted = true
}

// handOver gives the exchange to the handler and begins the next.
func (d *decoding) handOver() {
	x := &d.x
	if x.Time.IsZero() {
		x.Time = d.at
	}
	if d.cfg.Content != ContentAuto {
		x.Persisted = d.cfg.Content == ContentLog
	}
	if x.Method != nil || x.Status != 0 || len(x.Mapped) > 0 {
		d.http = true
	}
	d.handle(x)
	d.src.Index++
	d.begin()
}

// attached hands over text that belongs to the present record as one exchange
// more, without counting a record.
func (d *decoding) attached(at time.Time, text []byte) {
	defer func() {
		if cause := recover(); cause != nil {
			d.poison(len(text), cause)
		}
	}()
	d.at = at
	d.begin()
	textDecoder{}.decode(&d.x, text, d.give)
}

// poison counts bytes on which something panicked and says where they are. The
// panic's value may quote the record, so only a run-time error's is shown.
func (d *decoding) poison(size int, cause any) {
	d.tally.uninspected(d.src.Kind, UninspectedPanic, int64(size))
	what := fmt.Sprintf("%T", cause)
	if err, ok := cause.(runtime.Error); ok {
		what = err.Error()
	}
	d.log.Error("record skipped: it made the decoder or classifier panic", "cause", what, "source", d.src.Name,
		"line", d.src.Line, "partition", d.src.Partition, "offset", d.src.Offset)
}
