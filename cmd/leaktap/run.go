package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
)

func (a *app) runCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "run --config FILE",
		Short: "Run the daemon: sources, sinks, metrics and the findings page",
		Long: `Run reads the sources of a configuration file until it is told to stop. See
'leaktap check-config' for the file, and deploy/ for manifests.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			agent, c, err := a.agentFrom(file)
			if err != nil {
				return usage(err)
			}
			if err := agent.serveConfigured(c); err != nil {
				return usage(err)
			}
			if err := agent.run(cmd.Context()); err != nil {
				return incomplete(err)
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file, YAML")
	if err := c.MarkFlagRequired("config"); err != nil {
		panic(err) // the name above is misspelt
	}
	return c
}

// agentFrom makes the agent that a configuration file describes, not yet served.
func (a *app) agentFrom(file string) (*agent, *config, error) {
	c, err := loadConfig(file)
	if err != nil {
		return nil, nil, err
	}
	d := detecting{keyFile: c.Classify.KeyFile, rules: c.Rules.Files, disable: c.Rules.Disable}
	detection, err := d.detection(c.Classify.limits(), a.log)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	ledger, err := openLedger(c.Sinks.Ledger.Path, c.Sinks.Ledger.limits(), detection, a.log)
	if err != nil {
		return nil, nil, c.locate(problem("sinks.ledger.path", "%v", err))
	}
	agent := newAgent(a.log, detection, time.Now, ledger)
	agent.randomKey = c.Classify.KeyFile == ""
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
	for i, s := range c.Sources {
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
	if err := a.serve(c.HTTP.Listen, c.HTTP.WebConfigFile); err != nil {
		return c.locate(problem("http.listen", "%v", err))
	}
	return nil
}

func (a *agent) addConfigured(s sourceConfig) error {
	if s.Interface != nil {
		_, err := a.addSniffer(capture.Config{Interface: s.Interface.Name, Filter: s.Interface.Filter, Promiscuous: s.Interface.Promiscuous})
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
	if s := c.Alertmanager; s != nil {
		am, err := alert.NewAlertmanager(alert.AlertmanagerConfig{
			URLs: s.URLs, MinSeverity: classify.Severity(s.MinSeverity), Resend: time.Duration(s.Resend),
			ResolveAfter: time.Duration(s.ResolveAfter), SettleTimeout: time.Duration(s.SettleTimeout),
			ExternalURL: s.ExternalURL, RunbookURL: s.RunbookURL,
		}, a.findings, a.log)
		if err != nil {
			return problem("sinks.alertmanager.urls", "%v", err)
		}
		a.addSink(am)
	}
	if s := c.Webhook; s != nil {
		secret, err := readSecret(s.SecretFile)
		if err != nil {
			return problem("sinks.webhook.secret_file", "%v", err)
		}
		w, err := alert.NewWebhook(alert.WebhookConfig{URL: s.URL, Secret: secret, Timeout: time.Duration(s.Timeout)}, a.findings, a.log)
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

  sources:
    - kafka:
        brokers: [kafka-0:9092, kafka-1:9092]
        topics: [access-logs, app-logs, /^team-.*-logs$/]
        group: leaktap
        start: earliest            # for partitions without a committed offset
        # tls: {ca_file: /etc/leaktap/ca.pem}
        # sasl: {mechanism: SCRAM-SHA-512, user: leaktap, password_file: /etc/leaktap/password}
    - interface: {name: eth0, filter: tcp port 8080}
    - files: {paths: [/var/log/containers/*.log], state: /var/lib/leaktap/files.json}
  classify:
    key_file: /etc/leaktap/key     # made by 'leaktap key new'
  rules:
    # files: [rules.yaml]          # from where this file is; see docs/rules.md
    disable: [cleartext-token]     # also kinds of tokens, and category:NAME
  sinks:
    jsonl: {path: /var/lib/leaktap/findings.jsonl}
    ledger: {path: /var/lib/leaktap/ledger.db} # exposures and tokens, for 'leaktap report'
    alertmanager: {urls: ["http://alertmanager-0:9093", "http://alertmanager-1:9093"]}
    webhook: {url: "https://hooks.example/leaktap", secret_file: /etc/leaktap/webhook-secret}
    kafka:                         # findings by fingerprint, without plaintext
      brokers: [kafka-0:9092]
      topic: leaktap-findings
  http:
    listen: 127.0.0.1:9464         # metrics, health, findings page`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			_, c, err := a.agentFrom(args[0])
			if err != nil {
				return usage(err)
			}
			fmt.Fprintf(a.out, "%s: ok: %s\n", args[0], alert.Plural(int64(len(c.Sources)), "source"))
			return nil
		},
	}
}
