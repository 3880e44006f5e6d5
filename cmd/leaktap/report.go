package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// reportOptions are the flags of reports.
type reportOptions struct {
	detecting
	ledger string
	format string
	all    bool
}

func (a *app) reportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "Report tokens to revoke, exposures, and coverage",
		Long: `Tokens and exposures are read from the file of a ledger, which an agent with
sinks.ledger.path or a scan with --ledger keeps; the agent may run meanwhile.
Coverage is read from the metrics of a running agent.`,
	}
	c.AddCommand(
		a.reportCoverageCommand(),
		a.reportVerb("tokens", `List tokens to revoke, those that work longest first`,
			`Tokens lists the credentials that were exposed: how long each still works, where it
was found, and how often it was used since. Tokens are named by their digest under the
installation's key, never shown.`,
			"leave out what has expired", tokenReport),
		a.reportVerb("exposures", "List exposures: open, back again, accepted, resolved",
			`Exposures lists what is exposed, the worst first: since when, how often, to how many
principals, whether it is gone (resolved) or back after it was (regressed), and who accepted
it until when, and why.`,
			"leave out what is resolved", exposureReport))
	return c
}

// table is a report: what stands in its columns, and its entries for programs.
type table struct {
	columns []string
	rows    [][]string
	entries []any
	nothing string
}

// reportVerb makes one report.
func (a *app) reportVerb(name, short, long, all string, read func(l *alert.Ledger, all bool) table) *cobra.Command {
	o := &reportOptions{}
	c := &cobra.Command{
		Use: name, Short: short, Long: long, Args: cobra.NoArgs,
		Example: fmt.Sprintf("  leaktap report %s --ledger /var/lib/leaktap/ledger.db\n  leaktap report %s --ledger ledger.db -o csv > %s.csv", name, name, name),
		RunE:    func(*cobra.Command, []string) error { return a.report(o, read) },
	}
	c.Flags().StringVar(&o.ledger, "ledger", "", "the ledger's file")
	c.Flags().StringVarP(&o.format, "output", "o", "text", "text, jsonl or csv")
	c.Flags().BoolVar(&o.all, "all", false, "do not "+all)
	c.Flags().StringVar(&o.asOf, "as-of", "", "time by which tokens are live or expired, RFC 3339 (now)")
	return c
}

func (a *app) report(o *reportOptions, read func(l *alert.Ledger, all bool) table) error {
	if o.ledger == "" {
		return usage(errors.New("report: want --ledger FILE, as sinks.ledger.path of the configuration or --ledger of scan names it"))
	}
	write, err := tableWriter(o.format)
	if err != nil {
		return usage(err)
	}
	ledger, err := a.readLedger(&o.detecting, o.ledger)
	if err != nil {
		return err
	}
	t := read(ledger, o.all)
	return write(a.out, &t)
}

// tableWriter returns what writes a table in a format.
func tableWriter(format string) (func(io.Writer, *table) error, error) {
	write, ok := map[string]func(io.Writer, *table) error{"text": writeText, "jsonl": writeJSONLines, "csv": writeCSV}[format]
	if !ok {
		return nil, fmt.Errorf("output format %q: there is none%s (text, jsonl, csv)", format, didYouMean(format, []string{"text", "jsonl", "csv"}))
	}
	return write, nil
}

// readLedger reads all of a ledger's file.
func (a *app) readLedger(d *detecting, file string) (*alert.Ledger, error) {
	now, err := d.clock()
	if err != nil {
		return nil, usage(err)
	}
	set, err := d.ruleSet(a.log)
	if err != nil {
		return nil, usage(err)
	}
	rules := &detection{rules: set.rules()}
	ledger, err := alert.ReadLedger(file, alert.LedgerConfig{MaxExposures: 1 << 20, MaxTokens: 1 << 20, Now: now}, rules.rule)
	if err != nil {
		return nil, incomplete(err)
	}
	return ledger, nil
}

