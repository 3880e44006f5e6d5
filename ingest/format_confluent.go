package ingest

import (
	"bytes"
	"encoding/binary"

	"github.com/leaktap/leaktap/classify"
)

// confluentDecoder decodes records in the wire format of Confluent's serializers
// (https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format):
// a zero, the schema's id in four bytes, then JSON, Avro or protobuf. JSON is a
// record; of the others, whose schema is not known here, the bytes are scanned as
// text, in which Avro's and protobuf's strings stand as they are.
type confluentDecoder struct{}

func newConfluentDecoder() confluentDecoder { return confluentDecoder{} }

func (confluentDecoder) formats() []string { return []string{"confluent"} }

// confluentFrame is the size of what stands before the payload.
const confluentFrame = 5

// maxSchemaID bounds the ids, which a registry counts up from 1.
const maxSchemaID = 1 << 28

func (confluentDecoder) decode(d *decoding, record []byte) (format string) {
	if len(record) <= confluentFrame || record[0] != 0 || d.want == wantHTTP {
		return ""
	}
	if id := binary.BigEndian.Uint32(record[1:]); id == 0 || id > maxSchemaID {
		return ""
	}
	d.because("confluent: a zero and a schema's id")
	payload := record[confluentFrame:]
	if text := bytes.TrimLeft(payload, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		e := envelope{kind: envelopeConfluent, inner: payload, want: wantShape}
		if inner := d.inside(record, &e); inner != "" {
			if inner == formatJSON {
				inner = "confluent"
			}
			return inner
		}
	}
	d.x.Record = record
	d.x.Mapped = append(d.x.Mapped, classify.Span{End: confluentFrame})
	d.handOver(false, false)
	return "confluent"
}
