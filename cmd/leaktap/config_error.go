package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
type configProblem struct{ path, text string }

func (p *configProblem) Error() string { return strings.TrimPrefix(p.path, "$.") + ": " + p.text }

func problem(path, format string, args ...any) *configProblem {
	return &configProblem{"$." + path, fmt.Sprintf(format, args...)}
}

// locate returns the error for a problem: file, line, column, key, cause.
func (c *config) locate(p *configProblem) error {
	return fmt.Errorf("%s: %w", p.position(c.file, c.text), p)
}

// position finds the line and column of the path, or of its nearest parent.
func (p *configProblem) position(file string, text []byte) string {
	whole := &token.Position{Line: 1, Column: 1}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return at(file, whole)
	}
	for key := p.path; key != "$"; key = key[:strings.LastIndexAny(key, ".[")] {
		path, err := yaml.PathString(key)
		if err != nil {
			return at(file, whole)
		}
		if node, err := path.FilterFile(tree); err == nil && node != nil {
			return at(file, node.GetToken().Position)
		}
	}
	return at(file, whole)
}

// at writes a position as compilers do.
func at(file string, p *token.Position) string {
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}

// decodeYAML reads a file of one document with known keys only. Errors name file,
// line, column and the key.
func decodeYAML(file string, text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) { // an empty file is for the caller to judge
		return yamlError(file, text, into, err)
	}
	if tree, err := parser.ParseBytes(text, 0); err == nil && len(tree.Docs) > 1 {
		return fmt.Errorf("%s: want one document, and here another starts", at(file, tree.Docs[1].Start.Position))
	}
	return nil
}

// yamlError gives an error of the YAML reader its place, its key and a
// suggestion.
func yamlError(file string, text []byte, into any, err error) error {
	if p, ok := errors.AsType[*configProblem](err); ok {
		return fmt.Errorf("%s: %w", p.position(file, text), p)
	}
	var wrong yaml.Error
	if !errors.As(err, &wrong) || wrong.GetToken() == nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	where := wrong.GetToken().Position
	message := wrong.GetMessage()
	if _, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		return fmt.Errorf("%s: %s", at(file, where), unknownKey(wrong.GetToken().Value, configKeys(reflect.TypeOf(into))))
	}
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		message = fmt.Sprintf("want %s, not %s", kindOf(wrong.DstType), kindOf(wrong.SrcType))
	}
	if key := keyAt(text, where); key != "" {
		message = key + ": " + message
	}
	return fmt.Errorf("%s: %s", at(file, where), message)
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

// keyAt names the key whose value stands at a position, or returns nothing.
func keyAt(text []byte, at *token.Position) string {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return "" // the syntax is wrong, not a value
	}
	f := &finder{at: at}
	for _, doc := range tree.Docs {
		ast.Walk(f, doc.Body)
	}
	return strings.TrimPrefix(strings.TrimPrefix(f.path, "$"), ".")
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
		return &configProblem{node.GetPath(), "want a duration such as 500ms, 30s or 5m"}
	}
	*d = duration(parsed)
	return nil
}

// severity is a [classify.Severity] that says where it is wrong.
type severity classify.Severity

// UnmarshalYAML takes the name of a severity.
func (s *severity) UnmarshalYAML(node ast.Node) error {
	if err := (*classify.Severity)(s).UnmarshalText([]byte(node.GetToken().Value)); err != nil {
		return &configProblem{node.GetPath(), err.Error()}
	}
	return nil
}
