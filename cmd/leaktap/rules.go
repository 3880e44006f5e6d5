package main

import (
	"cmp"
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
	c := &cobra.Command{Use: "rules", Short: "List, show and test rules"}
	c.AddCommand(a.rulesListCommand(), a.rulesShowCommand(), a.rulesTestCommand())
	return c
}

func (a *app) rulesListCommand() *cobra.Command {
	d, kinds := &detecting{}, false
	c := &cobra.Command{
		Use: "list", Short: "List all rules, or all kinds of tokens", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := d.ruleSet(a.log)
			if err != nil {
				return usage(err)
			}
			if kinds {
				return a.listKinds(set, func(*detect.TokenKind) bool { return true })
			}
			return a.listRules(set)
		},
	}
	d.ruleFlags(c.Flags())
	c.Flags().BoolVar(&kinds, "kinds", false, "list kinds of tokens")
	return c
}

func (a *app) rulesShowCommand() *cobra.Command {
	d := &detecting{}
	c := &cobra.Command{
		Use: "show RULE-OR-KIND", Short: "Show one rule, or one kind of token", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.showRule(d, args[0]) },
	}
	d.ruleFlags(c.Flags())
	return c
}

// listRules writes all rules, and the kinds of tokens that users added.
func (a *app) listRules(set *ruleSet) error {
	rules := set.rules()
	slices.SortStableFunc(rules, func(x, y *classify.Rule) int { return strings.Compare(string(x.Category), string(y.Category)) })
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RULE\tCATEGORY\tSEVERITY\tFINDS")
	for _, r := range rules {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Category, r.Severity, r.Title)
	}
	if err := w.Flush(); err != nil || !slices.ContainsFunc(set.vocabulary.Tokens, func(k detect.TokenKind) bool { return k.Custom() }) {
		return err
	}
	fmt.Fprintln(a.out)
	return a.listKinds(set, (*detect.TokenKind).Custom)
}

// listKinds writes the kinds of tokens that are wanted.
func (a *app) listKinds(set *ruleSet, wanted func(*detect.TokenKind) bool) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tCHECKSUM\tORIGIN\tSOURCE")
	for i := range set.vocabulary.Tokens {
		if k := &set.vocabulary.Tokens[i]; wanted(k) {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, yesOrNo(k.Checksum != ""), k.Origin(), k.Source)
		}
	}
	return w.Flush()
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func (a *app) showRule(d *detecting, id string) error {
	set, err := d.ruleSet(a.log)
	if err != nil {
		return usage(err)
	}
	rules := set.rules()
	if i := slices.IndexFunc(rules, func(r *classify.Rule) bool { return r.ID == id }); i >= 0 {
		writeRule(a.out, rules[i])
		return nil
	}
	tokens := set.vocabulary.Tokens
	if i := slices.IndexFunc(tokens, func(k detect.TokenKind) bool { return k.ID == id }); i >= 0 {
		writeKind(a.out, &tokens[i])
		return nil
	}
	names := slices.DeleteFunc(set.names(), func(name string) bool { return strings.HasPrefix(name, categoryPrefix) })
	return usage(fmt.Errorf("rule %q: there is none%s (leaktap rules list)", id, didYouMean(id, names)))
}

// writeKind writes what is known of a kind of token.
func writeKind(w io.Writer, k *detect.TokenKind) {
	fmt.Fprintf(w, "%s: a kind of token, %s\n\n", k.ID, k.Origin())
	known := "reported by the rules of category token"
	if k.Public {
		known = "public: it is known and never reported"
	}
	writeRows(w, [][2]string{
		{"anchor", k.Anchor},
		{"names", strings.Join(k.Names, ", ")},
		{"form", strings.TrimSpace(k.Head + " " + strings.TrimSpace(k.Anchor+" "+k.Body))},
		{"checksum", cmp.Or(k.Checksum, "none")},
		{"severity", cmp.Or(k.Severity, "that of the rule")},
		{"reports", known},
		{"source", k.Source},
	})
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
	writeRows(w, rows)
}

// writeRows writes names and texts in two columns.
func writeRows(w io.Writer, rows [][2]string) {
	for _, row := range rows {
		if row[1] != "" {
			fmt.Fprintf(w, "%-13s %s\n", row[0], strings.Join(alert.Wrap(row[1], 80), "\n"+strings.Repeat(" ", 14)))
		}
	}
}
