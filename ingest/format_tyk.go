package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

// tykFormat is an analytics record of Tyk, as tyk-pump writes it to Kafka
// (https://tyk.io/docs/tyk-pump/, https://github.com/TykTechnologies/tyk-pump).
// raw_request and raw_response are base64 of whole HTTP messages; api_key stands in
// clear and stays in the record.
func tykFormat() jsonFormat {
	return jsonFormat{
		name:  "tyk",
		needs: [][]string{{"raw_request", "raw_response"}, {"api_key", "api_id", "org_id"}},
		fields: joined(
			roles(roleRawRequest, "raw_request"),
			roles(roleRawResponse, "raw_response"),
			roles(roleURI, "raw_path"),
			roles(roleService, "api_name"),
			roles(roleClient, "ip_address")),
		isHTTP: true,
		finish: func(dec *decoding, d *jsonDecoder) {
			x := &dec.x
			if text := d.decoded(roleRawRequest); text != nil {
				if m, ok := parseMessage(text, &x.Request); ok && d.sameLine(x, &m) {
					d.walk.mark(x, roleRawRequest)
				}
			}
			if text := d.decoded(roleRawResponse); text != nil {
				if m, ok := parseMessage(text, &x.Response); ok && len(m.reason) < maxReason {
					d.walk.mark(x, roleRawResponse)
				}
			}
			if x.Host == nil {
				x.Host = x.Request.Header("host")
			}
			persist(x)
		},
	}
}

// sameLine takes the request line of a message unless the record tells it, and
// says whether there is nothing else in it.
func (*jsonDecoder) sameLine(x *classify.Exchange, m *message) bool {
	if x.Method == nil {
		x.Method = m.method
	}
	if x.Target == nil {
		x.Target = m.target
	}
	return bytes.Equal(x.Target, m.target)
}

// decoded returns the role's value out of base64, nil if it is none.
func (d *jsonDecoder) decoded(role role) []byte {
	text, ok := d.arena.base64(d.walk.text(role, &d.arena))
	if !ok || len(text) == 0 {
		return nil
	}
	return text
}
