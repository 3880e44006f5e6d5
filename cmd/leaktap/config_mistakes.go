package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// mistake is one thing that is wrong with a file, and where.
type mistake struct {
	// path is that of the value, "$" for the whole.
	path string
	at   *token.Position
	text string
}

// mistakes are all that were found in a file.
type mistakes struct {
	file string
	list []mistake
}

// err joins the mistakes in the order of the file, each with file, line and column; nil if
// there is none.
func (m *mistakes) err() error {
	slices.SortStableFunc(m.list, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.at.Column, b.at.Column))
	})
	var all []error
	for _, wrong := range m.list {
		all = append(all, fmt.Errorf("%s: %s", at(m.file, wrong.at), wrong.text))
	}
	return errors.Join(all...)
}

// add adds problems, but those that follow from a mistake that is known: a key that is
// misspelt is missing, too.
func (m *mistakes) add(text []byte, found problems) {
	known := len(m.list)
	for _, p := range found {
		if !slices.ContainsFunc(m.list[:known], func(w mistake) bool { return p.follows(w.path) }) {
			m.list = append(m.list, mistake{p.path, positionOf(p.path, text), p.Error()})
		}
	}
}

// follows says whether a problem may come of a mistake at a path: it is above or below, or
// misses something in the same mapping.
func (p *configProblem) follows(of string) bool {
	return within(p.path, of) || within(of, p.path) || p.missing && parentOf(p.path) == parentOf(of)
}

// within says whether a path is another's or lies below it.
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// maxMistakes bounds how many values of one file are found to be of a wrong kind.
const maxMistakes = 100

// decodeYAML reads a file of one document with known keys only. Its error names all
// mistakes, a line each: file, line, column and the key.
func decodeYAML(file string, text []byte, into any) error {
	return decodeAll(file, text, into).err()
}

// decodeAll reads what can be read. The decoder stops at the first mistake: what is wrong is
// cut out, and the rest is read again.
func decodeAll(file string, text []byte, into any) *mistakes {
	all := &mistakes{file: file}
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(into)
	tree, broken := parser.ParseBytes(text, 0)
	if broken == nil && len(tree.Docs) > 1 {
		all.list = append(all.list, mistake{"$", tree.Docs[1].Start.Position, "want one document, and here another starts"})
	}
	for err != nil && !errors.Is(err, io.EOF) { // an empty file is for the caller to judge
		wrong := mistakeOf(text, into, err)
		if slices.ContainsFunc(all.list, func(known mistake) bool { return *known.at == *wrong.at }) {
			break // nothing is wrong with it either
		}
		all.list = append(all.list, wrong)
		if broken != nil || len(all.list) == maxMistakes || !cutOut(tree.Docs[0].Body, wrong.at) {
			break
		}
		err = yaml.NewDecoder(strings.NewReader(""), yaml.Strict()).DecodeFromNode(tree.Docs[0].Body, into)
	}
	return all
}

// mistakeOf gives an error of the YAML reader its place, its key and a suggestion.
func mistakeOf(text []byte, into any, err error) mistake {
	if p, ok := errors.AsType[*configProblem](err); ok {
		return mistake{p.path, positionOf(p.path, text), p.Error()}
	}
	var wrong yaml.Error
	if !errors.As(err, &wrong) || wrong.GetToken() == nil {
		return mistake{"$", &token.Position{Line: 1, Column: 1}, err.Error()}
	}
	where := wrong.GetToken().Position
	path := keyAt(text, where)
	message := wrong.GetMessage()
	if _, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		key := wrong.GetToken().Value
		return mistake{cmp.Or(path, "$."+key), where, unknownKey(key, configKeys(reflect.TypeOf(into)))}
	}
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		message = fmt.Sprintf("want %s, not %s", kindOf(wrong.DstType), kindOf(wrong.SrcType))
	}
	if key := strings.TrimPrefix(path, "$."); key != "$" && key != "" {
		message = key + ": " + message
	}
	return mistake{cmp.Or(path, "$"), where, message}
}

// cutOut takes what stands at a position out of a document: a key with its value, or a value.
// It says whether there was any.
func cutOut(document ast.Node, where *token.Position) bool {
	c := &cutter{at: where}
	ast.Walk(c, document)
	return c.done
}

// cutter looks for what to cut out.
type cutter struct {
	at   *token.Position
	done bool
}

// Visit implements [ast.Visitor].
func (c *cutter) Visit(node ast.Node) ast.Visitor {
	if c.done {
		return nil
	}
	switch node := node.(type) {
	case *ast.MappingNode:
		node.Values = slices.DeleteFunc(node.Values, func(pair *ast.MappingValueNode) bool {
			found := !c.done && (c.here(pair.Key) || c.here(pair.Value) || c.here(pair))
			c.done = c.done || found
			return found
		})
	case *ast.SequenceNode:
		for i, value := range node.Values {
			if !c.done && c.here(value) {
				nothing := ast.Null(value.GetToken())
				nothing.SetPath(value.GetPath())
				node.Values[i], c.done = nothing, true
			}
		}
	}
	return c
}

func (c *cutter) here(node ast.Node) bool {
	p := node.GetToken().Position
	return p.Line == c.at.Line && p.Column == c.at.Column
}
