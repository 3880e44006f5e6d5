package ingest

// ecsFormat is the Elastic Common Schema, as Filebeat and Elastic's loggers write
// it (https://www.elastic.co/docs/reference/ecs/ecs-http). Dotted and nested names
// come in one record. A record without HTTP is a log, whose message is looked at.
func ecsFormat() jsonFormat {
	return jsonFormat{
		name: "ecs",
		needs: [][]string{
			{"@timestamp", "ecs.version"},
			{"@timestamp", "http.request.method"},
			{"@timestamp", "http.response.status_code"},
			{"@timestamp", "agent.type"},
		},
		fields: joined(
			roles(roleClient, "client.ip", "client.address", "source.address"),
			roles(roleService, "service.name")),
		opens: []string{"ecs", "agent", "http.request", "http.response", "http.request.body", "http.response.body", "url", "source", "client"},
	}
}
