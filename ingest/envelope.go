package ingest

import (
	"bytes"
	"time"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// peeler takes the envelope off a record. It owns the buffer in which the inner
// text of the present record stands.
type peeler struct{ buf []byte }

// envelope returns what is inside a CRI or docker envelope and the time that
// the envelope tells; a record without envelope comes back as it is. One layer
// is taken off.
func (p *peeler) envelope(record []byte) (inner []byte, at time.Time) {
	if len(record) < 20 {
		return record, at
	}
	switch c := record[0]; {
	case '0' <= c && c <= '9':
		return cri(record)
	case c == '{':
		return p.docker(record)
	}
	return record, at
}

// cri reads "TIME stdout|stderr P|F TEXT", the Kubernetes CRI logging format
// (https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md).
func cri(record []byte) (inner []byte, at time.Time) {
	stamp, rest, _ := bytes.Cut(record, []byte(" "))
	if !bytes.HasPrefix(rest, []byte("stdout ")) && !bytes.HasPrefix(rest, []byte("stderr ")) {
		return record, at
	}
	rest = rest[len("stdout "):]
	if len(rest) < 2 || rest[0] != 'F' && rest[0] != 'P' || rest[1] != ' ' {
		return record, at
	}
	at, ok := parseTime(stamp)
	if !ok {
		return record, at
	}
	return rest[2:], at
}

// docker reads {"log":"TEXT\n","stream":"stdout","time":"TIME"}, the json-file
// driver's format (https://docs.docker.com/engine/logging/drivers/json-file/).
// An envelope with more members is left on, since they may hold something too.
func (p *peeler) docker(record []byte) (inner []byte, at time.Time) {
	if !bytes.HasPrefix(record, []byte(`{"log":"`)) {
		return record, at
	}
	scan := jsonscan.New(record)
	scan.Next() // the opening brace
	var text jsonscan.Token
	for key := scan.Next(); key.Kind == jsonscan.Key; key = scan.Next() {
		value := scan.Next()
		if value.Kind != jsonscan.String || value.Cut {
			return record, time.Time{}
		}
		switch string(record[key.Start:key.End]) {
		case "log":
			text = value
		case "stream":
		case "time":
			at, _ = parseTime(record[value.Start:value.End])
		default:
			return record, time.Time{}
		}
	}
	if scan.Next().Kind != jsonscan.End {
		return record, time.Time{}
	}
	inner = record[text.Start:text.End]
	if text.Escaped {
		p.buf = jsonscan.AppendUnescaped(p.buf[:0], inner)
		inner = p.buf
	}
	return bytes.TrimRight(inner, "\r\n"), at
}
