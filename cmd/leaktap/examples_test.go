package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestExampleConfigurations loads the configurations that the README, docs/page.md,
// docs/windows.md and the help of check-config show.
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
	for _, name := range []string{"page", "windows"} {
		page, err := os.ReadFile("../../docs/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)...)
	}
	examples := []string{help}
	for _, b := range blocks {
		examples = append(examples, b[1])
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "users"), []byte(userLine(t, "ada")), 0o600); err != nil {
		t.Fatal(err)
	}
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

// TestPolicyPage runs what docs/policy.md shows: its files are written, its commands run, and
// what it says of them has to be true.
func TestPolicyPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	fenced := func(kind string) (blocks []string) {
		for _, b := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			blocks = append(blocks, b[1])
		}
		return blocks
	}
	traffic, files := fenced("json"), fenced("yaml")
	if len(traffic) != 1 || len(files) != 2 {
		t.Fatalf("docs/policy.md shows %d recordings and %d files", len(traffic), len(files))
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"traffic.jsonl": traffic[0], "policy.yaml": files[1]} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]struct {
		code int
		out  string
	}{
		"leaktap policy learn --baseline-out learned.yaml traffic.jsonl":       {exitOK, ""},
		"leaktap policy check --baseline learned.yaml traffic.jsonl":           {exitOK, ""},
		"leaktap policy check --baseline learned.yaml -o github traffic.jsonl": {exitOK, ""},
		"leaktap policy diff learned.yaml policy.yaml":                         {exitFindings, "+ scope admin:read is_admin"},
		"leaktap scan --policy policy.yaml traffic.jsonl":                      {exitFindings, "HIGH     privilege-field"},
	}
	n := 0
	for line := range strings.SplitSeq(strings.Join(fenced("sh"), ""), "\n") {
		command, _, _ := strings.Cut(line, "   #")
		w, ok := want[command]
		if !ok {
			if command != "" {
				t.Errorf("the test knows nothing of %q", command)
			}
			continue
		}
		n++
		var out, log strings.Builder
		code := run(t.Context(), strings.Fields(command)[1:], &streams{out: &out, err: &log})
		if code != w.code || !strings.Contains(out.String(), w.out) || strings.Contains(command, " scan ") && strings.Contains(out.String(), "pii-email") {
			t.Errorf("%s: got exit code %d, want %d, and\n%s%s", command, code, w.code, out.String(), log.String())
		}
	}
	if n != len(want) {
		t.Errorf("%d of %d commands are shown", n, len(want))
	}
	if learned, err := os.ReadFile("learned.yaml"); err != nil || string(learned) != files[0] {
		t.Errorf("got %v and\n%s", err, learned)
	}
}

// TestReadmeCommands checks that every leaktap command of the README and of
// docs/rules.md is one: its verb and flags are known.
func TestReadmeCommands(t *testing.T) {
	var text strings.Builder
	for _, name := range []string{"../../README.md", "../../docs/rules.md", "../../docs/policy.md", "../../docs/page.md"} {
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

// elsewhere are the verbs of the README that need a broker, an interface or a daemon: the e2e
// tests and other scripts run them.
var elsewhere = []string{"sniff", "tail", "run", "aggregate"}

// TestReadmeRuns checks that each command of the README's list is run as it stands there by
// readme.txtar, or is one of those that are run elsewhere.
func TestReadmeRuns(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/readme.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(readme), "## Using it")
	list, _, _ = strings.Cut(list, "\n```\n")
	n := 0
	for _, line := range regexp.MustCompile(`(?m)(?:^|\| )leaktap ([^#>\n]+)`).FindAllStringSubmatch(list, -1) {
		command := strings.TrimSpace(line[1])
		verb, _, _ := strings.Cut(command, " ")
		n++
		if !slices.Contains(elsewhere, verb) && !regexp.MustCompile(`(?m)^exits \d `+regexp.QuoteMeta(command)+`$`).Match(script) {
			t.Errorf("readme.txtar does not run: leaktap %s", command)
		}
	}
	if n < 10 {
		t.Errorf("the README lists %d commands", n)
	}
}
