package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// fillTarget takes the most complete of the fields that say what was asked for
// and marks those that say nothing more.
func (d *jsonDecoder) fillTarget(x *classify.Exchange) {
	d.fillLine(x)
	for _, role := range [...]role{roleURL, roleURI, rolePath} {
		if !d.walk.has(role) {
			continue
		}
		text := d.walk.text(role, &d.arena)
		if isAbsent(text) {
			continue
		}
		if x.Target == nil {
			splitURL(x, text)
			d.walk.mark(x, role)
		} else if bytes.Contains(x.Target, text) {
			d.walk.mark(x, role)
		}
	}
	d.fillQuery(x)
	if d.walk.has(roleHost) && !isAbsent(d.walk.raw(roleHost)) {
		text := d.walk.text(roleHost, &d.arena)
		if x.Host == nil {
			x.Host = text
		}
		if bytes.Equal(text, x.Host) && isAuthority(text) {
			d.walk.mark(x, roleHost)
		}
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
		if d.repeats(x.Target, roleQuery) {
			d.walk.mark(x, roleQuery)
		}
		return
	}
	query := bytes.TrimPrefix(d.walk.text(roleQuery, &d.arena), []byte("?"))
	if d.walk.values[roleQuery].Kind != jsonscan.String || x.Target == nil || len(query) == 0 || isAbsent(query) {
		return
	}
	x.Target = d.arena.join(x.Target, []byte("?"), query)
	d.walk.mark(x, roleQuery)
}

// maxRepeats bounds, in bytes, how much of a target is looked at for a query.
const maxRepeats = 4 << 20

// repeats says whether every name and value of a query or of cookies, a string or
// taken apart, stands in text as it is written.
func (d *jsonDecoder) repeats(text []byte, role role) bool {
	value := d.walk.raw(role)
	if d.walk.values[role].Kind == jsonscan.String {
		return bytes.Contains(text, value)
	}
	scan := jsonscan.New(value)
	work := 0
	for t := scan.Next(); t.Kind != jsonscan.End; t = scan.Next() {
		if work += len(text); work > maxRepeats {
			return false
		}
		switch t.Kind {
		case jsonscan.Key:
			switch string(value[t.Start:t.End]) {
			case "name", "value", "path", "domain", "expires", "httpOnly", "secure", "sameSite": // HAR's
				continue
			}
		case jsonscan.String, jsonscan.Number, jsonscan.Junk:
		default:
			continue
		}
		if !bytes.Contains(text, value[t.Start:t.End]) {
			return false
		}
	}
	return true
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
	if value.Escaped && (d.found == nil || d.found.hex) && hasHexEscape(m.Body) {
		m.Body, m.Escaped = d.walk.text(role, &d.arena), false
	}
	encoded := role == roleResponseBody && string(d.walk.raw(roleEncoding)) == "base64"
	if encoded || string(d.walk.raw(roleBase64)) == "true" {
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
	if d.walk.has(roleRequestCookies) && d.repeats(x.Request.Header("cookie"), roleRequestCookies) {
		d.walk.mark(x, roleRequestCookies)
	}
	if d.walk.has(roleResponseCookies) && d.repeats(x.Response.Header("set-cookie"), roleResponseCookies) {
		d.walk.mark(x, roleResponseCookies)
	}
}
