package ingest

import (
	"bytes"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// envelope is a wrapper that was found around a record.
type envelope struct {
	kind string
	// inner is the record inside, span where it stands in the outer one, empty if
	// nowhere.
	inner []byte
	span  classify.Span
	// at and service are told by the envelope, if it tells.
	at      time.Time
	service string
	// stream names which of the streams that are mixed in a source the record
	// belongs to, and partial says that the next record of it goes on.
	stream  string
	partial bool
	// want is what the inner record has to be for the envelope to be taken off.
	want wanted
	// rest says that the envelope may hold more than is scanned otherwise: then it
	// is given as well, without the inner record.
	rest bool
}

// The names of envelopes, values of the label "envelope".
const (
	envelopeCRI        = "cri"
	envelopeDocker     = "docker"
	envelopeCompose    = "compose"
	envelopeSyslog     = "syslog"
	envelopeJournald   = "journald"
	envelopeMessage    = "message"
	envelopeString     = "json-string"
	envelopeBase64     = "base64"
	envelopeGzip       = "gzip"
	envelopeZstd       = "zstd"
	envelopeArray      = "array"
	envelopeConfluent  = "confluent"
	envelopeCloudEvent = "cloudevents"
	envelopeRecords    = "records"
	envelopeLogEvents  = "log-events"
	envelopeOTLP       = "otlp"
)

// peel finds the envelope that a record shows by its first bytes. Those of JSON
// with other members are found when the record is decoded.
func (d *decoding) peel(record []byte) (e envelope, ok bool) {
	if len(record) < 4 {
		return e, false
	}
	switch c := record[0]; {
	case c == '{':
		return d.docker(record)
	case '0' <= c && c <= '9':
		if e, ok = cri(record); ok {
			return e, true
		}
	case c == '<':
		return d.syslog(record)
	case c == '"':
		return d.jsonString(record)
	case c == 0x1f || c == 0x28 && record[1] == 0xb5:
		return d.unpacked(record)
	case 'A' <= c && c <= 'Z':
		if e, ok = d.localSyslog(record); ok {
			return e, true
		}
	}
	if e, ok = d.compose(record); ok {
		return e, true
	}
	return d.base64(record)
}

// cri reads "TIME stdout|stderr P|F TEXT", the Kubernetes CRI logging format
// (https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md).
// Tags may follow the P or F behind colons.
func cri(record []byte) (e envelope, ok bool) {
	stamp, rest, _ := bytes.Cut(record, []byte(" "))
	if !bytes.HasPrefix(rest, []byte("stdout ")) && !bytes.HasPrefix(rest, []byte("stderr ")) {
		return e, false
	}
	e.stream = "stdout"
	if rest[3] == 'e' {
		e.stream = "stderr"
	}
	rest = rest[len("stdout "):]
	tags, inner, _ := bytes.Cut(rest, []byte(" "))
	if len(tags) != 1 || tags[0] != 'F' && tags[0] != 'P' { // further tags could hold anything
		return e, false
	}
	if e.at, ok = parseTime(stamp); !ok {
		return e, false
	}
	e.kind, e.inner, e.partial = envelopeCRI, inner, tags[0] == 'P'
	return e, true
}

// docker reads {"log":"TEXT\n","stream":"stdout","time":"TIME"}, the json-file
// driver's format (https://docs.docker.com/engine/logging/drivers/json-file/). A
// text without line end goes on in the next record. An envelope with more members
// (attrs) is given as well, since they may hold something.
func (d *decoding) docker(record []byte) (e envelope, ok bool) {
	if !bytes.HasPrefix(record, []byte(`{"log":"`)) {
		return e, false
	}
	scan := jsonscan.New(record)
	scan.Next() // the opening brace
	var text jsonscan.Token
	var stream, timed bool
	for key := scan.Next(); key.Kind == jsonscan.Key; key = scan.Next() {
		value := scan.Next()
		if begins(value) {
			e.rest = true
			skipValue(&scan)
			continue
		}
		if value.Kind != jsonscan.String || value.Cut {
			return e, false
		}
		switch raw := record[value.Start:value.End]; string(record[key.Start:key.End]) {
		case "log":
			text = value
		case "stream":
			e.stream, stream = streamName(raw)
		case "time":
			e.at, timed = parseTime(raw)
		default:
			e.rest = true
		}
	}
	if scan.Next().Kind != jsonscan.End || !stream || !timed {
		return envelope{}, false
	}
	e.kind, e.span = envelopeDocker, classify.Span{Start: text.Start, End: text.End}
	inner := d.unescaped(record, text)
	e.inner = bytes.TrimRight(inner, "\r\n")
	e.partial = len(e.inner) == len(inner)
	return e, true
}

func streamName(raw []byte) (name string, ok bool) {
	switch string(raw) {
	case "stdout":
		return "stdout", true
	case "stderr":
		return "stderr", true
	}
	return "", false
}

// unescaped returns a string's text; it stands in the level's buffer if it had
// escapes.
func (d *decoding) unescaped(record []byte, t jsonscan.Token) []byte {
	raw := record[t.Start:t.End]
	if !t.Escaped {
		return raw
	}
	l := d.level()
	l.buf = jsonscan.AppendUnescaped(l.buf[:0], raw)
	return l.buf
}

// jsonString opens a record that is one JSON string with a record inside.
func (d *decoding) jsonString(record []byte) (e envelope, ok bool) {
	scan := jsonscan.New(record)
	t := scan.Next()
	if t.Kind != jsonscan.String || !t.Escaped || t.Cut || scan.Next().Kind != jsonscan.End {
		return e, false
	}
	return envelope{kind: envelopeString, inner: d.unescaped(record, t), want: wantShape}, true
}

// compose reads "SERVICE-1  | TEXT", as docker compose logs shows lines
// (https://docs.docker.com/reference/cli/docker/compose/logs/). Names without the
// container's number are not taken, since "password | x" is a row of a table.
func (d *decoding) compose(record []byte) (e envelope, ok bool) {
	bar := bytes.IndexByte(record[:min(len(record), 80)], '|')
	if bar < 4 || record[bar-1] != ' ' {
		return e, false
	}
	name := bytes.TrimRight(record[:bar], " ")
	sign := bytes.LastIndexAny(name, "-_")
	if sign < 1 || len(name) > 40 {
		return e, false
	}
	if n, ok := parseInt(name[sign+1:]); !ok || n > 9999 {
		return e, false
	}
	for _, c := range name {
		if foldName(c) == 0 && c != '-' && c != '_' && c != '.' {
			return e, false
		}
	}
	inner := bytes.TrimPrefix(record[bar+1:], []byte(" "))
	service := d.level().names.intern(name[:sign])
	return envelope{
		kind: envelopeCompose, inner: inner, span: classify.Span{Start: len(record) - len(inner), End: len(record)},
		service: service, stream: service, rest: true,
	}, true
}
