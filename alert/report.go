package alert

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/leaktap/leaktap/classify"
)

// form writes findings in one format.
type form interface {
	// finding writes the finding with that number, counted from 0.
	finding(w io.Writer, n int, f *classify.Finding) error
	// end writes what stands behind n findings.
	end(w io.Writer, n int) error
}

// Formats lists the formats of reports: JSON lines and one JSON array of findings, as
// `leaktap schema finding` describes them; CSV (RFC 4180); OCSF Detection Findings, one a
// line; SARIF 2.1.0 and annotations of GitHub, one for each exposure.
func Formats() []string { return []string{"jsonl", "json", "csv", "ocsf", "sarif", "github"} }

func formOf(format, version string) (form, error) {
	switch format {
	case "jsonl":
		return jsonLinesForm{}, nil
	case "json":
		return jsonForm{}, nil
	case "csv":
		return csvForm{}, nil
	case "ocsf":
		return ocsfForm{version}, nil
	case "sarif":
		return &exposureForm{ledger: newReportLedger(), write: sarifWriter(version)}, nil
	case "github":
		return &exposureForm{ledger: newReportLedger(), write: writeAnnotations}, nil
	}
	return nil, fmt.Errorf("format %q: there is none", format)
}

// Report is a sink that writes findings for other programs. It writes at the pace of its
// writer and drops nothing; see [File] for one that never waits. It is safe for concurrent
// use.
type Report struct {
	counts deliveries

	mu         sync.Mutex
	w          *bufio.Writer
	form       form
	n, pending int
	err        error
}

// NewReport returns a sink that writes to w through a buffer, in one of [Formats]; version is
// that of leaktap.
func NewReport(format, version string, w io.Writer, m *Metrics) (*Report, error) {
	form, err := formOf(format, version)
	if err != nil {
		return nil, err
	}
	return &Report{w: bufio.NewWriterSize(w, 64<<10), form: form, counts: m.deliveries(format)}, nil
}

// Accept writes f to the buffer, which goes to the writer when it is full.
func (r *Report) Accept(f *classify.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(r.form.finding(r.w, r.n, f))
	r.n++
	r.pending++
}

// keep remembers the first error.
func (r *Report) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Settle flushes the buffer. It returns the first error of writing since the sink was made;
// all findings since the last Settle then count as not delivered.
func (r *Report) Settle(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settle()
}

func (r *Report) settle() error {
	r.keep(r.w.Flush())
	r.counts.count(r.pending, r.err)
	r.pending = 0
	if r.err != nil {
		return fmt.Errorf("write findings: %w", r.err)
	}
	return nil
}

// Close writes the end of the report. Nothing may be accepted after it.
func (r *Report) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(r.form.end(r.w, r.n))
	return r.settle()
}

// exposureForm gathers exposures and writes them at the end.
type exposureForm struct {
	ledger *Ledger
	write  func(w io.Writer, list []Exposure) error
}

func newReportLedger() *Ledger { return NewLedger(LedgerConfig{}) }

func (e *exposureForm) finding(_ io.Writer, _ int, f *classify.Finding) error {
	e.ledger.add(f)
	return nil
}

// end writes the worst first.
func (e *exposureForm) end(w io.Writer, _ int) error {
	list := e.ledger.Snapshot()
	SortExposures(list)
	if err := e.write(w, list); err != nil {
		return err
	}
	if n := e.ledger.Evicted(); n > 0 {
		return fmt.Errorf("%s left out: a report of this kind holds %d", Plural(int64(n), "exposure"), len(list))
	}
	return nil
}

// jsonLinesForm writes a finding on each line.
type jsonLinesForm struct{}

func (jsonLinesForm) finding(w io.Writer, _ int, f *classify.Finding) error {
	line, err := jsonLine(f)
	if err != nil {
		return err
	}
	_, err = w.Write(line)
	return err
}

func (jsonLinesForm) end(io.Writer, int) error { return nil }

// jsonForm writes an array.
type jsonForm struct{}

func (jsonForm) finding(w io.Writer, n int, f *classify.Finding) error {
	line, err := jsonLine(f)
	if err != nil {
		return err
	}
	start := ",\n"
	if n == 0 {
		start = "[\n"
	}
	_, err = fmt.Fprintf(w, "%s%s", start, line[:len(line)-1])
	return err
}

func (jsonForm) end(w io.Writer, n int) error {
	end := "\n]\n"
	if n == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(w, end)
	return err
}

// jsonLine returns f as one line, in which invisible characters are escaped.
func jsonLine(f *classify.Finding) ([]byte, error) {
	text, err := f.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode finding: %w", err)
	}
	return append(EscapeInvisible(text), '\n'), nil
}
