package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// jsonReader builds a tree of JSON.
type jsonReader struct {
	d     *json.Decoder
	doc   []byte
	lines lines
	nodes int
}

func parseJSON(doc []byte) (*node, error) {
	r := &jsonReader{d: json.NewDecoder(bytes.NewReader(doc)), doc: doc, lines: newLines(doc)}
	r.d.UseNumber()
	n, err := r.value(0)
	if err != nil {
		return nil, r.problem(err)
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		line, column := r.place()
		return nil, &Problem{Line: line, Column: column, Text: "something stands behind the end of the document"}
	}
	return n, nil
}

// place is where the next token starts.
func (r *jsonReader) place() (line, column int) {
	at := int(r.d.InputOffset())
	for at < len(r.doc) && bytes.IndexByte([]byte(" \t\r\n,:"), r.doc[at]) >= 0 {
		at++
	}
	return r.lines.at(at)
}

// problem gives an error of the decoder its place.
func (r *jsonReader) problem(err error) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	line, column := r.place()
	message := err.Error()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, column = r.lines.at(min(max(0, int(syntax.Offset)-1), len(r.doc)))
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		message = "the document ends too early"
	}
	return &Problem{Line: line, Column: column, Text: message}
}

func (r *jsonReader) value(depth int) (*node, error) {
	n := &node{}
	n.line, n.column = r.place()
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return nil, problemAt(n, "", "the document is too large or nested too deep")
	}
	t, err := r.d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			n.kind = mapping
			return n, r.object(n, depth)
		}
		n.kind = list
		return n, r.array(n, depth)
	case string:
		n.kind, n.text = text, t
	case json.Number:
		n.kind, n.text = number, t.String()
	case bool:
		n.kind, n.text = boolean, "false"
		if t {
			n.text = "true"
		}
	}
	return n, nil
}

func (r *jsonReader) object(n *node, depth int) error {
	for r.d.More() {
		line, column := r.place()
		t, err := r.d.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if p := n.put(member{key, line, column, v}); p != nil {
			return p
		}
	}
	_, err := r.d.Token()
	return err
}

func (r *jsonReader) array(n *node, depth int) error {
	for r.d.More() {
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, v)
	}
	_, err := r.d.Token()
	return err
}
