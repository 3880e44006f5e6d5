package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// jsonDecoder decodes JSON records: HTTP exchanges with the usual names of
// fields (roleOf lists them; APISIX kafka-logger, Kong http-log, Envoy JSON
// access logs, ECS and HAR entries are among them), application logs, and
// arrays of either.
//
// An object is an exchange when it has two of method, target and status, or a
// body or headers that say which side they are of. Any other object is an
// application log: only its time and service are taken.
type jsonDecoder struct {
	walk jsonWalk
	// arena holds what had to be unescaped or put together for one record.
	arena arena
	names interner
}

func (*jsonDecoder) format() string { return "json" }

func (d *jsonDecoder) decode(x *classify.Exchange, record []byte, give func()) bool {
	scan := jsonscan.New(record)
	first, second := scan.Next(), scan.Next()
	switch {
	case first.Kind == jsonscan.BeginObject && (second.Kind == jsonscan.Key || second.Kind == jsonscan.EndObject):
		d.arena = d.arena[:0]
		d.walk.object(record, &d.arena, x)
		d.fill(x, record)
		give()
		return true
	case first.Kind == jsonscan.BeginArray && second.Kind == jsonscan.BeginObject:
		d.elements(x, record, first.End, give)
		return true
	}
	return false
}

// elements decodes the objects of the array whose inside starts at offset pos.
// From the first element on that is no object the rest is given as text.
func (d *jsonDecoder) elements(x *classify.Exchange, record []byte, pos int, give func()) {
	for {
		rest := bytes.TrimLeft(record[pos:], " \t\r\n,")
		pos = len(record) - len(rest)
		if len(rest) == 0 || len(bytes.TrimLeft(rest, "] \t\r\n")) == 0 {
			return
		}
		if rest[0] != '{' {
			x.Record = rest
			give()
			return
		}
		d.arena = d.arena[:0]
		end := d.walk.object(rest, &d.arena, x)
		d.fill(x, rest[:end])
		give()
		pos += end
	}
}

// fill makes the exchange, or the application log, of what the walk has found.
func (d *jsonDecoder) fill(x *classify.Exchange, record []byte) {
	x.Record = record
	d.fillOrigin(x)
	status := d.status()
	method := d.method()
	target := d.walk.has(rolePath) || d.walk.has(roleURI) || d.walk.has(roleURL)
	sided := d.walk.sided()
	if !sided && !d.walk.has(roleLine) && !atLeastTwo(method != nil, target, status != 0) {
		x.Request.Headers, x.Response.Headers = x.Request.Headers[:0], x.Response.Headers[:0]
		x.Mapped = x.Mapped[:0]
		return
	}
	x.Method, x.Status = method, status
	d.fillTarget(x)
	d.fillBodies(x)
	d.fillPeer(x)
	sortSpans(x)
	request := x.Method != nil || x.Target != nil
	x.Persisted = !request || x.Response.Body == nil && len(x.Response.Headers) == 0
}

// fillOrigin takes time and service, which application logs have as well.
func (d *jsonDecoder) fillOrigin(x *classify.Exchange) {
	if d.walk.has(roleTime) {
		x.Time, _ = parseTime(d.walk.raw(roleTime))
	}
	service := d.walk.raw(roleService)
	if service == nil {
		service = d.walk.raw(roleServiceID)
	}
	x.Service = d.names.intern(service)
}

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

// fillTarget takes the most complete of the fields that say what was asked for
// and marks those that say nothing more.
func (d *jsonDecoder) fillTarget(x *classify.Exchange) {
	d.fillLine(x)
	for _, role := range [...]role{roleURL, roleURI, rolePath} {
		if !d.walk.has(role) {
			continue
		}
		text := d.walk.text(role, &d.arena)
		if x.Target == nil {
			splitURL(x, text)
			d.walk.mark(x, role)
		} else if bytes.HasSuffix(text, x.Target) || bytes.Contains(x.Target, text) {
			d.walk.mark(x, role)
		}
	}
	d.fillQuery(x)
	if d.walk.has(roleHost) {
		if x.Host == nil {
			x.Host = d.walk.text(roleHost, &d.arena)
		}
		d.walk.mark(x, roleHost)
	}
	if scheme := d.walk.raw(roleScheme); x.Scheme == "" && (string(scheme) == "http" || string(scheme) == "https") {
		x.Scheme = d.names.intern(scheme)
	}
}

// fillLine takes a request line that stands in one string, as nginx's $request.
func (d *jsonDecoder) fillLine(x *classify.Exchange) {
	if !d.walk.has(roleLine) {
		return
	}
	method, target, ok := splitLine(d.walk.text(roleLine, &d.arena))
	if ok {
		x.Method = method
		splitURL(x, target)
		d.walk.mark(x, roleLine)
	}
}

// fillQuery appends a query that is a field of its own. A query that the target
// holds already, as a string or taken apart, is only marked.
func (d *jsonDecoder) fillQuery(x *classify.Exchange) {
	if !d.walk.has(roleQuery) {
		return
	}
	if bytes.IndexByte(x.Target, '?') >= 0 {
		d.walk.mark(x, roleQuery)
		return
	}
	query := bytes.TrimPrefix(d.walk.text(roleQuery, &d.arena), []byte("?"))
	if d.walk.values[roleQuery].Kind != jsonscan.String || x.Target == nil || len(query) == 0 {
		return
	}
	x.Target = d.arena.join(x.Target, []byte("?"), query)
	d.walk.mark(x, roleQuery)
}

// fillBodies takes the bodies; one that does not say its side is the response's.
func (d *jsonDecoder) fillBodies(x *classify.Exchange) {
	d.fillBody(x, &x.Request, roleRequestBody)
	if d.walk.has(roleResponseBody) {
		d.fillBody(x, &x.Response, roleResponseBody)
	} else {
		d.fillBody(x, &x.Response, roleBody)
	}
}

func (d *jsonDecoder) fillBody(x *classify.Exchange, m *classify.Message, role role) {
	value := d.walk.values[role]
	if !d.walk.has(role) || value.Kind == jsonscan.Null {
		return
	}
	m.Body, m.Escaped = d.walk.raw(role), value.Escaped
	m.Truncated = value.Cut
	if role == roleResponseBody && string(d.walk.raw(roleEncoding)) == "base64" {
		if text, ok := d.arena.base64(d.walk.text(role, &d.arena)); ok {
			m.Body, m.Escaped = text, false
		}
	}
	d.walk.mark(x, role)
}

// fillPeer takes the client's address and what the headers tell besides.
func (d *jsonDecoder) fillPeer(x *classify.Exchange) {
	if addr, ok := parseAddr(d.walk.raw(roleClient)); ok {
		x.Client = addr
		d.walk.mark(x, roleClient)
	}
	if x.Host == nil {
		x.Host = x.Request.Header("host")
	}
	if d.walk.has(roleRequestCookies) && x.Request.Header("cookie") != nil {
		d.walk.mark(x, roleRequestCookies)
	}
	if d.walk.has(roleResponseCookies) && x.Response.Header("set-cookie") != nil {
		d.walk.mark(x, roleResponseCookies)
	}
}
