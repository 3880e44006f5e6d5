package ingest

import (
	"bytes"
	"strconv"

	"github.com/leaktap/leaktap/classify"
)

// httpDecoder decodes a record that is the text of an HTTP/1 message (RFC 9112,
// section 2.1), which is what APISIX's kafka-logger writes with meta_format origin
// (https://apisix.apache.org/docs/apisix/plugins/kafka-logger/#meta_format-origin).
type httpDecoder struct{ json *jsonDecoder }

func newHTTPDecoder(names *nameTable) *httpDecoder { return &httpDecoder{newJSONDecoder(names)} }

func (*httpDecoder) formats() []string { return []string{"http"} }

func (h *httpDecoder) decode(d *decoding, record []byte) (format string) {
	if len(record) < len("GET / HTTP/1.0\n") || record[0] < 'A' || record[0] > 'Z' {
		return ""
	}
	x := &d.x
	m, ok := parseMessage(record, &x.Request)
	if !ok {
		d.begin()
		return ""
	}
	if m.status != 0 {
		x.Request, x.Response = x.Response, x.Request
	}
	x.Method, x.Status = m.method, m.status
	if m.target != nil {
		splitURL(x, m.target)
	}
	if host := x.Request.Header("host"); x.Host == nil {
		x.Host = host
	}
	start := 0
	if m.status != 0 { // the status line may hold anything
		start = max(0, bytes.IndexByte(record, '\n'))
	}
	x.Record, x.Mapped = record, append(x.Mapped, classify.Span{Start: start, End: len(record)})
	d.because("http: METHOD TARGET HTTP/1.x or a status line, then header fields")
	d.give()
	return "http"
}

// message is the first line of an HTTP message.
type message struct {
	method, target []byte
	status         int
	reason         []byte
}

// maxReason is longer than the reasons of RFC 9110, section 15, are.
const maxReason = 32

// maxFields bounds the header fields of a message; what is past them is body.
const maxFields = 1000

// parseMessage reads an HTTP/1 message into to. Lines may end without CR (RFC 9112,
// section 2.2). A body with chunked coding is put together if that can be done in
// place.
func parseMessage(text []byte, to *classify.Message) (m message, ok bool) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if !m.start(line) {
		return m, false
	}
	for range maxFields {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		name, value, isField := bytes.Cut(line, []byte(":"))
		if len(line) > 0 && !isField {
			break // no header: the body begins without an empty line
		}
		rest = after
		if len(line) == 0 || !found && len(after) == 0 && !isField {
			break
		}
		to.Headers = append(to.Headers, classify.Header{Name: name, Value: bytes.Trim(value, " \t")})
	}
	to.Body = rest
	length := to.Header("content-length")
	if n, ok := parseInt(length); ok && int64(len(rest)) < n {
		to.Truncated = true
	}
	if bytes.EqualFold(to.Header("transfer-encoding"), []byte("chunked")) {
		if body, ok := unchunked(rest); ok {
			to.Body = body
		}
	}
	return m, true
}

// start reads a request line or a status line.
func (m *message) start(line []byte) (ok bool) {
	if status, isStatus := bytes.CutPrefix(line, []byte("HTTP/")); isStatus {
		_, status, _ = bytes.Cut(status, []byte(" "))
		code, reason, _ := bytes.Cut(status, []byte(" "))
		n, ok := parseInt(code)
		if !ok || n < 100 || n > 599 {
			return false
		}
		m.status, m.reason = int(n), reason
		return true
	}
	if i := bytes.LastIndex(line, []byte(" HTTP/")); i < 0 || !isVersion(line[i+len(" HTTP/"):]) {
		return false
	}
	m.method, m.target, ok = splitLine(line)
	return ok && len(m.target) > 0 && bytes.IndexByte(m.target, ' ') < 0
}

// unchunked returns a body without its chunked coding (RFC 9112, section 7.1); it
// returns false if trailers or anything else would be lost by it.
func unchunked(b []byte) (body []byte, ok bool) {
	for {
		line, rest, found := bytes.Cut(b, []byte("\r\n"))
		size, err := strconv.ParseUint(string(line), 16, 32)
		if err == nil && size == 0 {
			return body, len(bytes.TrimRight(rest, "\r\n")) == 0
		}
		if err != nil || !found || uint64(len(rest)) < size+2 {
			return nil, false
		}
		body = append(body, rest[:size]...)
		b = rest[size+2:]
	}
}
