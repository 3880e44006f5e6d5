package ingest

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

// otlpDecoder decodes OTLP logs as protobuf: an ExportLogsServiceRequest or
// LogsData, whose field 1 is a group of records
// (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto).
type otlpDecoder struct {
	flat flat
	// group holds the members of the resource and the scope that no record has got
	// yet: the first that follows gets them, and the others the service.
	group   []byte
	service string
	d       *decoding
	// format is what the records were.
	format string
}

func newOTLPDecoder() *otlpDecoder { return &otlpDecoder{} }

// formatOTLPProtobuf is the name of OTLP as protobuf.
const formatOTLPProtobuf = "otlp-protobuf"

func (*otlpDecoder) formats() []string { return []string{formatOTLPProtobuf} }

func (o *otlpDecoder) decode(d *decoding, record []byte) (format string) {
	if len(record) < 4 || record[0] != 1<<3|wireBytes || d.depth >= d.cfg.MaxEnvelopes || !isLogs(record) {
		return ""
	}
	o.d, o.format = d, ""
	fields(record, func(f protoField) {
		if f.number == 1 && f.wire == wireBytes {
			o.resourceLogs(f.bytes)
		}
	})
	if o.format == "" {
		return ""
	}
	d.because(formatOTLPProtobuf + ": field 1 holds groups of log records")
	if o.format == formatJSON || o.format == formatOTLP || o.format == formatText {
		return formatOTLPProtobuf
	}
	return o.format
}

// isLogs says whether the bytes are nothing but groups with scopes with records,
// of which there is one.
func isLogs(record []byte) bool {
	records := 0
	whole := fields(record, func(group protoField) {
		if group.number != 1 || group.wire != wireBytes {
			records = math.MinInt32
			return
		}
		if !fields(group.bytes, func(scope protoField) {
			if scope.number != 2 || scope.wire != wireBytes {
				return
			}
			if !fields(scope.bytes, func(f protoField) {
				if f.number == 2 && f.wire == wireBytes && isLogRecord(f.bytes) {
					records++
				}
			}) {
				records = math.MinInt32
			}
		}) {
			records = math.MinInt32
		}
	})
	return whole && records > 0
}

// isLogRecord says whether the fields have the numbers and types of a LogRecord's.
func isLogRecord(b []byte) bool {
	ok := true
	whole := fields(b, func(f protoField) {
		switch f.number {
		case 1, 11:
			ok = ok && f.wire == wireFixed64
		case 3, 5, 6, 9, 10:
			ok = ok && f.wire == wireBytes
		}
	})
	return ok && whole
}

// resourceLogs decodes a group.
func (o *otlpDecoder) resourceLogs(b []byte) {
	o.flat.out, o.service = o.flat.out[:0], ""
	fields(b, func(f protoField) {
		switch {
		case f.number == 1 && f.wire == wireBytes:
			o.attributes("resource", f.bytes, 1)
		case f.number != 2 || f.wire != wireBytes:
			o.unknown("resource", f)
		}
	})
	o.group = append(o.group[:0], o.flat.out...)
	fields(b, func(f protoField) {
		if f.number == 2 && f.wire == wireBytes {
			o.scopeLogs(f.bytes)
		}
	})
	if len(o.group) > 0 {
		o.flat.begin()
		o.finish()
	}
}

// attributes writes the attributes of a resource or scope, which have that number.
func (o *otlpDecoder) attributes(of string, b []byte, number uint64) {
	fields(b, func(f protoField) {
		if f.number == number && f.wire == wireBytes {
			o.attribute(f.bytes)
		} else {
			o.unknown(of, f)
		}
	})
}

func (o *otlpDecoder) scopeLogs(b []byte) {
	o.flat.out = o.flat.out[:0]
	fields(b, func(f protoField) {
		switch {
		case f.number == 1 && f.wire == wireBytes:
			o.attributes("scope", f.bytes, 3)
		case f.number != 2 || f.wire != wireBytes:
			o.unknown("scope", f)
		}
	})
	o.group = append(o.group, o.flat.out...)
	fields(b, func(f protoField) {
		if f.number == 2 && f.wire == wireBytes {
			o.logRecord(f.bytes)
		}
	})
	if len(o.group) > 0 {
		o.flat.begin()
		o.finish()
	}
}

// finish adds the group's members to the record and gives it.
func (o *otlpDecoder) finish() {
	o.flat.out = append(o.flat.out, o.group...)
	o.group = o.group[:0]
	e := envelope{kind: envelopeOTLP, inner: o.flat.end(), service: o.service}
	if format := o.d.inside(nil, &e); o.format == "" || o.format == formatOTLP {
		o.format = format
	}
}

// logRecord writes a LogRecord anew and decodes it.
func (o *otlpDecoder) logRecord(b []byte) {
	service := o.service
	o.flat.begin()
	fields(b, func(f protoField) {
		switch {
		case f.number == 1 && f.wire == wireFixed64:
			o.flat.key([]byte("timeUnixNano"))
			o.flat.out = strconv.AppendUint(o.flat.out, f.value, 10)
		case f.number == 5 && f.wire == wireBytes:
			o.flat.key([]byte("logBody"))
			o.anyValue(f.bytes, 0)
		case f.number == 6 && f.wire == wireBytes:
			o.attribute(f.bytes)
		case f.number == 3 && f.wire == wireBytes:
			o.flat.key([]byte("severityText"))
			o.flat.text(f.bytes)
		default:
			o.unknown("record", f)
		}
	})
	o.service = service // an attribute of the record is the record's alone
	o.finish()
}

