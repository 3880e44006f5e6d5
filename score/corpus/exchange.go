package corpus

import (
	"strconv"
	"strings"
)

// The parts of an exchange, as findings name them.
const (
	inRecord         = "record"
	inURL            = "request.url"
	inRequestHeader  = "request.header"
	inRequestBody    = "request.body"
	inResponseHeader = "response.header"
	inResponseBody   = "response.body"
)

// header is one header field.
type header struct {
	name  string
	value document
}

// exchange is an HTTP exchange before it is written down.
type exchange struct {
	method, host            string
	target                  document
	status                  int
	asked, answered         []header
	requestBody, response   document
	contentType, clientAddr string
	inPlace                 string
}

// newExchange is a request with a caller, or without when the caller is to be
// unknown, and nothing in it yet.
func (g *draw) newExchange(path string, unknown bool) *exchange {
	x := &exchange{
		method: "GET", host: "api." + pick(g, identifiers) + ".test", target: g.expand(path, plainText, ""), status: 200, contentType: "application/json",
		clientAddr: "203.0.113." + strconv.Itoa(g.between(1, 250)),
	}
	x.ask("User-Agent", pick(g, userAgents))
	x.ask("Accept", "application/json")
	if g.chance(2) {
		x.ask("X-Request-Id", g.uuid())
	}
	if !unknown && g.chance(2) {
		x.inPlace = liveJWT(g)
		x.ask("Authorization", "Bearer "+x.inPlace)
	} else if !unknown {
		x.inPlace = g.chars(lower+digits, 32)
		x.ask("Cookie", "sessionid="+x.inPlace+"; lang=en")
	}
	x.answer("Date", "Mon, 23 Nov 2026 15:08:35 GMT")
	x.answer("Server", pick(g, []string{"nginx", "cloudflare", "envoy", "Caddy"}))
	if g.chance(2) {
		x.answer("ETag", `"`+g.chars(hexa, 32)+`"`)
	}
	x.answer("Cache-Control", pick(g, []string{"no-store", "private, max-age=0", "max-age=60"}))
	return x
}

func (x *exchange) ask(name, value string) {
	x.asked = append(x.asked, header{name, document{text: value}})
}

func (x *exchange) answer(name, value string) {
	x.answered = append(x.answered, header{name, document{text: value}})
}

// headerOf fills a template "Name: VALUE".
func (g *draw) headerOf(text, own string) header {
	name, value, _ := strings.Cut(text, ": ")
	h := header{name, g.expand(value, plainText, own)}
	for i := range h.value.leaks {
		h.value.leaks[i].pointer = "/" + strings.ToLower(name)
	}
	return h
}

// addQuery appends NAME=VALUE to the target.
func (x *exchange) addQuery(name string, value document) {
	var w writer
	w.put(x.target)
	sign := "?"
	if strings.Contains(x.target.text, "?") {
		sign = "&"
	}
	w.WriteString(sign + name + "=")
	start := len(w.leaks)
	w.embed(value, formText)
	for i := range w.leaks[start:] {
		w.leaks[start+i].pointer = "/query/" + name
	}
	x.target = w.done(plainText)
}

// leaks lists what is planted in the parts that stand in the record.
func (x *exchange) leaks(bodies bool) (list []Leak) {
	add := func(where string, d document) {
		for _, l := range d.leaks {
			list = append(list, Leak{l.family, where, l.pointer, l.value})
		}
	}
	add(inURL, x.target)
	for _, h := range x.asked {
		add(inRequestHeader, h.value)
	}
	for _, h := range x.answered {
		add(inResponseHeader, h.value)
	}
	if bodies {
		add(inRequestBody, x.requestBody)
		add(inResponseBody, x.response)
	}
	return list
}

// quote is a JSON string.
func quote(text string) string { return `"` + jsonEscape(text) + `"` }

func headerObject(list []header, lowerCase bool) string {
	var b strings.Builder
	b.WriteByte('{')
	seen := map[string]bool{}
	for _, h := range list {
		name := h.name
		if lowerCase {
			name = strings.ToLower(name)
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(quote(name) + ":" + quote(h.value.text))
	}
	return b.String() + "}"
}

func headerPairs(list []header) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, h := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("[" + quote(h.name) + "," + quote(h.value.text) + "]")
	}
	return b.String() + "]"
}

// shapes are the ways to write an exchange with both sides down.
var shapes = []string{"recording", "apisix", "snake", "camel", "nested"}

