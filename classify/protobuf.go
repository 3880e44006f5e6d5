package classify

import (
	"encoding/binary"
	"strconv"
)

// wireField is a field of a message in the wire format of protocol buffers
// (https://protobuf.dev/programming-guides/encoding/).
type wireField struct {
	number uint64
	// value holds the bytes of a field with a length, nil for others.
	value []byte
	// cut says that the message ends inside the field.
	cut bool
}

const (
	varintType, fixed64Type, lengthType, fixed32Type = 0, 1, 2, 5

	maxFieldNumber = 1<<29 - 1
	// minWireFields is the least number of fields by which bytes are taken for a message
	// although nothing says that they are one.
	minWireFields = 2
	// frameHead is the length of what gRPC writes before a message: a flag and the
	// message's length (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
	frameHead = 5
	// trailerFlag marks the frame in which gRPC-Web sends its trailers.
	trailerFlag = 0x80
)

// nextField reads a field; ok is false where there is none.
func nextField(b []byte) (f wireField, rest []byte, ok bool) {
	tag, n := binary.Uvarint(b)
	f.number = tag >> 3
	if n <= 0 || f.number == 0 || f.number > maxFieldNumber {
		return f, nil, false
	}
	b = b[n:]
	var size uint64
	switch tag & 7 {
	case varintType:
		_, n = binary.Uvarint(b)
		if n < 0 {
			return f, nil, false
		}
		f.cut = n == 0
		return f, b[n:], true
	case fixed64Type:
		size = 8
	case fixed32Type:
		size = 4
	case lengthType:
		if size, n = binary.Uvarint(b); n <= 0 {
			f.cut = true
			return f, nil, n == 0
		}
		b = b[n:]
	default: // groups, which are no longer written
		return f, nil, false
	}
	if size > uint64(len(b)) {
		size, f.cut = uint64(len(b)), true
	}
	if tag&7 == lengthType {
		f.value = b[:size:size]
	}
	return f, b[size:], true
}

// wireFields counts the whole fields of a message; it is 0 for bytes that are none to
// their end, where the last field may be cut only if the message is.
func wireFields(b []byte, cut bool) (n int) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok || f.cut && !cut {
			return 0
		}
		if f.cut {
			return n
		}
		b = rest
		n++
	}
	return n
}

// isProtobuf says whether bytes are a message and no text.
func isProtobuf(b []byte) bool {
	return len(b) > 0 && b[0] < 0x80 && wireFields(b, false) >= minWireFields && !isPrintable(b)
}

// isFramed says whether bytes are a message behind the head of a frame, and no more.
func isFramed(b []byte) bool {
	return len(b) > frameHead && b[0] <= 1 && frameSize(b) == uint64(len(b)-frameHead) && (b[0] == 1 || wireFields(b[frameHead:], false) > 0)
}

func frameSize(b []byte) uint64 { return uint64(binary.BigEndian.Uint32(b[1:frameHead])) }

// walkFrames looks at the messages in gRPC's frames; what is no frame is looked at as it is.
func (c *Classifier) walkFrames(b []byte) {
	for len(b) > frameHead && b[0]&^trailerFlag <= 1 {
		flag := b[0]
		size := min(frameSize(b), uint64(len(b)-frameHead))
		message := b[frameHead : frameHead+size]
		b = b[frameHead+size:]
		switch {
		case flag == trailerFlag:
			c.part(unnamed, otherMedia, message)
		case flag == 0:
			c.walkMessage(message, 0)
		case isGzip(message):
			c.unpacked(message, protobufMedia)
		default: // another coding
			c.out.LayerLimit += int64(len(message))
		}
	}
	c.part(unnamed, otherMedia, b)
}

// walkMessage looks at the strings of a message and, to a bounded depth, at the messages
// in it. Bytes that are none are looked at as text.
func (c *Classifier) walkMessage(b []byte, depth int) {
	for len(b) > 0 {
		f, rest, ok := nextField(b)
		if !ok {
			c.part(unnamed, scriptMedia, b)
			return
		}
		if len(f.value) > 2 {
			c.frames = append(c.frames, frame{layer: fieldPointer(f.number)})
			c.lengthField(f.value, f.cut, depth)
			c.frames = c.frames[:len(c.frames)-1]
		}
		b = rest
	}
}

// lengthField looks at a field that has a length. Which of a message, a text and bytes it
// is only a schema knows: it is a message if it can be one, and a text, too, if it can be
// both.
func (c *Classifier) lengthField(value []byte, cut bool, depth int) {
	again := c.walk.rescanning
	if !isGzip(value) && wireFields(value, cut) > 0 {
		if depth+1 >= c.e.limits.Layers {
			c.out.LayerLimit += int64(len(value))
		} else {
			c.walkMessage(value, depth+1)
			c.walk.rescanning = true // what was found is not reported again
		}
	}
	switch {
	case isPrintable(value):
		c.inner(value, String)
	case isGzip(value):
		c.unpacked(value, noMedia)
	case !c.walk.rescanning:
		c.running(value, Text)
	}
	c.walk.rescanning = again
}

// fieldPointers are the pointers of the fields that most messages have: they need no
// memory of their own.
var fieldPointers = [...]string{
	"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11", "/12", "/13", "/14", "/15",
	"/16", "/17", "/18", "/19", "/20", "/21", "/22", "/23", "/24", "/25", "/26", "/27", "/28", "/29", "/30", "/31",
}

// fieldPointer returns the pointer of a field by its number.
func fieldPointer(number uint64) string {
	if number < uint64(len(fieldPointers)) {
		return fieldPointers[number]
	}
	return "/" + strconv.FormatUint(number, 10)
}
