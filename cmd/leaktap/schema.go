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
	"github.com/leaktap/leaktap/classify/policy"
)

func (a *app) schemaCommand() *cobra.Command {
	c := &cobra.Command{Use: "schema", Short: "Print JSON Schemas of leaktap's files and findings"}
	for _, s := range []struct {
		name, what string
		text       func() (string, error)
	}{
		{"config", "configuration files, as 'leaktap run' reads them", configSchema},
		{"policy", "policy files and baselines", func() (string, error) { return policy.Schema(), nil }},
		{"finding", "findings, as -o jsonl writes them", func() (string, error) { return classify.FindingJSONSchema, nil }},
	} {
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

// configSchema is that of the types that a configuration file is read into: it cannot say
// anything else than they do.
func configSchema() (string, error) {
	schema := schemaOf(reflect.TypeFor[config]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = "https://leaktap.dev/schema/config/v1"
	schema["title"] = "leaktap configuration"
	schema["required"] = []string{"sources"}
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
	case reflect.TypeFor[severity]():
		var names []string
		for s := classify.Info; s <= classify.Critical; s++ {
			names = append(names, s.String())
		}
		return map[string]any{"enum": names}
	case reflect.TypeFor[mappedField]():
		text := map[string]any{"type": "string"}
		list := map[string]any{"type": "array", "items": text}
		return map[string]any{"anyOf": []any{text, list, objectSchema(t)}}
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
