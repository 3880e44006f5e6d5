package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
	"github.com/leaktap/leaktap/classify/policy"
)

// schemaAddress is where editors get the schemas from: docs/schema of the repository, as a file
// NAME.json each.
const schemaAddress = "https://raw.githubusercontent.com/leaktap/leaktap/main/docs/schema/"

// schemas are those that there are: of files that people write, and of findings.
func schemas() []schemaKind {
	return []schemaKind{
		{"config", "configuration files, as 'leaktap run' reads them", func() (string, error) {
			return schemaText(reflect.TypeFor[config](), "config", "configuration", "sources")
		}},
		{"policy", "policy files and baselines", func() (string, error) { return policy.Schema(), nil }},
		{"rules", "rule files, as --rules reads them", func() (string, error) {
			return schemaText(reflect.TypeFor[detect.Additions](), "rules", "rules")
		}},
		{"mapping", "mappings, as --mapping reads them", func() (string, error) {
			return schemaText(reflect.TypeFor[mapping](), "mapping", "mapping")
		}},
		{"finding", "findings, as -o jsonl writes them", func() (string, error) { return classify.FindingJSONSchema, nil }},
	}
}

// schemaKind is a schema by its name, what it is of, and its text.
type schemaKind struct {
	name, what string
	text       func() (string, error)
}

func (a *app) schemaCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "schema", Short: "Print JSON Schemas of leaktap's files and findings",
		Long: `Schema prints JSON Schemas (draft 2020-12), for editors and checks. An editor with the YAML
language server completes and checks a file whose first line names its schema:

  # yaml-language-server: $schema=` + schemaAddress + `config.json

That is the newest one. For the version at hand, or without a network:

  leaktap schema config > leaktap.schema.json
  # yaml-language-server: $schema=leaktap.schema.json`,
	}
	for _, s := range schemas() {
		c.AddCommand(&cobra.Command{
			Use: s.name, Short: "Print the JSON Schema of " + s.what, Args: cobra.NoArgs,
			Long: "Print the JSON Schema (draft 2020-12) of " + s.what + ", for editors and checks.",
			RunE: func(*cobra.Command, []string) error {
				text, err := s.text()
				if err != nil {
					return err
				}
				_, err = io.WriteString(a.out, text)
				return err
			},
		})
	}
	return c
}

// schemaText is the schema of the type that a file is read into: it cannot say anything else
// than that does.
func schemaText(t reflect.Type, name, title string, required ...string) (string, error) {
	schema := schemaOf(t)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = "https://leaktap.dev/schema/" + name + "/v1"
	schema["title"] = "leaktap " + title
	if required != nil {
		schema["required"] = required
	}
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return "", fmt.Errorf("encode schema: %w", err)
	}
	return string(text) + "\n", nil
}

// schemaOf describes a type of the configuration.
func schemaOf(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[severity](), reflect.TypeFor[classify.Severity]():
		var names []string
		for s := classify.Info; s <= classify.Critical; s++ {
			names = append(names, s.String())
		}
		return map[string]any{"enum": names}
	case reflect.TypeFor[mappedField]():
		text := map[string]any{"type": "string"}
		forms := []any{text, map[string]any{"type": "array", "items": text}}
		object := objectSchema(t)
		object["properties"] = map[string]any{"path": map[string]any{"anyOf": forms}, "decode": map[string]any{"anyOf": forms}}
		return map[string]any{"anyOf": append(forms, object)}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer", "minimum": 0}
	default:
		return map[string]any{"type": "string"}
	}
}

// objectSchema describes a mapping.
func objectSchema(t reflect.Type) map[string]any {
	properties := map[string]any{}
	addProperties(properties, t)
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

// addProperties adds the members: those with a name in YAML, and those of what is inline.
func addProperties(properties map[string]any, t reflect.Type) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			addProperties(properties, field.Type)
		case name != "" && name != "-":
			member := schemaOf(field.Type)
			if field.Type.Kind() == reflect.Struct && member["type"] == "object" {
				member["type"] = []string{"object", "null"} // a part with nothing in it is as none
			}
			if text := field.Tag.Get("default"); text != "" {
				member["default"] = defaultOf(text)
			}
			properties[name] = member
		}
	}
}

// defaultOf is a default as JSON has it.
func defaultOf(text string) any {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return text
	}
	return value
}
