package classify

import "bytes"

const (
	// maxHeadLine bounds the line in which a table names its columns.
	maxHeadLine = 4096
	// maxColumns bounds the columns whose names are kept.
	maxColumns = 256
	// minColumns is the least number of columns by which a text is taken for a table
	// although nothing says that it is one.
	minColumns = 3
)

// isTable says whether a text is a table: values divided by commas, semicolons or tabs,
// with the names of the columns in the first line (RFC 4180, section 2), of which one
// tells something. What nothing says to be a table has to look like one in its second
// line, too.
func (c *Classifier) isTable(text []byte, declared bool) bool {
	t := newTable(text)
	columns, telling := 0, false
	for t.next() && t.row == 0 {
		columns++
		if !t.quoted && !declared && !isName(t.text[t.lo:t.hi]) {
			return false
		}
		telling = telling || c.column(t.text[t.lo:t.hi]).field != 0
	}
	if declared || !telling || columns < minColumns {
		return declared && telling
	}
	cells, cut := t.rest()
	return cells == columns || cut && cells > 1 && cells < columns
}

// table reads a table cell by cell.
type table struct {
	text      []byte
	separator byte
	pos       int
	// row and col count from 0; [lo,hi) is the cell without its quotes.
	row, col, lo, hi int
	quoted           bool
	// ended says that a line ended behind the cell.
	ended bool
}

// newTable begins a table; one without a separator in its first line has no cells.
func newTable(text []byte) table {
	t := table{text: text, col: -1, pos: len(text) - len(trimStart(text))}
	head := text[t.pos:min(len(text), t.pos+maxHeadLine)]
	head, _, ended := bytes.Cut(head, []byte("\n"))
	most := 0
	for _, s := range []byte(",;\t") {
		if n := bytes.Count(head, []byte{s}); n > most {
			t.separator, most = s, n
		}
	}
	if most == 0 || !ended {
		t.pos = len(text)
	}
	return t
}

// next goes to the next cell.
func (t *table) next() bool {
	if t.pos >= len(t.text) {
		return false
	}
	t.col++
	if t.ended {
		t.row, t.col, t.ended = t.row+1, 0, false
	}
	t.lo = t.pos
	if t.quoted = t.text[t.pos] == '"'; t.quoted {
		t.lo++
		t.hi = t.closingQuote(t.lo)
		t.pos = t.hi
	}
	end := t.pos
	for end < len(t.text) && t.text[end] != t.separator && t.text[end] != '\n' {
		end++
	}
	if !t.quoted {
		t.hi = t.lo + len(bytes.TrimRight(t.text[t.lo:end], "\r"))
	}
	t.ended = end < len(t.text) && t.text[end] == '\n'
	t.pos = end + 1
	return true
}

// rest counts the cells from the present one to the end of the row; cut says that the
// text ends there before the row does. It leaves the table at the next row.
func (t *table) rest() (cells int, cut bool) {
	more := true
	for row := t.row; more && t.row == row; more = t.next() {
		cells++
	}
	return cells, !more && !t.ended
}

// closingQuote returns the offset of the quote that ends a cell; two of them stand for
// one.
func (t *table) closingQuote(i int) int {
	for {
		n := bytes.IndexByte(t.text[i:], '"')
		if n < 0 {
			return len(t.text)
		}
		i += n
		if i+1 == len(t.text) || t.text[i+1] != '"' {
			return i
		}
		i += 2
	}
}

// walkTable looks at the cells under telling names.
func (c *Classifier) walkTable(text []byte) {
	t, n := newTable(text), &c.members
	c.frames = append(c.frames, frame{array: true})
	for t.next() {
		cell := t.text[t.lo:t.hi]
		switch {
		case t.row == 0 && t.col < maxColumns:
			n.columns = append(n.columns, c.column(cell))
		case t.row > 0 && t.col < len(n.columns):
			if col := n.columns[t.col]; col.field != 0 {
				mark := len(c.arena)
				if t.quoted {
					cell = c.replaced(cell, `""`, `"`)
				}
				c.namedValue(col, Span{t.lo, t.hi}, cell)
				c.arena = c.arena[:mark]
			}
		}
	}
	c.frames = c.frames[:len(c.frames)-1]
}

// replaced returns a text with one sequence written for another, in the arena if there
// is any.
func (c *Classifier) replaced(text []byte, old, with string) []byte {
	i := bytes.Index(text, []byte(old))
	if i < 0 {
		return text
	}
	mark := len(c.arena)
	for ; i >= 0; i = bytes.Index(text, []byte(old)) {
		c.arena = append(append(c.arena, text[:i]...), with...)
		text = text[i+len(old):]
	}
	c.arena = append(c.arena, text...)
	return c.arena[mark:]
}
