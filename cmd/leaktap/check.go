package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
)

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
    listen: 127.0.0.1:9464         # metrics, health, findings page`,
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