// tokenReport lists tokens.
func tokenReport(l *alert.Ledger, all bool) table {
	t := table{
		columns: []string{"STATE", "EXPIRES", "KIND", "ISSUER", "SCOPE", "FOUND", "FIRST", "LAST", "CALLS", "WHERE", "DIGEST"},
		nothing: "no token was exposed that may still work",
	}
	for _, r := range l.Tokens() {
		if r.State == "expired" && !all {
			continue
		}
		expires := "never"
		if r.Token.Expires != nil {
			expires = moment(*r.Token.Expires)
		} else if r.State == "unknown" {
			expires = "unknown"
		}
		t.entries = append(t.entries, r)
		t.rows = append(t.rows, []string{
			r.State, expires, strings.TrimSpace(r.Token.Kind + " " + r.Token.Alg), r.Token.Issuer, strings.Join(r.Token.Scope, " "),
			places(&r), moment(r.FirstSeen), moment(r.LastSeen), strconv.FormatInt(r.Calls, 10), r.Places[0].First, r.Digest,
		})
	}
	return t
}

// places counts where a token was found.
func places(r *alert.TokenRecord) string {
	n := int64(0)
	for _, p := range r.Places {
		n += p.Count
	}
	text := fmt.Sprintf("%d in %s", n, alert.Plural(int64(len(r.Places)), "place"))
	if r.MorePlaces {
		text += " and more"
	}
	return text
}

// wireExposure is an exposure for programs.
type wireExposure struct {
	Fingerprint string            `json:"fingerprint"`
	State       alert.State       `json:"state"`
	Severity    classify.Severity `json:"severity"`
	FirstSeen   time.Time         `json:"first_seen"`
	LastSeen    time.Time         `json:"last_seen"`
	Findings    int64             `json:"findings"`
	Count       int64             `json:"count"`
	Principals  int               `json:"principals"`
	MoreThan    bool              `json:"more_principals,omitempty"`
	Absent      int64             `json:"answers_without"`
	Regressions int               `json:"regressions"`
	Occurs      bool              `json:"occurs"`
	Acceptance  *alert.Acceptance `json:"acceptance,omitempty"`
	Newest      *classify.Finding `json:"newest"`
}

// exposureReport lists exposures.
func exposureReport(l *alert.Ledger, all bool) table {
	t := table{
		columns: []string{"SEVERITY", "RULE", "STATE", "ENDPOINT", "PART", "SINCE", "LAST", "TIMES", "PRINCIPALS", "FIRST", "FINGERPRINT", "ACCEPTED BY", "UNTIL", "REASON"},
		nothing: "nothing is exposed",
	}
	list := l.Snapshot()
	alert.SortExposures(list)
	list = slices.DeleteFunc(list, func(x alert.Exposure) bool { return x.State == alert.StateResolved && !all })
	for i := range list {
		x := &list[i]
		d := alert.Describe(x)
		principals := strconv.Itoa(x.Principals)
		if x.MorePrincipals {
			principals += " or more"
		}
		var by, until, reason string
		if a := x.Acceptance; a != nil {
			by, until, reason = a.By, a.Until.Format(time.DateOnly), a.Reason
		}
		t.entries = append(t.entries, wireExposure{
			x.Fingerprint, x.State, x.Severity, x.FirstSeen, x.LastSeen, x.Findings, x.Count, x.Principals, x.MorePrincipals, x.Absent, x.Regressions,
			x.Occurs, x.Acceptance, x.Sample,
		})
		t.rows = append(t.rows, []string{
			x.Severity.String(), x.Sample.Rule.ID, string(x.State), d.Endpoint, d.Part, moment(x.FirstSeen), moment(x.LastSeen),
			strconv.FormatInt(x.Count, 10), principals, d.First, x.Fingerprint, by, until, reason,
		})
	}
	return t
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// writeText writes aligned columns.
func writeText(w io.Writer, t *table) error {
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(w, t.nothing)
		return err
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.columns}, t.rows...) {
		for i, cell := range row {
			row[i] = alert.Clean(cell)
		}
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	return columns.Flush()
}

// writeJSONLines writes an entry a line.
func writeJSONLines(w io.Writer, t *table) error {
	for _, entry := range t.entries {
		line, err := json.Marshal(entry)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", alert.EscapeInvisible(line)); err != nil {
			return err
		}
	}
	return nil
}

// writeCSV writes a table without formulas (RFC 4180).
func writeCSV(w io.Writer, t *table) error {
	out := csv.NewWriter(w)
	for i, row := range append([][]string{t.columns}, t.rows...) {
		for j, cell := range row {
			if row[j] = alert.SafeCell(cell); i == 0 {
				row[j] = strings.ToLower(cell)
			}
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
