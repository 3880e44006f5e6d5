package detect

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leaktap/leaktap/classify"
)

// TestFindingSchema validates the findings of all corpora against the JSON Schema, and checks
// that the schema refuses what is none.
func TestFindingSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(classify.FindingJSONSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("finding.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("finding.json")
	if err != nil {
		t.Fatal(err)
	}
	e, valid := newEngine(t), 0
	for _, r := range e.Rules() {
		for _, b := range readCorpus(t, r.ID) {
			for _, f := range findings(e, &b.Exchange) {
				text, err := json.Marshal(f)
				if err != nil {
					t.Fatal(err)
				}
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				value.(map[string]any)["source"].(map[string]any)["kind"] = "file" // a corpus has none
				if err := schema.Validate(value); err != nil {
					t.Fatalf("%s: %v\n%s", r.ID, err, text)
				}
				valid++
				value.(map[string]any)["secret"] = "x"
				if schema.Validate(value) == nil {
					t.Fatal("a member that is not in the contract passes")
				}
			}
		}
	}
	if valid < 300 {
		t.Errorf("%d findings were validated, want 300 and more", valid)
	}
}
