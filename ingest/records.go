package ingest

import (
	"bytes"
	"io"
	"strings"
)

// records splits a stream of lines into records. A record is one line, or a
// JSON document spread over lines, or a line of text with the lines that
// continue it (a stack trace).
type records struct {
	in  io.Reader
	cfg Config
	// buf[start:end] is the present record with its line ends, buf[end:filled]
	// was read ahead. peeked is the length of the next line with its end.
	buf                        []byte
	start, end, filled, peeked int
	err                        error

	// line is the number of the record's first line, from 1, and lines how many
	// there are.
	line, lines int64
	// cut is how many bytes of the record lie past the limit.
	cut int64
}

func newRecords(in io.Reader, cfg Config) *records {
	return &records{in: in, cfg: cfg, buf: make([]byte, 2*readSize), line: 1}
}

// next returns the next record without its last line end; it is valid until the
// following call. It returns false at the end and when the stream fails.
func (r *records) next() (record []byte, ok bool) {
	r.line += r.lines
	r.lines, r.cut = 0, 0
	r.start = r.end
	line, ok := r.peek()
	if !ok {
		return nil, false
	}
	if len(line) > r.cfg.MaxRecord {
		r.takeCut()
		return r.buf[r.start : r.start+r.cfg.MaxRecord], true
	}
	r.take()
	switch {
	case !opensJSON(line):
		r.joinText(line)
	case !endsJSON(line):
		r.joinJSON(line)
	}
	return bytes.TrimRight(r.buf[r.start:r.end], "\r\n"), true
}

// torn says whether the present record is the beginning of a JSON object or
// array. A record that ends with the bracket that would close it, and with a
// line end, is taken for whole, since that costs nothing.
func (r *records) torn() bool {
	record := r.buf[r.start:r.end]
	text := bytes.TrimSpace(record)
	if r.cut > 0 || len(text) == 0 {
		return false
	}
	closing := text[0] + 2 // of { and [ in ASCII
	if text[len(text)-1] == closing && record[len(record)-1] == '\n' {
		return false
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return opensJSON(first) && nesting(text) > 0 && bytes.Contains(text, []byte(`":`))
}

// failure returns why the stream ended, nil for its proper end.
func (r *records) failure() error { return unexpected(r.err) }

// peek returns the line that follows the present record, or as much of it as
// shows that it is longer than a record may be. It is valid until the next call.
func (r *records) peek() (line []byte, ok bool) {
	searched := 0
	for {
		if n := bytes.IndexByte(r.buf[r.end+searched:r.filled], '\n'); n >= 0 {
			r.peeked = searched + n + 1
			return r.buf[r.end : r.end+searched+n], true
		}
		searched = r.filled - r.end
		if searched > r.cfg.MaxRecord || !r.fill() {
			r.peeked = searched
			return r.buf[r.end:r.filled], searched > 0
		}
	}
}

// take adds the peeked line to the record.
func (r *records) take() {
	r.end += r.peeked
	r.lines++
}

// takeCut takes a line that is too long and drops it from the limit on.
func (r *records) takeCut() {
	r.lines++
	limit := r.start + r.cfg.MaxRecord
	for {
		rest := r.buf[limit:r.filled]
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			r.cut += int64(n)
			r.end = limit + n + 1
			return
		}
		r.cut += int64(len(rest))
		r.filled, r.end = limit, limit
		if !r.fill() {
			return
		}
		limit = r.start + r.cfg.MaxRecord // fill may have moved it
	}
}

// fill reads more behind what is there. Past the record's start nothing is
// kept, so the buffer grows only as far as one record and one line need.
func (r *records) fill() bool {
	if r.err != nil {
		return false
	}
	if r.filled == len(r.buf) && r.start > 0 {
		copy(r.buf, r.buf[r.start:r.filled])
		r.end -= r.start
		r.filled -= r.start
		r.start = 0
	}
	if r.filled == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	for range 100 {
		n, err := r.in.Read(r.buf[r.filled:])
		r.filled += n
		r.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	r.err = io.ErrNoProgress
	return false
}

// joinText adds the lines that continue the text line first.
func (r *records) joinText(first []byte) {
	inTraceback, inKey := isTraceback(first), opensKey(first)
	for r.lines < int64(r.cfg.MaxJoinLines) {
		line, ok := r.peek()
		if !ok || r.end-r.start+len(line) > r.cfg.MaxJoinBytes {
			return
		}
		belongs := false
		if inKey {
			belongs, inKey = keyGoesOn(line)
		}
		switch {
		case belongs:
		case len(line) > 0 && (line[0] == '{' || line[0] == '[') && opensJSON(line): // a record of its own, whatever it holds
			return
		case isTraceback(line):
			inTraceback = true
		case isContinuation(line):
			inKey = opensKey(line)
		case inTraceback && len(line) > 0: // the line that names the exception
			inTraceback = false
		default:
			return
		}
		r.take()
	}
}

// joinJSON adds lines until the brackets that line has opened are closed. It
// stops at a line that no pretty-printed document has.
func (r *records) joinJSON(line []byte) {
	for depth := nesting(line); depth > 0; depth += nesting(line) {
		var ok bool
		line, ok = r.peek()
		if !ok || r.end-r.start+len(line) > r.cfg.MaxRecord || !insideJSON(line) {
			return
		}
		r.take()
	}
}

// isContinuation says whether the line continues the text line before it: stack
// frames of Java, Python, Node.js, .NET and Go are indented.
func isContinuation(line []byte) bool {
	return len(line) > 0 && (line[0] == ' ' || line[0] == '\t' || line[0] == '.') && len(bytes.TrimSpace(line)) > 0 ||
		bytes.HasPrefix(line, []byte("Caused by:"))
}

// isTraceback says whether a Python traceback starts in the line.
func isTraceback(line []byte) bool {
	return bytes.Contains(line, []byte("Traceback (most recent call last):"))
}

// opensJSON says whether the line starts as a JSON object or array of objects,
// arrays or strings does.
func opensJSON(line []byte) bool {
	line = bytes.TrimLeft(line, " \t\ufeff")
	if len(line) == 0 || line[0] != '{' && line[0] != '[' {
		return false
	}
	switch next := bytes.TrimLeft(line[1:], " \t\r"); {
	case len(next) == 0 || next[0] == '"' || next[0] == line[0]+2:
		return true
	case line[0] == '[':
		return next[0] == '{' || next[0] == '['
	}
	return false
}

// endsJSON says whether a line of JSON is whole. A line that stops inside a
// string or number is broken, and no further line would mend it.
func endsJSON(line []byte) bool {
	line = bytes.TrimRight(line, " \t\r\n")
	return bytes.IndexByte([]byte("{[,:"), line[len(line)-1]) < 0
}

// insideJSON says whether a line can stand inside a pretty-printed document: it
// starts with a bracket or a string, or is a number or a literal and nothing else.
func insideJSON(line []byte) bool {
	text := bytes.TrimSpace(line)
	if len(text) == 0 {
		return true
	}
	switch text[0] {
	case '{':
		return line[0] != '{'
	case '"', '}', '[', ']':
		return true
	}
	value := string(bytes.TrimRight(text, ",]} \t"))
	return value == "true" || value == "false" || value == "null" ||
		bytes.IndexByte([]byte("-0123456789"), text[0]) >= 0 && strings.Trim(value, "-+.eE0123456789") == ""
}

// nesting returns how many more brackets the line opens than it closes.
func nesting(line []byte) (depth int) {
	inString := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth
}
