package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// jsonDecoder decodes JSON records: HTTP exchanges with the usual names of fields
// (see sharedNames) and with those of the formats in jsonFormats, application logs,
// envelopes, and arrays or sequences of any of them.
//
// An object is an exchange when it is of a format that has nothing else, when it
// has two of method, target and status, or a body or headers that say which side
// they are of. Any other object is an application log: only its time and service
// are taken, unless a record is inside.
type jsonDecoder struct {
	walk jsonWalk
	// arena holds what had to be unescaped or put together for one record.
	arena arena
	names interner
	// found is the format of the present object, nil if it has none.
	found *jsonFormat
}

func newJSONDecoder(names *nameTable) *jsonDecoder { return &jsonDecoder{walk: jsonWalk{names: names}} }

// formatJSON is the name of JSON records of no other format.
const formatJSON = "json"

func (d *jsonDecoder) formats() []string {
	list := []string{formatJSON}
	for i := range d.walk.names.formats {
		list = append(list, d.walk.names.formats[i].name)
	}
	return list
}

func (d *jsonDecoder) decode(dec *decoding, record []byte) (format string) {
	scan := jsonscan.New(record)
	first := scan.Next()
	if !begins(first) {
		return ""
	}
	second := scan.Next()
	switch {
	case first.Kind == jsonscan.BeginObject && (second.Kind == jsonscan.Key || second.Kind == jsonscan.EndObject):
		return d.objects(dec, record)
	case first.Kind == jsonscan.BeginArray && (begins(second) || second.Kind == jsonscan.String && second.Escaped):
		return d.elements(dec, record, first.End)
	}
	return ""
}

// objects decodes an object, and those that follow it if there are only objects.
func (d *jsonDecoder) objects(dec *decoding, record []byte) (format string) {
	outer := dec.want
	defer func() { dec.want = outer }()
	for len(record) > 0 {
		end := d.walked(dec, record)
		rest := bytes.TrimLeft(record[end:], " \t\r\n")
		if !opensJSON(rest) || rest[0] != '{' {
			end, rest = len(record), nil
		}
		next := d.object(dec, record[:end])
		d.check(dec, next)
		if next == "" && format == "" {
			return ""
		}
		dec.want, record, format = wantAny, rest, next
	}
	return format
}

// elements decodes the array whose inside starts at offset pos. Each element is a
// record of its own; what is no object is one if it is of a format, or else given
// as text with the rest of the array.
func (d *jsonDecoder) elements(dec *decoding, record []byte, pos int) (format string) {
	outer := dec.want
	defer func() { dec.want = outer }()
	for {
		rest := bytes.TrimLeft(record[pos:], " \t\r\n,")
		pos = len(record) - len(rest)
		if len(rest) == 0 || len(bytes.TrimLeft(rest, "] \t\r\n")) == 0 {
			break
		}
		size, next := d.element(dec, rest)
		if next == "" {
			if format == "" && outer > wantAny {
				return ""
			}
			dec.x.Record = rest
			dec.give()
			size, next = len(rest), formatJSON
		}
		if format == "" || format == formatJSON {
			format = next
		}
		dec.want = wantAny
		pos += size
	}
	if format == "" && outer == wantAny { // an empty array
		dec.x.Record = record
		dec.give()
		format = formatJSON
	}
	return format
}

// element decodes the element that rest starts with, and returns its size.
func (d *jsonDecoder) element(dec *decoding, rest []byte) (size int, format string) {
	if rest[0] == '{' {
		size = d.walked(dec, rest)
		format = d.object(dec, rest[:size])
		d.check(dec, format)
		return size, format
	}
	scan := jsonscan.New(rest)
	first := scan.Next()
	if first.Kind != jsonscan.String && first.Kind != jsonscan.BeginArray {
		return 0, ""
	}
	e := envelope{kind: envelopeArray, want: wantShape}
	if first.Kind == jsonscan.String {
		d.arena = d.arena[:0]
		e.inner = d.arena.text(rest, first)
	} else {
		skipValue(&scan)
		e.inner = rest[:scan.Pos()]
	}
	return scan.Pos(), dec.inside(nil, &e)
}

// walked walks the object that record starts with, for an empty exchange, and
// returns where it ends.
func (d *jsonDecoder) walked(dec *decoding, record []byte) (end int) {
	d.arena = d.arena[:0]
	return d.walk.object(record, &d.arena, &dec.x)
}

// check counts an object that was taken for a format although it is not all JSON.
func (d *jsonDecoder) check(dec *decoding, format string) {
	if d.walk.invalid && format != "" {
		dec.limit(LimitInvalid)
	}
}

