package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/spf13/pflag"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/ingest"
)

// decoding holds the flags that say how records are decoded.
type decoding struct {
	format  string
	content string
	mapping string
	where   string
	// envelopes bounds how many are taken off a record.
	envelopes int
}

func (o *decoding) flags(flags *pflag.FlagSet) {
	flags.StringVar(&o.format, "format", ingest.FormatAuto, "format of records: auto, or one that \"leaktap format list\" shows")
	flags.StringVar(&o.content, "content", string(ingest.ContentAuto), "what records are: auto, log, traffic")
	flags.StringVar(&o.mapping, "mapping", "", "YAML file that says where records of your own format have what")
	flags.IntVar(&o.envelopes, "max-envelopes", 0, "how many envelopes around a record are taken off; 0 means 8")
	flags.StringVar(&o.where, "where", "", "look only at exchanges for which the expression holds, such as 'status >= 400'")
}

// config reads the mapping and compiles the expression.
func (o *decoding) config() (cfg ingest.Config, err error) {
	cfg = ingest.Config{Format: o.format, Content: ingest.Content(o.content), MaxEnvelopes: o.envelopes}
	if o.mapping != "" {
		if cfg.Mapping, err = loadMapping(o.mapping); err != nil {
			return cfg, err
		}
	}
	if cfg.Where, err = compileWhere(o.where); err != nil {
		return cfg, fmt.Errorf("--where: %w", err)
	}
	return cfg, nil
}

// compileWhere compiles an expression; without one everything is looked at.
func compileWhere(expression string) (func(*classify.Exchange) bool, error) {
	if expression == "" {
		return nil, nil
	}
	return ingest.CompileWhere(expression)
}

// mapping is a mapping as YAML has it: where each field of an exchange stands.
type mapping struct {
	Time            mappedField `yaml:"time"`
	Service         mappedField `yaml:"service"`
	Method          mappedField `yaml:"method"`
	URL             mappedField `yaml:"url"`
	Path            mappedField `yaml:"path"`
	Query           mappedField `yaml:"query"`
	Host            mappedField `yaml:"host"`
	Status          mappedField `yaml:"status"`
	Client          mappedField `yaml:"client"`
	RequestHeaders  mappedField `yaml:"request_headers"`
	RequestBody     mappedField `yaml:"request_body"`
	ResponseHeaders mappedField `yaml:"response_headers"`
	ResponseBody    mappedField `yaml:"response_body"`
	Request         mappedField `yaml:"request"`
	Response        mappedField `yaml:"response"`
}

// mappedField is one path, a list of paths of which the first that is there
// counts, or a mapping of these as path and of the steps of decode.
type mappedField struct {
	Path   []string `yaml:"path"`
	Decode []string `yaml:"decode"`
}

// UnmarshalYAML takes the three forms.
func (f *mappedField) UnmarshalYAML(node ast.Node) (err error) {
	members, isMapping := node.(ast.MapNode)
	if !isMapping {
		f.Path, err = texts(node)
		return err
	}
	for it := members.MapRange(); it.Next(); {
		switch name := it.Key().GetToken().Value; name {
		case "path":
			f.Path, err = texts(it.Value())
		case "decode":
			f.Decode, err = texts(it.Value())
		default:
			err = &configProblem{path: it.Value().GetPath(), text: unknownKey(name, []string{"path", "decode"})}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// texts reads a text or a list of texts.
func texts(node ast.Node) (list []string, err error) {
	switch node := node.(type) {
	case *ast.SequenceNode:
		for _, value := range node.Values {
			text, ok := value.(*ast.StringNode)
			if !ok {
				return nil, &configProblem{path: value.GetPath(), text: "want text"}
			}
			list = append(list, text.Value)
		}
		return list, nil
	case *ast.StringNode:
		return []string{node.Value}, nil
	}
	return nil, &configProblem{path: node.GetPath(), text: "want a path, a list of paths, or path and decode"}
}

// fields lists what is mapped.
func (m *mapping) fields() (list []ingest.MappedField) {
	for i, f := range []mappedField{
		m.Time, m.Service, m.Method, m.URL, m.Path, m.Query, m.Host, m.Status, m.Client,
		m.RequestHeaders, m.RequestBody, m.ResponseHeaders, m.ResponseBody, m.Request, m.Response,
	} {
		if f.Path != nil || f.Decode != nil {
			list = append(list, ingest.MappedField{Name: ingest.MappingFields()[i], Paths: f.Path, Decode: f.Decode})
		}
	}
	return list
}

// compile checks a mapping that stands at a path of a file; one without fields is
// nil.
func (m *mapping) compile(path string) (*ingest.Mapping, *configProblem) {
	fields := m.fields()
	if len(fields) == 0 {
		return nil, nil
	}
	compiled, err := ingest.NewMapping(fields)
	if wrong, ok := errors.AsType[*ingest.MappingError](err); ok {
		return nil, problem(strings.TrimPrefix(path+"."+wrong.Field, "."), "%s%s", wrong.Text, didYouMean(wrong.Unknown, wrong.Known))
	}
	return compiled, nil
}

// loadMapping reads a mapping file. Errors name file, line and column.
func loadMapping(file string) (*ingest.Mapping, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	m := &mapping{}
	if err := decodeYAML(file, text, m); err != nil {
		return nil, err
	}
	compiled, wrong := m.compile("")
	switch {
	case wrong != nil:
		return nil, fmt.Errorf("%s: %w", wrong.position(file, text), wrong)
	case compiled == nil:
		return nil, fmt.Errorf("%s:1:1: there is no field: map at least one of %s", file, strings.Join(ingest.MappingFields(), ", "))
	}
	return compiled, nil
}
