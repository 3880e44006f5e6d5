package main

import (
	"cmp"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// repository is the root, from here.
const repository = "../.."

// block is an example in a document: of a kind that stands behind ```, or indented.
type block struct {
	file string
	line int
	kind string
	text string
}

func (b *block) at() string { return b.file + ":" + strconv.Itoa(b.line) }

// blocks are the examples of all documents of the repository.
func blocks(t *testing.T) (all []block) {
	t.Helper()
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == "testdata" || len(name) > 2 && name[0] == '.'):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".md"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(repository, path)
		all = append(all, blocksOf(filepath.ToSlash(file), string(text))...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d examples were found", len(all))
	}
	return all
}

// blocksOf are the examples of one document (CommonMark 0.31, 4.4 and 4.5).
func blocksOf(file, text string) (all []block) {
	var fenced, inside bool
	blank := true
	for i, line := range strings.Split(text, "\n") {
		kind, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !fenced:
			all = append(all, block{file: file, line: i + 1, kind: cmp.Or(kind, "no kind")})
			fenced = true
		case fence:
			fenced = false
		case fenced:
			all[len(all)-1].text += line + "\n"
		case strings.HasPrefix(line, "    ") && (blank || inside):
			if !inside {
				all = append(all, block{file: file, line: i + 1, kind: "indented"})
			}
			all[len(all)-1].text += strings.TrimSpace(line) + "\n"
			inside = true
			continue
		}
		inside, blank = false, strings.TrimSpace(line) == ""
	}
	return all
}

// blocksFor are the examples of a document of a kind, of which there has to be one.
func blocksFor(t *testing.T, file, kind string) (texts []string) {
	t.Helper()
	for _, b := range blocks(t) {
		if b.file == file && b.kind == kind {
			texts = append(texts, b.text)
		}
	}
	if texts == nil {
		t.Fatalf("%s shows no %s", file, kind)
	}
	return texts
}

