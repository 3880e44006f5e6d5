package corpus

import (
	"bytes"
	"encoding/json"
	"strings"
)

// repeat fills a domain's document with items up to a size.
func (g *draw) repeat(d domain, size int, s syntax) document {
	head, tail, _ := strings.Cut(d.around, "«items»")
	var w writer
	w.put(g.expand(head, s, ""))
	for first := true; first || w.Len()+len(tail) < size; first = false {
		if s == jsonText && !first {
			w.WriteByte(',')
		}
		w.put(g.expand(d.item, s, ""))
	}
	w.put(g.expand(tail, s, ""))
	return w.done(s)
}

// around places a fragment in a JSON document of about that size.
func (g *draw) around(fragment document, size int) document {
	room := size - len(fragment.text)
	if room < 300 {
		return g.wrapped(fragment)
	}
	filler := g.repeat(pick(g, domains), room, jsonText)
	var w writer
	switch g.IntN(4) {
	case 0:
		w.WriteString(`{"data":`)
		w.put(fragment)
		w.WriteString(`,"related":`)
		w.put(filler)
		w.WriteByte('}')
	case 1:
		w.WriteString(`{"status":"ok","page":`)
		w.put(filler)
		w.WriteString(`,"result":{"detail":`)
		w.put(fragment)
		w.WriteString(`}}`)
	case 2:
		w.WriteString(`[`)
		w.put(filler)
		w.WriteByte(',')
		w.put(fragment)
		w.WriteByte(']')
	case 3:
		w.put(filler)
		return g.grafted(w.done(jsonText), fragment)
	}
	return w.done(jsonText)
}

// grafted adds the fragment as the last member of an object.
func (g *draw) grafted(object, fragment document) document {
	var w writer
	w.put(object.cut(len(object.text) - 1))
	w.WriteString(`,"` + pick(g, []string{"extra", "profile", "meta", "context"}) + `":`)
	w.put(fragment)
	w.WriteByte('}')
	return w.done(jsonText)
}

func (g *draw) wrapped(fragment document) document {
	var w writer
	switch g.IntN(4) {
	case 0:
		return fragment
	case 1:
		w.WriteString(`{"result":`)
		w.put(fragment)
		w.WriteByte('}')
	case 2:
		w.WriteString(`[`)
		w.put(fragment)
		w.WriteByte(']')
	case 3:
		w.WriteString(`{"ok":true,"items":[`)
		w.put(fragment)
		w.WriteString(`],"count":1}`)
	}
	return w.done(jsonText)
}

// nested puts a JSON document into a string of another, n times.
func (g *draw) nested(d document, n int) document {
	for range n {
		var w writer
		w.WriteString(`{"` + pick(g, []string{"payload", "message", "data", "body"}) + `":"`)
		w.embed(d, jsonText)
		w.WriteString(`","at":"2026-11-23T15:08:36Z"}`)
		d = w.done(jsonText)
	}
	return d
}

// pretty writes a JSON document over several lines.
func pretty(d document) document {
	var b bytes.Buffer
	if json.Indent(&b, []byte(d.text), "", "  ") != nil {
		return d
	}
	out := document{text: b.String(), syntax: jsonText}
	for _, l := range d.leaks {
		text := d.text[l.lo:l.hi]
		at := strings.Index(out.text, text)
		if at < 0 {
			return d
		}
		l.lo, l.hi = at, at+len(text)
		out.leaks = append(out.leaks, l)
	}
	return out // pointers are as before
}

// inText places a document that is no JSON among running text of about that
// size.
func (g *draw) inText(fragment document, size int, open, closing string) document {
	var w writer
	w.WriteString(open)
	half := max(0, size-len(fragment.text)) / 2
	for w.Len() < half {
		w.WriteString(g.sentence() + "\n")
	}
	w.put(fragment)
	for w.Len() < size {
		w.WriteString("\n" + g.sentence())
	}
	w.WriteString(closing)
	return w.done(plainText)
}
