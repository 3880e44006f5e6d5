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
	if agent.inForce, err = a.inForceFrom(c, agent.now()); err != nil {
		return nil, nil, err
	}
	if aggregate {
		if problem := agent.aggregates(c); problem != nil {
			return nil, nil, c.locate(problem)
		}
	}
	if wrong := agent.configure(c); len(wrong) > 0 { // a file that changed since it was checked
		return nil, nil, c.locate(wrong[0])
	}
	if c.Classify.KeyFile == "" {
		a.log.Warn("no classify.key_file: digests are made under a random key and will not match elsewhere or after a restart")
	}
	return agent, c, nil
}

// configure adds the sources and sinks that the file names, and says which it could not.
func (a *agent) configure(c *config) (all problems) {
	enabled := c.Enabled == nil || *c.Enabled
	if !enabled {
		a.addIdle()
	}
	for i, s := range c.Sources {
		if enabled && s.members() == 1 {
			all.wrong(fmt.Sprintf("sources[%d]", i), a.addConfigured(s))
		}
	}
	return append(all, a.addSinks(c.Sinks)...)
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

func (a *agent) addSinks(c sinksConfig) (all problems) {
	if s := c.JSONLines; s != nil {
		a.addSink(alert.NewFile(alert.FileConfig{Path: s.Path, Sync: s.Sync}, a.findings, a.log))
	}
	if s := c.Observations; s != nil {
		o, err := alert.NewObservations(alert.ObservationsConfig{Kafka: s.kafka()}, a.findings, a.log)
		all.wrong("sinks.observations", err)
		if err == nil {
			a.observations = o
			a.addSink(o)
		}
	}
	if s := c.Alertmanager; s != nil {
		am, err := alert.NewAlertmanager(s.alertmanager(), a.findings, a.log)
		all.wrong("sinks.alertmanager.urls", err)
		if err == nil {
			a.goOnAlerting(am)
			a.addSink(am)
		}
	}
	if s := c.Webhook; s != nil {
		all = append(all, a.addWebhook(s, c.Spool)...)
	}
	if s := c.Kafka; s != nil {
		k, err := alert.NewKafka(s.kafka(), a.findings, a.log)
		all.wrong("sinks.kafka", err)
		if err == nil {
			if c.Spool != nil {
				k.Spool(c.Spool.of("kafka"))
			}
			a.addSink(k)
		}
	}
	return all
}

// alertmanager translates the file's form into the package's.
func (s *alertmanagerConfig) alertmanager() alert.AlertmanagerConfig {
	return alert.AlertmanagerConfig{
		URLs: s.URLs, MinSeverity: classify.Severity(s.MinSeverity), Resend: time.Duration(s.Resend),
		ResolveAfter: time.Duration(s.ResolveAfter), SettleTimeout: time.Duration(s.SettleTimeout),
		ExternalURL: s.ExternalURL, RunbookURL: s.RunbookURL,
	}
}

func (a *agent) addWebhook(s *webhookConfig, spool *spoolConfig) (all problems) {
	secret, err := readSecret(s.SecretFile)
	all.wrong("sinks.webhook.secret_file", err)
	template, err := readSecret(s.TemplateFile)
	if err != nil {
		all.wrong("sinks.webhook.template_file", err)
		return all
	}
	if err := alert.CheckWebhookFormat(s.Format, string(template)); err != nil {
		all.wrong("sinks.webhook.format", err)
		return all
	}
	w, err := alert.NewWebhook(alert.WebhookConfig{
		URL: s.URL, Secret: secret, Timeout: time.Duration(s.Timeout), Format: s.Format, Template: string(template), AllowLinkLocal: s.AllowLinkLocal,
	}, a.findings, a.log)
	all.wrong("sinks.webhook.url", err)
	if err == nil {
		if spool != nil {
			w.Spool(spool.of("webhook"))
		}
		a.addSink(w)
	}
	return all
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
