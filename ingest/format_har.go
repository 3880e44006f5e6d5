package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

// harDecoder decodes one element of log.entries of an HTTP Archive 1.2
// (http://www.softwareishard.com/blog/har-12-spec/). The [Reader] streams the
// document and gives it entry by entry; the field names are among those of
// roleOf.
type harDecoder struct{ json jsonDecoder }

func (*harDecoder) format() string { return "har" }

func (d *harDecoder) decode(x *classify.Exchange, record []byte, give func()) bool {
	if !bytes.Contains(record, []byte(`"startedDateTime"`)) {
		return false
	}
	return d.json.decode(x, record, give)
}
