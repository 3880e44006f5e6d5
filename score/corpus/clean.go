package corpus

import "strconv"

// messages are lines of applications that leak nothing.
var messages = []string{
	"request completed method=GET path=/v1/«ident» status=200 duration=«int 1 900»ms", "started worker «int 1 16» of «int 4 32»", "cache warmed with «int 1 90000» entries in «int 1 900» ms", "GET /healthz 200 1ms", "order «int 1000 90000» shipped to warehouse «word»",
	"Connection pool: active=«int 0 20» idle=«int 0 20» waiting=0", "consumer group «ident» rebalanced, partitions=[«int 0 9», «int 0 9»]", "compaction finished: «int 1 900» files, «int 1 900» MB", "slow query took «int 100 9000» ms on table «ident»s", "user «login» logged in from 203.0.113.«int 1 250»",
	"retry «int 1 5»/5 for job «uuid»", "trace_id=«hex 32» span_id=«hex 16» handled «ident».«verb»", "published «int 1 900» messages to topic «ident»-«word» offset=«int 1 9000000»", "TLS handshake error from 198.51.100.«int 1 250»:«int 30000 60000»: EOF", "feature «word»-«word» enabled for «int 1 100» % of users",
	"scheduled task «verb»«ident» ran in «float» s", "deployed version «semver» commit «hex 40»", "rate limit reached for client «word», retry after «int 1 90» s", "invoice «upper 2»-«d 6» rendered as pdf («int 1 900» kB)", "garbage collection pause «float» ms heap=«int 1 900»M",
	"upstream timed out while connecting, upstream: \"http://10.«int 1 9».«int 1 99».«int 1 99»:8080/v1/«ident»\", host: \"www.«word».test\"", "Hibernate: select p.id, p.title from «ident»s p where p.id=?", "reading configuration from /etc/«ident»/«ident».yaml", "pod «ident»-«hex 10»-«lower 5» scheduled on node-«int 1 90»",
	"java.net.SocketTimeoutException: Read timed out\n\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)\n\tat com.«ident».Client.«verb»(Client.java:«int 10 900»)", "panic recovered in «ident»: index out of range [4] with length 3", "user admin opened the dashboard", "GET http://«ident».default.svc.cluster.local:8080/healthz 200",
	"password reset requested for user «int 1 9000»", "authentication succeeded user=«login» method=oidc", "token refreshed for session «int 1 9000»", "WARN deprecated option '«ident».«word»' ignored", "loaded «int 1 90» routes, «int 1 20» middlewares", "mail queued template=«word» recipients=«int 1 9»",
}

// clean is a record with nothing to find and nothing that looks like it.
func (g *Generator) clean(size int) Record {
	switch g.IntN(10) {
	case 0, 1:
		return g.logLine("clean", g.expand(pick(&g.draw, messages), plainText, ""), size)
	case 2:
		return g.access(size)
	case 3:
		d := pick(&g.draw, webPages)
		return g.exchanged("clean/"+d.name, d.path, d.name, g.repeat(d, size, plainText))
	}
	d := pick(&g.draw, domains)
	body := g.repeat(d, size, jsonText)
	switch g.IntN(12) {
	case 0:
		body = pretty(body)
	case 1:
		body = body.cut(g.between(len(body.text)/2, len(body.text)))
	case 2:
		body = g.nested(body, g.between(1, 2))
	}
	return g.exchanged("clean/"+d.name, d.path, "application/json", body)
}

// exchanged writes an exchange with that answer.
func (g *Generator) exchanged(kind, path, contentType string, body document) Record {
	x := g.newExchange(path, g.chance(2))
	x.contentType, x.response = contentType, body
	return g.written(kind, x)
}

// written writes an exchange in any shape.
func (g *Generator) written(kind string, x *exchange) Record {
	shape := pick(&g.draw, shapes)
	r := Record{Kind: kind + "/" + shape, Leaks: x.leaks(true), Line: []byte(x.line(shape))}
	if x.inPlace != "" {
		r.InPlace = []string{x.inPlace}
	}
	return r
}

// access is a line of an access log, or a gateway's record without an answer.
func (g *Generator) access(size int) Record {
	d := pick(&g.draw, domains)
	x := g.newExchange(d.path, true)
	if g.chance(2) {
		x.ask("Referer", "https://www."+pick(&g.draw, identifiers)+".test/"+g.value("slug", ""))
	}
	for i := 0; i < 4 && size > 900; i++ {
		x.ask("X-"+capital(pick(&g.draw, identifiers)), g.sentence())
	}
	shape := pick(&g.draw, []string{"nginx", "nginx", "kong", "pino", "plain"})
	return Record{Kind: "clean/access/" + shape, Line: []byte(x.logged(shape)), Leaks: x.leaks(false)}
}

