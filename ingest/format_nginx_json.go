package ingest

// nginxJSONFormat is an access log that nginx or ingress-nginx writes as JSON, with
// the names of nginx's variables
// (https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format,
// https://nginx.org/en/docs/varindex.html). Without escape=json its values hold
// \xHH, which JSON does not know.
func nginxJSONFormat() jsonFormat {
	return jsonFormat{
		name: "nginx-json",
		needs: [][]string{
			{"remote_addr", "body_bytes_sent"},
			{"remote_addr", "request_uri"},
			{"remote_addr", "time_local"},
			{"remote_addr", "request_time"},
			{"body_bytes_sent", "request"},
		},
		fields: joined(
			roles(roleHost, "http_host", "vhost"),
			roles(roleServiceID, "proxy_upstream_name"),
			roles(roleResponseBody, "resp_body")),
		isHTTP: true,
		hex:    true,
	}
}
