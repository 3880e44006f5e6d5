package ingest

// harFormat is one element of log.entries of an HTTP Archive 1.2
// (http://www.softwareishard.com/blog/har-12-spec/), and an archive that is one
// record. The [Reader] streams archives and gives them entry by entry.
func harFormat() jsonFormat {
	return jsonFormat{
		name:   "har",
		needs:  [][]string{{"startedDateTime", "request", "response"}, {"startedDateTime", "request"}, {"log.entries"}},
		fields: roles(roleRecords, "log.entries"),
		opens:  []string{"log"},
		isHTTP: true,
		finish: func(dec *decoding, _ *jsonDecoder) { dec.x.Persisted = false }, // it is a recording
	}
}
