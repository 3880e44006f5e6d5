package ingest

import "github.com/leaktap/leaktap/classify"

// envoyTapFormat is the output of Envoy's HTTP tap filter
// (https://www.envoyproxy.io/docs/envoy/latest/api-v3/data/tap/v3/wrapper.proto):
// whole traces, and segments of a trace, which share trace_id. A segment is handed
// over at once, with the body as far as it is known by then and kept: so nothing has
// to be held back, and a body that is not too large is seen whole with its last
// segment.
func envoyTapFormat() jsonFormat {
	const (
		whole   = "http_buffered_trace"
		segment = "http_streamed_trace_segment"
	)
	return jsonFormat{
		name:  "envoy-tap",
		needs: [][]string{{whole}, {segment}},
		fields: joined(
			roles(roleRequestHeaders, whole+".request.headers", segment+".request_headers.headers"),
			roles(roleResponseHeaders, whole+".response.headers", segment+".response_headers.headers"),
			roles(roleRequestBody, whole+".request.body.as_string", segment+".request_body_chunk.as_string"),
			roles(roleRequestBytes, whole+".request.body.as_bytes", segment+".request_body_chunk.as_bytes"),
			roles(roleRequestCut, whole+".request.body.truncated", segment+".request_body_chunk.truncated"),
			roles(roleResponseBody, whole+".response.body.as_string", segment+".response_body_chunk.as_string"),
			roles(roleResponseBytes, whole+".response.body.as_bytes", segment+".response_body_chunk.as_bytes"),
			roles(roleResponseCut, whole+".response.body.truncated", segment+".response_body_chunk.truncated"),
			roles(rolePair, segment+".trace_id")),
		opens: []string{
			whole, whole + ".request", whole + ".response", whole + ".request.body", whole + ".response.body",
			segment, segment + ".request_headers", segment + ".response_headers", segment + ".request_body_chunk", segment + ".response_body_chunk",
		},
		isHTTP: true,
		finish: finishTap,
	}
}

// finishTap takes bodies that are base64, the pseudo-headers, and what was
// remembered of the trace.
func finishTap(dec *decoding, d *jsonDecoder) {
	x := &dec.x
	d.tapBody(x, &x.Request, roleRequestBytes, roleRequestCut)
	d.tapBody(x, &x.Response, roleResponseBytes, roleResponseCut)
	pseudoHeaders(x)
	if key := d.walk.raw(rolePair); len(key) > 0 && len(key) <= maxPairKey {
		dec.segment(key)
	}
	x.Persisted = false // it is a recording
}

func (d *jsonDecoder) tapBody(x *classify.Exchange, m *classify.Message, encoded, cut role) {
	if text := d.decoded(encoded); text != nil {
		m.Body, m.Escaped = text, false
		d.walk.mark(x, encoded)
	}
	m.Truncated = m.Truncated || string(d.walk.raw(cut)) == "true"
}

// pseudoHeaders takes method, target, host and status from the headers that HTTP/2
// has for them (RFC 9113, section 8.3).
func pseudoHeaders(x *classify.Exchange) {
	if m := x.Request.Header(":method"); isMethod(m) {
		x.Method = m
	}
	if path := x.Request.Header(":path"); path != nil {
		x.Target = path
	}
	if host := x.Request.Header(":authority"); host != nil {
		x.Host = host
	}
	if n, ok := parseInt(x.Response.Header(":status")); ok && n >= 100 && n <= 599 {
		x.Status = int(n)
	}
	switch string(x.Request.Header(":scheme")) {
	case "http":
		x.Scheme = "http"
	case "https":
		x.Scheme = "https"
	}
}

// segment joins the segments of a trace.
func (d *decoding) segment(key []byte) {
	x := &d.x
	q, dropped := d.pairs.open(key, x.Time)
	if dropped {
		d.limit(LimitPairs)
	}
	q.remember(x)
	d.joinBody(&q.requestBody, &x.Request)
	d.joinBody(&q.replyBody, &x.Response)
	q.complete(x)
}

// joinBody puts the present part of a body behind those before.
func (d *decoding) joinBody(body *[]byte, m *classify.Message) {
	if m.Body == nil {
		return
	}
	whole, cut := extend(body, m.Text())
	if cut {
		d.limit(LimitPairBody)
		m.Truncated = true
	}
	m.Body, m.Escaped = whole, false
}
