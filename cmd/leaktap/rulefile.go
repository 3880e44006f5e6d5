package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
	"github.com/leaktap/leaktap/classify/policy"
	"github.com/leaktap/leaktap/classify/window"
)

// ruleSet is what is looked for: the rules and token kinds that come with
// leaktap, with what rule files add and without what is disabled.
type ruleSet struct {
	vocabulary *detect.Vocabulary
	detectors  []classify.Detector
	// windows are the rules on many exchanges.
	windows []*classify.Rule
	// notes are what rule files say that is hardly meant.
	notes []string
}

// loadRules reads rule files.
func loadRules(files []string) (*ruleSet, error) {
	vocabulary, err := detect.Builtin()
	if err != nil {
		return nil, err
	}
	s := &ruleSet{vocabulary: vocabulary}
	for _, file := range files {
		if _, err := s.add(file); err != nil {
			return nil, err
		}
	}
	s.compile()
	return s, nil
}

// compile makes the detectors, once all files are added.
func (s *ruleSet) compile() { s.detectors, s.windows = allDetectors(s.vocabulary), window.Rules() }

// allDetectors are those that look, and those that policies report for.
func allDetectors(v *detect.Vocabulary) []classify.Detector {
	return append(detect.All(v), policy.Detectors()...)
}

// ruleIDs are the ids of all rules.
func ruleIDs() map[string]bool {
	ids := map[string]bool{}
	all := ruleSet{vocabulary: &detect.Vocabulary{}}
	all.compile()
	for _, r := range all.rules() {
		ids[r.ID] = true
	}
	return ids
}

// failedExample is an example or negative of a rule file that is not what it is
// said to be.
type failedExample struct{ error }

// add reads one rule file and returns how many examples and negatives it has.
// Errors name file, line and column.
func (s *ruleSet) add(file string) (examples int, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read rules: %w", err)
	}
	additions := &detect.Additions{}
	if err := decodeYAML(file, text, additions); err != nil {
		return 0, err
	}
	if len(additions.Tokens)+len(additions.Fields) == 0 {
		return 0, fmt.Errorf("%s:1:1: there is neither tokens nor fields", file)
	}
	for _, k := range additions.Tokens {
		examples += len(k.Examples) + len(k.Negatives)
	}
	notes, err := s.vocabulary.Add(additions, file)
	for _, note := range notes {
		s.notes = append(s.notes, ruleProblem(file, text, note).Error())
	}
	if p, ok := errors.AsType[*detect.Problem](err); ok {
		if err = ruleProblem(file, text, p); p.Example {
			err = failedExample{err}
		}
	}
	return examples, err
}

// ruleProblem gives a problem of a rule file its place and a suggestion.
func ruleProblem(file string, text []byte, p *detect.Problem) error {
	found := problem(p.Path, "%s%s", p.Text, didYouMean(p.Unknown, p.Known))
	return fmt.Errorf("%s: %w", found.position(file, text), found)
}

// warn logs the notes.
func (s *ruleSet) warn(log *slog.Logger) {
	for _, note := range s.notes {
		log.Warn("rule file: " + note)
	}
}

// categoryPrefix stands before a category where rules are disabled.
const categoryPrefix = "category:"

// disable stops looking for a rule, a kind of token, or the rules of a category.
// A token of a kind that is disabled is no finding of any rule.
func (s *ruleSet) disable(name string) error {
	matches := func(r *classify.Rule) bool { return r.ID == name }
	if category, ok := strings.CutPrefix(name, categoryPrefix); ok {
		matches = func(r *classify.Rule) bool { return string(r.Category) == category }
	}
	n := len(s.rules())
	s.detectors = slices.DeleteFunc(s.detectors, func(d classify.Detector) bool { return matches(d.Rule()) })
	s.windows = slices.DeleteFunc(s.windows, matches)
	if len(s.rules()) < n || s.vocabulary.Mute(name) {
		return nil
	}
	if slices.Contains(s.allNames(), name) { // it is disabled already
		return nil
	}
	return fmt.Errorf("there is no rule %q%s", name, didYouMean(name, s.names()))
}

// disableAll disables what flags name.
func (s *ruleSet) disableAll(names []string) error {
	for _, name := range names {
		if err := s.disable(name); err != nil {
			return fmt.Errorf("--disable: %w", err)
		}
	}
	return nil
}

// names lists what can be disabled.
func (s *ruleSet) names() (names []string) {
	for _, r := range s.rules() {
		category := categoryPrefix + string(r.Category)
		if names = append(names, r.ID); !slices.Contains(names, category) {
			names = append(names, category)
		}
	}
	for i := range s.vocabulary.Tokens {
		names = append(names, s.vocabulary.Tokens[i].ID)
	}
	return names
}

// allNames lists what could be disabled before anything was.
func (s *ruleSet) allNames() []string {
	all := ruleSet{vocabulary: s.vocabulary}
	all.compile()
	return all.names()
}

// rules lists the rules.
func (s *ruleSet) rules() []*classify.Rule {
	rules := make([]*classify.Rule, len(s.detectors), len(s.detectors)+len(s.windows))
	for i, d := range s.detectors {
		rules[i] = d.Rule()
	}
	return append(rules, s.windows...)
}
