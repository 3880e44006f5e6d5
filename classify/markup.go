package classify

import (
	"bytes"
	"html"
)

// isMarkup says whether a text starts as HTML or XML does.
func isMarkup(text []byte) bool {
	text = trimStart(text)
	return len(text) > 2 && text[0] == '<' && (text[1] == '!' || text[1] == '?' || isNameByte(text[1]))
}

// markup is the state of a walk over HTML or XML. In a row of a table a cell is named by
// the head before it, or by the head of its column, or by the first cell: <th>name</th>
// <td>value</td> (HTML, section 4.9); in a list of descriptions by the term before it.
type markup struct {
	text []byte
	// label is the name in the cell before, a head or a first cell.
	label column
	// cells and heads count those of the row.
	cells, heads int
	// named is what the element before names: <property name="x"><value>, <name>x</name><value>.
	named column
}

// walkMarkup looks at the elements and cells under telling names. Scripts and styles are
// running text.
func (c *Classifier) walkMarkup(text []byte) {
	w := markup{text: text}
	for i := bytes.IndexByte(text, '<'); i >= 0; {
		next := w.tag(c, i)
		n := bytes.IndexByte(text[next:], '<')
		if n < 0 {
			return
		}
		i = next + n
	}
}

// maxTagName is the length of the longest name of an element that means something here.
const maxTagName = len("attribute")

// tag looks at the tag at an offset, and returns from where on to look for the next.
func (w *markup) tag(c *Classifier, i int) (next int) {
	name := elementName(w.text, i)
	if i+1 < len(w.text) && w.text[i+1] == '/' {
		name = elementName(w.text, i+1)
		if isRow(name) {
			w.rowEnd(c, len(name) > len("tr"))
		}
		return i + 1
	}
	var buf [maxTagName]byte
	switch kind := lowerName(buf[:0], name); string(kind) {
	case "tr", "table":
		w.rowEnd(c, len(kind) > len("tr"))
	case "th", "td", "dt", "dd":
		return w.cell(c, i, kind)
	case "input", "meta", "param", "property", "add", "entry", "setting", "option", "attribute", "field", "variable", "var", "item", "data", "parameter", "attr", "prop", "arg", "column", "header", "pair":
		w.attributes(c, i)
	case "name", "key":
		lo, hi := elementText(w.text, i)
		w.named = c.column(w.text[lo:hi])
		return max(hi, i+1)
	case "value", "string":
		lo, hi := elementText(w.text, i)
		c.namedText(w.named, w.text, lo, hi)
		w.named = column{}
		return max(hi, i+1)
	case "script":
		return w.behind(i, "</script")
	case "style":
		return w.behind(i, "</style")
	default:
		if id := c.e.fields.lookup(name); id != 0 {
			lo, hi := elementText(w.text, i)
			c.namedText(column{name: name, field: id}, w.text, lo, hi)
			return max(hi, i+1)
		}
	}
	return i + 1
}

func isRow(name []byte) bool { return equalFold(name, "tr") || equalFold(name, "table") }

// attributes looks at an element that gives a name in one attribute and its value in
// another, in any order, or in its text: an input of a form, a property of a configuration.
func (w *markup) attributes(c *Classifier, i int) {
	var name, value Span
	at, end := i+1, min(len(w.text), i+maxElement)
	for at < end && w.text[at] != '>' && w.text[at] != '<' {
		start := at
		for at < end && isNameByte(w.text[at]) {
			at++
		}
		if at == start || at == end || w.text[at] != '=' {
			at = max(at, start+1)
			continue
		}
		key := w.text[start:at]
		var in Span
		in, at = attributeValue(w.text[:end], at+1)
		switch {
		case equalFold(key, "name"), equalFold(key, "key"):
			name = in
		case equalFold(key, "value"), equalFold(key, "content"):
			value = in
		}
	}
	w.named = column{}
	if name.End == name.Start {
		return
	}
	col := c.column(w.text[name.Start:name.End])
	if !equalFold(elementName(w.text, i), "data") { // in which a label's text stands (.NET's resource files)
		w.named = col
	}
	if value.End == value.Start { // <entry key="x">the value</entry>
		value.Start, value.End = elementText(w.text, i)
	}
	c.namedText(col, w.text, value.Start, value.End)
}

