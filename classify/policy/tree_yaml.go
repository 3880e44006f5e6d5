package policy

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// yamlReader builds a tree of YAML.
type yamlReader struct {
	anchors map[string]*node
	nodes   int
}

func parseYAML(doc []byte) (n *node, err error) {
	defer func() {
		// The reader of YAML is made for files of people who mean well.
		if r := recover(); r != nil {
			n, err = nil, &Problem{Line: 1, Column: 1, Text: fmt.Sprintf("the document is no YAML that can be read (%T)", r)}
		}
	}()
	file, err := parser.ParseBytes(doc, 0)
	if err != nil {
		return nil, yamlProblem(err)
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			at := d.Body.GetToken().Position
			return nil, &Problem{Line: at.Line, Column: at.Column, Text: "want one document, and here another starts"}
		}
		body = d.Body
	}
	if body == nil {
		return &node{line: 1, column: 1}, nil
	}
	r := &yamlReader{anchors: map[string]*node{}}
	return r.value(body, 0)
}

// yamlProblem gives an error of the reader its place.
func yamlProblem(err error) error {
	var wrong yaml.Error
	if !errors.As(err, &wrong) || wrong.GetToken() == nil {
		return &Problem{Line: 1, Column: 1, Text: "the document is no YAML"}
	}
	at := wrong.GetToken().Position
	return &Problem{Line: at.Line, Column: at.Column, Text: wrong.GetMessage()}
}

func (r *yamlReader) value(a ast.Node, depth int) (*node, error) {
	n := &node{line: 1, column: 1}
	if t := startOf(a); t != nil && t.Position != nil {
		n.line, n.column = t.Position.Line, t.Position.Column
	}
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		return nil, problemAt(n, "", "the document is too large or nested too deep")
	}
	switch a := a.(type) {
	case *ast.MappingNode:
		n.kind = mapping
		return n, r.mapping(n, a.Values, depth)
	case *ast.MappingValueNode:
		n.kind = mapping
		return n, r.mapping(n, []*ast.MappingValueNode{a}, depth)
	case *ast.SequenceNode:
		n.kind = list
		for _, item := range a.Values {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, v)
		}
		return n, nil
	case *ast.AnchorNode:
		v, err := r.value(a.Value, depth+1)
		if err == nil {
			r.anchors[a.Name.GetToken().Value] = v
		}
		return v, err
	case *ast.AliasNode:
		if v := r.anchors[a.Value.GetToken().Value]; v != nil {
			return v, nil
		}
		return nil, problemAt(n, "", "the alias names no anchor before it")
	case *ast.TagNode:
		return r.value(a.Value, depth+1)
	}
	r.scalar(n, a)
	return n, nil
}

// startOf returns the first token of a node: a mapping in block style is told by the colon
// of its first pair, and starts at the key.
func startOf(a ast.Node) *token.Token {
	switch m := a.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return m.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		return m.Key.GetToken()
	}
	return a.GetToken()
}

func (r *yamlReader) scalar(n *node, a ast.Node) {
	switch a := a.(type) {
	case *ast.StringNode:
		n.kind, n.text = text, a.Value
	case *ast.LiteralNode:
		n.kind, n.text = text, a.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.text = number, a.GetToken().Value
	case *ast.BoolNode:
		n.kind, n.text = boolean, "false"
		if a.Value {
			n.text = "true"
		}
	}
}

func (r *yamlReader) mapping(n *node, values []*ast.MappingValueNode, depth int) error {
	for _, pair := range values {
		v, err := r.value(pair.Value, depth+1)
		if err != nil {
			return err
		}
		t := pair.Key.GetToken()
		if pair.Key.Type() == ast.MergeKeyType {
			n.merge(v)
			continue
		}
		key := t.Value
		if s, ok := pair.Key.(*ast.StringNode); ok {
			key = s.Value
		}
		if p := n.put(member{key, t.Position.Line, t.Position.Column, v}); p != nil {
			return p
		}
	}
	return nil
}

// merge adds the members of a mapping, or of several, that are not there yet
// (yaml.org/type/merge.html).
func (n *node) merge(from *node) {
	for _, item := range from.items {
		n.merge(item)
	}
	for _, m := range from.members {
		if n.get(m.key) == nil {
			_ = n.put(m) // there is none
		}
	}
}
