package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// headerScan reads header fields out of JSON, in any of the forms that logs
// use: {"Name":"value"}, {"Name":["value",…]}, [["Name","value"],…],
// [{"name":"Name","value":"value"},…] with name or key, one string with such
// JSON inside, or one string with header lines.
type headerScan struct {
	data  []byte
	scan  jsonscan.Scanner
	arena *arena
}

// value appends the headers of the value that starts with token t.
func (h *headerScan) value(dst []classify.Header, t jsonscan.Token) []classify.Header {
	if t.Kind == jsonscan.BeginObject {
		return h.object(dst)
	}
	if t.Kind == jsonscan.BeginArray {
		return h.array(dst)
	}
	return h.text(dst, h.arena.text(h.data, t))
}

// object reads {"Name":"value",…} up to its end.
func (h *headerScan) object(dst []classify.Header) []classify.Header {
	for {
		key := h.scan.Next()
		if endsObject(key) {
			return dst
		}
		if key.Kind != jsonscan.Key {
			continue
		}
		name := h.arena.text(h.data, key)
		switch t := h.scan.Next(); {
		case t.Kind == jsonscan.String:
			dst = append(dst, classify.Header{Name: name, Value: h.arena.text(h.data, t)})
		case endsObject(t):
			return dst
		case t.Kind == jsonscan.BeginArray:
			dst = h.list(dst, name)
		default:
			dst = append(dst, classify.Header{Name: name, Value: h.whole(t)})
		}
	}
}

// list reads ["value",…] up to its end: as many fields of one name.
func (h *headerScan) list(dst []classify.Header, name []byte) []classify.Header {
	for {
		t := h.scan.Next()
		if endsArray(t) {
			return dst
		}
		dst = append(dst, classify.Header{Name: name, Value: h.whole(t)})
	}
}

// array reads a list of pairs or of {name, value} objects up to its end.
func (h *headerScan) array(dst []classify.Header) []classify.Header {
	for {
		switch t := h.scan.Next(); {
		case endsArray(t):
			return dst
		case t.Kind == jsonscan.BeginArray:
			dst = h.pair(dst)
		case t.Kind == jsonscan.BeginObject:
			dst = h.named(dst)
		default: // a bare value: kept, so that it is looked at
			dst = append(dst, classify.Header{Value: h.whole(t)})
		}
	}
}

// pair reads "Name","value"] up to its end.
func (h *headerScan) pair(dst []classify.Header) []classify.Header {
	name := h.scan.Next()
	if endsArray(name) {
		return dst
	}
	return h.list(dst, h.whole(name))
}

// named reads "name":"Name","value":"value"} up to its end. Further members
// are kept as fields of their own names.
func (h *headerScan) named(dst []classify.Header) []classify.Header {
	var field classify.Header
	for {
		key := h.scan.Next()
		if endsObject(key) {
			break
		}
		if key.Kind != jsonscan.Key {
			continue
		}
		name := h.data[key.Start:key.End]
		t := h.scan.Next()
		if endsObject(t) {
			break
		}
		switch value := h.whole(t); string(name) {
		case "name", "key", "Name", "Key":
			field.Name = value
		case "value", "Value":
			field.Value = value
		default:
			dst = append(dst, classify.Header{Name: name, Value: value})
		}
	}
	return append(dst, field)
}

// whole returns a value's text: a string unescaped, anything else as written.
func (h *headerScan) whole(t jsonscan.Token) []byte {
	if begins(t) {
		skipValue(&h.scan)
		return h.data[t.Start:h.scan.Pos()]
	}
	return h.arena.text(h.data, t)
}

// text reads headers that stand in one string.
func (h *headerScan) text(dst []classify.Header, text []byte) []classify.Header {
	inner := headerScan{data: text, scan: jsonscan.New(text), arena: h.arena}
	if text = bytes.TrimSpace(text); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		dst = inner.value(dst, inner.scan.Next())
		if rest := bytes.TrimSpace(inner.data[inner.scan.Pos():]); len(rest) > 0 {
			dst = append(dst, classify.Header{Value: rest})
		}
		return dst
	}
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		dst = append(dst, classify.Header{Name: name, Value: bytes.TrimSpace(value)})
	}
	return dst
}
