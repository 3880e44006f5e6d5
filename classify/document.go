package classify

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// media is what a content type tells of the form of a text.
type media uint8

const (
	noMedia    media = iota // there is no content type
	otherMedia              // any that tells nothing: text/plain, application/octet-stream
	formMedia
	multipartMedia
	tableMedia
	markupMedia
	yamlMedia
	protobufMedia
	grpcMedia
	scriptMedia // a script, a style sheet, a picture: nothing is guessed
)

// mediaTypes are the starts of the types that tell something (IANA media types); the
// first that fits counts.
var mediaTypes = []struct {
	start string
	media media
}{
	{formType, formMedia},
	{"multipart/", multipartMedia},
	{"text/csv", tableMedia},
	{"text/tab-separated-values", tableMedia},
	{"application/csv", tableMedia},
	{"application/vnd.ms-excel", tableMedia}, // what exports to spreadsheets are often sent as
	{"text/html", markupMedia},
	{"text/xml", markupMedia},
	{"application/xml", markupMedia},
	{"application/xhtml", markupMedia},
	{"application/soap", markupMedia},
	{"application/yaml", yamlMedia},
	{"application/x-yaml", yamlMedia},
	{"application/vnd.yaml", yamlMedia},
	{"text/yaml", yamlMedia},
	{"text/x-yaml", yamlMedia},
	{"text/vnd.yaml", yamlMedia},
	{"application/grpc", grpcMedia},
	{"application/protobuf", protobufMedia},
	{"application/x-protobuf", protobufMedia},
	{"application/vnd.google.protobuf", protobufMedia},
	{"application/x-google-protobuf", protobufMedia},
	{"application/javascript", scriptMedia},
	{"application/x-javascript", scriptMedia},
	{"text/javascript", scriptMedia},
	{"text/css", scriptMedia},
	{"image/", scriptMedia},
	{"font/", scriptMedia},
	{"audio/", scriptMedia},
	{"video/", scriptMedia},
}

// mediaOf reads a content type; nil stands for none.
func mediaOf(contentType []byte) media {
	if contentType == nil {
		return noMedia
	}
	for i := range mediaTypes {
		t := &mediaTypes[i]
		if len(contentType) >= len(t.start) && equalFold(contentType[:len(t.start)], t.start) {
			return t.media
		}
	}
	if kind, _, _ := bytes.Cut(contentType, []byte(";")); bytes.HasSuffix(bytes.TrimSpace(kind), []byte("+xml")) {
		return markupMedia // RFC 7303, section 4.2
	}
	return otherMedia
}

// lastMedia is the content type that was read last: most messages of a service have the same.
type lastMedia struct {
	text  [64]byte
	size  int
	media media
}

// of is mediaOf.
func (l *lastMedia) of(contentType []byte) media {
	if contentType == nil {
		return noMedia
	}
	if len(contentType) > len(l.text) {
		return mediaOf(contentType)
	}
	if string(l.text[:l.size]) != string(contentType) || l.size == 0 {
		l.media, l.size = mediaOf(contentType), copy(l.text[:], contentType)
	}
	return l.media
}

// form is the form in which a text is written.
type form uint8

const (
	plainForm form = iota
	jsonForm
	urlForm // application/x-www-form-urlencoded
	codedForm
	multipartForm
	tableForm
	markupForm
	yamlForm
	protobufForm
	grpcForm
)

// declaredForms are the forms of the types that leave nothing open.
var declaredForms = [...]form{
	formMedia: urlForm, markupMedia: markupForm, yamlMedia: yamlForm, protobufMedia: protobufForm, grpcMedia: grpcForm, scriptMedia: plainForm,
}

// formOf decides in which form a text is written: by its own bytes where they tell, else
// by its content type, else by a guess. It is the one place where that is decided.
func (c *Classifier) formOf(text []byte, m media) form {
	switch f := markedForm(text, m); {
	case f != plainForm:
		return f
	case m == scriptMedia || declaredForms[m] != plainForm:
		return declaredForms[m]
	}
	switch {
	case isMarkup(text):
		return markupForm
	case c.isTable(text, m == tableMedia):
		return tableForm
	case isYAML(text):
		return yamlForm
	case isFramed(text):
		return grpcForm
	case isProtobuf(text):
		return protobufForm
	}
	return plainForm
}

// markedForm knows the forms that tell themselves, whatever the content type says.
func markedForm(text []byte, m media) form {
	switch {
	case isJSON(text):
		return jsonForm
	case m == noMedia && isForm(text):
		return urlForm
	case isGzip(text) || m != formMedia && isBase64Body(text):
		return codedForm
	case isMultipart(text, m == multipartMedia):
		return multipartForm
	}
	return plainForm
}

