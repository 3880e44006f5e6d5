package main

import (
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestConfigSchema checks that the schema takes the configurations that check-config takes,
// and refuses those whose mistake is one of form.
func TestConfigSchema(t *testing.T) {
	schema := compiledSchemas(t)["config"]
	validate := func(text string) error {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	for script, names := range map[string][]string{
		"check-config.txtar": {"full.yaml", "least.yaml", "partitions.yaml"},
		"check-config-bad.txtar": {
			"unknown-top.yaml", "unknown-nested.yaml", "unknown-kafka-key.yaml", "sources-scalar.yaml", "brokers-scalar.yaml", "bad-duration.yaml", "promiscuous.yaml",
			"findings-text.yaml", "findings-negative.yaml", "am-severity.yaml", "users-typo.yaml", "login-text.yaml",
		},
	} {
		archive, err := txtar.ParseFile("testdata/script/" + script)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, f := range archive.Files {
			files[f.Name] = string(f.Data)
		}
		for _, name := range names {
			if files[name] == "" {
				t.Errorf("%s has no %s", script, name)
			}
			if err := validate(files[name]); (err == nil) != (script == "check-config.txtar") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
