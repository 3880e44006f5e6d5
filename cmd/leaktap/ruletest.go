package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect/detecttest"
)

func (a *app) rulesTestCommand() *cobra.Command {
	d := &detecting{}
	c := &cobra.Command{
		Use:   "test PATH...",
		Short: "Test rule files and corpora",
		Long: `Test reads rule files (*.yaml, *.yml) and corpora (*.txt), or directories of them.
A rule file passes if its examples are tokens of their kind and its negatives are
none. A corpus is blocks between blank lines: what is expected, and an exchange or
a record. It is judged by all rules, those of the rule files among them:

  match response.body /integrations/*/key critical vendor-token
  {"integrations":[{"key":"acme_¦0123456789abcdef"}]}

  match record high
  @ log
  login with password=¦correct-horse-7 failed

  clean
  @ GET /api/builds 200
  {"build":"acme_nightly"}

The rule may be left out: then any will do, and a file NAME.txt speaks of rule
NAME if there is one. "@", "<", ">" and ">>" give context, see docs/rules.md. "¦"
is dropped; it keeps other scanners from stumbling over examples.

Exit codes: 0 all passed, 1 something failed, 2 a file cannot be read.`,
		Example: `  leaktap rules test rules.yaml
  leaktap rules test --rules rules.yaml testdata/leaktap/   # your false positives, kept away`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.testRules(d, args) },
	}
	d.flags(c.Flags())
	return c
}

// ruleTest is one run of `rules test`.
type ruleTest struct {
	*app
	set            *ruleSet
	now            time.Time
	passed, failed int
}

func (a *app) testRules(d *detecting, paths []string) error {
	now, err := d.clock()
	if err != nil {
		return usage(err)
	}
	ruleFiles, corpora, err := testFiles(paths)
	if err != nil {
		return usage(err)
	}
	set, err := loadRules(d.rules)
	if err != nil {
		return usage(err)
	}
	t := &ruleTest{app: a, set: set, now: now()}
	for _, file := range ruleFiles {
		if err := t.ruleFile(file); err != nil {
			return usage(err)
		}
	}
	set.compile()
	set.warn(a.log)
	if err := set.disableAll(d.disable); err != nil {
		return usage(err)
	}
	engine, err := d.engineOf(set, classify.Limits{}, nil)
	if err != nil {
		return usage(err)
	}
	for _, file := range corpora {
		if err := t.corpus(engine.NewClassifier(), file); err != nil {
			return usage(err)
		}
	}
	fmt.Fprintf(a.out, "%d passed, %d failed\n", t.passed, t.failed)
	if t.failed > 0 {
		return &exitError{code: exitFindings}
	}
	return nil
}

// testFiles lists what is to be tested. In directories only names that end as
// those of rule files and corpora do count.
func testFiles(paths []string) (ruleFiles, corpora []string, err error) {
	for _, path := range paths {
		n := len(ruleFiles) + len(corpora)
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			switch ext := filepath.Ext(name); {
			case err != nil || entry.IsDir():
				return err
			case ext == ".yaml" || ext == ".yml":
				ruleFiles = append(ruleFiles, name)
			case ext == ".txt" || name == path:
				corpora = append(corpora, name)
			}
			return nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("read tests: %w", err)
		}
		if len(ruleFiles)+len(corpora) == n {
			return nil, nil, fmt.Errorf("read tests: %s holds no rule file (*.yaml, *.yml) and no corpus (*.txt)", path)
		}
	}
	return ruleFiles, corpora, nil
}

// ruleFile tests one rule file; what it adds counts for the corpora if it passes.
func (t *ruleTest) ruleFile(file string) error {
	examples, err := t.set.add(file)
	if _, ok := errors.AsType[failedExample](err); ok {
		t.failed++
		fmt.Fprintln(t.out, err)
		return nil
	}
	t.passed += examples
	return err
}

// corpus tests one corpus.
func (t *ruleTest) corpus(c *classify.Classifier, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read corpus: %w", err)
	}
	rule := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if !slices.ContainsFunc(t.set.rules(), func(r *classify.Rule) bool { return r.ID == rule }) {
		rule = ""
	}
	blocks, err := detecttest.Read(string(text), rule)
	if err != nil {
		return fmt.Errorf("%s:%w", file, err)
	}
	for _, b := range blocks {
		var found []*classify.Finding
		c.Classify(&b.Exchange, t.now, func(f *classify.Finding) { found = append(found, f) })
		if problem := b.Check(found); problem != "" {
			t.failed++
			fmt.Fprintf(t.out, "%s:%d: %s\n", file, b.Line, problem)
			continue
		}
		t.passed++
	}
	return nil
}