// commandLines are the lines of examples, without comments.
func commandLines(texts []string) (lines []string) {
	for _, text := range texts {
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "  #")
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// testsOf are the tests that try the examples of a document and kind, and fail for one that they
// do not know. Those of kind yaml are all tried by TestYAMLExamples.
var testsOf = map[string]string{
	"README.md text":            "TestReadmeScan",
	"README.md sh":              "TestReadmeRuns",
	"deploy/README.md indented": "TestDeployCommands",
	"docs/capture.md text":      "TestRingFormula",
	"docs/kafka.md sh":          "TestKafkaCommands",
	"docs/page.md sh":           "TestPageCommands",
	"docs/policy.md json":       "TestPolicyPage",
	"docs/policy.md sh":         "TestPolicyPage",
	"docs/rules.md sh":          "TestRulesPage",
	"docs/rules.md text":        "TestRulesPage",
}

// TestEveryExampleIsTried fails for an example that no test tries.
func TestEveryExampleIsTried(t *testing.T) {
	var source strings.Builder
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tests {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	shown := map[string]bool{}
	for _, b := range blocks(t) {
		key := b.file + " " + b.kind
		shown[key] = true
		if b.kind != "yaml" && testsOf[key] == "" {
			t.Errorf("%s: no test tries an example of kind %q there:\n%s", b.at(), b.kind, b.text)
		}
	}
	for key, test := range testsOf {
		if !shown[key] {
			t.Errorf("%s tries %q, and there is none", test, key)
		}
		if !strings.Contains(source.String(), "func "+test+"(") {
			t.Errorf("%s, which tries %q, is not here", test, key)
		}
	}
}

// TestBlocksOf checks that examples are found.
func TestBlocksOf(t *testing.T) {
	const text = "a\n\n    one\n    two\n\nb\n    no code\n\n```sh\nthree\n\n    four\n```\n```\nfive\n```\n- x\n\n      six\n"
	want := []block{{"f", 3, "indented", "one\ntwo\n"}, {"f", 9, "sh", "three\n\n    four\n"}, {"f", 14, "no kind", "five\n"}, {"f", 19, "indented", "six\n"}}
	if got := blocksOf("f", text); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

// compiledSchemas are the schemas by name, from docs/schema.
func compiledSchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	all := map[string]*jsonschema.Schema{}
	for _, s := range schemas() {
		text, err := os.ReadFile(filepath.Join(repository, "docs/schema", s.name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(s.name, document); err != nil {
			t.Fatal(err)
		}
		if all[s.name], err = compiler.Compile(s.name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestSchemaFiles checks that docs/schema has what 'leaktap schema' prints, and nothing else.
// UPDATE_SCHEMAS=1 writes it.
func TestSchemaFiles(t *testing.T) {
	folder := filepath.Join(repository, "docs/schema")
	var names []string
	for _, s := range schemas() {
		text, err := s.text()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(folder, s.name+".json")
		names = append(names, name)
		if os.Getenv("UPDATE_SCHEMAS") != "" {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if there, err := os.ReadFile(name); err != nil || string(there) != text {
			t.Errorf("%s is not what 'leaktap schema %s' prints (%v): UPDATE_SCHEMAS=1 go test ./cmd/leaktap -run TestSchemaFiles", name, s.name, err)
		}
	}
	slices.Sort(names)
	if there, err := filepath.Glob(folder + "/*"); err != nil || !slices.Equal(there, names) {
		t.Errorf("there are %v, want %v (%v)", there, names, err)
	}
}

// modeline is the first line of an example; it names the schema.
var modeline = regexp.MustCompile(`^# yaml-language-server: \$schema=(\S+)\n`)

// schemaNamed is the name of the schema that an example carries; empty for none.
func schemaNamed(text string) string {
	m := modeline.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	name, ours := strings.CutPrefix(m[1], schemaAddress)
	if name, isFile := strings.CutSuffix(name, ".json"); ours && isFile {
		return name
	}
	return "not one of ours: " + m[1]
}

// yamlExample is an example of a file that people write.
type yamlExample struct{ at, text string }

// yamlExamples are those of documents, of the help of check-config, and of what is deployed.
func yamlExamples(t *testing.T) (all []yamlExample) {
	t.Helper()
	for _, b := range blocks(t) {
		if b.kind == "yaml" {
			all = append(all, yamlExample{b.at(), b.text})
		}
	}
	_, help, found := strings.Cut((&app{}).checkConfigCommand().Long, "A complete file:\n\n")
	if !found {
		t.Fatal("the help of check-config shows no configuration")
	}
	all = append(all, yamlExample{"help of check-config", strings.ReplaceAll(help[2:], "\n  ", "\n") + "\n"})
	maps, err := filepath.Glob(filepath.Join(repository, "deploy/kubernetes/*/config.yaml"))
	if err != nil || len(maps) < 3 {
		t.Fatalf("%d ConfigMaps (%v)", len(maps), err)
	}
	for _, name := range maps {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var object struct{ Data map[string]string }
		if err := yaml.Unmarshal(text, &object); err != nil || len(object.Data) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		for key, value := range object.Data {
			all = append(all, yamlExample{name + " " + key, value})
		}
	}
	return all
}

// TestYAMLExamples checks that each example of a file names its schema and is as that says, and
// reads it as leaktap does. Parts of a configuration, which need no schema, get a source.
func TestYAMLExamples(t *testing.T) {
	schemas, examples, dir := compiledSchemas(t), yamlExamples(t), exampleFiles(t)
	t.Chdir(dir)
	seen := map[string]int{}
	for _, example := range examples {
		name, text := schemaNamed(example.text), example.text
		if name == "" {
			if top := regexp.MustCompile(`(?m)^[a-z_]+:`).FindString(text); !slices.Contains([]string{"sinks:", "policy:", "rules:"}, top) {
				t.Errorf("%s: names no schema in its first line", example.at)
			}
			name, text = "config", "sources:\n  - interface: {name: eth0}\n"+text
		}
		seen[name]++
		schema := schemas[name]
		if schema == nil {
			t.Errorf("%s: there is no schema %q", example.at, name)
			continue
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Errorf("%s: %v", example.at, err)
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", example.at, err)
		}
		if err := readExample(t, dir, name, text); err != nil {
			t.Errorf("%s: %v, in\n%s", example.at, err, text)
		}
	}
	for name, least := range map[string]int{"config": 12, "policy": 2, "rules": 1, "mapping": 1} {
		if seen[name] < least {
			t.Errorf("only %d examples of %s were found", seen[name], name)
		}
	}
}

// readExample reads an example as leaktap does.
func readExample(t *testing.T, dir, kind, text string) error {
	t.Helper()
	text = regexp.MustCompile(`/(etc|var/lib)/leaktap/(config/|secret/)?`).ReplaceAllString(text, dir+"/")
	file := filepath.Join(dir, "example-"+kind+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	switch kind {
	case "config":
		_, err = loadConfig(file)
	case "policy":
		_, err = (&policies{File: file}).load(time.Now(), slog.New(slog.DiscardHandler))
	case "rules":
		_, err = loadRules([]string{file})
	case "mapping":
		_, err = loadMapping(file)
	default:
		t.Fatalf("the test cannot read a %s", kind)
	}
	return err
}

// exampleFiles writes the files that examples name to a folder.
func exampleFiles(t *testing.T) (dir string) {
	t.Helper()
	policies := blocksFor(t, "docs/policy.md", "yaml")
	cert, key := selfSigned(t)
	dir = t.TempDir()
	for name, text := range map[string]string{
		"users": userLine(t, "ada"), "key": strings.Repeat("0a", keyBytes), "digest-key": strings.Repeat("0b", keyBytes), "webhook-secret": "s", "password": "p",
		"learned.yaml": policies[1], "policy.yaml": policies[2], "rules.yaml": blocksFor(t, "docs/rules.md", "yaml")[1],
		"shop.yaml": "openapi: 3.1.0\ninfo: {title: shop, version: '1'}\npaths: {}\n",
		"ca.pem":    cert, "client.pem": cert, "client.key": key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
