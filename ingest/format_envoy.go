package ingest

// envoyFormat is the JSON access log of Envoy and Istio
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage,
// https://istio.io/latest/docs/tasks/observability/logs/access-log/). The keys are
// the user's; these are those of Istio and of Envoy's examples. A value that is
// not there is "-" or null.
func envoyFormat() jsonFormat {
	return jsonFormat{
		name: "envoy",
		needs: [][]string{
			{"response_code", "response_flags"},
			{"response_code", "upstream_cluster"},
			{"response_code", "protocol", "duration"},
			{"response_code", "authority"},
		},
		fields: joined(
			roles(roleServiceID, "upstream_cluster"),
			roles(roleClient, "downstream_remote_address", "downstream_direct_remote_address"),
			roles(roleURI, "x-envoy-original-path"),
			roles(roleHost, ":authority", "requested_server_name"),
			roles(roleMethod, ":method"),
			roles(rolePath, ":path")),
		isHTTP: true,
	}
}
