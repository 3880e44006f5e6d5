package main

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/pflag"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/alert/page"
	"github.com/leaktap/leaktap/classify"
)

// printConfig prints a configuration in effect. What it prints is a configuration, too.
func (a *app) printConfig(file string) error {
	c, err := loadConfig(file)
	if err != nil {
		return usage(err)
	}
	settings, err := a.settings(c)
	if err != nil {
		return usage(err)
	}
	for _, s := range settings {
		line := s.Text
		if s.Origin != "" {
			line = fmt.Sprintf("%-44s # %s", s.Text, s.Origin)
		}
		if _, err := fmt.Fprintln(a.out, line); err != nil {
			return fmt.Errorf("write configuration: %w", err)
		}
	}
	return nil
}

// settings are the lines of a configuration in effect, with the options that are for every verb.
func (a *app) settings(loaded *config) ([]page.Setting, error) {
	c, wrong := readConfig(loaded.file, loaded.text) // once more: a check makes names of files relative to here
	if err := wrong.err(); err != nil {
		return nil, err
	}
	tree, err := parser.ParseBytes(loaded.text, 0)
	if err != nil {
		return nil, err
	}
	p := &printer{file: loaded.file, tree: tree}
	if a.flags != nil {
		for _, name := range []string{"log-level", "log-format", "color"} {
			p.flag("# ", a.flags.Lookup(name))
		}
	}
	p.mapping("", "$", reflect.ValueOf(c).Elem())
	return p.lines, nil
}

// options are the flags that say something of a verb without a configuration file. None of them
// takes a secret: those are in files, which flags name.
func (a *app) options() []page.Setting {
	p := &printer{}
	if a.flags != nil {
		a.flags.VisitAll(func(f *pflag.Flag) {
			if text := f.Value.String(); f.Name != "help" && text != "" && text != "[]" {
				p.flag("", f)
			}
		})
	}
	return p.lines
}

// printer lists the values of a configuration, each with where it is from.
type printer struct {
	file  string
	tree  *ast.File
	lines []page.Setting
}

// flag adds an option, which in a configuration is a comment.
func (p *printer) flag(before string, f *pflag.Flag) {
	if f == nil {
		return
	}
	origin := "default"
	switch {
	case f.Annotations[fromVariable] != nil:
		origin = "variable " + variableOf(f)
	case f.Changed:
		origin = "flag"
	}
	p.line("", fmt.Sprintf("%s--%s %s", before, f.Name, f.Value), origin)
}

// line adds one line.
func (p *printer) line(indent, text, origin string) {
	p.lines = append(p.lines, page.Setting{Text: indent + text, Origin: origin})
}

// origin is where in the file a value is, or that it is a default.
func (p *printer) origin(path string) string {
	for key := path; key != "$"; key = parentOf(key) {
		node := p.node(key)
		if node == nil {
			continue
		}
		if _, isMapping := node.(ast.MapNode); isMapping && key != path {
			break // the key is not in it
		}
		return fmt.Sprintf("%s:%d", p.file, node.GetToken().Position.Line)
	}
	return "default"
}

// node is what the file has at a path, or nil.
func (p *printer) node(path string) ast.Node {
	found, err := yaml.PathString(path)
	if err != nil {
		return nil
	}
	node, err := found.FilterFile(p.tree)
	if err != nil {
		return nil
	}
	return node
}

// mapping adds the keys of a part that have a value.
func (p *printer) mapping(indent, path string, v reflect.Value) {
	for field, value := range v.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			p.mapping(indent, path, value)
		case name != "" && (!value.IsZero() || p.node(path+"."+name) != nil):
			p.value(indent, name+":", path+"."+name, value, field.Tag.Get("mask"))
		}
	}
}

// value adds a key, or the dash of a list, with what belongs to it.
func (p *printer) value(indent, key, path string, v reflect.Value, mask string) {
	if text, ok := scalar(v, mask); ok {
		p.line(indent, key+" "+text, p.origin(path))
		return
	}
	p.line(indent, key, "")
	p.members(indent+"  ", path, v, mask)
}

// members adds what is in a list or a mapping.
func (p *printer) members(indent, path string, v reflect.Value, mask string) {
	switch v.Kind() {
	case reflect.Pointer:
		p.members(indent, path, v.Elem(), mask)
	case reflect.Slice:
		for i := range v.Len() {
			p.value(indent, "-", fmt.Sprintf("%s[%d]", path, i), v.Index(i), mask)
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			p.line(indent, quoted(key.String())+": "+quoted(v.MapIndex(key).String()), p.origin(path))
		}
	default:
		p.mapping(indent, path, v)
	}
}

// scalar is a value that is one; masked if it may hold a secret.
func scalar(v reflect.Value, mask string) (text string, ok bool) {
	switch value := v.Interface().(type) {
	case duration:
		return shortDuration(time.Duration(value)), true
	case severity:
		return classify.Severity(value).String(), true
	}
	switch v.Kind() {
	case reflect.Pointer:
		return scalar(v.Elem(), mask)
	case reflect.String:
		return quoted(masked(v.String(), mask)), true
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
		return fmt.Sprint(v.Interface()), true
	}
	return "", false
}

// shortDuration leaves out units that are zero: 1h, not 1h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// quoted is a text as YAML has it, on one line.
func quoted(text string) string {
	text = alert.Clean(text)
	out, err := yaml.MarshalWithOptions(text, yaml.JSON())
	if err != nil {
		return `""`
	}
	return strings.TrimSpace(string(out))
}

// The kinds of masks: of a URL with a password, and of one that is a password as a whole.
const (
	maskUser = "user"
	maskPath = "path"
	stars    = "xxxxx"
)

// masked hides what may be a secret in a URL: who has the path of a webhook may post to it.
func masked(text, mask string) string {
	if mask == "" {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		return stars
	}
	if u.User != nil {
		u.User = url.User(stars)
	}
	if u.RawQuery != "" {
		u.RawQuery = stars
	}
	if u.Fragment = ""; mask == maskPath && strings.Trim(u.Path, "/") != "" {
		u.Path, u.RawPath = "/"+stars, ""
	}
	return u.String()
}
