package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/leaktap/leaktap/classify"
)

// configProblem is what is wrong at a path of the configuration.
type configProblem struct {
	path, text string
	// missing says that something is not there.
	missing bool
}

func (p *configProblem) Error() string { return strings.TrimPrefix(p.path, "$.") + ": " + p.text }

func problem(path, format string, args ...any) *configProblem {
	return &configProblem{path: "$." + path, text: fmt.Sprintf(format, args...)}
}

// problems are all that is wrong with a configuration.
type problems []*configProblem

// add notes a problem.
func (all *problems) add(path, format string, args ...any) {
	*all = append(*all, problem(path, format, args...))
}

// need notes that a value is missing.
func (all *problems) need(there bool, path, what string) {
	if !there {
		all.add(path, "is needed%s", what)
		(*all)[len(*all)-1].missing = true
	}
}

// wrong notes an error, unless it is nil.
func (all *problems) wrong(path string, err error) {
	if err != nil {
		all.add(path, "%v", err)
	}
}

// position finds the line and column of the path, or of its nearest parent.
func (p *configProblem) position(file string, text []byte) string {
	return at(file, positionOf(p.path, text))
}

// positionOf is where a path is, or its nearest parent.
func positionOf(key string, text []byte) *token.Position {
	whole := &token.Position{Line: 1, Column: 1}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return whole
	}
	for ; key != "$"; key = parentOf(key) {
		path, err := yaml.PathString(key)
		if err != nil {
			return whole
		}
		if node, err := path.FilterFile(tree); err == nil && node != nil {
			return node.GetToken().Position
		}
	}
	return whole
}

// parentOf is the path of the mapping or list in which something stands.
func parentOf(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 1)] }

// at writes a position as compilers do.
func at(file string, p *token.Position) string {
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

// unknownKey says what is wrong with a key, which may be right elsewhere: then it is
// misplaced, or one letter off another.
func unknownKey(key string, known []string) string {
	others := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return k == key })
	if len(others) < len(known) {
		return fmt.Sprintf("key %q does not belong here: check the indentation%s", key, didYouMean(key, others))
	}
	return fmt.Sprintf("unknown key %q%s", key, didYouMean(key, others))
}

// configKeys lists every key of a configuration.
func configKeys(t reflect.Type) (keys []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return configKeys(t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			key := field.Tag.Get("yaml")
			if key == "" {
				continue
			}
			if !strings.HasPrefix(key, ",") { // else it is a part without a key of its own
				keys = append(keys, key)
			}
			keys = append(keys, configKeys(field.Type)...)
		}
	}
	return keys
}

// kindOf names a type as users of YAML know it.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Uint64, reflect.Int64, reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping (quotes make it text)"
	}
	return "text"
}

// keyAt is the path of what stands at a position, empty if there is nothing.
func keyAt(text []byte, at *token.Position) string {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return "" // the syntax is wrong, not a value
	}
	f := &finder{at: at}
	for _, doc := range tree.Docs {
		ast.Walk(f, doc.Body)
	}
	return f.path
}

// finder looks for the node at a position.
type finder struct {
	at   *token.Position
	path string
}

// Visit implements [ast.Visitor].
func (f *finder) Visit(node ast.Node) ast.Visitor {
	if p := node.GetToken().Position; f.path == "" && p.Line == f.at.Line && p.Column == f.at.Column {
		f.path = node.GetPath()
	}
	return f
}

// duration is a [time.Duration] that says where it is wrong.
type duration time.Duration

// UnmarshalYAML takes what [time.ParseDuration] takes, unless it is negative.
func (d *duration) UnmarshalYAML(node ast.Node) error {
	parsed, err := time.ParseDuration(node.GetToken().Value)
	if err != nil || parsed < 0 {
		return &configProblem{path: node.GetPath(), text: "want a duration such as 500ms, 30s or 5m"}
	}
	*d = duration(parsed)
	return nil
}

// severity is a [classify.Severity] that says where it is wrong.
type severity classify.Severity

// UnmarshalYAML takes the name of a severity.
func (s *severity) UnmarshalYAML(node ast.Node) error {
	if err := (*classify.Severity)(s).UnmarshalText([]byte(node.GetToken().Value)); err != nil {
		return &configProblem{path: node.GetPath(), text: err.Error()}
	}
	return nil
}
