package ingest

// caddyFormat is the access log of Caddy
// (https://caddyserver.com/docs/caddyfile/directives/log, encoder json): logger
// http.log.access, values of headers as arrays.
func caddyFormat() jsonFormat {
	return jsonFormat{
		name:   "caddy",
		needs:  [][]string{{"logger", "request.remote_ip"}, {"request.remote_ip", "resp_headers"}},
		fields: roles(roleClient, "request.client_ip", "request.remote_ip"),
		isHTTP: true,
	}
}
