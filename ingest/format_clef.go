package ingest

// clefFormat is Serilog's Compact Log Event Format
// (https://github.com/serilog/serilog-formatting-compact). ASP.NET's request
// logging adds RequestMethod, RequestPath and StatusCode; any other record is a log.
func clefFormat() jsonFormat {
	return jsonFormat{
		name:  "clef",
		needs: [][]string{{"@t", "@mt"}, {"@t", "@m"}, {"@t", "@i"}},
		fields: joined(
			roles(roleTime, "@t"),
			roles(roleMessage, "@m"),
			roles(roleService, "SourceContext"),
			roles(roleClient, "RemoteIpAddress")),
	}
}
