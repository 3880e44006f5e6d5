package corpus

import (
	"strconv"
	"strings"
)

// body writes a flat record as a body in one of the media.
func (g *draw) body(row, own string, size int) (d document, contentType, medium string) {
	switch n := g.IntN(20); n {
	case 0, 1:
		return g.nested(g.around(g.object(row, own), size), g.between(1, 3)), "application/json", "nested"
	case 2:
		object := g.object(row, own)
		return g.around(object, size).cut(size), "application/json", "truncated"
	case 3:
		return pretty(g.around(g.object(row, own), size)), "application/json", "pretty"
	case 4:
		var w writer
		w.WriteString(`{"encoding":"base64","content":"`)
		if g.chance(2) {
			w.put(g.object(row, own).base64())
		} else {
			w.put(g.object(row, own).gzipped())
		}
		w.WriteString(`"}`)
		return w.done(jsonText), "application/json", "base64"
	case 5:
		return g.inText(g.record(row, own, frames["xml"]), size, "<?xml version=\"1.0\"?><doc><p>", "</p></doc>"), "application/xml", "xml"
	case 6:
		return g.record(row, own, frames["yaml"]), "application/yaml", "yaml"
	case 7:
		return g.csv(row, own), "text/csv", "csv"
	case 8:
		return g.inText(g.record(row, own, frames["html"]), size, "<!DOCTYPE html><html><body><p>", "</p></body></html>"), "text/html; charset=utf-8", "html"
	case 9, 10:
		return g.list(row, own), "application/json", "list"
	}
	return g.around(g.object(row, own), size), "application/json", "json"
}

// list holds a record several times.
func (g *draw) list(row, own string) document {
	var w writer
	w.WriteString(`{"` + pick(g, identifiers) + `s":[`)
	for i := range g.between(2, 5) {
		if i > 0 {
			w.WriteByte(',')
		}
		w.put(g.object(row, own))
	}
	w.WriteString(`],"count":5}`)
	return w.done(jsonText)
}

// leaky is a record with a leak of that family.
func (g *Generator) leaky(f *family, size int) Record {
	if r, ok := g.special(f, size); ok {
		return r
	}
	scenes := []func() Record{}
	add := func(weight, n int, scene func() Record) {
		for range weight * min(n, 1) {
			scenes = append(scenes, scene)
		}
	}
	logs := f.flags&responseOnly == 0
	add(6, len(f.rows), func() Record { return g.rowInBody(f, size) })
	if logs {
		add(3, len(f.rows), func() Record { return g.rowInLog(f, size) })
	}
	add(3, len(f.lines), func() Record {
		return g.logLine(f.name+"/message", g.expand(pick(&g.draw, f.lines), plainText, f.name), size)
	})
	add(2, len(f.params), func() Record { return g.inQuery(f) })
	add(2, len(f.headers), func() Record { return g.inHeader(f, size) })
	add(2, len(f.asked), func() Record { return g.asked(f) })
	add(3, len(f.texts), func() Record { return g.inMessage(f, size) })
	add(2, len(f.pages), func() Record { return g.inPage(f, size) })
	add(2, len(f.documents), func() Record {
		body := g.around(g.expand(pick(&g.draw, f.documents), jsonText, f.name), size)
		return g.answered(f, "document", "application/json", body)
	})
	return pick(&g.draw, scenes)()
}

// answered is an exchange whose answer leaks.
func (g *Generator) answered(f *family, medium, contentType string, body document) Record {
	x := g.newExchange("/v1/"+pick(&g.draw, identifiers)+"/"+strconv.Itoa(g.between(1, 900)), f.flags&anonymous != 0)
	x.contentType, x.response = contentType, body
	if f.flags&failure != 0 {
		x.status = pick(&g.draw, []int{500, 500, 400, 502})
	}
	return g.written(f.name+"/"+medium, x)
}

func (g *Generator) rowInBody(f *family, size int) Record {
	body, contentType, medium := g.body(pick(&g.draw, f.rows), f.name, size)
	return g.answered(f, "body-"+medium, contentType, body)
}

// rowInLog logs a record: as a member, as pairs, in JSON inside a string, or as
// the request's body.
func (g *Generator) rowInLog(f *family, size int) Record {
	row := pick(&g.draw, f.rows)
	switch g.IntN(6) {
	case 0:
		return g.logLine(f.name+"/dict", g.record(row, f.name, frames["dict"]), size)
	case 1:
		return g.logLine(f.name+"/pairs", g.record(row, f.name, frames["logfmt"]), size)
	case 2:
		return g.logLine(f.name+"/json-in-message", g.object(row, f.name), size)
	case 3, 4:
		medium := pick(&g.draw, []string{"form", "json", "multipart"})
		x := g.newExchange("/v1/"+pick(&g.draw, identifiers), true)
		x.method = "POST"
		switch medium {
		case "form":
			x.requestBody = g.record(row, f.name, frames["form"])
			x.ask("Content-Type", "application/x-www-form-urlencoded")
		case "json":
			x.requestBody = g.object(row, f.name)
			x.ask("Content-Type", "application/json")
		default:
			x.requestBody = g.multipart(row, f.name)
			x.ask("Content-Type", "multipart/form-data; boundary="+strings.TrimSpace(x.requestBody.text[2:42]))
		}
		return Record{Kind: f.name + "/request-" + medium + "/plain", Line: []byte(x.logged("plain")), Leaks: x.leaks(true)}
	}
	var w writer
	w.WriteString(`{"ts":"2026-11-23T15:08:36Z","level":"debug","msg":"` + pick(&g.draw, verbs) + `","` + pick(&g.draw, []string{"user", "params", "context", "payload"}) + `":`)
	w.put(g.around(g.object(row, f.name), size))
	w.WriteByte('}')
	d := w.done(jsonText)
	r := Record{Kind: f.name + "/member/log-json", Line: []byte(d.text)}
	for _, l := range d.leaks {
		r.Leaks = append(r.Leaks, Leak{l.family, inRecord, l.pointer, l.value})
	}
	return r
}

