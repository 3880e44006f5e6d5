package ingest

// decoders returns one of each decoder, in the order in which they are tried.
// To add a format: format_NAME.go, testdata/NAME.log with its golden, a line
// here.
func decoders() []decoder {
	return []decoder{
		&jsonDecoder{},
		newCombinedDecoder(),
		&harDecoder{},
		textDecoder{},
	}
}

// Formats returns the names of the formats, as Config.Format takes them and as
// the label "format" shows them.
func Formats() []string {
	var names []string
	for _, d := range decoders() {
		names = append(names, d.format())
	}
	return names
}
