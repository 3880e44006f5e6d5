// Package dashboards holds what Prometheus and Grafana need to show and alert on
// leaktap: two dashboards, the rules, and a runbook for each alert. It takes
// nothing and gives the files; its tests hold them to the metrics there are.
package dashboards

import "embed"

// Files holds grafana/*.json (dashboards to import), rules/leaktap.rules.yml (a
// Prometheus rule file) and runbooks/ALERT.md.
//
//go:embed grafana/*.json rules/leaktap.rules.yml runbooks/*.md
var Files embed.FS
