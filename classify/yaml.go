package classify

import (
	"bytes"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

const (
	// yamlLines is how many lines are looked at to tell YAML from other text.
	yamlLines = 8
	// minYAMLNames is how many of them have to start with a name.
	minYAMLNames = 2
)

// isYAML says whether the first lines of a text are members, items, comments and marks
// of YAML and nothing else.
func isYAML(text []byte) bool {
	names := 0
	for lines := 0; len(text) > 0 && lines < yamlLines; lines++ {
		line := text[:min(len(text), maxHeadLine)]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line, text = line[:end], text[end+1:]
		} else {
			text = nil
		}
		trimmed := bytes.TrimSpace(line)
		switch l := readYAML(line, 0); {
		case l.name != nil:
			names++
		case len(trimmed) == 0, trimmed[0] == '#', trimmed[0] == '-':
		default:
			return false
		}
	}
	return names >= minYAMLNames
}

// yamlLine is a member of a map in block style: "  - name: value" (YAML 1.2.2, chapter
// 8). Offsets are those of the text.
type yamlLine struct {
	indent int    // the column of the name
	name   []byte // nil where the line is no member
	lo, hi int    // the value, tags and anchors before it left out
}

// readYAML reads the line text[at:], which ends there.
func readYAML(text []byte, at int) (l yamlLine) {
	i := at
	for i < len(text) && (text[i] == ' ' || text[i] == '-' && i+1 < len(text) && text[i+1] == ' ') {
		i++
	}
	l.indent = i - at
	name, i := readName(text, i)
	if len(name) == 0 || i == len(text) || text[i] != ':' || i+1 < len(text) && !jsonscan.IsSpace(text[i+1]) {
		return l
	}
	l.name = name
	l.lo = behindProperties(text, i+1)
	l.hi = l.lo + len(bytes.TrimRight(text[l.lo:], " \t\r"))
	return l
}

// behindProperties returns where a value starts behind white space, its tag and its
// anchor (YAML 1.2.2, section 6.9).
func behindProperties(text []byte, at int) int {
	for {
		for at < len(text) && jsonscan.IsSpace(text[at]) {
			at++
		}
		if at == len(text) || text[at] != '&' && text[at] != '!' {
			return at
		}
		at += endBefore(text[at:], " \t")
	}
}

// readName reads a name in quotes or without, up to end.
func readName(text []byte, at int) (name []byte, end int) {
	if at < len(text) && isQuote(text[at]) {
		name = text[at+1:]
		if n := bytes.IndexByte(name, text[at]); n >= 0 {
			return name[:n], at + 1 + n + 1
		}
		return nil, at
	}
	for end = at; end < len(text) && (isNameByte(text[end]) || text[end] == '/'); end++ {
	}
	return text[at:end], end
}

// walkYAML looks at the members and lists under telling names, and at the members "value" that
// a member "name" before them names.
func (c *Classifier) walkYAML(text []byte) {
	var label, list column
	labelIndent, listIndent := -1, 0
	for at := 0; at < len(text); {
		start, end := at, lineFrom(text, at)
		l := readYAML(text[:end], at)
		at = end + 1
		if l.name == nil {
			c.yamlItem(list, text[:end], start, listIndent)
			continue
		}
		col := c.column(l.name)
		if list, listIndent = col, l.indent; l.lo == l.hi {
			continue
		}
		if string(l.name) == "value" && labelIndent == l.indent {
			col = label
		}
		labelIndent = -1
		if string(l.name) == "name" || string(l.name) == "key" {
			label, labelIndent = c.column(text[l.lo:l.hi]), l.indent
			label.name = bytes.Trim(label.name, `"'`)
		}
		if isBlock(text[l.lo:l.hi]) {
			lo := min(at, len(text))
			at = blockEnd(text, lo, l.indent)
			c.namedBlock(col, text, lo, min(at, len(text)))
		} else {
			c.namedScalar(col, text, l.lo, l.hi)
		}
	}
}

