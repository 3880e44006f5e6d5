package ingest

import "github.com/leaktap/leaktap/classify"

// apisixFormat is what the kafka-logger of Apache APISIX writes
// (https://apisix.apache.org/docs/apisix/plugins/kafka-logger/). With
// meta_format origin the record is the text of the request: see httpDecoder.
func apisixFormat() jsonFormat {
	return jsonFormat{
		name: "apisix",
		needs: [][]string{
			{"route_id", "request", "response"},
			{"service_id", "request", "response", "start_time"},
			{"apisix_latency", "request"},
			{"apisix_latency", "route_id"},
		},
		isHTTP: true,
		finish: func(dec *decoding, d *jsonDecoder) {
			d.cutAt(&dec.x.Request, apisixBody)
			d.cutAt(&dec.x.Response, apisixBody)
			persist(&dec.x)
		},
	}
}

// apisixBody is the length in bytes at which bodies are cut without a word:
// max_req_body_bytes and max_resp_body_bytes are 524288 unless set.
const apisixBody = 512 << 10

// cutAt marks a body truncated that has exactly the length at which bodies are cut.
func (d *jsonDecoder) cutAt(m *classify.Message, limit int) {
	if len(m.Body) < limit {
		return
	}
	size := len(m.Body)
	if m.Escaped {
		size = len(d.arena.unescaped(m.Body))
	}
	m.Truncated = m.Truncated || size == limit
}
