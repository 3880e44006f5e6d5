package ingest

// pinoFormat is what pino-http (https://github.com/pinojs/pino-http) and bunyan's serializers write:
// a line of a logger, whatever it holds of both sides.
func pinoFormat() jsonFormat {
	return jsonFormat{
		name:   "pino",
		needs:  [][]string{{"level", "pid", "hostname", "req"}, {"level", "pid", "hostname", "res"}},
		finish: func(dec *decoding, _ *jsonDecoder) { dec.x.Persisted = true },
	}
}