// logLine writes a message as applications log: JSON, pairs, text, with the
// envelopes of containers.
func (g *Generator) logLine(kind string, message document, size int) Record {
	level := pick(&g.draw, []string{"INFO", "DEBUG", "WARN", "ERROR"})
	var w writer
	form := pick(&g.draw, []string{"json", "json", "logfmt", "text", "syslog", "bracket"})
	switch form {
	case "json":
		w.put(g.jsonLog(level, message, size))
	case "logfmt":
		w.WriteString("time=2026-11-23T15:08:36Z level=" + level + " logger=" + pick(&g.draw, identifiers) + " msg=\"")
		w.embed(message, jsonText)
		w.WriteString("\" seq=" + strconv.Itoa(g.between(1, 90000)))
	case "syslog": // RFC 5424
		w.WriteString("<134>1 2026-11-23T15:08:36.003Z web-1 " + pick(&g.draw, identifiers) + " " + strconv.Itoa(g.between(2, 40000)) + " - - ")
		w.put(oneLine(message))
	case "bracket":
		w.WriteString("[2026-11-23 15:08:36,123] [" + level + "] [" + pick(&g.draw, identifiers) + "-" + strconv.Itoa(g.between(1, 20)) + "] ")
		w.put(oneLine(message))
	default:
		w.WriteString("2026-11-23 15:08:36.123 " + level + " " + strconv.Itoa(g.between(2, 40000)) + " --- [main] c.e." + pick(&g.draw, identifiers) + " : ")
		w.put(oneLine(message))
	}
	d := w.done(plainText)
	envelope := ""
	switch g.IntN(8) {
	case 0:
		envelope, d.text = "+cri", "2026-11-23T15:08:36.123456789Z stdout F "+d.text
	case 1:
		envelope, d.text = "+docker", `{"log":`+quote(d.text+"\n")+`,"stream":"stdout","time":"2026-11-23T15:08:36.123456789Z"}`
	}
	r := Record{Kind: kind + "/log-" + form + envelope, Line: []byte(d.text)}
	for _, l := range d.leaks {
		if form != "json" {
			l.pointer = ""
		}
		r.Leaks = append(r.Leaks, Leak{l.family, inRecord, l.pointer, l.value})
	}
	return r
}

// oneLine escapes the line ends of a message as loggers do for text.
func oneLine(message document) document {
	if len(message.leaks) > 0 && message.syntax == jsonText {
		return message
	}
	return message.escaped(lineText)
}

// jsonLog is an application's log in JSON.
func (g *Generator) jsonLog(level string, message document, size int) document {
	var w writer
	w.WriteString(`{"time":"2026-11-23T15:08:36Z","level":"` + level + `","logger":"app.` + pick(&g.draw, identifiers) + `","` + pick(&g.draw, []string{"msg", "message", "event"}) + `":"`)
	w.embed(message, jsonText)
	w.WriteString(`","trace_id":"` + g.chars(hexa, 32) + `"`)
	if room := size - w.Len(); room > 200 && g.chance(2) {
		w.WriteString(`,"context":`)
		w.put(g.repeat(pick(&g.draw, domains), min(room, 20_000), jsonText))
	}
	w.WriteByte('}')
	return w.done(jsonText)
}

// lookalike is a record that imitates a family.
func (g *Generator) lookalike(size int) Record {
	n := pick(&g.draw, negatives)
	kind := "like-" + n.imitates
	total := len(n.rows) + len(n.lines) + len(n.docs) + len(n.headers) + len(n.params)
	i := g.IntN(total)
	switch {
	case i < len(n.rows):
		return g.likeRow(kind, n.rows[i], size)
	case i < len(n.rows)+len(n.lines):
		return g.logLine(kind, g.expand(n.lines[i-len(n.rows)], plainText, ""), size)
	case i < len(n.rows)+len(n.lines)+len(n.docs):
		body := g.around(g.expand(pick(&g.draw, n.docs), jsonText, ""), size)
		return g.exchanged(kind+"/doc", "/v1/"+pick(&g.draw, identifiers), "application/json", body)
	}
	x := g.newExchange("/v1/"+pick(&g.draw, identifiers), g.chance(2))
	x.response = g.repeat(pick(&g.draw, domains), size, jsonText)
	if len(n.headers) > 0 && (len(n.params) == 0 || g.chance(2)) {
		x.answered = append(x.answered, g.headerOf(pick(&g.draw, n.headers), ""))
		return g.written(kind+"/header", x)
	}
	x.target = g.expand(x.target.text+"?"+pick(&g.draw, n.params), plainText, "")
	if g.chance(2) {
		return Record{Kind: kind + "/query/nginx", Line: []byte(x.logged("nginx"))}
	}
	return g.written(kind+"/query", x)
}

// likeRow writes a look-alike record as a body or in a log.
func (g *Generator) likeRow(kind, row string, size int) Record {
	if g.chance(3) {
		form := pick(&g.draw, []string{"logfmt", "dict"})
		return g.logLine(kind+"/"+form, g.record(row, "", frames[form]), size)
	}
	body, contentType, medium := g.body(row, "", size)
	return g.exchanged(kind+"/"+medium, "/v1/"+pick(&g.draw, identifiers)+"/"+strconv.Itoa(g.between(1, 900)), contentType, body)
}
