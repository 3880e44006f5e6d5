package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestExampleConfigurations loads the configurations that the README and the
// help of check-config show.
func TestExampleConfigurations(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no configuration")
	}
	_, help, found := strings.Cut((&app{}).checkConfigCommand().Long, "A complete file:\n")
	if !found {
		t.Fatal("the help of check-config shows no configuration")
	}
	examples := []string{help}
	for _, b := range blocks {
		examples = append(examples, b[1])
	}
	dir := t.TempDir()
	for _, name := range []string{"key", "webhook-secret"} { // the files that they name
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("0a", keyBytes)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range examples {
		text = strings.ReplaceAll(text, "/etc/leaktap/", dir+"/")
		file := filepath.Join(dir, "leaktap.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadConfig(file); err != nil {
			t.Errorf("%v, in\n%s", err, text)
		}
	}
}

// TestRulesPage tests the rule file and the corpus that docs/rules.md shows.
func TestRulesPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	rules, rest, found := strings.Cut(rest, "```")
	corpus := regexp.MustCompile(`(?s)    match .*done\n`).FindString(rest)
	if !found || corpus == "" {
		t.Fatal("docs/rules.md shows no rule file or no corpus")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"rules.yaml": rules, "corpus.txt": strings.ReplaceAll(corpus, "\n    ", "\n")[4:]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, log strings.Builder
	code := run(t.Context(), []string{"rules", "test", dir}, &streams{out: &out, err: &log})
	if want := "8 passed, 0 failed\n"; code != exitOK || out.String() != want || log.Len() > 0 {
		t.Errorf("got exit code %d, %q and %q, want %q", code, out.String(), log.String(), want)
	}
}

// TestReadmeCommands checks that every leaktap command of the README and of
// docs/rules.md is one: its verb and flags are known.
func TestReadmeCommands(t *testing.T) {
	var text strings.Builder
	for _, name := range []string{"../../README.md", "../../docs/rules.md"} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			text.WriteString(block[1])
		}
	}
	n := 0
	for _, line := range regexp.MustCompile(`(?m)(?:^|\| )leaktap ([^#\n]+)`).FindAllStringSubmatch(text.String(), -1) {
		args := strings.Fields(line[1])
		c, rest, err := newApp(&streams{}).rootCommand().Find(args)
		if err != nil || c.HasSubCommands() {
			t.Errorf("leaktap %s: no such verb (%v)", line[1], err)
			continue
		}
		if err := c.ParseFlags(rest); err != nil {
			t.Errorf("leaktap %s: %v", line[1], err)
		}
		n++
	}
	if n < 6 {
		t.Errorf("only %d commands were found", n)
	}
}
