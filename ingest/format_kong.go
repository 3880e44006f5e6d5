package ingest

// kongFormat is what the http-log, kafka-log, file-log and tcp-log plugins of Kong
// write (https://docs.konghq.com/hub/kong-inc/http-log/#log-format). It has bodies
// only if a custom field adds them.
func kongFormat() jsonFormat {
	return jsonFormat{
		name:   "kong",
		needs:  [][]string{{"started_at", "request", "latencies"}, {"started_at", "request", "response"}},
		isHTTP: true,
	}
}
