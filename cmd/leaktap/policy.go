package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/policy"
)

func (a *app) policyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Learn, compare and enforce what routes may return",
		Long: `A policy says for each route which fields its responses may hold, and which
findings are accepted. It is a file of your own, an OpenAPI document, or a
baseline that was learned from traffic; see docs/policy.md.`,
	}
	c.AddCommand(a.policyLearnCommand(), a.policyDiffCommand(), a.policyCheckCommand())
	return c
}

func (a *app) policyLearnCommand() *cobra.Command {
	o, out := &scanOptions{}, ""
	c := &cobra.Command{
		Use:   "learn PATH...",
		Short: "Write a baseline of what routes return",
		Long: `Learn reads what scan reads and writes a policy file: the routes that it saw, the
fields of their 2xx responses with the share of responses that hold them, and
the findings that are there already. It holds names and no values.`,
		Example: `  leaktap policy learn access.log > learned.yaml
  leaktap policy learn --baseline-out learned.yaml traffic.har`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.learn(c.Context(), o, out, args) },
	}
	o.baseFlags(c.Flags())
	o.sourceFlags(c.Flags())
	c.Flags().StringVar(&out, "baseline-out", "", "file to write to (standard output)")
	return c
}

// learning is a sink of findings and exchanges that are learned from.
type learning struct {
	mu      sync.Mutex
	learner *policy.Learner
}

// Accept takes a finding.
func (l *learning) Accept(f *classify.Finding) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.learner.Found(f)
}

// Settle has nothing to wait for.
func (l *learning) Settle(context.Context) error { return nil }

func (l *learning) observe(x *classify.Exchange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.learner.Observe(x)
}

func (a *app) learn(ctx context.Context, o *scanOptions, out string, paths []string) error {
	reader, err := a.fileReader(o)
	if err != nil {
		return usage(err)
	}
	now, err := o.clock()
	if err != nil {
		return usage(err)
	}
	detection, err := o.detection(classify.Limits{}, a.log)
	if err != nil {
		return usage(err)
	}
	l := &learning{learner: policy.NewLearner()}
	p := newPipeline(detection, now, a.log, nil, l)
	s := &scanner{app: a, reader: reader, capture: capture.Config{Filter: o.filter}, total: newSummary(time.Now()), pipeline: p}
	s.handle = func(x *classify.Exchange) {
		p.Handle(x)
		l.observe(x)
	}
	var errs []error
	for _, path := range paths {
		errs = append(errs, s.path(ctx, path))
	}
	if err := writeTo(a.out, out, l.learner.Baseline()); err != nil {
		return usage(err)
	}
	if l.learner.Overflow > 0 {
		a.log.Warn("policy learn: there was no room for everything", "left_out", l.learner.Overflow)
	}
	return a.conclude(ctx, &o.outputs, &s.total, p, &output{}, errors.Join(errs...))
}

// writeTo writes to a file, or to standard output where none is named.
func writeTo(stdout io.Writer, file string, text []byte) error {
	if file == "" {
		_, err := stdout.Write(text)
		return err
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("write baseline: %w", err)
	}
	return nil
}

func (a *app) policyDiffCommand() *cobra.Command {
	format := ""
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two policy files",
		Long: `Diff tells what one policy says and the other does not: routes, fields, scopes,
acceptances. The exit code is 1 when there is a difference.`,
		Example: "  leaktap policy diff policy.yaml learned.yaml",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			var files [2]*policy.File
			for i := range files {
				var err error
				if files[i], err = readPolicy(args[i], time.Now(), a.log); err != nil {
					return usage(err)
				}
			}
			return a.showChanges(policy.Diff(files[0], files[1]), format)
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "text", "text or jsonl")
	return c
}

func (a *app) showChanges(changes []policy.Change, format string) error {
	var b bytes.Buffer
	route := ""
	for i, c := range changes {
		switch format {
		case "jsonl":
			line, err := json.Marshal(c)
			if err != nil {
				return err
			}
			b.Write(append(line, '\n'))
		case "text":
			sign := "-"
			if c.Added {
				sign = "+"
			}
			if c.Kind == "route" {
				route = c.Route
				fmt.Fprintf(&b, "%s %s\n", sign, c.Route)
				continue
			}
			if i == 0 || c.Route != route {
				route = c.Route
				fmt.Fprintf(&b, "  %s\n", cmp.Or(c.Route, "(no route)"))
			}
			fmt.Fprintf(&b, "  %s %s %s\n", sign, c.Kind, c.What)
		default:
			return usage(fmt.Errorf("output format %q: use text or jsonl", format))
		}
	}
	if _, err := a.out.Write(b.Bytes()); err != nil {
		return incomplete(err)
	}
	if len(changes) > 0 {
		return &exitError{exitFindings, nil}
	}
	return nil
}

func (a *app) policyCheckCommand() *cobra.Command {
	o := &scanOptions{}
	o.gate = true
	c := &cobra.Command{
		Use:   "check PATH...",
		Short: "Fail on what is new against a baseline",
		Long: `Check is scan for a gate: what the baseline holds is silent, fields as well as
findings; what is new, denied or undeclared is left, and makes the exit code 1.`,
		Example: `  leaktap policy check --baseline learned.yaml traffic.har
  leaktap policy check --baseline learned.yaml --openapi shop.yaml -o github traffic.har`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.File == "" && o.Baseline == "" && len(o.OpenAPI) == 0 {
				return usage(errors.New("policy check: want --baseline, --policy or --openapi"))
			}
			return a.scan(c.Context(), o, args)
		},
	}
	o.detecting.flags(c.Flags())
	o.outputs.flags(c.Flags(), classify.Low, "o")
	o.sourceFlags(c.Flags())
	return c
}