// yamlItem looks at a scalar of a list in block style, "  - x", under the list's name; the line
// text[at:] may be none.
func (c *Classifier) yamlItem(list column, text []byte, at, indent int) {
	line := text[at:]
	rest := bytes.TrimLeft(line, " ")
	if list.field == 0 || len(line)-len(rest) < indent || !bytes.HasPrefix(rest, []byte("- ")) {
		return
	}
	lo := behindProperties(text, len(text)-len(rest)+len("- "))
	if hi := len(bytes.TrimRight(text, " \t\r")); lo < hi {
		list.item = true
		c.namedScalar(list, text, lo, hi)
	}
}

// flowItems looks at the scalars of a list in flow style, [a, "b"], under the list's name.
func (c *Classifier) flowItems(list column, text []byte, lo, hi int) {
	list.item = true
	for lo++; lo < hi; lo++ {
		end := lo + endBefore(text[lo:hi], ",]")
		start := behindProperties(text[:end], lo)
		if stop := len(bytes.TrimRight(text[:end], " ")); start < stop {
			c.namedScalar(list, text, start, stop)
		}
		lo = end
	}
}

// lineFrom returns the offset of the end of the line around an offset.
func lineFrom(text []byte, at int) int {
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(text)
}

// isBlock matches the head of a block scalar: | or >, with indicators behind it.
func isBlock(v []byte) bool {
	return (v[0] == '|' || v[0] == '>') && len(bytes.Trim(v[1:], "+-0123456789")) == 0
}

// blockEnd returns the end of the lines from an offset on that are indented deeper.
func blockEnd(text []byte, at, indent int) int {
	for at < len(text) {
		end := lineFrom(text, at)
		line := text[at:end]
		if rest := bytes.TrimLeft(line, " "); len(line)-len(rest) <= indent && len(bytes.TrimSpace(rest)) > 0 {
			return at
		}
		at = end + 1
	}
	return at
}

// namedBlock looks at a block scalar without its indentation.
func (c *Classifier) namedBlock(col column, text []byte, lo, hi int) {
	if col.field == 0 {
		return
	}
	mark := len(c.arena)
	for line := range bytes.Lines(text[lo:hi]) {
		c.arena = append(c.arena, bytes.TrimLeft(line, " ")...)
	}
	c.namedValue(col, Span{lo, hi}, bytes.TrimSpace(c.arena[mark:]))
	c.arena = c.arena[:mark]
}

// namedScalar looks at a scalar on one line, in quotes, or up to a comment, and at lists of them.
// Maps and aliases are left to the look at the text.
func (c *Classifier) namedScalar(col column, text []byte, lo, hi int) {
	if col.field == 0 {
		return
	}
	mark, value := len(c.arena), text[lo:hi]
	switch text[lo] {
	case '[':
		c.flowItems(col, text, lo, hi)
		return
	case '{', '*':
		return
	case '"', '\'':
		quote := text[lo]
		lo++
		value = text[lo:hi]
		value = value[:quotedEnd(value, quote)]
		hi = lo + len(value)
		if quote == '\'' {
			value = c.replaced(value, "''", "'")
		} else if bytes.IndexByte(value, '\\') >= 0 {
			c.arena = jsonscan.AppendUnescaped(c.arena, value)
			value = c.arena[mark:]
		}
	default:
		if n := bytes.Index(value, []byte(" #")); n >= 0 {
			value = bytes.TrimRight(value[:n], " ")
			hi = lo + len(value)
		}
	}
	c.namedValue(col, Span{lo, hi}, value)
	c.arena = c.arena[:mark]
}

// quotedEnd returns the length of a scalar up to the quote that ends it: one that is not
// doubled, if it is a single one, and has no backslash before it, if it is a double one.
func quotedEnd(v []byte, quote byte) int {
	for i := 0; i < len(v); i++ {
		switch {
		case quote == '"' && v[i] == '\\':
			i++
		case v[i] == quote && quote == '\'' && i+1 < len(v) && v[i+1] == '\'':
			i++
		case v[i] == quote:
			return i
		}
	}
	return len(v)
}
