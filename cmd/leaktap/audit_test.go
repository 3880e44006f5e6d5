package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// unmentioned are verbs and flags that no script or block shows, each with the reason.
var unmentioned = map[string]string{
	"--promiscuous": "shown on an interface, in a network namespace: package capture",
}

// flagUse is a flag of some verbs: verbs that share one describe it in the same words.
type flagUse struct{ name, usage string }

// TestEveryVerbAndFlagIsShown looks for each verb, and each flag behind one of its verbs, in the
// txtar scripts, the README and the docs, all of which tests run. Who adds one adds a script.
func TestEveryVerbAndFlagIsShown(t *testing.T) {
	lines := shownCommands(t)
	behind := func(verb string, mention *regexp.Regexp) bool {
		return slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line+" ", verb) && mention.MatchString(line) })
	}
	shown := map[string]bool{}
	flags := map[flagUse]bool{}
	look := func(verb string, set *pflag.FlagSet) {
		set.VisitAll(func(f *pflag.Flag) {
			forms := "--" + f.Name
			if f.Shorthand != "" {
				forms += "|-" + f.Shorthand
			}
			use := flagUse{f.Name, f.Usage}
			flags[use] = flags[use] || behind(verb, regexp.MustCompile(`(^|\s)(`+forms+`)(\s|=|$)`))
		})
	}
	root := newApp(&streams{}).rootCommand()
	look("", root.PersistentFlags())
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if _, verb, _ := strings.Cut(c.CommandPath(), " "); verb != "" {
			shown[verb] = behind(verb+" ", regexp.MustCompile(``))
			look(verb+" ", c.LocalNonPersistentFlags())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for use, is := range flags {
		shown["--"+use.name] = is && (shown["--"+use.name] || !has(shown, "--"+use.name))
	}
	if len(shown) < 80 {
		t.Errorf("only %d verbs and flags were looked for", len(shown))
	}
	for name, is := range shown {
		if _, excepted := unmentioned[name]; is == excepted {
			t.Errorf("%s: shown %t, excepted %t", name, is, excepted)
		}
	}
	for name := range unmentioned {
		if !has(shown, name) {
			t.Errorf("%s is excepted, and there is none", name)
		}
	}
}

func has[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// shownCommands are the command lines of scripts, README and docs, without "leaktap".
func shownCommands(t *testing.T) (lines []string) {
	t.Helper()
	var files []string
	for _, pattern := range []string{"testdata/script/*.txtar", "../../README.md", "../../docs/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files (%v)", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	command := regexp.MustCompile(`(?m)^(?:.*\| *)?(?:! )?(?:exec +)?(?:exits +\d+|leaktap) +([a-z-].*)$`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range command.FindAllStringSubmatch(string(text), -1) {
			lines = append(lines, m[1])
		}
	}
	return lines
}