// walkDocument walks a body, a record, or what was taken out of a coding. It is
// false for running text, which is left to the caller.
func (c *Classifier) walkDocument(text []byte, m media) bool {
	form := c.formOf(text, m)
	if form == plainForm {
		return false
	}
	c.settle()
	switch form {
	case jsonForm:
		c.walkJSON(text, nil)
	case urlForm:
		c.walkForm(text)
	case codedForm:
		return c.opened(text, m)
	case multipartForm:
		c.walkMultipart(text)
	case grpcForm:
		c.walkFrames(text)
	case protobufForm:
		c.walkMessage(text, 0)
		if isPrintable(text) { // it may be in another form than it says
			c.rescan(text)
		}
	default:
		c.walkNamed(text, form)
	}
	return true
}

// content looks at what was in an envelope: a part, a coding.
func (c *Classifier) content(text []byte, m media) {
	if isJSON(text) || !c.walkDocument(text, m) {
		c.inner(text, Text)
	}
}

// members is the state of a text in which some values stand under names: the cells of
// tables, elements, members of YAML. These are looked at as values, and the text as
// running text, in which they are not found again.
type members struct {
	text []byte
	// values are the spans of the values, ascending and disjoint.
	values []Span
	// columns are the names of the columns of the table at hand, heads those of the row
	// of which it is not known yet whether it names columns.
	columns, heads []column
}

// column is a name of values with its class.
type column struct {
	name  []byte
	field uint16
	// item says that what it names is an item of a list.
	item bool
}

// maxNamed bounds the values of one text that are looked at under their names; those
// behind are looked at as running text.
const maxNamed = 1 << 15

// walkNamed looks at the named values of a text and at the text. Inside of a value there
// may be another text of that kind.
func (c *Classifier) walkNamed(text []byte, form form) {
	outer := c.members
	c.members = members{text: text, values: outer.values[len(outer.values):], columns: outer.columns[len(outer.columns):], heads: outer.heads[len(outer.heads):]}
	switch form {
	case tableForm:
		c.walkTable(text)
	case markupForm:
		c.walkMarkup(text)
	case yamlForm:
		c.walkYAML(text)
	}
	c.walkText(text)
	if outer.text == nil { // keep what has grown
		outer = members{values: c.members.values[:0], columns: c.members.columns[:0], heads: c.members.heads[:0]}
	}
	c.members = outer
}

// namedValue looks at a value of the text at hand under its name, if the name tells
// something. The value is what the span holds when its escapes are taken off.
func (c *Classifier) namedValue(col column, span Span, value []byte) {
	n := &c.members
	if col.field == 0 || len(value) == 0 || len(n.values) >= maxNamed {
		return
	}
	n.values = append(n.values, span)
	c.at = valueAt{n.text, span}
	if col.item {
		c.listItem(col, value)
	} else {
		c.leaf(col.name, value)
	}
	c.at = valueAt{}
}

// listItem looks at an item of a list, which stands under the list's name as in JSON.
func (c *Classifier) listItem(col column, text []byte) {
	n := len(c.frames)
	c.frames = append(c.frames, frame{key: col.name, near: col.name, field: col.field}, frame{array: true, near: col.name, field: col.field})
	c.offerField(col.field, col.name, text, 0, len(text), String)
	c.inner(text, Text)
	c.frames = c.frames[:n]
}

// column looks a name up.
func (c *Classifier) column(name []byte) column {
	name = indexed(name)
	name = bytes.Trim(name, " \t\r\n:*")
	if len(name) > maxFieldName {
		return column{}
	}
	return column{name: name, field: c.e.fields.lookup(name)}
}

// holds says whether [lo,hi) of a text lies in a value that was looked at by itself.
func (n *members) holds(text []byte, lo, hi int) bool {
	if len(n.values) == 0 || len(text) != len(n.text) || &text[0] != &n.text[0] {
		return false
	}
	i, _ := slices.BinarySearchFunc(n.values, lo, func(s Span, lo int) int { return s.End - lo - 1 })
	return i < len(n.values) && n.values[i].Start <= lo && hi <= n.values[i].End
}

// isPrintable says whether bytes are text: UTF-8 without control characters but white
// space.
func isPrintable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && !jsonscan.IsSpace(c) || c == 0x7F {
			return false
		}
	}
	return utf8.Valid(b)
}
