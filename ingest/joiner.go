package ingest

import (
	"bytes"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// joiner puts together what the records of one stream were split into: a line
// that a container runtime cut (P..F of CRI, docker's texts without line end), and
// the lines of a stack trace. It holds the beginning back until the rest is there,
// so whoever feeds it calls flush at the end of what is to be read, and commits
// nothing from oldest on.
type joiner struct {
	maxLines int64
	maxBytes int
	// maxPart bounds a line that was cut, in bytes.
	maxPart int
	// raw says that lines without an envelope are joined, too; a file's lines are
	// joined where they are read.
	raw  bool
	held []*held
	free []*held
}

// maxHeld bounds how many streams of one source have something held back.
const maxHeld = 64

// held is the beginning of a record.
type held struct {
	stream  string
	service string
	kind    string // of its envelope
	src     classify.Source
	lines   int64
	at      time.Time
	text    []byte
	// before is what the envelope has before its text, if it may hold something.
	before []byte
	// partial says that the last line goes on, trace that it is in a traceback, key that
	// it is in a private key.
	partial, trace, key bool
	// depth is how many brackets of a JSON document are open, 0 outside of one.
	depth int
}

func newJoiner(cfg Config, raw bool) *joiner {
	return &joiner{
		raw: raw, maxLines: int64(cfg.MaxJoinLines), maxBytes: cfg.MaxJoinBytes, maxPart: cfg.MaxRecord,
	}
}

// take takes a record over if it is a part of a longer one, or may be.
func (j *joiner) take(d *decoding, src classify.Source, at time.Time, record []byte) (taken bool) {
	d.envelopeState = envelopeState{at: at}
	e, ok := j.line(d, record)
	if !ok {
		if !j.raw {
			j.flush(d)
			return false
		}
		if len(j.held) == 0 && (len(record) == 0 || wholeJSON(record)) {
			return false
		}
		e = envelope{inner: record}
	}
	if e.at.IsZero() {
		e.at = at
	}
	if h := j.find(e.stream); h != nil && j.goesOn(d, h, &e) {
		return true
	}
	if len(e.inner) == 0 || !e.partial && wholeJSON(e.inner) {
		return false
	}
	j.hold(d, &e, src, record)
	return true
}

// goesOn puts a line behind what is held of its stream, or hands that over if the
// line does not belong to it.
func (j *joiner) goesOn(d *decoding, h *held, e *envelope) (taken bool) {
	between, limit := "", j.maxPart
	if !h.partial {
		between, limit = "\n", j.maxBytes
		if !h.continues(e.inner) {
			j.release(d, h)
			return false
		}
	}
	if len(h.text)+len(e.inner) >= limit || !h.partial && h.depth == 0 && h.lines >= j.maxLines {
		d.limit(LimitJoin)
		j.release(d, h)
		return false
	}
	h.add(e.inner, between)
	h.partial = e.partial
	if !h.partial && opensJSON(h.text) && !h.open(e.inner) {
		j.release(d, h)
	}
	return true
}

// open says whether the JSON document that is held goes on behind its last line.
func (h *held) open(line []byte) bool {
	switch {
	case h.depth > 0:
		h.depth += nesting(line)
	case !endsJSON(h.text):
		h.depth = nesting(h.text)
	}
	return h.depth > 0
}

// wholeJSON says whether a line is JSON of its own, as far as its ends tell.
func wholeJSON(line []byte) bool { return opensJSON(line) && endsJSON(line) }

// line takes off the envelope that says which stream a line is of.
func (j *joiner) line(d *decoding, record []byte) (e envelope, ok bool) {
	if len(record) < 4 {
		return e, false
	}
	d.depth = 0
	switch c := record[0]; {
	case c == '{':
		e, ok = d.docker(record)
		return e, ok && !e.rest
	case '0' <= c && c <= '9':
		return cri(record)
	}
	return d.compose(record)
}

// hold begins a record with a line, which stands in record.
func (j *joiner) hold(d *decoding, e *envelope, src classify.Source, record []byte) {
	if len(j.held) >= maxHeld {
		d.limit(LimitJoin)
		j.release(d, j.held[0])
	}
	h := &held{}
	if n := len(j.free); n > 0 {
		h, j.free = j.free[n-1], j.free[:n-1]
	}
	*h = held{
		stream: e.stream, service: e.service, kind: e.kind, src: src, at: e.at, lines: 1, partial: e.partial,
		text: append(h.text[:0], e.inner...), before: h.before[:0],
	}
	h.trace, h.key = isTraceback(e.inner), opensKey(e.inner)
	if !e.partial && opensJSON(e.inner) {
		h.depth = max(nesting(e.inner), 0)
	}
	if e.rest {
		h.before = append(h.before, record[:e.span.Start]...)
	}
	j.held = append(j.held, h)
	if e.kind != "" {
		d.tally.envelope(src.Kind, e.kind)
	}
}

func (h *held) add(text []byte, between string) {
	h.text = append(append(h.text, between...), text...)
	h.lines++
}

// continues says whether a line goes on with the trace, the key or the document of the
// lines held.
func (h *held) continues(line []byte) bool {
	if h.depth > 0 {
		return insideJSON(line)
	}
	if h.key {
		var belongs bool
		if belongs, h.key = keyGoesOn(line); belongs {
			return true
		}
	}
	switch {
	case opensJSON(line) && len(bytes.TrimLeft(line, " \t")) == len(line):
		return false
	case isTraceback(line):
		h.trace = true
		return true
	case isContinuation(line):
		return true
	case h.trace && len(line) > 0: // the line that names the exception
		h.trace = false
		return true
	}
	return false
}

func (j *joiner) find(stream string) *held {
	for _, h := range j.held {
		if h.stream == stream {
			return h
		}
	}
	return nil
}

// release hands over what is held of one stream.
func (j *joiner) release(d *decoding, h *held) {
	for i := range j.held {
		if j.held[i] == h {
			j.held = append(j.held[:i], j.held[i+1:]...)
			break
		}
	}
	src := h.src
	if h.lines > 1 {
		src.Lines = max(h.lines, src.Lines)
	}
	d.whole(src, h.at, h.service, h.kind, h.text)
	if len(h.before) > 0 {
		d.attached(h.at, h.before)
	}
	if cap(h.text) <= maxKept {
		j.free = append(j.free, h)
	}
}

// flush hands over everything in the order in which it came.
func (j *joiner) flush(d *decoding) {
	for len(j.held) > 0 {
		j.release(d, j.held[0])
	}
}

// oldest returns the source of the record held back longest.
func (j *joiner) oldest() (src classify.Source, ok bool) {
	if len(j.held) == 0 {
		return src, false
	}
	return j.held[0].src, true
}
