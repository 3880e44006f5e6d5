package ingest

import "github.com/leaktap/leaktap/classify"

// textDecoder takes any record as plain text: it is the last one tried.
type textDecoder struct{}

func (textDecoder) format() string { return "text" }

func (textDecoder) decode(x *classify.Exchange, record []byte, give func()) bool {
	x.Record = record
	give()
	return true
}
