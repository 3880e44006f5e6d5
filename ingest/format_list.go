package ingest

// decoders returns one of each decoder, in the order in which they are tried.
// To add a format: format_NAME.go, testdata/NAME.log with its golden, a row in
// docs/formats.md, and a line here or, if its records are JSON objects with names
// of their own, in jsonFormats.
func decoders(names *nameTable) []decoder {
	return []decoder{
		newJSONDecoder(names),
		newCombinedDecoder(),
		newEnvoyTextDecoder(names),
		newALBDecoder(names),
		newHAProxyDecoder(names),
		newKlogDecoder(names),
		newIISDecoder(names),
		newHTTPDecoder(names),
		newOTLPDecoder(),
		newConfluentDecoder(),
		newLogfmtDecoder(names),
		textDecoder{},
	}
}

// jsonFormats returns the formats whose records are JSON objects, in the order in
// which they are recognised: the more names are asked for, the earlier.
func jsonFormats() []jsonFormat {
	return []jsonFormat{
		otlpFormat(),
		cloudEventsFormat(),
		cloudWatchFormat(),
		azureFormat(),
		kubernetesAuditFormat(),
		envoyTapFormat(),
		harFormat(),
		tykFormat(),
		aktoFormat(),
		apisixFormat(),
		kongFormat(),
		pinoFormat(),
		traefikFormat(),
		caddyFormat(),
		logbookFormat(),
		awsGatewayFormat(),
		ecsFormat(),
		envoyFormat(),
		nginxJSONFormat(),
		clefFormat(),
		gelfFormat(),
		journaldFormat(),
	}
}

// Formats returns the names of the formats, as Config.Format takes them and as
// the label "format" shows them.
func Formats() []string {
	var names []string
	for _, d := range decoders(newNameTable(sharedNames(), jsonFormats())) {
		names = append(names, d.formats()...)
	}
	return names
}
