package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
)

func (a *app) checkConfigCommand() *cobra.Command {
	var connect, show bool
	format := ""
	c := &cobra.Command{
		Use:   "check-config FILE",
		Short: "Check a configuration file without running it",
		Long:  checkConfigHelp,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if show {
				return a.printConfig(args[0])
			}
			if !slices.Contains([]string{"text", "jsonl"}, format) {
				return usage(fmt.Errorf("output format %q: use text or jsonl", format))
			}
			return a.checkConfig(cmd.Context(), args[0], connect, format == "jsonl")
		},
	}
	c.Flags().BoolVar(&connect, "connect", false, "also look at brokers, topics, ACLs, interfaces, Alertmanagers, webhook and address, without reading or sending anything")
	c.Flags().BoolVar(&show, "print", false, "print the configuration in effect instead, each value with where it comes from, secrets masked")
	c.Flags().StringVarP(&format, "output", "o", "text", "text or jsonl: one check a line, mistakes too")
	return c
}

// checkConfig says what is wrong with a configuration: its mistakes on standard error, what is
// around it a line each on standard output.
func (a *app) checkConfig(ctx context.Context, file string, connect, lines bool) error {
	c, err := loadConfig(file)
	if err != nil {
		return a.mistaken(file, err, lines)
	}
	d := detecting{keyFile: c.Classify.KeyFile, rules: c.Rules.Files, disable: c.Rules.Disable, policies: c.Policy}
	detection, err := d.detection(c.Classify.limits(), a.log) // it logs what is odd in rules and policies
	if err != nil {
		return a.mistaken(file, fmt.Errorf("%s: %w", file, err), lines)
	}
	around := c.surroundings(detection)
	around.write(a.out, lines)
	if n := around.failed(); n > 0 {
		return usage(fmt.Errorf("%s: %s", file, alert.Plural(int64(n), "mistake")))
	}
	if !connect {
		return nil
	}
	reached := c.connect(ctx)
	reached.write(a.out, lines)
	if n := reached.failed(); n > 0 {
		return incomplete(errors.New(alert.Plural(int64(n), "check") + " failed: see FAIL above"))
	}
	return nil
}

// The outcomes of a check.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "FAIL"
)

// checked is the outcome of one check.
type checked struct {
	Outcome string `json:"outcome"` // ok, warn, FAIL
	What    string `json:"what"`    // FILE:LINE:COLUMN, or a path of the configuration
	Text    string `json:"text"`
}

// checklist is what was checked.
type checklist []checked

func (l *checklist) add(outcome, what, text string) { *l = append(*l, checked{outcome, what, text}) }

// outcome adds one that is fine unless there is an error.
func (l *checklist) outcome(what, fine string, err error) {
	if err != nil {
		l.add(checkFail, what, err.Error())
		return
	}
	l.add(checkOK, what, fine)
}

// write writes each check on a line, for people or as JSON.
func (l checklist) write(w io.Writer, lines bool) {
	encode := json.NewEncoder(w)
	encode.SetEscapeHTML(false)
	for _, c := range l {
		c.What, c.Text = alert.Clean(c.What), alert.Clean(c.Text)
		if !lines {
			fmt.Fprintf(w, "%-4s  %s: %s\n", c.Outcome, c.What, c.Text)
			continue
		}
		c.Outcome = strings.ToLower(c.Outcome)
		_ = encode.Encode(c) // three strings
	}
}

// mistaken is the error for a file with mistakes. Machines get each as a check that failed.
func (a *app) mistaken(file string, err error, lines bool) error {
	if !lines {
		return usage(err)
	}
	var all checklist
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSuffix(line, "\n")
		what := regexp.MustCompile(`^` + regexp.QuoteMeta(file) + `(:\d+){0,2}`).FindString(line)
		all.add(checkFail, cmp.Or(what, file), strings.TrimPrefix(strings.TrimPrefix(line, what), ": "))
	}
	all.write(a.out, lines)
	return usage(err)
}

func (l checklist) failed() (n int) {
	for _, c := range l {
		if c.Outcome == checkFail {
			n++
		}
	}
	return n
}

// checkConfigHelp shows every part of a configuration.
const checkConfigHelp = `Check-config reads a file as run would and says all that is wrong, with line and
column; then, a line each, what is amiss around it: files that others may read,
directories that are not there, patterns that match nothing. With --connect it
goes on to what the file names: each broker, the topics and what the user may do
with them, interfaces, each Alertmanager, the webhook, the address to listen on.
Nothing is read, committed or sent; each check takes 5 s at most.

-o jsonl writes each check, and each mistake, as an object on a line with outcome
(ok, warn, fail), what and text, for a CI job.

Exit codes: 0 fine (warnings too), 2 a mistake, 3 something is not reached.

--print prints the configuration in effect, with defaults. A complete file:

  # yaml-language-server: $schema=` + schemaAddress + `config.json
  # enabled: false                 # stop looking, go on serving
  sources:
    - kafka:
        brokers: [kafka-0:9092, kafka-1:9092]
        topics: [access-logs, app-logs, /^team-.*-logs$/]
        group: leaktap
        start: earliest            # for partitions without a committed offset
        # tls: {ca_file: /etc/leaktap/ca.pem}
        # sasl: {mechanism: SCRAM-SHA-512, user: leaktap, password_file: /etc/leaktap/password}
    - interface:
        names: [eth0, 'veth*']       # patterns too, or any; see docs/capture.md
        filter: tcp port 8080
        # services: {10.1.0.0/16: shop} # who answers there
        # services_file: /etc/leaktap/services # a line each: ADDRESS[:PORT] or NETWORK, and a name
    - files: {paths: [/var/log/containers/*.log], state: /var/lib/leaktap/files.json}
  classify:
    key_file: /etc/leaktap/key     # made by 'leaktap key new'
  rules:
    # files: [rules.yaml]          # from where this file is; see docs/rules.md
    disable: [cleartext-token]     # also kinds of tokens, and category:NAME
  policy:                          # what routes may return; see docs/policy.md
    # file: policy.yaml
    # openapi: [shop.yaml]
    # baseline: learned.yaml
  sinks:
    jsonl: {path: /var/lib/leaktap/findings.jsonl}
    ledger: {path: /var/lib/leaktap/ledger.db} # exposures and tokens, for 'leaktap report'
    alertmanager: {urls: ["http://alertmanager-0:9093", "http://alertmanager-1:9093"]}
    webhook: {url: "https://hooks.example/leaktap", secret_file: /etc/leaktap/webhook-secret}
    kafka:                         # findings by fingerprint, without plaintext
      brokers: [kafka-0:9092]
      topic: leaktap-findings
    spool: {dir: /var/lib/leaktap/spool, max_mib: 256} # what webhook and Kafka do not take yet
  http:
    listen: 127.0.0.1:9464         # metrics, health, findings page
    # users_file: /etc/leaktap/users # who may accept findings; 'leaktap page password NAME' makes a line
    # require_login: true          # and the page is for them alone`
