package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// envelope decodes the records inside the object that was walked, and then gives
// the object without them. It returns "" if there are none; then the object is a
// record itself.
func (d *jsonDecoder) envelope(dec *decoding, record []byte) (format string) {
	w := &d.walk
	switch {
	case w.values[roleLogs].Kind == jsonscan.BeginArray:
		return d.otlp(dec, record)
	case w.values[roleRecords].Kind == jsonscan.BeginArray:
		return d.records(dec, record)
	case d.found != nil && d.found.name == formatCloudEvents && (w.has(roleData) || w.has(roleDataBase64)):
		return d.event(dec, record)
	}
	return ""
}

// wrap begins the envelope around a role's value: it tells time and service.
func (d *jsonDecoder) wrap(dec *decoding, role role, kind string) envelope {
	t := d.walk.values[role]
	d.fillOrigin(&dec.x)
	e := envelope{
		kind: kind, span: classify.Span{Start: t.Start, End: t.End}, at: dec.x.Time, service: dec.x.Service,
		rest: d.walk.members > 1,
	}
	dec.begin()
	return e
}

// message decodes the text of a log record if it is the record of an exchange, or
// its bytes if it is written as their numbers, as journald does with text that is
// no UTF-8 (https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format).
func (d *jsonDecoder) message(dec *decoding, record []byte) (format string) {
	if !d.walk.has(roleMessage) {
		return ""
	}
	t := d.walk.values[roleMessage]
	kind := envelopeMessage
	if d.found != nil && d.found.name == formatJournald {
		kind = envelopeJournald
	}
	if t.Kind == jsonscan.BeginArray {
		text, ok := d.arena.numbers(record[t.Start:t.End])
		if !ok {
			return ""
		}
		e := d.wrap(dec, roleMessage, kind)
		e.inner = text
		return dec.inside(record, &e)
	}
	if t.Kind != jsonscan.String && t.Kind != jsonscan.BeginObject || t.End-t.Start < minInner || !mayBeRecord(record[t.Start:t.End]) {
		return ""
	}
	e := d.wrap(dec, roleMessage, kind)
	e.inner, e.want = bytes.TrimRight(d.walk.text(roleMessage, &d.arena), "\r\n"), wantHTTP
	return dec.inside(record, &e)
}

// minInner is the length in bytes of the shortest text that is looked at as a
// record: shorter ones hold no exchange.
const minInner = 16

// mayBeRecord says whether a text may be the record of an exchange, or an envelope
// around one: a quick look at its beginning that answers no for sentences.
func mayBeRecord(text []byte) bool {
	space := bytes.IndexByte(text[:min(len(text), 64)], ' ')
	if c := text[0]; foldName(c) == 0 || '0' <= c && c <= '9' || space < 0 {
		return true
	}
	switch word := text[:space]; string(word) {
	case "http", "https", "h2", "grpcs", "ws", "wss":
		return true
	default:
		if isMethod(word) || month(word) != 0 || bytes.HasPrefix(word, []byte("HTTP/")) || bytes.IndexByte(word, '=') > 0 {
			return true
		}
		if _, isNumber := parseInt(word[1:]); isNumber && len(word) == len("I1124") {
			return true
		}
	}
	return bytes.IndexByte(text[:min(len(text), 256)], '[') >= 0 || bytes.IndexByte(text[:min(len(text), 80)], '|') >= 0
}

// numbers returns the bytes that an array of numbers stands for.
func (a *arena) numbers(array []byte) (text []byte, ok bool) {
	start := len(*a)
	scan := jsonscan.New(array)
	scan.Next()
	for {
		t := scan.Next()
		if t.Kind == jsonscan.EndArray {
			return a.since(start), len(*a) > start
		}
		n, isByte := parseInt(array[t.Start:t.End])
		if t.Kind != jsonscan.Number || !isByte || n > 255 {
			*a = (*a)[:start]
			return nil, false
		}
		*a = append(*a, byte(n))
	}
}

// event decodes the payload of a CloudEvent.
func (d *jsonDecoder) event(dec *decoding, record []byte) (format string) {
	if d.walk.has(roleDataBase64) {
		text, ok := d.arena.base64(d.walk.text(roleDataBase64, &d.arena))
		if !ok {
			return ""
		}
		e := d.wrap(dec, roleDataBase64, envelopeCloudEvent)
		e.inner = text
		return dec.inside(record, &e)
	}
	text := d.walk.text(roleData, &d.arena)
	e := d.wrap(dec, roleData, envelopeCloudEvent)
	e.inner = text
	return dec.inside(record, &e)
}

// records decodes each element of an array of records.
func (d *jsonDecoder) records(dec *decoding, record []byte) (format string) {
	kind := envelopeRecords
	if d.found != nil && d.found.name == formatCloudWatch {
		kind = envelopeLogEvents
	}
	if t := d.walk.values[roleRecords]; !holdsRecords(record[t.Start:t.End]) {
		return ""
	}
	e := d.wrap(dec, roleRecords, kind)
	e.inner = record[e.span.Start:e.span.End]
	return dec.inside(record, &e)
}

// holdsRecords says whether an object, or a text, is in an array.
func holdsRecords(array []byte) bool {
	return bytes.IndexByte(array, '{') >= 0
}
