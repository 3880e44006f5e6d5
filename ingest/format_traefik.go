package ingest

// traefikFormat is the JSON access log of Traefik
// (https://doc.traefik.io/traefik/observability/access-logs/). Headers that are
// kept stand one by one as request_NAME and downstream_NAME. The common format is
// read by combinedDecoder.
func traefikFormat() jsonFormat {
	return jsonFormat{
		name:  "traefik",
		needs: [][]string{{"DownstreamStatus", "RequestMethod"}, {"RequestAddr", "RouterName"}},
		fields: joined(
			roles(roleStatus, "OriginStatus"),
			roles(roleHost, "RequestAddr"),
			roles(roleClient, "ClientHost")),
		isHTTP: true,
	}
}
