package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// customDecoder decodes JSON objects as a [Mapping] says. A value that a step does
// not fit is counted, and scanned where it stands.
type customDecoder struct {
	mapping *Mapping
	json    *jsonDecoder
	unpack  unpacker
	data    []byte
	scan    jsonscan.Scanner
	path    [64]byte
	// values holds the first value of each path; the zero token is none.
	values [maxMappedPaths]jsonscan.Token
}

func newCustomDecoder(m *Mapping) *customDecoder {
	return &customDecoder{mapping: m, json: newJSONDecoder(m.names)}
}

// formatCustom is the name of what a mapping describes.
const formatCustom = "custom"

func (*customDecoder) formats() []string { return []string{formatCustom} }

func (c *customDecoder) decode(d *decoding, record []byte) (format string) {
	c.scan, c.data = jsonscan.New(record), record
	if c.scan.Next().Kind != jsonscan.BeginObject {
		return ""
	}
	clear(c.values[:])
	c.json.arena = c.json.arena[:0]
	c.members(0, fnvOffset, 0)
	d.begin()
	x := &d.x
	x.Record = record
	found := 0
	for i := range c.mapping.fields {
		if f := &c.mapping.fields[i]; c.field(d, f) && f.role != roleTime && f.role != roleService {
			found++
		}
	}
	if found == 0 {
		d.begin()
		return ""
	}
	if x.Host == nil {
		x.Host = x.Request.Header("host")
	}
	persist(x)
	sortSpans(x)
	d.because("custom: a mapped path is there")
	d.give()
	return formatCustom
}

// maxMappedDepth bounds how many objects are looked into.
const maxMappedDepth = 16

// members walks the inside of an object.
func (c *customDecoder) members(length int, hash uint32, depth int) {
	for t := c.scan.Next(); !endsObject(t); t = c.scan.Next() {
		if t.Kind != jsonscan.Key {
			if begins(t) {
				skipValue(&c.scan)
			}
			continue
		}
		n, h := appendCompact(&c.path, length, hash, c.data[t.Start:t.End])
		e := c.mapping.names.find(c.path[:n], h)
		value := c.scan.Next()
		if endsObject(value) {
			return
		}
		start := c.scan
		if begins(value) {
			value.Cut = !skipValue(&c.scan)
			value.End = c.scan.Pos()
		}
		if e == nil {
			continue
		}
		if slot := int(e.role) - 1; slot >= 0 && value.Kind != jsonscan.Null && c.values[slot].Kind == jsonscan.End {
			c.values[slot] = value
		}
		if e.open && value.Kind == jsonscan.BeginObject && depth < maxMappedDepth {
			c.scan = start
			c.members(n, h, depth+1)
		}
	}
}

// field fills one field in and says whether it is there.
func (c *customDecoder) field(d *decoding, f *mapped) (found bool) {
	for i := f.slot; i < f.slot+f.paths; i++ {
		t := c.values[i]
		if t.Kind == jsonscan.End {
			continue
		}
		text, ok := c.decoded(d, t, f.steps)
		if ok {
			ok = c.fill(&d.x, f.role, text, t)
		}
		if !ok {
			d.limit(LimitMapping)
		}
		return ok
	}
	return false
}

// decoded takes the steps.
func (c *customDecoder) decoded(d *decoding, t jsonscan.Token, steps []string) (text []byte, ok bool) {
	text = c.json.arena.text(c.data, t)
	for _, step := range steps {
		switch step {
		case stepJSON:
			scan := jsonscan.New(text)
			if inner := scan.Next(); inner.Kind == jsonscan.String {
				text = c.json.arena.text(text, inner)
			} else if !begins(inner) {
				return nil, false
			}
		case stepBase64:
			if text, ok = c.json.arena.anyBase64(text); !ok {
				return nil, false
			}
		case stepGzip:
			if len(text) < 4 || text[0] != 0x1f && text[0] != 0x28 {
				return nil, false
			}
			out, err := c.unpack.append(nil, text, d.cfg.MaxRecord)
			if err != nil {
				d.tally.uninspected(d.src.Kind, UninspectedPacked, int64(len(text)))
				return nil, false
			}
			text = out
		}
	}
	return text, true
}

// anyBase64 decodes both alphabets of RFC 4648, with and without padding.
func (a *arena) anyBase64(text []byte) (decoded []byte, ok bool) {
	start := len(*a)
	*a = append(*a, bytes.TrimRight(text, "=")...)
	for i, c := range (*a)[start:] {
		switch c {
		case '-':
			(*a)[start+i] = '+'
		case '_':
			(*a)[start+i] = '/'
		}
	}
	for (len(*a)-start)%4 != 0 {
		*a = append(*a, '=')
	}
	return a.base64(a.since(start))
}

// fill puts a value into the exchange; it says whether the value fits.
func (c *customDecoder) fill(x *classify.Exchange, r role, text []byte, t jsonscan.Token) (ok bool) {
	span := classify.Span{Start: t.Start, End: t.End}
	switch r {
	case roleTime:
		x.Time = parseAnyTime(text)
		return !x.Time.IsZero()
	case roleService:
		x.Service = c.json.names.intern(text)
		return true
	case roleMethod:
		if !isMethod(text) {
			return false
		}
		x.Method = text
		return true
	case roleStatus:
		n, ok := parseInt(text)
		if !ok || n < 100 || n > 599 {
			return false
		}
		x.Status = int(n)
		return true
	}
	if !c.fillTarget(x, r, text) || !c.fillMessage(x, r, text, t) {
		return false
	}
	x.Mapped = append(x.Mapped, span)
	return true
}

// fillTarget fills in what was asked for and by whom, which is scanned in the
// exchange and not in the record.
func (c *customDecoder) fillTarget(x *classify.Exchange, r role, text []byte) (ok bool) {
	switch r {
	case roleURL, rolePath:
		if x.Target != nil {
			return bytes.Contains(x.Target, text)
		}
		splitURL(x, text)
	case roleQuery:
		if x.Target == nil {
			return false
		}
		x.Target = c.json.arena.join(x.Target, []byte("?"), bytes.TrimPrefix(text, []byte("?")))
	case roleHost:
		if x.Host != nil || !isAuthority(text) {
			return bytes.Equal(x.Host, text)
		}
		x.Host = text
	case roleClient:
		x.Client, ok = parseAddr(text)
		return ok
	}
	return true
}

// fillMessage does so with headers and bodies.
func (c *customDecoder) fillMessage(x *classify.Exchange, r role, text []byte, t jsonscan.Token) (ok bool) {
	switch r {
	case roleRequestHeaders:
		x.Request.Headers = c.headers(x.Request.Headers, text)
	case roleResponseHeaders:
		x.Response.Headers = c.headers(x.Response.Headers, text)
	case roleRequestBody:
		x.Request.Body, x.Request.Truncated = text, t.Cut
	case roleResponseBody:
		x.Response.Body, x.Response.Truncated = text, t.Cut
	case roleRawRequest:
		m, ok := parseMessage(text, &x.Request)
		return ok && c.json.sameLine(x, &m)
	case roleRawResponse:
		m, ok := parseMessage(text, &x.Response)
		if ok && m.status != 0 {
			x.Status = m.status
		}
		return ok && len(m.reason) < maxReason
	}
	return true
}

func (c *customDecoder) headers(dst []classify.Header, text []byte) []classify.Header {
	h := headerScan{data: text, arena: &c.json.arena}
	return h.text(dst, text)
}
