package ingest

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

// StdinName is the name under which a [Reader] takes a stream for standard
// input.
const StdinName = "-"

// Reader turns files and standard input into exchanges. It detects gzip, zstd,
// UTF-16 and HAR, joins records that are spread over lines, and may be used by
// several goroutines at once.
type Reader struct {
	cfg     Config
	metrics *metrics
	log     *slog.Logger
}

// Stats says what a reader has read.
type Stats struct {
	// Records counts records by format and outcome.
	Records map[RecordKey]int64
	// Bytes is the size of all records, decompressed and without line ends.
	Bytes int64
	// Uninspected counts bytes that were not looked at, by reason.
	Uninspected map[string]int64
	// Envelopes counts what was taken off records, Limits the limits reached (the
	// Limit constants), Filtered the exchanges that Config.Where left out.
	Envelopes, Limits map[string]int64
	Filtered          int64
}

// RecordKey is a format ("none" if it came to none) and what became of a record
// of it: exchange, log, empty, tombstone or failed.
type RecordKey struct{ Format, Outcome string }

// NewReader returns a reader. A nil registerer leaves the metrics unregistered.
func NewReader(cfg Config, reg prometheus.Registerer, log *slog.Logger) (*Reader, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Reader{cfg: cfg, metrics: m, log: log}, nil
}

// Run reads in to its end and calls handle for every exchange, one after the
// other. name is the file's path or StdinName. What was readable before an
// error has been handled; the error names the file and the offset of the
// underlying bytes, or the line of JSON that is cut off. A cancelled context stops between two records; a Read that
// blocks has to be ended by closing in.
func (r *Reader) Run(ctx context.Context, name string, in io.Reader, handle func(*classify.Exchange)) (Stats, error) {
	tally := newTally(r.metrics, r.cfg)
	run := &reading{
		cfg: r.cfg, tally: tally, src: classify.Source{Kind: classify.SourceFile, Name: name},
		decoding: newDecoding(r.cfg, tally, r.log, handle),
	}
	if name == StdinName {
		run.src.Kind = classify.SourceStdin
	}
	stream, err := open(in)
	if err == nil {
		defer stream.Close()
		if r.cfg.Format == harFormat().name || isHAR(stream.Reader) {
			err = run.archive(ctx, stream.Reader)
		} else {
			err = run.lines(ctx, stream.Reader)
		}
	}
	if err != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("read %s at byte %d: %w", name, stream.offset(), err)
	}
	return tally.result(), errors.Join(err, run.tornError())
}

// reading is one stream being read.
type reading struct {
	cfg      Config
	decoding *decoding
	tally    *tally
	src      classify.Source
	// torn counts records whose JSON is cut off; firstTorn is the first one's line.
	torn, firstTorn int64
}

// lines reads a stream of lines.
func (r *reading) lines(ctx context.Context, in *bufio.Reader) error {
	records := newRecords(in, r.cfg)
	r.decoding.joiner = newJoiner(r.cfg, false)
	defer r.decoding.flush()
	for ctx.Err() == nil {
		record, ok := records.next()
		if !ok {
			return records.failure()
		}
		r.src.Line, r.src.Lines = records.line, records.lines
		if r.src.Lines == 1 {
			r.src.Lines = 0
		}
		r.decoding.record(r.src, time.Time{}, record)
		r.tally.cut(r.src.Kind, records.cut)
		if records.torn() {
			r.torn++
			r.firstTorn = cmp.Or(r.firstTorn, r.src.Line)
		}
	}
	return ctx.Err()
}

// tornError returns the error for records that are only half there, which were
// scanned as far as they go.
func (r *reading) tornError() error {
	switch r.torn {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s:%d: the JSON is cut off; what is there was scanned", r.src.Name, r.firstTorn)
	}
	return fmt.Errorf("%s:%d: the JSON is cut off, there and in %d more records; what is there was scanned", r.src.Name, r.firstTorn, r.torn-1)
}

// archive reads a HAR document, which is a recording of traffic, entry by entry.
// What stands outside the entries is given as one text record at the end.
func (r *reading) archive(ctx context.Context, in *bufio.Reader) error {
	if r.cfg.Content == ContentAuto {
		r.decoding.cfg.Content = ContentTraffic
	}
	r.src.Kind = classify.SourceHAR
	entries := &entries{in: in, limit: r.cfg.MaxRecord}
	for ctx.Err() == nil {
		entry, ok := entries.next()
		if !ok {
			r.decoding.record(r.src, time.Time{}, entries.outside)
			r.tally.cut(r.src.Kind, entries.cut)
			return entries.failure()
		}
		r.decoding.record(r.src, time.Time{}, entry)
		r.src.Index++
	}
	return ctx.Err()
}
