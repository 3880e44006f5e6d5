package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/ingest"
)

func (a *app) explainCommand() *cobra.Command {
	d, o, ledger := &detecting{}, &decoding{}, ""
	c := &cobra.Command{
		Use:   "explain (RULE-OR-KIND | FINDING | -)",
		Short: "Explain a rule, a finding, or a record",
		Long: `Explain tells of a rule or a kind of token what it finds, why it matters, how to
fix it and what stays silent. With --ledger it tells of a finding, by its id or
fingerprint, what is known of it and what would silence it. With - it reads records from standard input as scan
does and tells of each what it was taken for, how much of it was looked at, and
every finding with its place, its severity and confidence, and its reason.`,
		Example: `  leaktap explain token-in-log
  leaktap explain 25ea5eb94df33d839a4f55277ed4adcf --ledger ledger.db
  head -1 access.log | leaktap explain -`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if isFingerprint(args[0]) || strings.HasPrefix(args[0], "lt-") {
				return a.explainFinding(d, ledger, args[0])
			}
			if args[0] != ingest.StdinName {
				return a.showRule(d, args[0])
			}
			cfg, err := o.config()
			if err != nil {
				return usage(err)
			}
			return a.explainRecords(c.Context(), d, cfg)
		},
	}
	d.flags(c.Flags())
	o.flags(c.Flags())
	c.Flags().StringVar(&ledger, "ledger", "", "the ledger that holds the finding")
	return c
}

// explainFinding tells what a ledger knows of an exposure.
func (a *app) explainFinding(d *detecting, file, name string) error {
	if file == "" {
		return usage(fmt.Errorf("explain %s: want --ledger FILE, which holds the finding", name))
	}
	ledger, err := a.readLedger(d, file)
	if err != nil {
		return err
	}
	list := ledger.Snapshot()
	i := slices.IndexFunc(list, func(x alert.Exposure) bool { return x.Fingerprint == name || x.Sample.ID == name })
	if i < 0 {
		return usage(fmt.Errorf("explain %s: the ledger has no such finding; of an exposure it knows the newest one (leaktap report exposures)", name))
	}
	x := &list[i]
	f, t := x.Sample, alert.Describe(x)
	fmt.Fprintf(a.out, "%s %s (confidence %s, %s): %s\n", strings.ToUpper(x.Severity.String()), f.Rule.ID, f.Confidence, x.State, f.Rule.Title)
	accept := f.Rule.ID
	if f.HTTP.Route != "" {
		accept += " " + f.HTTP.Method + " " + f.HTTP.Route
	}
	writeRows(a.out, [][2]string{
		{"endpoint", t.Endpoint},
		{"where", t.Part},
		{"shape", t.Shape},
		{"digest", f.Evidence.Digest},
		{"token", t.Token},
		{"policy", t.Verdict},
		{"seen", t.Seen},
		{"since", t.Since},
		{"first", t.First},
		{"newest", t.Newest},
		{"without it", count(x.Absent, "answers of the route since it was seen last")},
		{"came back", count(int64(x.Regressions), "times after it was gone")},
		{"why", f.Rule.Why},
		{"silent", f.Rule.FalsePositives},
		{"fix", f.Rule.Fix},
		{"accept", "a line of .leaktapignore: " + x.Fingerprint + " until DATE # REASON; for all of the rule there: " + accept + " until DATE # REASON"},
	})
	return nil
}

// explainRecords explains what standard input holds.
func (a *app) explainRecords(ctx context.Context, d *detecting, cfg ingest.Config) error {
	now, err := d.clock()
	if err != nil {
		return usage(err)
	}
	reader, err := ingest.NewReader(cfg, nil, a.log)
	if err != nil {
		return usage(err)
	}
	detection, err := d.detection(classify.Limits{}, a.log)
	if err != nil {
		return usage(err)
	}
	classifier := detection.engine.NewClassifier()
	if _, err := reader.Run(ctx, ingest.StdinName, a.in, func(x *classify.Exchange) {
		var found []*classify.Finding
		seen := classifier.Classify(x, now(), func(f *classify.Finding) { found = append(found, f) })
		a.explainExchange(x, &seen, found)
	}); err != nil {
		return incomplete(err)
	}
	return nil
}

// explainExchange writes what an exchange was taken for and what was found in
// it. Of the exchange itself it shows sizes only.
func (a *app) explainExchange(x *classify.Exchange, seen *classify.Inspection, found []*classify.Finding) {
	kind := "an exchange as traffic, where credentials of callers are in their place"
	switch {
	case x.Persisted && x.Status == 0 && len(x.Method) == 0:
		kind = "a record of a log, in which no credential belongs"
	case x.Persisted:
		kind = "an exchange that was written down, in which no credential belongs"
	}
	fmt.Fprintf(a.out, "%s: %s\n", alert.Place(x.Source), kind)
	rows := [][2]string{
		{"request", message(&x.Request)},
		{"response", message(&x.Response)},
		{"record", count(int64(len(x.Record)), "bytes")},
		{"inspected", fmt.Sprintf("%d bytes", seen.Bytes)},
		{"not opened", count(seen.LayerLimit, "bytes of encodings that are nested too deep")},
		{"given up", count(seen.TimeLimit, "bytes of an exchange that took too long")},
		{"dropped", count(seen.DroppedFindings, "findings past the limit")},
		{"not asked", count(seen.DroppedCandidates, "places whose rule had looked in vain too often")},
		{"allowed", count(seen.Silenced.Allowed, "findings that the policy allows")},
		{"accepted", count(seen.Silenced.Accepted, "findings that the policy accepts")},
		{"findings", strconv.Itoa(len(found))},
	}
	writeRows(a.out, rows)
	for _, f := range found {
		fmt.Fprintf(a.out, "\n%s %s (confidence %s): %s\n", strings.ToUpper(f.Severity.String()), f.Rule.ID, f.Confidence, f.Rule.Title)
		writeRows(a.out, [][2]string{
			{"where", strings.TrimSpace(f.Where.String() + " " + f.Pointer)},
			{"shape", fmt.Sprintf("%s (%s)", f.Evidence.Redacted, alert.Plural(int64(f.Evidence.Length), "byte"))},
			{"token", tokenKind(f.Token)},
			{"seen", alert.Plural(int64(f.Count), "time")},
			{"usually", f.Rule.Severity.String()},
			{"policy", verdictText(f)},
			{"why", f.Rule.Why},
			{"silent", f.Rule.FalsePositives},
			{"fix", f.Rule.Fix},
		})
	}
	fmt.Fprintln(a.out)
}

// message tells the size of a side of an exchange, "" if nothing of it was seen.
func message(m *classify.Message) string {
	if len(m.Headers)+len(m.Body) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s of body", alert.Plural(int64(len(m.Headers)), "header"), alert.Plural(int64(len(m.Body)), "byte"))
}

// count writes how many there are, "" for none.
func count(n int64, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

// verdictText tells what a policy says of a finding, and what would silence it.
func verdictText(f *classify.Finding) string {
	if f.Policy == nil {
		return ""
	}
	source := map[string]string{"openapi": "the OpenAPI document", "policy": "the policy file", "baseline": "the baseline"}[f.Policy.By]
	text := fmt.Sprintf("%s, by %s, on %s", f.Policy.Verdict, source, strings.TrimSpace(f.HTTP.Method+" "+f.HTTP.Route))
	if f.Policy.Verdict == "denied" {
		return text
	}
	return text + "; declaring the field, or an entry under accept, would silence it"
}

func tokenKind(t *classify.Token) string {
	if t == nil {
		return ""
	}
	return t.Kind
}
