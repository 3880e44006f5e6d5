package ingest

// formatCloudEvents is the name of CloudEvents.
const formatCloudEvents = "cloudevents"

// cloudEventsFormat is an event in structured mode
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md):
// what data, or data_base64, holds is a record; the attributes are scanned besides.
func cloudEventsFormat() jsonFormat {
	return jsonFormat{
		name:  formatCloudEvents,
		needs: [][]string{{"specversion", "type", "source"}},
		fields: joined(
			roles(roleData, "data"),
			roles(roleDataBase64, "data_base64")),
	}
}
