package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

// combinedDecoder decodes access log lines in the Common and Combined Log
// Format of Apache and nginx, with or without a leading virtual host and with
// further fields at the end
// (https://httpd.apache.org/docs/2.4/logs.html#accesslog,
// https://nginx.org/en/docs/http/ngx_http_log_module.html).
type combinedDecoder struct {
	arena arena
	// names are the names of the request headers in the order in which they stand.
	names [2][]byte
}

func newCombinedDecoder() *combinedDecoder {
	return &combinedDecoder{names: [2][]byte{[]byte("Referer"), []byte("User-Agent")}}
}

func (*combinedDecoder) formats() []string { return []string{"combined"} }

func (d *combinedDecoder) decode(dec *decoding, record []byte) (format string) {
	x := &dec.x
	open := openBracket(record[:min(len(record), 1024)])
	if open < 0 {
		return ""
	}
	rest := record[open+2:]
	end := bytes.IndexByte(rest[:min(len(rest), 64)], ']')
	if end < 0 || !bytes.HasPrefix(rest[end:], []byte(`] "`)) {
		return ""
	}
	at, ok := parseCommonTime(rest[:end])
	if !ok {
		return ""
	}
	x.Time, x.Record = at, record
	d.arena = d.arena[:0]
	d.origin(x, record[:open])
	line := quoted{pos: open + 2 + end + len(`] `), record: record}
	d.request(x, &line)
	dec.because("combined: ADDRESS … [time] \"request line\"")
	dec.give()
	return "combined"
}

// openBracket returns the offset of the first space with a bracket behind it, or -1.
func openBracket(b []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '[')
		if n < 0 {
			return -1
		}
		if i += n; i > 0 && b[i-1] == ' ' {
			return i - 1
		}
		i++
	}
}

// origin reads "[vhost ]address ident user".
func (d *combinedDecoder) origin(x *classify.Exchange, b []byte) {
	first, rest, _ := bytes.Cut(b, []byte(" "))
	second, _, _ := bytes.Cut(rest, []byte(" "))
	addr, ok := parseAddr(first)
	if ok {
		x.Client = addr
		x.Mapped = append(x.Mapped, classify.Span{End: len(first)})
		return
	}
	if addr, ok = parseAddr(second); ok {
		x.Client, x.Host = addr, first
		start := len(first) + 1
		x.Mapped = append(x.Mapped,
			classify.Span{End: len(first)}, classify.Span{Start: start, End: start + len(second)})
	}
}

// request reads the request line, status, size, referer and user agent.
func (d *combinedDecoder) request(x *classify.Exchange, line *quoted) {
	if text, span, ok := line.next(&d.arena); ok {
		if method, target, ok := splitLine(text); ok {
			x.Method = method
			splitURL(x, target)
			x.Mapped = append(x.Mapped, span)
		}
	}
	x.Status = line.status()
	for _, name := range d.names {
		text, span, ok := line.next(&d.arena)
		if !ok {
			return
		}
		if string(text) != "-" {
			x.Request.Headers = append(x.Request.Headers, classify.Header{Name: name, Value: text})
			x.Mapped = append(x.Mapped, span)
		}
	}
}

// quoted reads the part of a line that has strings in quotes.
type quoted struct {
	record []byte
	pos    int
}

// next returns the string whose quote follows, unescaped, and its place.
func (q *quoted) next(arena *arena) (text []byte, span classify.Span, ok bool) {
	for q.pos < len(q.record) && q.record[q.pos] == ' ' {
		q.pos++
	}
	if q.pos >= len(q.record) || q.record[q.pos] != '"' {
		return nil, span, false
	}
	start := q.pos + 1
	i := start
	for i < len(q.record) && q.record[i] != '"' {
		if q.record[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(q.record))
	q.pos = min(i+1, len(q.record))
	return arena.unquoted(q.record[start:i]), classify.Span{Start: start, End: i}, true
}

// status reads "STATUS SIZE " and returns the status, 0 if there is none.
func (q *quoted) status() int {
	rest := q.record[q.pos:]
	next := bytes.IndexByte(rest, '"')
	if next < 0 {
		next = len(rest)
	}
	q.pos += next
	code, _, _ := bytes.Cut(bytes.TrimLeft(rest[:next], " "), []byte(" "))
	n, ok := parseInt(code)
	if !ok || n < 100 || n > 599 {
		return 0
	}
	return int(n)
}

// unquoted resolves the escapes of access logs: \" and \\ (Apache) and \xHH
// (both). Anything else stays as written.
func (a *arena) unquoted(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	start := len(*a)
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c != '\\' || i+1 >= len(b) {
			*a = append(*a, c)
			continue
		}
		if b[i+1] == '"' || b[i+1] == '\\' {
			i++
			*a = append(*a, b[i])
			continue
		}
		if i+3 < len(b) && b[i+1] == 'x' && isHex(b[i+2]) && isHex(b[i+3]) {
			*a = append(*a, unhex(b[i+2])<<4|unhex(b[i+3]))
			i += 3
			continue
		}
		*a = append(*a, c)
	}
	return a.since(start)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
