package corpus

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"strings"
)

// writer puts documents together and keeps track of what is planted in them.
type writer struct {
	strings.Builder
	leaks []planted
}

// put writes a document as it is.
func (w *writer) put(d document) {
	for _, l := range d.leaks {
		l.lo += w.Len()
		l.hi += w.Len()
		w.leaks = append(w.leaks, l)
	}
	w.WriteString(d.text)
}

// embed writes a document as a string of the syntax s, without quotes.
func (w *writer) embed(d document, s syntax) { w.put(d.escaped(s)) }

// done returns what was written.
func (w *writer) done(s syntax) document {
	d := document{text: w.String(), syntax: s, leaks: w.leaks}
	if s == jsonText {
		d.point()
	}
	return d
}

// escaped is the document as the inside of a string.
func (d document) escaped(s syntax) document {
	out := document{text: s.escape(d.text), syntax: s, leaks: make([]planted, len(d.leaks))}
	for i, l := range d.leaks {
		l.lo, l.hi = len(s.escape(d.text[:l.lo])), len(s.escape(d.text[:l.hi]))
		if d.syntax == jsonText {
			l.suffix, l.pointer = "#json"+l.pointer, ""
		}
		out.leaks[i] = l
	}
	return out
}

// base64 is the document encoded; what is planted in it is somewhere inside.
func (d document) base64() document {
	out := document{text: base64.StdEncoding.EncodeToString([]byte(d.text))}
	for _, l := range d.leaks {
		l.lo, l.hi, l.pointer, l.suffix = 0, len(out.text), "", ""
		out.leaks = append(out.leaks, l)
	}
	return out
}

// gzipped is the document compressed and encoded.
func (d document) gzipped() document {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, d.text)
	if err = errors.Join(err, w.Close()); err != nil {
		return d // a buffer takes everything
	}
	d.text = b.String()
	return d.base64()
}

// cut ends the document at that offset, or behind the last thing planted.
func (d document) cut(at int) document {
	for _, l := range d.leaks {
		at = max(at, l.hi)
	}
	d.text = d.text[:min(at, len(d.text))]
	return d
}

// pair is one field of a flat record: a name and a template of its value.
type pair struct {
	name, value string
	raw         bool // a number, boolean or null
}

// pairs reads NAME=TEMPLATE|NAME=#RAW.
func pairs(row string) (list []pair) {
	depth := 0
	start := 0
	add := func(field string) {
		name, value, _ := strings.Cut(field, "=")
		value, raw := strings.CutPrefix(value, "#")
		list = append(list, pair{name, value, raw})
	}
	for i, c := range row {
		switch c {
		case '«':
			depth++
		case '»':
			depth--
		case '|':
			if depth == 0 {
				add(row[start:i])
				start = i + 1
			}
		}
	}
	add(row[start:])
	return list
}

// object writes a record as a JSON object.
func (g *draw) object(row, own string) document {
	var w writer
	w.WriteByte('{')
	for i, p := range pairs(row) {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(`"` + p.name + `":`)
		value := g.expand(p.value, plainText, own)
		if p.raw {
			w.put(value)
			continue
		}
		w.WriteByte('"')
		w.embed(value, jsonText)
		w.WriteByte('"')
	}
	w.WriteByte('}')
	return w.done(jsonText)
}

// frame says how a syntax writes a flat record: around it, before a name,
// between name and value, behind a value.
type frame struct {
	open, before, between, behind, closing string
	escape                                 syntax
	name                                   bool // written again behind the value
}

var frames = map[string]frame{
	"form":   {between: "=", behind: "&", escape: formText},
	"xml":    {open: "<record>", before: "<", between: ">", behind: "</", closing: "</record>", escape: htmlText, name: true},
	"html":   {open: "<table>", before: "<tr><th>", between: "</th><td>", behind: "</td></tr>", closing: "</table>", escape: htmlText},
	"yaml":   {before: "  ", between: ": \"", behind: "\"\n", escape: jsonText},
	"logfmt": {between: "=\"", behind: "\" ", escape: jsonText},
	"dict":   {open: "{", before: "'", between: "': '", behind: "', ", closing: "}"},
}

// record writes a record in the syntax of a frame.
func (g *draw) record(row, own string, f frame) document {
	var w writer
	w.WriteString(f.open)
	for _, p := range pairs(row) {
		w.WriteString(f.before + p.name + f.between)
		w.embed(g.expand(p.value, plainText, own), f.escape)
		w.WriteString(f.behind)
		if f.name {
			w.WriteString(p.name + ">")
		}
	}
	w.WriteString(f.closing)
	return w.done(plainText)
}

// csv writes a head and one line.
func (g *draw) csv(row, own string) document {
	var w writer
	list := pairs(row)
	for i, p := range list {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString(p.name)
	}
	w.WriteByte('\n')
	for i, p := range list {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteByte('"')
		w.put(g.expand(p.value, plainText, own))
		w.WriteByte('"')
	}
	w.WriteByte('\n')
	return w.done(plainText)
}

// multipart writes a record as multipart/form-data (RFC 7578).
func (g *draw) multipart(row, own string) document {
	var w writer
	boundary := "----WebKitFormBoundary" + g.chars(base62, 16)
	for _, p := range pairs(row) {
		w.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + p.name + "\"\r\n\r\n")
		w.put(g.expand(p.value, plainText, own))
		w.WriteString("\r\n")
	}
	w.WriteString("--" + boundary + "--\r\n")
	return w.done(plainText)
}