// line writes the exchange as one line of JSON.
func (x *exchange) line(shape string) string {
	status := strconv.Itoa(x.status)
	x.answered = append(x.answered, header{"Content-Type", document{text: x.contentType}})
	target := x.target.text
	switch shape {
	case "recording": // like the one of a vulnerable application
		path, _, _ := strings.Cut(target, "?")
		return `{"ts":"2026-11-23T15:08:36.144378Z","method":"` + x.method + `","url":` + quote("https://"+x.host+target) + `,"path":` + quote(path) + `,"req_headers":` + headerObject(x.asked, false) +
			`,"req_body":` + quote(x.requestBody.text) + `,"status":` + status + `,"resp_headers":` + headerPairs(x.answered) + `,"resp_body":` + quote(x.response.text) + `}`
	case "apisix": // apisix.apache.org/docs/apisix/plugins/kafka-logger
		return `{"client_ip":"` + x.clientAddr + `","start_time":1795446515940,"route_id":"7","service_id":"` + x.host + `","latency":12.5,"request":{"method":"` + x.method + `","uri":` + quote(target) + `,"url":` +
			quote("https://"+x.host+target) + `,"size":210,"headers":` + headerObject(x.asked, true) + `,"querystring":{},"body":` + quote(x.requestBody.text) + `},"response":{"status":` + status + `,"size":` +
			strconv.Itoa(len(x.response.text)) + `,"headers":` + headerObject(x.answered, true) + `,"body":` + quote(x.response.text) + `},"server":{"hostname":"gw-1","version":"3.9.1"},"upstream":"198.51.100.4:8080"}`
	case "camel":
		return `{"timestamp":"2026-11-23T15:08:36Z","httpMethod":"` + x.method + `","requestUrl":` + quote("https://"+x.host+target) + `,"statusCode":` + status + `,"requestHeaders":` + headerObject(x.asked, false) +
			`,"requestBody":` + quote(x.requestBody.text) + `,"responseHeaders":` + headerObject(x.answered, false) + `,"responseBody":` + quote(x.response.text) + `,"clientIp":"` + x.clientAddr + `"}`
	case "nested":
		return `{"time":"2026-11-23T15:08:36Z","level":"info","msg":"http","request":{"method":"` + x.method + `","url":` + quote("https://"+x.host+target) + `,"headers":` + headerObject(x.asked, false) + `,"body":` +
			quote(x.requestBody.text) + `},"response":{"status":` + status + `,"headers":` + headerObject(x.answered, false) + `,"body":` + quote(x.response.text) + `}}`
	}
	return `{"timestamp":"2026-11-23T15:08:36Z","request_method":"` + x.method + `","host":` + quote(x.host) + `,"request_uri":` + quote(target) + `,"status":` + status + `,"request_headers":` + headerObject(x.asked, false) +
		`,"request_body":` + quote(x.requestBody.text) + `,"response_headers":` + headerObject(x.answered, false) + `,"response_body":` + quote(x.response.text) + `,"remote_addr":"` + x.clientAddr + `"}`
}

// logged writes the request as logs do that keep no answer: then it was
// written down, and no credential belongs in it.
func (x *exchange) logged(shape string) string {
	status := strconv.Itoa(x.status)
	switch shape {
	case "kong": // docs.konghq.com/hub/kong-inc/http-log, responses cut off
		return `{"started_at":1795446515940,"client_ip":"` + x.clientAddr + `","request":{"method":"` + x.method + `","uri":` + quote(x.target.text) + `,"url":` + quote("https://"+x.host+x.target.text) + `,"headers":` + headerObject(x.asked, true) +
			`,"size":"210","id":"c3d4"},"latencies":{"kong":4,"proxy":12,"request":16},"upstream_status":"` + status + `","service":{"name":"` + x.host + `"}}`
	case "nginx":
		referer, agent := "-", "curl/8.11.0"
		for _, h := range x.asked {
			switch h.name {
			case "Referer":
				referer = h.value.text
			case "User-Agent":
				agent = h.value.text
			}
		}
		return x.clientAddr + ` - - [23/Nov/2026:15:08:36 +0000] "` + x.method + " " + x.target.text + ` HTTP/1.1" ` + status + ` 512 "` + referer + `" "` + agent + `"`
	case "pino": // pino-http
		return `{"level":30,"time":1795446515940,"pid":17,"req":{"id":4,"method":"` + x.method + `","url":` + quote(x.target.text) + `,"headers":` + headerObject(x.asked, true) + `,"remoteAddress":"` + x.clientAddr + `"},"responseTime":12,"msg":"request completed"}`
	}
	return `{"time":"2026-11-23T15:08:36Z","method":"` + x.method + `","path":` + quote(x.target.text) + `,"status":` + status + `,"request_headers":` + headerObject(x.asked, false) + `,"request_body":` + quote(x.requestBody.text) + `}`
}
