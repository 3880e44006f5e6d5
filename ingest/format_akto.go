package ingest

// aktoFormat is a record of Akto's traffic topic
// (https://docs.akto.io/traffic-connections/traffic-data-sources/custom-connectors):
// all values are strings, headers are JSON in a string.
func aktoFormat() jsonFormat {
	return jsonFormat{
		name: "akto",
		needs: [][]string{
			{"requestPayload", "responsePayload", "requestHeaders"}, {"akto_account_id"},
		},
		isHTTP: true,
	}
}
