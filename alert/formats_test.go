package alert

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leaktap/leaktap/classify"
)

// report writes findings in a format.
func report(t *testing.T, format string, findings ...*classify.Finding) string {
	t.Helper()
	m, _ := testMetrics()
	var out bytes.Buffer
	r := newReport(t, format, &out, m)
	for _, f := range findings {
		r.Accept(f)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// fromKafka is a finding of a topic, with all that a finding may have.
func fromKafka(f *classify.Finding) {
	live, end := true, epoch()
	f.Source = classify.Source{Kind: classify.SourceKafka, Name: "access", Partition: 3, Offset: 42}
	f.Token = &classify.Token{Kind: "jwt", Alg: "HS256", Live: &live, Expires: &end, Scope: []string{"a", "b"}}
	f.Policy = &classify.Verdict{Verdict: "denied", By: "policy"}
	f.Principal, f.Fingerprint, f.Severity = "p-1", "fp-kafka", classify.Low
}

// TestSARIF validates a log against the schema of the standard, and checks what readers of
// it rely on.
func TestSARIF(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, findings := range map[string][]*classify.Finding{
		"none": nil,
		"all":  {finding(0), finding(1), finding(2, at("/other")), finding(3, fromKafka), finding(4, func(f *classify.Finding) { f.Source.Name = "a b/ü#?.log" }, at("/name"))},
	} {
		text := report(t, "sarif", findings...)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		log := decode[sarifLog](t, []byte(text))
		run := log.Runs[0]
		if name == "none" {
			continue
		}
		if len(run.Results) != 4 || len(run.Tool.Driver.Rules) != 1 || run.Tool.Driver.Version != "1.2.3" {
			t.Fatalf("%d results of %d rules, version %q", len(run.Results), len(run.Tool.Driver.Rules), run.Tool.Driver.Version)
		}
		for _, r := range run.Results {
			switch r.PartialFingerprints["leaktap/v1"] {
			case "fp":
				if r.OccurrenceCount != 2 || r.Level != "error" || r.Locations[0].Physical.Artifact.URI != "access.log" || r.Locations[0].Physical.Region.StartLine != 1 {
					t.Errorf("result %+v", r)
				}
			case "fp-kafka":
				if r.Locations[0].Physical != nil || !strings.Contains(r.Locations[0].Logical[0].QualifiedName, "access/3/42") || r.Level != "note" {
					t.Errorf("result %+v", r)
				}
			case "fp-/name":
				if uri := r.Locations[0].Physical.Artifact.URI; uri != "a%20b/%C3%BC%23%3F.log" {
					t.Errorf("file is %q", uri)
				}
			}
		}
	}
}

// TestCSV reads a table back: one line of names, one for each finding, and no cell that a
// spreadsheet takes for a formula.
func TestCSV(t *testing.T) {
	evil := finding(1, func(f *classify.Finding) { f.HTTP.Route, f.HTTP.Service = "=cmd|' /c calc'!A0", "a,\"b\"\nc" })
	rows, err := csv.NewReader(strings.NewReader(report(t, "csv", finding(0), evil, finding(2, fromKafka)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cell := func(row int, column string) string {
		for i, name := range rows[0] {
			if name == column {
				return rows[row][i]
			}
		}
		t.Fatalf("no column %s", column)
		return ""
	}
	if len(rows) != 4 {
		t.Fatalf("%d rows, want 4", len(rows))
	}
	for _, c := range []struct {
		row          int
		column, want string
	}{
		{1, "id", "lt-0"},
		{1, "place", "access.log:1"},
		{1, "severity", "critical"},
		{1, "token_live", ""},
		{2, "route", "'=cmd|' /c calc'!A0"},
		{2, "service", `a,"b" c`},
		{3, "place", "access/3/42"},
		{3, "token_live", "true"},
		{3, "policy", "denied by policy"},
		{3, "principal", "p-1"},
	} {
		if got := cell(c.row, c.column); got != c.want {
			t.Errorf("row %d, %s is %q, want %q", c.row, c.column, got, c.want)
		}
	}
	if got := report(t, "csv"); got != strings.Join(csvColumns, ",")+"\n" {
		t.Errorf("without findings: %q", got)
	}
}

// TestAnnotations checks the commands, and that nothing in them ends one early.
func TestAnnotations(t *testing.T) {
	evil := finding(1, at("/b"), func(f *classify.Finding) {
		f.Source.Name, f.Severity = "a,b:c%\n::error::x", classify.Medium
		f.HTTP.Service = "x\n::stop-commands::y"
	})
	lines := strings.Split(strings.TrimSuffix(report(t, "github", finding(0), evil, finding(2, fromKafka)), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3: %q", len(lines), lines)
	}
	for i, start := range []string{
		"::error title=leaktap password-hash,file=access.log,line=1::A password hash is in a response: users-api GET /api/users/{id} (200), response.body",
		"::warning title=leaktap password-hash,file=a%2Cb%3Ac%25 %3A%3Aerror%3A%3Ax,line=2::",
		"::notice title=leaktap password-hash::",
	} {
		if !strings.HasPrefix(lines[i], start) {
			t.Errorf("line %d is %q, want it to start with %q", i, lines[i], start)
		}
	}
}

// TestOCSF checks the required attributes of class 2004.
func TestOCSF(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(report(t, "ocsf", finding(0), finding(1, fromKafka)), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2", len(lines))
	}
	for i, line := range lines {
		got := decode[map[string]any](t, []byte(line))
		for _, name := range []string{
			"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "finding_info", "metadata", "status_id",
		} {
			if got[name] == nil {
				t.Errorf("line %d has no %s", i, name)
			}
		}
		if got["class_uid"] != 2004.0 || got["type_uid"] != 200401.0 || got["severity_id"] != []float64{5, 2}[i] {
			t.Errorf("line %d: %s", i, line)
		}
	}
}

// TestJSONArray checks that the array is one with any number of findings.
func TestJSONArray(t *testing.T) {
	for n := range 3 {
		var findings []*classify.Finding
		for i := range n {
			findings = append(findings, finding(i))
		}
		var got []struct{ ID string }
		if err := json.Unmarshal([]byte(report(t, "json", findings...)), &got); err != nil || len(got) != n {
			t.Errorf("%d findings: %d came back (%v)", n, len(got), err)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	m, _ := testMetrics()
	if _, err := NewReport("xml", "", os.Stdout, m); err == nil || err.Error() != `format "xml": there is none` {
		t.Errorf("got error %v", err)
	}
}
