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

// tag looks at the tag at an offset, and returns from where on to look for the next.
func (w *markup) tag(c *Classifier, i int) (next int) {
	closing := i+1 < len(w.text) && w.text[i+1] == '/'
	name := elementName(w.text, i)
	if closing {
		name = elementName(w.text, i+1)
	}
	var buf [8]byte
	lower := lowerName(buf[:0], name)
	switch {
	case closing:
		if string(lower) == "tr" || string(lower) == "table" {
			w.rowEnd(c, string(lower) == "table")
		}
	case string(lower) == "tr", string(lower) == "table":
		w.rowEnd(c, string(lower) == "table")
	case string(lower) == "th", string(lower) == "td", string(lower) == "dt", string(lower) == "dd":
		return w.cell(c, i, lower)
	case string(lower) == "script", string(lower) == "style":
		return w.behind(i, "</"+string(lower))
	default:
		if id := c.e.fields.lookup(name); c.tells(id) {
			lo, hi := elementText(w.text, i)
			c.namedText(column{name, id}, w.text, lo, hi)
			return max(hi, i+1)
		}
	}
	return i + 1
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

// behind returns the offset of the tag that closes an element without elements in it.
func (w *markup) behind(i int, closing string) int {
	if n := bytes.Index(w.text[i+1:], []byte(closing)); n >= 0 {
		return i + 1 + n
	}
	return i + 1
}

// cell looks at a cell of a table, or a term or its description.
func (w *markup) cell(c *Classifier, i int, kind []byte) (next int) {
	lo, hi := w.cellText(i)
	n := &c.members
	switch col := w.cells; string(kind) {
	case "dt":
		w.label = c.column(w.text[lo:hi])
	case "dd":
		c.namedText(w.label, w.text, lo, hi)
	case "th":
		w.label = c.column(w.text[lo:hi])
		w.heads++
		w.cells++
		if len(n.heads) < maxColumns {
			n.heads = append(n.heads, w.label)
		}
	case "td":
		w.cells++
		switch {
		case w.label.field != 0:
			c.namedText(w.label, w.text, lo, hi)
			w.label = column{}
		case col < len(n.columns):
			if name := n.columns[col]; c.tells(name.field) {
				c.frames = append(c.frames, frame{array: true})
				c.namedText(name, w.text, lo, hi)
				c.frames = c.frames[:len(c.frames)-1]
			}
		case col == 0:
			w.label = c.column(w.text[lo:hi])
		}
	}
	return max(hi, i+1)
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
	if !c.tells(name.field) || hi <= lo {
		return
	}
	value := text[lo:hi]
	if bytes.IndexByte(value, '&') >= 0 {
		value = []byte(html.UnescapeString(string(value)))
	}
	c.namedValue(name, Span{lo, hi}, value)
}
