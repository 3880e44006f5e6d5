package ingest

import (
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// decoder knows one log format, or several that are told apart on the way. A
// decoder keeps buffers between records: it is used by one goroutine at a time.
type decoder interface {
	// formats are the names of the formats.
	formats() []string
	// decode maps the record into d.x, which is empty but for its source and
	// Persisted (true), and calls d.give for each exchange in it; give hands d.x
	// over and empties it for the next. Before any call of give it returns "" for
	// a record of another format, or of less than d.want asks for; else it returns
	// the format's name.
	decode(d *decoding, record []byte) (format string)
}

// wanted says what a record has to be to be decoded.
type wanted uint8

const (
	wantAny   wanted = iota
	wantShape        // anything but plain text
	wantHTTP         // an exchange
)

// What became of a record: the values of the label "outcome".
const (
	outcomeExchange  = "exchange"  // HTTP was mapped
	outcomeLog       = "log"       // no HTTP in it
	outcomeEmpty     = "empty"     // no bytes
	outcomeTombstone = "tombstone" // a Kafka message with a null value
	outcomeControl   = "control"   // of Kafka itself: it ends a transaction
	outcomeFailed    = "failed"    // not of the format that was asked for, or something panicked
)

// decoding decodes the records of one stream or partition one after the other.
type decoding struct {
	cfg    Config
	names  *nameTable
	levels []*level
	handle func(*classify.Exchange)
	tally  *tally
	log    *slog.Logger
	joiner *joiner
	pairs  *pairs

	x   classify.Exchange
	src classify.Source
	envelopeState
	verdict
	explained Explanation
}

// verdict is what was found out about the present record.
type verdict struct {
	// of is the record, before its first exchange.
	of classify.Source
	// http says that the record held an exchange, matched that it was of the format
	// asked for, kept that an exchange of it was not left out.
	http, matched, kept bool
}

// envelopeState is what the envelopes around the present record tell.
type envelopeState struct {
	depth   int
	want    wanted
	at      time.Time
	service string
}

// level is what the records inside so many envelopes are decoded with.
type level struct {
	decoders []decoder
	choice   choice
	// buf holds the inner text of an envelope that had to be unpacked.
	buf    []byte
	unpack unpacker
	names  interner
}

// newDecoding needs a configuration with defaults.
func newDecoding(cfg Config, tally *tally, log *slog.Logger, handle func(*classify.Exchange)) *decoding {
	return &decoding{
		cfg: cfg, tally: tally, log: log, handle: handle,
		names: newNameTable(sharedNames(), jsonFormats()), pairs: newPairs(cfg.MaxPairs),
	}
}

// level returns the level of the present depth.
func (d *decoding) level() *level {
	for len(d.levels) <= d.depth {
		d.levels = append(d.levels, d.newLevel())
	}
	return d.levels[d.depth]
}

// newLevel makes the decoders of one level. A format that was asked for leaves
// only its decoder and that of text.
func (d *decoding) newLevel() *level {
	list := decoders(d.names)
	if d.cfg.Mapping != nil {
		list = append([]decoder{newCustomDecoder(d.cfg.Mapping)}, list...)
	}
	if d.cfg.Format != FormatAuto && len(d.levels) == 0 {
		list = slices.DeleteFunc(list, func(dec decoder) bool {
			_, isText := dec.(textDecoder)
			return !isText && !slices.Contains(dec.formats(), d.cfg.Format)
		})
	}
	return &level{decoders: list, choice: newChoice(len(list))}
}

// record decodes one record and hands over its exchanges. The envelope's time,
// or else at, stands for a time that the record does not tell.
func (d *decoding) record(src classify.Source, at time.Time, record []byte) {
	if d.joiner == nil || !d.joiner.take(d, src, at, record) {
		d.whole(src, at, "", "", record)
	}
}

// flush hands over what is held back to be joined, at the end of the stream.
func (d *decoding) flush() {
	if d.joiner != nil {
		d.joiner.flush(d)
	}
}

// whole decodes a record that is all there. Service and kind are those of the
// envelope that was taken off already, if there was one.
func (d *decoding) whole(src classify.Source, at time.Time, service, kind string, record []byte) {
	format := "none"
	defer func() {
		if cause := recover(); cause != nil {
			d.tally.record(src.Kind, format, outcomeFailed, len(record))
			d.poison(len(record), cause)
		}
	}()
	d.src, d.verdict = src, verdict{of: src}
	d.envelopeState = envelopeState{at: at, service: service}
	if d.cfg.Explain != nil {
		d.explained.begin(&src)
		if kind != "" {
			d.explained.envelope(kind)
		}
	}
	if len(record) == 0 {
		d.tally.record(src.Kind, format, outcomeEmpty, 0)
		return
	}
	d.begin()
	format = d.unwrap(record)
	outcome := outcomeLog
	switch {
	case d.http:
		outcome = outcomeExchange
	case d.cfg.Format != FormatAuto && format != d.cfg.Format && !d.matched:
		outcome = outcomeFailed // looked at as text all the same
	}
	d.tally.record(src.Kind, format, outcome, len(record))
	d.explain(format, outcome, record)
}

// unwrap takes the envelopes off a record, decodes what is inside and returns
// the name of the format found.
func (d *decoding) unwrap(record []byte) (format string) {
	if e, ok := d.peel(record); ok {
		if format = d.inside(record, &e); format != "" {
			return format
		}
	}
	return d.decode(record)
}

// inside decodes what an envelope holds, and gives the envelope itself if it may
// hold something besides. It returns "" if the record was not taken out of it;
// then the record, which is scanned as it is, has the envelope's time all the same.
func (d *decoding) inside(record []byte, e *envelope) (format string) {
	if d.depth >= d.cfg.MaxEnvelopes {
		d.limit(LimitDepth)
		return ""
	}
	before := d.envelopeState
	outer := before
	if !e.at.IsZero() {
		outer.at = e.at
	}
	if e.service != "" {
		outer.service = e.service
	}
	d.envelopeState = outer
	d.depth++
	d.want = max(d.want, e.want)
	format = d.unwrap(e.inner)
	d.envelopeState = outer
	if format == "" {
		return ""
	}
	d.tally.envelope(d.src.Kind, e.kind)
	if d.cfg.Explain != nil {
		d.explained.envelope(e.kind)
	}
	if e.rest {
		d.giveRest(record, e.span)
	}
	d.envelopeState = before
	return format
}

// giveRest gives a record without the part that was given already.
func (d *decoding) giveRest(record []byte, span classify.Span) {
	d.begin()
	d.x.Record = record
	if span.End > span.Start {
		d.x.Mapped = append(d.x.Mapped, span)
	}
	d.handOver(false, true)
}

// decode tries the decoders, the decided one first, and returns the name of the
// format found. The text decoder at the end takes everything.
func (d *decoding) decode(record []byte) string {
	l := d.level()
	first := l.choice.first()
	if first >= 0 {
		if format := l.decoders[first].decode(d, record); format != "" {
			d.chosen(l, first)
			return d.note(format)
		}
	}
	for i, dec := range l.decoders {
		if i == first {
			continue
		}
		if format := dec.decode(d, record); format != "" {
			d.chosen(l, i)
			return d.note(format)
		}
	}
	return ""
}

// chosen tells the level's choice which decoder it was.
func (d *decoding) chosen(l *level, i int) {
	if again := l.choice.note(i); again && d.depth == 0 {
		d.limit(LimitRedecided)
	}
}

// note remembers that a record of the format asked for was seen.
func (d *decoding) note(format string) string {
	d.matched = d.matched || format == d.cfg.Format
	return format
}

// begin empties the exchange for the next use.
func (d *decoding) begin() {
	d.x.Reset()
	d.x.Source = d.src
	d.x.Persisted = true
}

// give gives the exchange to the handler and begins the next.
func (d *decoding) give() {
	x := &d.x
	d.handOver(x.Method != nil || x.Status != 0 || len(x.Mapped) > 0, false)
}

// handOver gives the exchange to the handler and begins the next. What is beside the
// exchanges of its record is left out only with all of them.
func (d *decoding) handOver(http, beside bool) {
	x := &d.x
	if x.Time.IsZero() {
		x.Time = d.at
	}
	if x.Service == "" {
		x.Service = d.service
	}
	if d.cfg.Content != ContentAuto {
		x.Persisted = d.cfg.Content == ContentLog
	}
	d.http = d.http || http
	if d.cfg.Where == nil || beside && d.kept || !beside && d.cfg.Where(x) {
		d.kept = true
		d.handle(x)
	} else {
		d.tally.filter(d.src.Kind, len(x.Record))
	}
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
	d.envelopeState = envelopeState{at: at}
	if d.of.Partition != d.src.Partition || d.of.Offset != d.src.Offset {
		d.kept = true // it has no value that could be left out
	}
	d.begin()
	d.x.Record = text
	d.handOver(false, true)
}

// limit counts that a limit was reached while the present record was decoded.
func (d *decoding) limit(reason string) { d.tally.limit(d.src.Kind, reason) }

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
