package classify

import (
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// walkBody walks the body of a message.
func (c *Classifier) walkBody(where Where, m *Message) {
	if len(m.Body) == 0 {
		return
	}
	c.begin(where)
	c.out.Bytes += int64(len(m.Body))
	if m.Escaped && c.quietEscaped(m.Body) {
		return
	}
	if body := c.recoded(c.body(m)); !c.walkDocument(body, c.media.of(m.Header("content-type"))) {
		c.walkText(body)
	}
}

// body returns the body of a message without escapes.
func (c *Classifier) body(m *Message) []byte {
	if !m.Escaped {
		return m.Body
	}
	u := &c.request
	if m == &c.x.Response {
		u = &c.response
	}
	if !u.done {
		u.text, u.done = jsonscan.AppendUnescaped(u.text[:0], m.Body), true
	}
	return u.text
}

// quietEscaped says whether a body that is still escaped is a JSON document in which no
// rule matches.
func (c *Classifier) quietEscaped(body []byte) bool {
	var buf [2 * maxStart]byte
	if !isJSON(jsonscan.AppendUnescaped(buf[:0], body[:min(len(body), maxStart)])) || jsonscan.HoldsDoubleBackslash(body) {
		return false // escapes of its own hide what is in its strings
	}
	return c.quiet(c.document(body, true))
}

// maxStart bounds the bytes in which a document shows that it is one.
const maxStart = 64

// walkRecord walks a record, the parts that are mapped elsewhere left out.
func (c *Classifier) walkRecord(record []byte, mapped []Span) {
	if len(record) == 0 {
		return
	}
	c.begin(InRecord)
	c.out.Bytes += int64(len(record))
	for _, s := range mapped {
		c.out.Bytes -= int64(s.End - s.Start)
	}
	if len(mapped) == 0 {
		record = c.recoded(record)
	}
	if isJSON(record) {
		c.walkJSON(record, mapped)
		return
	}
	if len(mapped) == 0 && c.walkDocument(record, otherMedia) {
		return
	}
	start := 0
	for _, s := range mapped {
		c.walkTextPart(record, start, s.Start)
		start = max(start, s.End)
	}
	c.walkTextPart(record, start, len(record))
}

// isJSON says whether a text starts as a JSON object or array does, cut or
// not: "[INFO] text" does not.
func isJSON(b []byte) bool {
	b = trimStart(b)
	if len(b) < 2 || b[0] != '{' && b[0] != '[' {
		return false
	}
	inner := trimStart(b[1:])
	if len(inner) == 0 {
		return false
	}
	if b[0] == '{' {
		return inner[0] == '"' || inner[0] == '}'
	}
	return inner[0] == '{' || inner[0] == '"' || inner[0] == '[' || inner[0] == ']'
}

// trimStart removes white space and a byte order mark.
func trimStart(b []byte) []byte {
	if len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
		b = b[3:]
	}
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\r' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// walkJSON walks a document without recursion into its objects and arrays, and
// to a bounded depth into the encodings in its strings. Values that start in a
// mapped span are left out. A document without a place worth a look is not walked.
func (c *Classifier) walkJSON(doc []byte, mapped []Span) {
	places := c.document(doc, false)
	if c.quietAround(places, doc, mapped) {
		return
	}
	if len(mapped) > 0 { // the walk begins before the first
		places.reset(&c.e.finder, &c.names, doc, true)
		places.stopAt(mapped, doc)
	}
	s := jsonscan.New(doc)
	base, junk := len(c.frames), false
	for {
		if len(mapped) > 0 && atSpan(doc, s.Pos(), mapped[0]) {
			s.Skip(behindSpan(doc, mapped[0]))
			mapped = mapped[1:]
			places.skip(s.Pos())
			places.stopAt(mapped, doc)
			c.popName(base)
		}
		t := s.Next()
		switch t.Kind {
		case jsonscan.End:
			c.frames = c.frames[:base]
			if junk {
				c.rescan(doc)
			}
			return
		case jsonscan.BeginObject, jsonscan.BeginArray:
			c.at = valueAt{doc, Span{t.Start, t.Start}}
			c.container(t.Kind == jsonscan.BeginArray)
		case jsonscan.EndObject, jsonscan.EndArray:
			c.popContainer(base)
		case jsonscan.Key:
			c.name(doc, t, base, places)
		case jsonscan.Junk:
			junk = true
			c.popName(base)
		default:
			c.scalar(doc, t, places)
			c.popName(base)
		}
	}
}

// document begins to look for the places of a document that is about to be
// walked.
func (c *Classifier) document(doc []byte, escaped bool) *places {
	for len(c.docs) <= c.walk.layers {
		c.docs = append(c.docs, &places{})
	}
	p := c.docs[c.walk.layers]
	p.reset(&c.e.finder, &c.names, doc, true)
	p.all, p.escaped = c.everywhere, escaped
	return p
}

// atSpan says whether the next token from pos on is the value of the span; the
// quotes of a string may or may not be part of it.
func atSpan(doc []byte, pos int, span Span) bool {
	if span.Start-pos > 8 {
		return false
	}
	for ; pos < span.Start; pos++ {
		if c := doc[pos]; c != ' ' && c != '"' && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// behindSpan returns the offset behind a mapped value and its closing quote.
func behindSpan(doc []byte, span Span) int {
	if span.Start > 0 && doc[span.Start-1] == '"' && span.End < len(doc) {
		return span.End + 1
	}
	return span.End
}

// container asks the rules that want the name an object or array stands under, and
// pushes its frame.
func (c *Classifier) container(array bool) {
	inside := frame{near: c.key(), array: array}
	if id := c.field(); id != 0 {
		c.offerField(id, c.key(), nil, 0, 0, Container)
		c.settle()
		if array { // its elements stand under the same name
			inside.field = id
		}
	}
	c.frames = append(c.frames, inside)
	c.steps++
}

// rescan looks at a document as at running text, because parts of it are no
// JSON. What the walk has found already is not reported again.
func (c *Classifier) rescan(doc []byte) {
	c.at = valueAt{}
	c.walk.rescanning = true
	c.walkText(doc)
	c.walk.rescanning = false
}

// A container's frame has no key; a member's name is a frame of its own on top
// of it, which its value removes.

// name pushes the name of a member.
func (c *Classifier) name(doc []byte, t jsonscan.Token, base int, places *places) {
	c.popName(base)
	key := doc[t.Start:t.End]
	if t.Escaped {
		start := len(c.arena)
		c.arena = jsonscan.AppendUnescaped(c.arena, key)
		key = c.arena[start:]
	}
	id := c.names.lookup(key)
	c.frames = append(c.frames, frame{key: key, near: key, field: id})
	if len(key) >= minSecretName && (t.Escaped || places.within(t.Start, t.End)) {
		c.secretName(key)
	}
}

// minSecretName is the shortest name that is also looked at as a value: maps
// keyed by a token or an address exist.
const minSecretName = 16

// secretName looks at a name as at a value.
func (c *Classifier) secretName(key []byte) {
	top := len(c.frames) - 1
	c.frames[top].array = true // the name must not be shown
	c.scan(key, String, false)
	if !c.settle() {
		c.frames[top].array = false
	}
}

// popName removes the name of a member whose value has been seen.
func (c *Classifier) popName(base int) {
	if n := len(c.frames); n > base && c.frames[n-1].key != nil {
		c.frames = c.frames[:n-1]
	}
}

// popContainer removes the innermost container and the name it stood under.
func (c *Classifier) popContainer(base int) {
	c.steps++
	c.popName(base)
	if n := len(c.frames); n > base {
		c.frames = c.frames[:n-1]
	}
	c.popName(base)
}

// scalar looks at one JSON value.
func (c *Classifier) scalar(doc []byte, t jsonscan.Token, places *places) {
	text := doc[t.Start:t.End]
	c.at = valueAt{doc, Span{t.Start, t.End}}
	switch t.Kind {
	case jsonscan.String:
		c.str(text, t, places)
	case jsonscan.Number:
		if id := c.field(); id != 0 {
			c.offerField(id, c.key(), text, 0, len(text), Number)
		}
		if places.within(t.Start, t.End) {
			c.scan(text, Number, false)
		}
		c.settle()
	case jsonscan.True, jsonscan.False:
		if id := c.field(); id != 0 {
			c.offerField(id, c.key(), text, 0, len(text), Bool)
			c.settle()
		}
	}
}

// str looks at one JSON string: under a telling name in any case, else if it
// holds a place, or an escape that may hide one.
func (c *Classifier) str(raw []byte, t jsonscan.Token, places *places) {
	id := c.field()
	look := t.Escaped || places.within(t.Start, t.End)
	if !look && id == 0 || len(raw) == 0 {
		return
	}
	text, mark := raw, len(c.arena)
	if t.Escaped {
		c.arena = jsonscan.AppendUnescaped(c.arena, raw)
		text = c.arena[mark:]
	}
	if id != 0 && len(text) > 0 {
		c.offerField(id, c.key(), text, 0, len(text), String)
	}
	if look {
		c.inner(text, String)
	}
	c.settle()
	c.arena = c.arena[:min(mark, len(c.arena))]
}

// openLayer pushes the frame of a decoded layer, unless the limit is reached.
func (c *Classifier) openLayer(name string, size int) bool {
	if c.walk.layers >= c.e.limits.Layers {
		c.out.LayerLimit += int64(size)
		return false
	}
	c.settle()
	c.walk.layers++
	c.frames = append(c.frames, frame{layer: name})
	c.steps++
	return true
}

func (c *Classifier) closeLayer() {
	c.steps++
	c.walk.layers--
	c.frames = c.frames[:len(c.frames)-1]
}