// attributeValue returns the value of an attribute and the offset behind it.
func attributeValue(text []byte, at int) (in Span, next int) {
	if at < len(text) && isQuote(text[at]) {
		end := len(text)
		if n := bytes.IndexByte(text[at+1:], text[at]); n >= 0 {
			end = at + 1 + n
		}
		return Span{at + 1, end}, end + 1
	}
	end := at + endBefore(text[at:], " \t\r\n>")
	return Span{at, end}, end
}

// lowerName returns a short name in small letters; a longer one is none of those that
// are known and comes back empty.
func lowerName(buf, name []byte) []byte {
	if len(name) > cap(buf) {
		return nil
	}
	for _, b := range name {
		buf = append(buf, lowerASCII[b])
	}
	return buf
}

// behind returns the offset of the tag that closes an element without elements in it;
// one that is not closed goes on to the end.
func (w *markup) behind(i int, closing string) int {
	if n := bytes.Index(w.text[i:], []byte(closing)); n >= 0 {
		return i + n
	}
	return len(w.text)
}

// cell looks at a cell of a table, or a term or its description.
func (w *markup) cell(c *Classifier, i int, kind []byte) (next int) {
	lo, hi := w.cellText(i)
	text := w.text[lo:hi]
	switch string(kind) {
	case "dt":
		w.label = c.column(text)
	case "dd":
		c.namedText(w.label, w.text, lo, hi)
	case "th":
		w.label = c.column(text)
		w.heads++
		w.cells++
		if n := &c.members; len(n.heads) < maxColumns {
			n.heads = append(n.heads, w.label)
		}
	case "td":
		w.valueCell(c, lo, hi)
		if w.cells == 0 && isName(indexed(text)) {
			w.label = c.column(text)
		}
		w.cells++
	}
	return max(hi, i+1)
}

// valueCell looks at a cell that is no head.
func (w *markup) valueCell(c *Classifier, lo, hi int) {
	columns := c.members.columns
	switch {
	case w.label.field != 0:
		c.namedText(w.label, w.text, lo, hi)
		w.label = column{}
	case w.cells < len(columns):
		c.frames = append(c.frames, frame{array: true})
		c.namedText(columns[w.cells], w.text, lo, hi)
		c.frames = c.frames[:len(c.frames)-1]
	}
}

// rowEnd ends a row: one of heads only names the columns of those below.
func (w *markup) rowEnd(c *Classifier, table bool) {
	n := &c.members
	if table {
		n.columns = n.columns[:0]
	} else if w.heads > 1 && w.heads == w.cells {
		n.columns = append(n.columns[:0], n.heads...)
	}
	n.heads = n.heads[:0]
	w.label, w.cells, w.heads = column{}, 0, 0
}

// maxInline bounds the tags between the start of a cell and its text.
const maxInline = 4

// cellText returns the first text in the cell whose tag starts at an offset, behind the
// tags of elements such as code and strong; it is empty where the cell ends before.
func (w *markup) cellText(i int) (lo, hi int) {
	for range maxInline {
		lo, hi = elementText(w.text, i)
		if lo == i || hi > lo || lo >= len(w.text) || w.text[lo] != '<' {
			return lo, hi
		}
		switch i = lo; {
		case i+1 < len(w.text) && w.text[i+1] == '/', bytes.HasPrefix(w.text[i:], []byte("<t")), bytes.HasPrefix(w.text[i:], []byte("<d")):
			return i, i
		}
	}
	return i, i
}

// namedText looks at a text of a document under a name, with the characters that it
// refers to (HTML, section 13.5) in their place.
func (c *Classifier) namedText(name column, text []byte, lo, hi int) {
	if name.field == 0 || hi <= lo {
		return
	}
	value := text[lo:hi]
	if bytes.IndexByte(value, '&') >= 0 {
		value = []byte(html.UnescapeString(string(value)))
	}
	if n := len(value); n > 2 && isQuote(value[0]) && value[0] == value[n-1] { // a value as a language writes it
		value = value[1 : n-1]
	}
	c.namedValue(name, Span{lo, hi}, value)
}
