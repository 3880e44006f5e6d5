package ingest

import (
	"slices"
	"unicode/utf8"

	"github.com/leaktap/leaktap/classify"
)

// Explanation says why a record was taken for what it was. It holds names of
// fields and of formats, and nothing else of the record.
type Explanation struct {
	Source classify.Source
	// Format and Outcome are those of [RecordKey].
	Format, Outcome string
	// Reasons are the names of fields, or the shape, by which the formats were
	// recognised, from the outermost to the innermost.
	Reasons []string
	// Envelopes are those that were taken off, from the innermost outwards.
	Envelopes []string
	// Unreadable says that the record looks like JSON or bytes that no decoder
	// could read: it was scanned as text.
	Unreadable bool
}

func (e *Explanation) begin(src *classify.Source) {
	*e = Explanation{Source: *src, Reasons: e.Reasons[:0], Envelopes: e.Envelopes[:0]}
}

// envelope notes an envelope that was taken off.
func (e *Explanation) envelope(kind string) {
	if !slices.Contains(e.Envelopes, kind) {
		e.Envelopes = append(e.Envelopes, kind)
	}
}

// because notes why a record is of its format, if somebody wants to know.
func (d *decoding) because(reason string) {
	if d.cfg.Explain != nil && !slices.Contains(d.explained.Reasons, reason) {
		d.explained.Reasons = append(d.explained.Reasons, reason)
	}
}

// explain tells how the record was decoded.
func (d *decoding) explain(format, outcome string, record []byte) {
	if d.cfg.Explain == nil {
		return
	}
	e := &d.explained
	e.Format, e.Outcome = format, outcome
	e.Unreadable = format == formatText && (record[0] == '{' || !utf8.Valid(record))
	d.cfg.Explain(e)
}
