package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// OTLP logs come as protobuf and as JSON
// (https://opentelemetry.io/docs/specs/otlp/,
// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto).
// One message holds many records, in groups that share a resource. Each is written
// anew as one flat object, attributes as members, which is decoded as a record: so
// whatever was in it is scanned under the name that it has, and http.request.method
// means what it says.

// formatOTLP is the name of OTLP as JSON.
const formatOTLP = "otlp"

// otlpFormat is a record of an OTLP message, written anew. Old and new names of the
// semantic conventions are known (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
func otlpFormat() jsonFormat {
	return jsonFormat{
		name:  formatOTLP,
		needs: [][]string{{"resourceLogs"}, {otlpMark}},
		fields: joined(
			roles(roleLogs, "resourceLogs"),
			roles(roleTime, "timeUnixNano"),
			roles(roleMethod, "http.request.method", "http.method"),
			roles(roleStatus, "http.response.status_code", "http.status_code"),
			roles(roleURL, "url.full", "http.url"),
			roles(rolePath, "url.path", "http.route"),
			roles(roleURI, "http.target"),
			roles(roleHost, "server.address", "http.host", "net.host.name"),
			roles(roleScheme, "url.scheme", "http.scheme"),
			roles(roleClient, "client.address", "net.peer.ip", "http.client_ip", "net.sock.peer.addr"),
			roles(roleService, "service.name"),
			roles(roleRequestBody, "http.request.body.content", "http.request.body.text"),
			roles(roleResponseBody, "http.response.body.content", "http.response.body.text"),
			roles(roleMessage, "logBody")),
	}
}

// serviceName is the attribute of a resource that names the service
// (https://opentelemetry.io/docs/specs/semconv/resource/#service).
const serviceName = "service.name"

// flat writes an object member by member.
type flat struct{ out []byte }

// otlpMark is the first member of a record that was written anew.
const otlpMark = "otlprecord"

func (f *flat) begin() { f.out = append(f.out[:0], `{"`+otlpMark+`":1`...) }

func (f *flat) end() []byte {
	f.out = append(f.out, '}')
	return f.out
}

// key begins a member.
func (f *flat) key(name []byte) {
	f.out = append(f.out, ',')
	f.text(name)
	f.out = append(f.out, ':')
}

// text writes a string with escapes for what JSON does not allow in one.
func (f *flat) text(s []byte) {
	const hex = "0123456789abcdef"
	f.out = append(f.out, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			f.out = append(f.out, '\\', c)
		case c < 0x20:
			f.out = append(f.out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			f.out = append(f.out, c)
		}
	}
	f.out = append(f.out, '"')
}

// otlp decodes an OTLP message as JSON. What stands outside of the records is
// written into each of its group.
func (d *jsonDecoder) otlp(dec *decoding, record []byte) (format string) {
	e := d.wrap(dec, roleLogs, envelopeOTLP)
	j := &otlpJSON{dec: dec, data: record[e.span.Start:e.span.End]}
	if dec.depth >= dec.cfg.MaxEnvelopes {
		dec.limit(LimitDepth)
		return ""
	}
	j.scan = jsonscan.New(j.data)
	j.scan.Next()
	j.list(j.resourceLogs)
	dec.giveRest(record, e.span)
	if j.format == "" {
		return formatOTLP
	}
	dec.tally.envelope(dec.src.Kind, envelopeOTLP)
	return j.format
}

// otlpJSON walks the groups of a message.
type otlpJSON struct {
	dec  *decoding
	data []byte
	scan jsonscan.Scanner
	flat flat
	// group holds the members of the resource and the scope that no record has got
	// yet: the first that follows gets them, and the others the service.
	group   []byte
	service string
	format  string
}

// list calls f for each object of the list whose bracket was just read.
func (j *otlpJSON) list(f func()) {
	for t := j.scan.Next(); !endsArray(t); t = j.scan.Next() {
		if t.Kind == jsonscan.BeginObject {
			f()
		}
	}
}

// members calls f with the name and the first token of each member of the object
// whose brace was just read.
func (j *otlpJSON) members(f func(name string, t jsonscan.Token)) {
	for t := j.scan.Next(); !endsObject(t); t = j.scan.Next() {
		if t.Kind != jsonscan.Key {
			continue
		}
		value := j.scan.Next()
		if endsObject(value) {
			return
		}
		f(string(j.data[t.Start:t.End]), value)
	}
}

// resourceLogs reads a group of records. They may stand before its resource, so
// it is read twice.
func (j *otlpJSON) resourceLogs() {
	start := j.scan
	j.flat.out, j.service = j.flat.out[:0], ""
	j.members(func(name string, t jsonscan.Token) {
		if name == "scopeLogs" || name == "instrumentationLibraryLogs" {
			skipIf(&j.scan, t)
			return
		}
		j.member(name, t)
	})
	j.group = append(j.group[:0], j.flat.out...)
	j.scan = start
	j.members(func(name string, t jsonscan.Token) {
		if (name == "scopeLogs" || name == "instrumentationLibraryLogs") && t.Kind == jsonscan.BeginArray {
			j.list(func() { j.members(j.scopeMember) })
			return
		}
		skipIf(&j.scan, t)
	})
	if len(j.group) > 0 {
		j.flat.begin()
		j.finish()
	}
}

// finish adds the group's members to the record and gives it.
func (j *otlpJSON) finish() {
	j.flat.out = append(j.flat.out, j.group...)
	j.group = j.group[:0]
	j.give(j.flat.end())
}

