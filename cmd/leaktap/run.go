package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

func (a *app) runCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "run --config FILE",
		Short: "Run the daemon: sources, sinks, metrics and the findings page",
		Long: `Run reads the sources of a configuration file until it is told to stop. See
'leaktap check-config' for the file, and deploy/ for manifests.

It reads the file anew on SIGHUP, on POST /-/reload (where the findings page is
served), and when the file or one that it names changes. A file with a mistake
changes nothing: the log, the answer and config_last_reload_successful tell.
"enabled: false" stops looking, and goes on serving.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.newReloader(file).run(cmd.Context()) },
	}
	c.Flags().StringVar(&file, "config", "", "configuration file, YAML")
	if err := c.MarkFlagRequired("config"); err != nil {
		panic(err) // the name above is misspelt
	}
	return c
}

// agentFrom makes the agent that a configuration file describes, not yet served. What an
// agent before it knew it goes on with: the random key, the ledger, what is followed.
func (a *app) agentFrom(file string, before *agent, aggregate bool) (*agent, *config, error) {
	c, err := loadConfig(file)
	if err != nil {
		return nil, nil, err
	}
	d := detecting{random: before.randomDigestKey(), keyFile: c.Classify.KeyFile, rules: c.Rules.Files, disable: c.Rules.Disable, policies: c.Policy}
	detection, err := d.detection(c.Classify.limits(), a.log)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	detection.windows.goOn(before)
	ledger, err := before.ledgerFor(c.Sinks.Ledger, detection, a.log)
	if err != nil {
		return nil, nil, c.locate(problem("sinks.ledger.path", "%v", err))
	}
	agent := newAgent(a.log, detection, time.Now, ledger)
	agent.ledgerConfig = c.Sinks.Ledger
	agent.metrics.reloaded(true)
	agent.randomKey = c.Classify.KeyFile == ""
	agent.guard = before.guardOf()
	if aggregate {
		if problem := agent.aggregates(c); problem != nil {
			return nil, nil, c.locate(problem)
		}
	}
	if problem := agent.configure(c); problem != nil {
		return nil, nil, c.locate(problem)
	}
	if c.Classify.KeyFile == "" {
		a.log.Warn("no classify.key_file: digests are made under a random key and will not match elsewhere or after a restart")
	}
	return agent, c, nil
}

// configure adds the sources and sinks that the file names.
func (a *agent) configure(c *config) *configProblem {
	if c.Enabled != nil && !*c.Enabled {
		a.addIdle()
	}
	for i, s := range c.Sources {
		if c.Enabled != nil && !*c.Enabled {
			break
		}
		if err := a.addConfigured(s); err != nil {
			return problem(fmt.Sprintf("sources[%d]", i), "%v", err)
		}
	}
	return a.addSinks(c.Sinks)
}

// serveConfigured serves where the file says, if anywhere.
func (a *agent) serveConfigured(c *config) error {
	if c.HTTP.Listen == "" {
		return nil
	}
	if err := a.serve(&c.HTTP); err != nil {
		return c.locate(problem("http.listen", "%v", err))
	}
	return nil
}

func (a *agent) addConfigured(s sourceConfig) error {
	if s.Interface != nil {
		cfg, err := s.Interface.capture()
		if err != nil {
			return err
		}
		_, err = a.addSniffer(cfg)
		return err
	}
	if s.Files != nil {
		return a.addFiles(s.Files)
	}
	cfg, err := s.Kafka.kafka()
	if err != nil {
		return err
	}
	return a.addKafka(cfg)
}

func (a *agent) addSinks(c sinksConfig) *configProblem {
	if s := c.JSONLines; s != nil {
		a.addSink(alert.NewFile(alert.FileConfig{Path: s.Path, Sync: s.Sync}, a.findings, a.log))
	}
	if s := c.Observations; s != nil {
		o, err := alert.NewObservations(alert.ObservationsConfig{Kafka: s.kafka()}, a.findings, a.log)
		if err != nil {
			return problem("sinks.observations", "%v", err)
		}
		a.observations = o
		a.addSink(o)
	}
	if s := c.Alertmanager; s != nil {
		am, err := alert.NewAlertmanager(alert.AlertmanagerConfig{
			URLs: s.URLs, MinSeverity: classify.Severity(s.MinSeverity), Resend: time.Duration(s.Resend),
			ResolveAfter: time.Duration(s.ResolveAfter), SettleTimeout: time.Duration(s.SettleTimeout),
			ExternalURL: s.ExternalURL, RunbookURL: s.RunbookURL,
		}, a.findings, a.log)
		if err != nil {
			return problem("sinks.alertmanager.urls", "%v", err)
		}
		a.goOnAlerting(am)
		a.addSink(am)
	}
	if s := c.Webhook; s != nil {
		secret, err := readSecret(s.SecretFile)
		if err != nil {
			return problem("sinks.webhook.secret_file", "%v", err)
		}
		template, err := readSecret(s.TemplateFile)
		if err != nil {
			return problem("sinks.webhook.template_file", "%v", err)
		}
		if err := alert.CheckWebhookFormat(s.Format, string(template)); err != nil {
			return problem("sinks.webhook.format", "%v", err)
		}
		w, err := alert.NewWebhook(alert.WebhookConfig{
			URL: s.URL, Secret: secret, Timeout: time.Duration(s.Timeout), Format: s.Format, Template: string(template), AllowLinkLocal: s.AllowLinkLocal,
		}, a.findings, a.log)
		if err != nil {
			return problem("sinks.webhook.url", "%v", err)
		}
		a.addSink(w)
	}
	if s := c.Kafka; s != nil {
		k, err := alert.NewKafka(s.kafka(), a.findings, a.log)
		if err != nil {
			return problem("sinks.kafka", "%v", err)
		}
		a.addSink(k)
	}
	return nil
}

// goOnAlerting hands the exposures that are open to a new sender, which knows of none: an
// Alertmanager forgets what is not sent again, and a restart proves nothing mended.
func (a *agent) goOnAlerting(am *alert.Alertmanager) {
	for _, x := range a.ledger.Snapshot() {
		if x.State.Open() {
			am.Accept(x.Sample)
		}
	}
}

// readSecret reads a secret from its file; no file is no secret.
func readSecret(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	return bytes.TrimSpace(secret), nil
}

func (a *app) checkConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-config FILE",
		Short: "Check a configuration file without running it",
		Long: `Check-config reads a file as run would and says what is wrong, with line and
column. A complete file:

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
  http:
    listen: 127.0.0.1:9464         # metrics, health, findings page
    # users_file: /etc/leaktap/users # who may accept findings; 'leaktap page password NAME' makes a line
    # require_login: true          # and the page is for them alone`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			_, c, err := a.agentFrom(args[0], nil, false)
			if err != nil {
				return usage(err)
			}
			fmt.Fprintf(a.out, "%s: ok: %s\n", args[0], alert.Plural(int64(len(c.Sources)), "source"))
			return nil
		},
	}
}