// object makes exchanges of the object that was walked.
func (d *jsonDecoder) object(dec *decoding, record []byte) (format string) {
	name := d.recognise(dec)
	if asked := dec.cfg.Format; asked != FormatAuto && asked != formatJSON && dec.depth == 0 && asked != name {
		dec.begin()
		return ""
	}
	inner := d.envelope(dec, record)
	if inner == "" && !d.fill(dec, record) {
		if inner = d.message(dec, record); inner == "" {
			if dec.want == wantHTTP {
				dec.begin()
				return ""
			}
			if dec.x.Record == nil { // the envelope's, which it is not
				d.fill(dec, record)
			}
		}
	}
	switch inner {
	case "":
		if dec.cfg.Format == formatJSON {
			name = formatJSON
		}
		dec.give()
		return name
	case formatJSON, formatText:
		inner = name
	}
	dec.note(name)
	return inner
}

// recognise finds the format of the object that was walked.
func (d *jsonDecoder) recognise(dec *decoding) (name string) {
	var set markSet
	d.found, set = d.walk.names.recognise(&d.walk.seen)
	if d.found == nil {
		return formatJSON
	}
	if dec.cfg.Explain != nil {
		for _, path := range d.walk.names.named(&set) {
			if path == otlpMark {
				continue // it was written by the decoder
			}
			dec.because(d.found.name + ": has " + path)
		}
	}
	return d.found.name
}

// fill makes the exchange, or the application log, of what the walk has found.
// It says whether it is an exchange.
func (d *jsonDecoder) fill(dec *decoding, record []byte) (isHTTP bool) {
	x := &dec.x
	x.Record = record
	d.fillOrigin(x)
	status := d.status()
	method := d.method()
	target := d.walk.has(rolePath) || d.walk.has(roleURI) || d.walk.has(roleURL)
	known := d.walk.sided() || d.found != nil && d.found.isHTTP
	if !known && !d.walk.has(roleLine) && !atLeastTwo(method != nil, target, status != 0) {
		x.Request.Headers, x.Response.Headers = x.Request.Headers[:0], x.Response.Headers[:0]
		x.Mapped = x.Mapped[:0]
		return false
	}
	x.Method, x.Status = method, status
	d.fillTarget(x)
	d.fillBodies(x)
	d.fillPeer(x)
	d.fillSides(x)
	if d.found != nil && d.found.finish != nil {
		d.found.finish(dec, d)
	} else {
		persist(x)
	}
	sortSpans(x)
	return x.Method != nil || x.Status != 0 || len(x.Mapped) > 0
}

// persist sets Persisted: a record that holds both sides of an exchange is taken
// for a recording of traffic, any other for a line of a log.
func persist(x *classify.Exchange) {
	request := x.Method != nil || x.Target != nil
	x.Persisted = !request || x.Response.Body == nil && len(x.Response.Headers) == 0
}

// fillSides moves what does not say its side to the response if that is all there
// is, and back if there is only a request.
func (d *jsonDecoder) fillSides(x *classify.Exchange) {
	if x.Method == nil && x.Target == nil && d.walk.has(roleHeaders) && x.Status != 0 {
		x.Request.Headers, x.Response.Headers = x.Response.Headers, x.Request.Headers
	}
	if x.Method != nil && x.Status == 0 && d.walk.has(roleBody) && x.Request.Body == nil &&
		!d.walk.has(roleResponseBody) && !d.walk.has(roleResponseHeaders) {
		x.Request, x.Response = x.Response, x.Request
		x.Request.Headers, x.Response.Headers = x.Response.Headers, x.Request.Headers
	}
}

// fillOrigin takes time and service, which application logs have as well.
func (d *jsonDecoder) fillOrigin(x *classify.Exchange) {
	if d.walk.has(roleTime) {
		x.Time = parseAnyTime(d.walk.raw(roleTime))
	}
	service := d.walk.raw(roleService)
	if service == nil {
		service = d.walk.raw(roleServiceID)
	}
	if !isAbsent(service) {
		x.Service = d.names.intern(service)
	}
}

// isAbsent says whether a value stands for none, as access logs write it.
func isAbsent(b []byte) bool { return len(b) == 1 && b[0] == '-' }

// status returns the status code, which may be a number or a string, or 0.
func (d *jsonDecoder) status() int {
	n, ok := parseInt(d.walk.raw(roleStatus))
	if !ok || n < 100 || n > 599 {
		return 0
	}
	return int(n)
}

// method returns the method if it looks like one: logs use the word "method"
// for functions, too.
func (d *jsonDecoder) method() []byte {
	method := d.walk.raw(roleMethod)
	if !isMethod(method) {
		return nil
	}
	return method
}

// isMethod accepts upper-case words (RFC 9110, section 9.1: by convention).
func isMethod(b []byte) bool {
	for _, c := range b {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(b) >= 3 && len(b) <= 16
}

func atLeastTwo(a, b, c bool) bool { return a && b || b && c || a && c }