// attribute writes a KeyValue.
func (o *otlpDecoder) attribute(b []byte) {
	var key, value []byte
	fields(b, func(f protoField) {
		switch {
		case f.number == 1 && f.wire == wireBytes:
			key = f.bytes
		case f.number == 2 && f.wire == wireBytes:
			value = f.bytes
		default:
			o.unknown("attribute", f)
		}
	})
	o.flat.key(key)
	start := len(o.flat.out)
	o.anyValue(value, 0)
	if string(key) == serviceName {
		o.service = o.d.level().names.intern(bytes.Trim(o.flat.out[start:], `"`))
	}
}

// maxAnyDepth bounds how deep values are taken apart; below, their bytes are
// written as text.
const maxAnyDepth = 16

// anyValue writes an AnyValue. A list becomes an array, a map an object; what is
// neither one value nor all of it is written as text.
func (o *otlpDecoder) anyValue(b []byte, depth int) {
	start := len(o.flat.out)
	values := 0
	whole := fields(b, func(f protoField) {
		if values++; values == 1 && !o.value(f, depth) {
			values++
		}
	})
	if !whole || values > 1 {
		o.flat.out = o.flat.out[:start]
		o.flat.text(b)
	}
	if len(o.flat.out) == start {
		o.flat.out = append(o.flat.out, "null"...)
	}
}

// value writes the field that an AnyValue has, and says whether that is all of it.
func (o *otlpDecoder) value(f protoField, depth int) (whole bool) {
	switch {
	case f.number == 2 && f.wire == wireVarint:
		o.flat.out = strconv.AppendBool(o.flat.out, f.value != 0)
	case f.number == 3 && f.wire == wireVarint:
		o.flat.out = strconv.AppendInt(o.flat.out, int64(f.value), 10)
	case f.number == 4 && f.wire == wireFixed64:
		o.flat.out = strconv.AppendFloat(o.flat.out, math.Float64frombits(f.value), 'g', -1, 64)
	case f.wire != wireBytes:
		return false
	case f.number == 5 && depth < maxAnyDepth:
		return o.list(f.bytes, depth)
	case f.number == 6 && depth < maxAnyDepth:
		return o.object(f.bytes, depth)
	default:
		o.flat.text(f.bytes)
	}
	return true
}

func (o *otlpDecoder) list(b []byte, depth int) (whole bool) {
	o.flat.out = append(o.flat.out, '[')
	first, known := true, true
	whole = fields(b, func(f protoField) {
		if !first {
			o.flat.out = append(o.flat.out, ',')
		}
		first, known = false, known && f.number == 1 && f.wire == wireBytes
		o.anyValue(f.bytes, depth+1)
	})
	o.flat.out = append(o.flat.out, ']')
	return whole && known
}

func (o *otlpDecoder) object(b []byte, depth int) (whole bool) {
	o.flat.out = append(o.flat.out, '{')
	first, known := true, true
	whole = fields(b, func(pair protoField) {
		var key, value []byte
		known = fields(pair.bytes, func(f protoField) {
			switch {
			case f.number == 1 && key == nil:
				key = f.bytes
			case f.number == 2 && value == nil:
				value = f.bytes
			default:
				known = false
			}
		}) && known
		if !first {
			o.flat.out = append(o.flat.out, ',')
		}
		first = false
		o.flat.text(key)
		o.flat.out = append(o.flat.out, ':')
		o.anyValue(value, depth+1)
	})
	o.flat.out = append(o.flat.out, '}')
	return whole && known
}

// unknown writes a field that has no place of its own.
func (o *otlpDecoder) unknown(of string, f protoField) {
	o.flat.key(strconv.AppendUint(append([]byte(of), '.'), f.number, 10))
	if f.wire == wireBytes {
		o.flat.text(f.bytes)
	} else {
		o.flat.out = strconv.AppendUint(o.flat.out, f.value, 10)
	}
}

// protoField is a field of a protobuf message
// (https://protobuf.dev/programming-guides/encoding/).
type protoField struct {
	number uint64
	wire   uint8
	value  uint64
	bytes  []byte
}

// The wire types.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// fields calls f for each field of a message and says whether it was read to its
// end.
func fields(b []byte, f func(protoField)) (whole bool) {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return false
		}
		b = b[n:]
		field := protoField{number: tag >> 3, wire: uint8(tag & 7)}
		switch field.wire {
		case wireVarint:
			field.value, n = binary.Uvarint(b)
		case wireFixed64:
			if n = -1; len(b) >= 8 {
				field.value, n = binary.LittleEndian.Uint64(b), 8
			}
		case wireFixed32:
			if n = -1; len(b) >= 4 {
				field.value, n = uint64(binary.LittleEndian.Uint32(b)), 4
			}
		case wireBytes:
			size, m := binary.Uvarint(b)
			if n = -1; m > 0 && size <= uint64(len(b)-m) {
				field.bytes, n = b[m:m+int(size)], m+int(size)
			}
		default:
			return false
		}
		if n <= 0 {
			return false
		}
		b = b[n:]
		f(field)
	}
	return true
}