// scopeMember reads a member of a scope: its records, or what is scanned with the
// first of them.
func (j *otlpJSON) scopeMember(name string, t jsonscan.Token) {
	if name != "logRecords" && name != "logs" || t.Kind != jsonscan.BeginArray {
		j.flat.out = j.flat.out[:0]
		j.member(name, t)
		j.group = append(j.group, j.flat.out...)
		return
	}
	j.list(func() {
		service := j.service
		j.flat.begin()
		j.members(j.member)
		j.service = service // an attribute of the record is the record's alone
		j.finish()
	})
}

func (j *otlpJSON) give(record []byte) {
	e := envelope{kind: envelopeOTLP, inner: record, service: j.service}
	if format := j.dec.inside(nil, &e); j.format == "" || j.format == formatOTLP {
		j.format = format
	}
}

// member writes a member, attributes one by one and body under a name of its own.
func (j *otlpJSON) member(name string, t jsonscan.Token) {
	switch {
	case name == "attributes" && t.Kind == jsonscan.BeginArray:
		j.list(j.attribute)
	case (name == "resource" || name == "scope") && t.Kind == jsonscan.BeginObject:
		j.members(j.member)
	case name == "body" && t.Kind == jsonscan.BeginObject:
		j.flat.key([]byte("logBody"))
		j.anyValue(0)
	default:
		j.flat.key([]byte(name))
		j.raw(t)
	}
}

// attribute writes a member for {"key":…,"value":…}.
func (j *otlpJSON) attribute() {
	j.flat.out = append(j.flat.out, ',')
	j.pair(0)
}

// pair writes the name and value of {"key":…,"value":…}; a value that comes first
// is found, too.
func (j *otlpJSON) pair(depth int) {
	var key []byte
	var value jsonscan.Scanner
	found := false
	mark := len(j.flat.out)
	j.members(func(name string, t jsonscan.Token) {
		switch {
		case name == "key" && t.Kind == jsonscan.String && key == nil:
			key = jsonscan.AppendUnescaped([]byte{}, j.data[t.Start:t.End])
		case name == "value" && t.Kind == jsonscan.BeginObject && !found:
			value, found = j.scan, true
			skipValue(&j.scan)
		default:
			j.flat.text([]byte(name))
			j.flat.out = append(j.flat.out, ':')
			j.raw(t)
			j.flat.out = append(j.flat.out, ',')
		}
	})
	if key == nil && !found && len(j.flat.out) > mark {
		j.flat.out = j.flat.out[:len(j.flat.out)-1] // the comma
		return
	}
	j.flat.text(key)
	j.flat.out = append(j.flat.out, ':')
	if !found {
		j.flat.out = append(j.flat.out, "null"...)
		return
	}
	after := j.scan
	j.scan = value
	start := len(j.flat.out)
	j.anyValue(depth)
	j.scan = after
	if string(key) == serviceName {
		j.service = j.dec.level().names.intern(bytes.Trim(j.flat.out[start:], `"`))
	}
}

// anyValue writes the value of {"stringValue":…} and the like. A list becomes an
// array, a map an object.
func (j *otlpJSON) anyValue(depth int) {
	start := len(j.flat.out)
	j.members(func(name string, t jsonscan.Token) {
		if len(j.flat.out) > start { // a second value: neither is lost
			j.flat.key([]byte("value"))
		}
		if !isValueName(name) {
			j.flat.out = append(j.flat.out, '{')
			j.flat.text([]byte(name))
			j.flat.out = append(j.flat.out, ':')
			j.raw(t)
			j.flat.out = append(j.flat.out, '}')
			return
		}
		if t.Kind == jsonscan.BeginObject && depth < maxAnyDepth && (name == "arrayValue" || name == "kvlistValue") {
			j.values(name == "kvlistValue", depth+1)
			return
		}
		j.raw(t)
	})
	if len(j.flat.out) == start {
		j.flat.out = append(j.flat.out, "null"...)
	}
}

// isValueName says whether a member's name says no more than of which type it is.
func isValueName(name string) bool {
	switch name {
	case "stringValue", "boolValue", "intValue", "doubleValue", "bytesValue", "arrayValue", "kvlistValue":
		return true
	}
	return false
}

// values writes the list in {"values":[…]}.
func (j *otlpJSON) values(pairs bool, depth int) {
	brackets := "[]"
	if pairs {
		brackets = "{}"
	}
	j.flat.out = append(j.flat.out, brackets[0])
	start := len(j.flat.out)
	j.members(func(name string, t jsonscan.Token) {
		if t.Kind != jsonscan.BeginArray || name != "values" {
			j.comma(start)
			j.flat.text([]byte(name))
			j.flat.out = append(j.flat.out, ':')
			j.raw(t) // nothing is lost, if it is no JSON any more
			return
		}
		j.list(func() {
			j.comma(start)
			if pairs {
				j.pair(depth)
			} else {
				j.anyValue(depth)
			}
		})
	})
	j.flat.out = append(j.flat.out, brackets[1])
}

func (j *otlpJSON) comma(start int) {
	if len(j.flat.out) > start {
		j.flat.out = append(j.flat.out, ',')
	}
}

// raw writes a value as it stands.
func (j *otlpJSON) raw(t jsonscan.Token) {
	start, end := t.Start, t.End
	if begins(t) {
		skipValue(&j.scan)
		end = j.scan.Pos()
	}
	if t.Kind == jsonscan.String {
		j.flat.out = append(append(append(j.flat.out, '"'), j.data[start:end]...), '"')
		return
	}
	j.flat.out = append(j.flat.out, j.data[start:end]...)
}

func skipIf(scan *jsonscan.Scanner, t jsonscan.Token) {
	if begins(t) {
		skipValue(scan)
	}
}
