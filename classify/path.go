package classify

import (
	"slices"
	"strings"
)

// frame is one step of the way from the top of a part to a value.
type frame struct {
	key   []byte // member name, unescaped; nil in an array
	near  []byte // the nearest name, up to the layer
	field uint16 // class of the nearest name
	layer string // "#json" …: the frame starts a decoded layer
	array bool
}

const (
	maxKey     = 32 // longer names are values
	maxPointer = 512
	// maxNameSpaces is the most spaces of a name: more make a sentence.
	maxNameSpaces = 2
	// maxSteps bounds the frames that are looked at for one pointer; those of
	// maxPointer bytes are fewer.
	maxSteps = 2 * maxPointer
	// maxExample bounds the steps from a schema's example to a value in it.
	maxExample = 64
)

// pointer builds the pointer of the frames: arrays and names that look like
// values become "*", so that no secret that serves as a name gets out and one
// place has one pointer.
func pointer(frames []frame) string {
	var b strings.Builder
	for i := range frames {
		f := &frames[i]
		if i == maxSteps {
			return b.String() + "/…"
		}
		switch {
		case f.layer != "":
			b.WriteString(f.layer)
		case f.array, f.key != nil && !isName(f.key):
			b.WriteString("/*")
		case f.key != nil:
			b.WriteByte('/')
			writeEscaped(&b, f.key)
		}
		if b.Len() > maxPointer {
			return b.String() + "/…"
		}
	}
	return b.String()
}

// parent returns the pointer of the innermost object. It is kept until an object, a list or
// a layer is entered or left, so that long lists cost no more than their bytes.
func (c *Classifier) parent() string {
	if c.parentOf == c.steps {
		return c.parentAt
	}
	frames := c.frames
	top := max(0, len(frames)-maxSteps)
	for n := len(frames); n > top && (frames[n-1].key != nil || frames[n-1].array); n-- {
		frames = frames[:n-1]
	}
	c.parentOf, c.parentAt = c.steps, pointer(frames)
	return c.parentAt
}

// inSchemaExample says whether the frames lead to the example of a schema: API
// descriptions and JSON schemas hold made-up values under "example", below a
// "schema", "properties" and the like (OpenAPI 3.1, section 4.8.24).
func inSchemaExample(frames []frame) bool {
	example := false
	for _, f := range slices.Backward(frames[max(0, len(frames)-maxExample):]) {
		switch string(f.key) {
		case "example", "examples", "default":
			example = true
		case "schema", "schemas", "properties", "parameters", "components", "definitions":
			if example {
				return true
			}
		}
	}
	return false
}

// writeEscaped writes a name as a reference token (RFC 6901, section 3).
func writeEscaped(b *strings.Builder, key []byte) {
	for _, c := range key {
		switch c {
		case '~':
			b.WriteString("~0")
		case '/':
			b.WriteString("~1")
		default:
			b.WriteByte(c)
		}
	}
}

// isName says whether a member name is one that a programmer wrote, and not a
// value that serves as a name (an id, an address, a token, an e-mail).
func isName(key []byte) bool {
	if len(key) == 0 || len(key) > maxKey {
		return false
	}
	spaces := 0
	for i, c := range key {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-', c == '.', c == ':', c == '/', c == '~':
		case c == ' ':
			spaces++
		case isDigit(c) && i > 0:
		case (c == '@' || c == '$') && i == 0:
		default:
			return false
		}
	}
	return spaces <= maxNameSpaces && readsAsName(key)
}
