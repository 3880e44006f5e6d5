package detect

import (
	"bytes"
	"slices"

	"github.com/leaktap/leaktap/classify"
)

// insertAnchors start a statement that writes rows (ISO/IEC 9075-2, insert statement): the
// names stand in front of all values, so that no value stands under its own.
var insertAnchors = []string{"INSERT INTO ", "insert into "}

const (
	// maxColumns bounds the columns of a statement, maxColumnList the bytes of their
	// names, maxInsert those of the rows that are read.
	maxColumns    = 32
	maxColumnList = 1 << 10
	maxInsert     = 8 << 10
)

// inserted judges the texts in the rows of an insert statement at the candidate, each
// under the name of its column, as far as the vocabulary knows the name.
func inserted(c *classify.Candidate, judge func(e *classify.Candidate)) {
	list, at := columnList(c.Text, c.Hi)
	var columns [maxColumns]column
	n, telling := 0, false
	for name := range bytes.SplitSeq(list, []byte(",")) {
		if n == maxColumns {
			break
		}
		name = bytes.Trim(name, " \t\r\n`\"[]\\")
		columns[n] = column{name, c.Class(string(name))}
		telling = telling || columns[n].class != ""
		n++
	}
	if !telling {
		return
	}
	rows := c.Text[:min(len(c.Text), at+maxInsert)]
	for col, i := 0, at; i < len(rows) && rows[i] != ';'; i++ {
		switch rows[i] {
		case '(':
			col = 0
		case ',':
			col++
		case '\'':
			end := textEnd(rows, i+1)
			if col < n && columns[col].class != "" && end < len(rows) {
				e := *c
				e.Anchor, e.Key, e.Field, e.Kind, e.Lo, e.Hi = "", columns[col].name, columns[col].class, classify.String, i+1, end
				judge(&e)
			}
			i = end
		}
	}
}

// inRows makes a detector see the rows of insert statements, as well: each text under the name
// of its column, if that is of one of the classes, or of any that the detector asks for.
func inRows(d classify.Detector, fields ...string) classify.Detector {
	if len(fields) == 0 {
		fields = d.Rule().On.Fields
	}
	return also(d, classify.Trigger{Anchors: insertAnchors}, func(c *classify.Candidate) bool {
		if !slices.Contains(insertAnchors, c.Anchor) {
			return false
		}
		inserted(c, func(e *classify.Candidate) {
			if slices.Contains(fields, e.Field) {
				d.Detect(e)
			}
		})
		return true
	})
}

// column is a column of an insert statement and the class of its name.
type column struct {
	name  []byte
	class string
}

// columnList returns the names in parentheses behind the name of a table, and the offset of
// the rows behind "values"; nil where a statement names no columns.
func columnList(text []byte, lo int) (list []byte, rows int) {
	open := bytes.IndexByte(text[lo:min(len(text), lo+maxColumnList)], '(')
	if open < 0 {
		return nil, lo
	}
	lo += open + 1
	n := bytes.IndexByte(text[lo:min(len(text), lo+maxColumnList)], ')')
	if n < 0 {
		return nil, lo
	}
	rest := text[lo+n+1:]
	values := bytes.TrimLeft(rest[:min(len(rest), 16)], " \t\r\n")
	if len(values) < len("values") || !equalFold(values[:len("values")], "values") {
		return nil, lo
	}
	return text[lo : lo+n], lo + n + 1
}

// textEnd returns where the quote stands that ends the text at lo: it is doubled or
// behind a backslash where it belongs to the text.
func textEnd(text []byte, lo int) int {
	for i := lo; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		case text[i] == '\'':
			return i
		}
	}
	return len(text)
}
