package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/policy"
)

// policies names the files that say what routes may return.
type policies struct {
	File     string   `yaml:"file"`
	OpenAPI  []string `yaml:"openapi"`
	Baseline string   `yaml:"baseline"`
	// gate silences what the baseline holds.
	gate bool
}

func (p *policies) flags(flags *pflag.FlagSet) {
	flags.StringVar(&p.File, "policy", "", "policy file: what routes may return, and what is accepted (see docs/policy.md)")
	flags.StringSliceVar(&p.OpenAPI, "openapi", nil, "OpenAPI 3.0 or 3.1 documents: what else a response holds is undeclared")
	flags.StringVar(&p.Baseline, "baseline", "", "what 'leaktap policy learn' wrote: fields that it does not hold are new")
}

// load compiles the policy; nil if no file is named. What is odd in the files is logged.
func (p *policies) load(now time.Time, log *slog.Logger) (classify.Policy, error) {
	if p.File == "" && len(p.OpenAPI) == 0 && p.Baseline == "" {
		return nil, nil
	}
	cfg := policy.Config{Gate: p.gate}
	var err error
	if cfg.Policy, err = readPolicy(p.File, now, log); err != nil {
		return nil, err
	}
	if cfg.Baseline, err = readPolicy(p.Baseline, now, log); err != nil {
		return nil, err
	}
	for _, file := range p.OpenAPI {
		c, err := readContract(file, log)
		if err != nil {
			return nil, err
		}
		cfg.Contract = append(cfg.Contract, c)
	}
	compiled, err := policy.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("compile policy: %w", err)
	}
	return compiled, nil
}

// readPolicy reads a policy file or a baseline; nil if none is named.
func readPolicy(file string, now time.Time, log *slog.Logger) (*policy.File, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	f, notes, err := policy.ParseFile(text, now)
	for _, note := range notes {
		log.Warn("policy: " + policyProblem(file, note).Error())
	}
	if err != nil {
		return nil, policyProblem(file, err)
	}
	known := ruleIDs()
	for _, a := range f.Accept {
		if !known[a.Rule] {
			log.Warn(fmt.Sprintf("policy: %s: accept: there is no rule %q%s", file, a.Rule, didYouMean(a.Rule, slices.Sorted(maps.Keys(known)))))
		}
	}
	return f, nil
}

func readContract(file string, log *slog.Logger) (*policy.Contract, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	c, err := policy.ParseContract(text)
	if err != nil {
		return nil, policyProblem(file, err)
	}
	for _, note := range c.Notes {
		log.Warn("OpenAPI document: " + policyProblem(file, note).Error())
	}
	return c, nil
}

// policyProblem gives a problem its file and a suggestion.
func policyProblem(file string, err error) error {
	if p, ok := errors.AsType[*policy.Problem](err); ok && p.Unknown != "" {
		return fmt.Errorf("%s:%w%s", file, p, didYouMean(p.Unknown, p.Known))
	}
	return fmt.Errorf("%s:%w", file, err)
}

// under makes the names of files relative to a directory.
func (p *policies) under(dir string) {
	join := func(file string) string {
		if file == "" || filepath.IsAbs(file) {
			return file
		}
		return filepath.Join(dir, file)
	}
	p.File, p.Baseline = join(p.File), join(p.Baseline)
	for i := range p.OpenAPI {
		p.OpenAPI[i] = join(p.OpenAPI[i])
	}
}

// check reads the files, whose names it makes relative to where the configuration is.
func (p *policies) check(dir string) (all problems) {
	p.under(dir)
	quiet := slog.New(slog.DiscardHandler)
	_, err := readPolicy(p.File, time.Now(), quiet)
	all.wrong("policy.file", err)
	_, err = readPolicy(p.Baseline, time.Now(), quiet)
	all.wrong("policy.baseline", err)
	for i, file := range p.OpenAPI {
		_, err := readContract(file, quiet)
		all.wrong(fmt.Sprintf("policy.openapi[%d]", i), err)
	}
	return all
}