// inQuery puts the leak into a URL of an access log or an exchange.
func (g *Generator) inQuery(f *family) Record {
	x := g.newExchange("/v1/"+pick(&g.draw, identifiers), true)
	value := g.expand("«!»", plainText, f.name)
	name := pick(&g.draw, f.params)
	if g.chance(5) {
		var w writer
		w.WriteString("https://app.test/cb?" + name + "=")
		w.embed(value, formText)
		d := w.done(plainText)
		for i := range d.leaks {
			d.leaks[i].pointer = "/referer"
		}
		x.asked = append(x.asked, header{"Referer", d})
	} else {
		x.addQuery(name, value)
	}
	shape := pick(&g.draw, []string{"nginx", "nginx", "kong", "pino"})
	return Record{Kind: f.name + "/query/" + shape, Line: []byte(x.logged(shape)), Leaks: x.leaks(false)}
}

func (g *Generator) inHeader(f *family, size int) Record {
	x := g.newExchange("/v1/"+pick(&g.draw, identifiers), f.flags&anonymous != 0)
	h := g.headerOf(pick(&g.draw, f.headers), f.name)
	if h.name == "Location" {
		x.status = 302
	}
	kept := x.answered[:0]
	for _, o := range x.answered {
		if o.name != h.name {
			kept = append(kept, o)
		}
	}
	x.answered = append(kept, h)
	x.response = g.repeat(pick(&g.draw, domains), size, jsonText)
	return g.written(f.name+"/header-"+strings.ToLower(h.name), x)
}

// asked logs a request with the leak in a header.
func (g *Generator) asked(f *family) Record {
	x := g.newExchange("/v1/"+pick(&g.draw, identifiers), true)
	x.asked = append(x.asked, g.headerOf(pick(&g.draw, f.asked), f.name))
	shape := pick(&g.draw, []string{"kong", "pino", "plain"})
	return Record{Kind: f.name + "/asked/" + shape, Line: []byte(x.logged(shape)), Leaks: x.leaks(false)}
}

// inMessage puts the leak into the message of an error response.
func (g *Generator) inMessage(f *family, size int) Record {
	message := g.expand(pick(&g.draw, f.texts), plainText, f.name)
	switch g.IntN(5) {
	case 0:
		return g.answered(f, "text-plain", "text/plain", message)
	case 1:
		var w writer
		w.WriteString("<html><head><title>Error</title></head><body><h1>Error</h1><p>")
		w.embed(message, htmlText)
		w.WriteString("</p></body></html>")
		return g.answered(f, "text-html", "text/html", w.done(plainText))
	}
	shapes := [][2]string{
		{`{"error":"`, `"}`},
		{`{"detail":"`, `","status":500}`},
		{`{"error":{"code":500,"message":"`, `"}}`},
		{`{"errors":[{"message":"`, `","path":["x"]}],"data":null}`},
		{`{"timestamp":"2026-11-23T15:08:36Z","status":500,"error":"Internal Server Error","message":"`, `","path":"/v1"}`},
		{`{"success":false,"exception":{"type":"Error","text":"`, `"}}`},
		{`{"trace":"`, `"}`},
		{`{"stack":"`, `","name":"Error"}`},
	}
	if f.flags&failure == 0 { // under the names of debug data other text is a leak of its own
		shapes = shapes[:len(shapes)-2]
	}
	shape := pick(&g.draw, shapes)
	var w writer
	w.WriteString(shape[0])
	w.embed(message, jsonText)
	w.WriteString(shape[1])
	body := w.done(jsonText)
	medium := "text-json"
	switch g.IntN(8) {
	case 0:
		body, medium = g.nested(body, g.between(1, 2)), "text-nested"
	case 1:
		body, medium = body.cut(len(body.text)-len(shape[1])), "text-truncated"
	case 2:
		body = g.around(body, size)
	}
	return g.answered(f, medium, "application/json", body)
}

// inPage puts the leak into a document of its own.
func (g *Generator) inPage(f *family, size int) Record {
	text := pick(&g.draw, f.pages)
	contentType := "text/plain"
	syntax := plainText
	if strings.HasPrefix(text, "<") {
		contentType = "text/html; charset=utf-8"
		if strings.Contains(text, "<pre>") {
			syntax = htmlText
		}
	}
	page := g.expand(text, syntax, f.name)
	page.syntax = plainText
	if contentType == "text/plain" && g.chance(3) {
		page = g.inText(page, size, "", "")
	}
	return g.answered(f, "page", contentType, page)
}
