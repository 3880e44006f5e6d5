package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
)

func (a *app) rulesCommand() *cobra.Command {
	c := &cobra.Command{Use: "rules", Short: "List and show rules"}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List all rules", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return a.listRules() },
		},
		&cobra.Command{
			Use: "show RULE", Short: "Show one rule", Args: cobra.ExactArgs(1),
			RunE: func(_ *cobra.Command, args []string) error { return a.showRule(args[0]) },
		},
	)
	return c
}

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE",
		Short: "Explain a rule: what it finds, why it matters, how to fix it",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.showRule(args[0]) },
	}
}

// builtinRules lists the rules that come with leaktap.
func builtinRules() ([]*classify.Rule, error) {
	vocabulary, err := detect.Builtin()
	if err != nil {
		return nil, err
	}
	var rules []*classify.Rule
	for _, d := range detect.All(vocabulary) {
		rules = append(rules, d.Rule())
	}
	return rules, nil
}

func (a *app) listRules() error {
	rules, err := builtinRules()
	if err != nil {
		return err
	}
	slices.SortStableFunc(rules, func(x, y *classify.Rule) int { return strings.Compare(string(x.Category), string(y.Category)) })
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tCATEGORY\tSEVERITY\tFINDS")
	for _, r := range rules {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Category, r.Severity, r.Title)
	}
	return w.Flush()
}

func (a *app) showRule(id string) error {
	rules, err := builtinRules()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rules, func(r *classify.Rule) bool { return r.ID == id })
	if i < 0 {
		var ids []string
		for _, r := range rules {
			ids = append(ids, r.ID)
		}
		return usage(fmt.Errorf("rule %q: there is none%s (leaktap rules list)", id, didYouMean(id, ids)))
	}
	writeRule(a.out, rules[i])
	return nil
}

func writeRule(w io.Writer, r *classify.Rule) {
	fmt.Fprintf(w, "%s: %s\n\n", r.ID, r.Title)
	rows := [][2]string{
		{"category", string(r.Category)},
		{"severity", r.Severity.String() + " (by place and context it may be more or less)"},
		{"why", r.Why},
		{"fix", r.Fix},
		{"silent", r.FalsePositives},
		{"reference", strings.Join(append(slices.Clone(r.CWE), r.OWASP...), ", ")},
	}
	for _, framework := range slices.Sorted(maps.Keys(r.Fixes)) {
		rows = append(rows, [2]string{framework, r.Fixes[framework]})
	}
	for _, row := range rows {
		if row[1] != "" {
			fmt.Fprintf(w, "%-13s %s\n", row[0], strings.Join(alert.Wrap(row[1], 80), "\n"+strings.Repeat(" ", 14)))
		}
	}
}
