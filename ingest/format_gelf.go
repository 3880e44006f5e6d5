package ingest

// gelfFormat is the Graylog Extended Log Format
// (https://go2docs.graylog.org/current/getting_in_log_data/gelf.html): further
// fields begin with an underscore. A short_message that is a record is taken out.
func gelfFormat() jsonFormat {
	return jsonFormat{
		name:  "gelf",
		needs: [][]string{{"version", "host", "short_message"}},
		fields: joined(
			roles(roleMessage, "short_message", "full_message"),
			roles(roleService, "_container_name", "_service")),
	}
}
