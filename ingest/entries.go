package ingest

import (
	"bufio"
	"bytes"
	"errors"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// isHAR says whether the stream starts as an HTTP Archive does: an object "log"
// with one of HAR's members. (Elastic's logs have an object "log", too.) It
// looks only at what is there without waiting.
func isHAR(in *bufio.Reader) bool {
	_, _ = in.Peek(1) // an error comes again with the first read
	head, _ := in.Peek(min(in.Buffered(), 4096))
	scan := jsonscan.New(head)
	open, name, inner, member := scan.Next(), scan.Next(), scan.Next(), scan.Next()
	if open.Kind != jsonscan.BeginObject || string(head[name.Start:name.End]) != "log" ||
		inner.Kind != jsonscan.BeginObject || member.Kind != jsonscan.Key {
		return false
	}
	switch string(head[member.Start:member.End]) {
	case "version", "creator", "browser", "pages", "entries", "comment":
		return true
	}
	return false
}

// entries streams the objects of log.entries of an HTTP Archive.
type entries struct {
	in *bufio.Reader
	// limit bounds one entry and the rest of the document, in bytes.
	limit int
	// outside is the document without its entries.
	outside []byte
	// cut is how many bytes lie past the limit.
	cut int64

	entry             []byte
	inEntry           bool
	depth             int
	inString, escaped bool
	// name is the string that was read last, as far as it matters.
	name   []byte
	inList bool
	err    error
}

// The depths at which an archive's parts stand: {"log":{"entries":[{…}]}}.
const (
	harLogDepth     = 2
	harEntriesDepth = 3
)

// next returns the next entry, valid until the following call. An entry that
// the document's end cuts is returned as far as it goes.
func (e *entries) next() (entry []byte, ok bool) {
	e.entry = e.entry[:0]
	for {
		chunk, err := e.chunk()
		if err != nil {
			e.err = err
			wasIn := e.inEntry
			e.inEntry = false
			return e.entry, wasIn
		}
		for i, c := range chunk {
			if done := e.step(c); done {
				_, _ = e.in.Discard(i + 1) // cannot fail: they were peeked
				return e.entry, true
			}
		}
		_, _ = e.in.Discard(len(chunk)) // cannot fail: they were peeked
	}
}

// failure returns why the stream ended, nil for its proper end.
func (e *entries) failure() error {
	if err := unexpected(e.err); err != nil || e.depth <= 0 {
		return err
	}
	return errors.New("the archive is cut off: its JSON does not end; what is there was scanned")
}

// chunk returns what is buffered, or waits for more.
func (e *entries) chunk() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	if _, err := e.in.Peek(1); err != nil {
		return nil, err
	}
	return e.in.Peek(e.in.Buffered())
}

// step takes one byte and says whether it ends an entry.
func (e *entries) step(c byte) (done bool) {
	if e.inString {
		e.keep(c)
		e.inside(c)
		return false
	}
	switch c {
	case '"':
		e.inString = true
		e.name = e.name[:0]
	case '{', '[':
		if e.inList && e.depth == harEntriesDepth && c == '{' {
			e.inEntry = true
		}
		if c == '[' && e.depth == harLogDepth && bytes.Equal(e.name, []byte("entries")) {
			e.inList = true
		}
		e.depth++
	case '}', ']':
		e.depth--
		e.inList = e.inList && e.depth >= harEntriesDepth
	}
	e.keep(c)
	done = e.inEntry && e.depth == harEntriesDepth
	if done {
		e.inEntry = false
	}
	return done
}

// inside takes one byte of a string.
func (e *entries) inside(c byte) {
	switch {
	case e.escaped:
		e.escaped = false
	case c == '\\':
		e.escaped = true
	case c == '"':
		e.inString = false
		return
	}
	if len(e.name) <= len("entries") {
		e.name = append(e.name, c)
	}
}

// keep adds the byte to the entry or to what is outside of the entries.
func (e *entries) keep(c byte) {
	to := &e.outside
	if e.inEntry {
		to = &e.entry
	}
	if len(*to) >= e.limit {
		e.cut++
		return
	}
	*to = append(*to, c)
}
