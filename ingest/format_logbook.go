package ingest

import "bytes"

// logbookFormat is what Zalando's logbook writes
// (https://github.com/zalando/logbook#json): a record for the request and one for
// the response, which share correlation. The request is handed over at once and
// remembered, so that the response has its method and target.
func logbookFormat() jsonFormat {
	return jsonFormat{
		name:  "logbook",
		needs: [][]string{{"origin", "type", "correlation"}},
		fields: joined(
			roles(roleSide, "type"),
			roles(rolePair, "correlation"),
			roles(roleClient, "remote")),
		isHTTP: true,
		finish: func(dec *decoding, d *jsonDecoder) {
			x := &dec.x
			key := d.walk.raw(rolePair)
			if bytes.Equal(d.walk.raw(roleSide), []byte("request")) {
				dec.remember(key)
			} else if q := dec.pairs.find(key, x.Time); q != nil {
				q.complete(x)
				dec.pairs.close(q)
			}
			x.Persisted = true // two records make no recording: they are a log
		},
	}
}

// remember keeps what the request said for the record of its response.
func (d *decoding) remember(key []byte) {
	if len(key) == 0 || len(key) > maxPairKey {
		return
	}
	q, dropped := d.pairs.open(key, d.x.Time)
	if dropped {
		d.limit(LimitPairs)
	}
	q.remember(&d.x)
}
