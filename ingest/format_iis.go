package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// iisDecoder decodes the W3C Extended Log File Format as IIS writes it
// (https://learn.microsoft.com/windows/win32/http/w3c-logging,
// https://www.w3.org/TR/WD-logfile.html). The columns are those that the last
// #Fields line of the stream names. Spaces in values are written as +.
type iisDecoder struct {
	json *jsonDecoder
	columns
	fields []iisField
}

// iisField is what a column holds: a role, or a request header.
type iisField struct {
	role   role
	header []byte
}

// maxColumns bounds the columns of a #Fields line.
const maxColumns = 64

func newIISDecoder(names *nameTable) *iisDecoder { return &iisDecoder{json: newJSONDecoder(names)} }

func (*iisDecoder) formats() []string { return []string{"iis"} }

func (i *iisDecoder) decode(d *decoding, record []byte) (format string) {
	if len(record) < 10 || d.want == wantHTTP {
		return ""
	}
	if record[0] == '#' {
		return i.directive(d, record)
	}
	if len(i.fields) == 0 || record[0] < '0' || record[0] > '9' || bytes.Count(record, []byte(" ")) != len(i.fields)-1 {
		return ""
	}
	i.begin(i.json, record)
	var clock jsonscan.Token
	for _, f := range i.fields {
		t, ok := i.word()
		switch {
		case !ok:
			return ""
		case f.header != nil && !isAbsent(i.text(t)):
			d.x.Request.Headers = append(d.x.Request.Headers, classify.Header{Name: f.header, Value: i.text(t)})
			d.x.Mapped = append(d.x.Mapped, classify.Span{Start: t.Start, End: t.End})
		case f.role == roleTime:
			clock = t
		case f.role != roleNone:
			i.set(f.role, t)
		}
	}
	if day := i.json.walk.raw(roleDate); day != nil {
		d.x.Time, _ = parseTime(i.json.arena.join(day, []byte("T"), i.text(clock)))
	}
	return i.give(d, "iis", "as many columns as #Fields names")
}

// word reads up to the next space: quotes and brackets mean nothing here.
func (c *columns) word() (t jsonscan.Token, ok bool) {
	if c.pos > len(c.line) {
		return t, false
	}
	t = jsonscan.Token{Kind: jsonscan.String, Start: c.pos, End: len(c.line)}
	if i := bytes.IndexByte(c.line[c.pos:], ' '); i >= 0 {
		t.End = c.pos + i
	}
	c.pos = t.End + 1
	return t, true
}

// directive reads a line that begins with #.
func (i *iisDecoder) directive(d *decoding, record []byte) string {
	names, isFields := bytes.CutPrefix(record, []byte("#Fields: "))
	if !isFields && !bytes.HasPrefix(record, []byte("#Software: ")) && !bytes.HasPrefix(record, []byte("#Version: ")) &&
		!bytes.HasPrefix(record, []byte("#Date: ")) {
		return ""
	}
	if isFields {
		i.fields = i.fields[:0]
		for name := range bytes.FieldsSeq(names) {
			if len(i.fields) == maxColumns {
				i.fields = i.fields[:0]
				break
			}
			i.fields = append(i.fields, iisFieldOf(name))
		}
	}
	d.because("iis: a line #Fields, #Software, #Version or #Date")
	d.x.Record = record
	d.give()
	return "iis"
}

func iisFieldOf(name []byte) iisField {
	if header, ok := bytes.CutPrefix(name, []byte("cs(")); ok {
		return iisField{header: bytes.Clone(bytes.TrimSuffix(header, []byte(")")))}
	}
	var r role
	switch string(name) {
	case "date":
		r = roleDate
	case "time":
		r = roleTime
	case "s-sitename":
		r = roleService
	case "cs-method":
		r = roleMethod
	case "cs-uri-stem":
		r = rolePath
	case "cs-uri-query":
		r = roleQuery
	case "cs-host":
		r = roleHost
	case "c-ip":
		r = roleClient
	case "sc-status":
		r = roleStatus
	}
	return iisField{role: r}
}
