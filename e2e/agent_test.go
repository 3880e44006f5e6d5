//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// exitSIGTERM is the exit code of an agent that SIGTERM ended.
const exitSIGTERM = 128 + int(syscall.SIGTERM)

// agent is a running leaktap with its HTTP server.
type agent struct {
	*process
	t *testing.T
	// page is the base URL of its server.
	page string
}

// startAgent starts the binary with arguments that make it serve, and waits until its
// sources are read.
func startAgent(t *testing.T, name string, args ...string) *agent {
	t.Helper()
	return startAgentIn(t, "", name, args...)
}

// startAgentIn does so in a folder.
func startAgentIn(t *testing.T, dir, name string, args ...string) *agent {
	t.Helper()
	cmd := exec.Command(leaktap(), append(args, "--log-level", "debug")...)
	cmd.Dir = dir
	p := start(t, name, cmd)
	a := &agent{p, t, strings.TrimSuffix(p.expect(t, p.stderr, `msg=serving url=(\S+)`, 20*time.Second)[1], "/")}
	eventually(t, 60*time.Second, name+" is ready", func() error {
		_, err := get(a.page + "/-/ready")
		return err
	})
	return a
}

// metrics returns what the agent exports.
func (a *agent) metrics() string {
	a.t.Helper()
	text, err := get(a.page + "/metrics")
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// metric returns the sum over all series of a name.
func (a *agent) metric(name string) (sum float64) {
	a.t.Helper()
	for line := range strings.Lines(a.metrics()) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(rest)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			a.t.Fatalf("metric %s: %v", name, err)
		}
		sum += value
	}
	return sum
}

// waitForMetric waits until a metric has reached a value.
func (a *agent) waitForMetric(name string, value float64) {
	a.t.Helper()
	eventually(a.t, 30*time.Second, a.name+" "+name, func() error {
		if got := a.metric(name); got < value {
			return fmt.Errorf("is %v, want %v", got, value)
		}
		return nil
	})
}

// crawl reads every page that the findings page links to.
func (a *agent) crawl(outputs pile) (pages int) {
	a.t.Helper()
	link := regexp.MustCompile(`href="(/[^"]*)"`)
	seen := map[string]bool{}
	for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		if seen[path] {
			continue
		}
		seen[path] = true
		body, err := get(a.page + path)
		if err != nil {
			a.t.Errorf("crawl: %v", err)
			continue
		}
		outputs.keep("page "+path, string(body))
		for _, m := range link.FindAllStringSubmatch(string(body), -1) {
			queue = append(queue, m[1])
		}
	}
	return len(seen)
}

// runConfig is what a test's configuration file for run names.
type runConfig struct {
	brokers      string // separated by commas
	topics       []string
	findings     string // the file of the JSON lines sink
	alertmanager string
	webhook      string
}

// file writes the configuration. The session is short and commits are frequent, so that
// a test with kills is quick and meets all moments between a record and its commit.
func (c runConfig) file(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key := write(t, dir, "key", strings.TrimSpace(run(t, "", "key", "new").stdout)+"\n")
	text := fmt.Sprintf(`sources:
  - kafka:
      brokers: [%s]
      topics: [%s]
      group: e2e
      start: earliest
      session_timeout: 6s
      commit_interval: 20ms
classify: {key_file: %q}
http: {listen: 127.0.0.1:0}
sinks:
  jsonl: {path: %q}
`, strings.ReplaceAll(c.brokers, ",", ", "), strings.Join(c.topics, ", "), key, c.findings)
	if c.alertmanager != "" {
		text += fmt.Sprintf("  alertmanager: {urls: [%q], resend: 1s}\n", c.alertmanager)
	}
	if c.webhook != "" {
		secret := write(t, dir, "webhook-secret", random(alphanumeric, 32))
		text += fmt.Sprintf("  webhook: {url: %q, secret_file: %q}\n", c.webhook, secret)
	}
	return filepath.Clean(write(t, dir, "leaktap.yaml", text))
}
