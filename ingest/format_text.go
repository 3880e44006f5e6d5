package ingest

// formatText is the name of records of no other format.
const formatText = "text"

// textDecoder takes any record as plain text: it is the last one tried.
type textDecoder struct{}

func (textDecoder) formats() []string { return []string{formatText} }

func (textDecoder) decode(d *decoding, record []byte) (format string) {
	if d.want > wantAny {
		return ""
	}
	d.x.Record = record
	d.give()
	return formatText
}
