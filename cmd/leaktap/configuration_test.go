package main

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/alert/page"
)

// shownSettings is what a page has of the configuration in force, as text.
func shownSettings(t *testing.T, body string) string {
	t.Helper()
	_, rest, found := strings.Cut(body, "<pre class=\"settings\"")
	_, rest, _ = strings.Cut(rest, "<code>")
	text, _, _ := strings.Cut(rest, "</code></pre>")
	if !found {
		t.Fatalf("the page shows no configuration:\n%s", body)
	}
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, ""))
}

// secretConfig has a canary in each key that may hold a secret, and in each file that it names.
func secretConfig(dir string) (text string, files map[string]string) {
	files = map[string]string{
		"key": strings.Repeat("c0ffee", 12)[:64], "password": "canary-password", "token": "canary-token", "webhook-secret": "canary-webhook-secret",
		"template": "canary-template {{.Count}}", "web.yml": "basic_auth_users: {ada: " + "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n",
	}
	text = `sources:
  - kafka: {brokers: ["BROKER"], topics: [logs], group: g}
classify: {key_file: DIR/key}
sinks:
  alertmanager:
    urls: ["http://canary-user:canary-pass@127.0.0.1:1", "http://canary-name@127.0.0.1:1"]
    external_url: "https://canary-ext:canary-pass@leaktap.test/?canary-query=1"
    runbook_url: "https://canary-run:canary-pass@wiki.test/runbooks?canary-query=1"
  webhook: {url: "https://canary-hook:canary-pass@hooks.test/services/canary-path?canary-query=1", secret_file: DIR/webhook-secret, format: template, template_file: DIR/template}
  kafka:
    brokers: [BROKER]
    topic: findings
    sasl: {mechanism: PLAIN, user: leaktap, password_file: DIR/password}
  observations:
    brokers: [BROKER]
    topic: observations
    sasl: {mechanism: OAUTHBEARER, token_file: DIR/token}
  spool: {dir: DIR/spool}
http: {listen: "127.0.0.1:0", users_file: DIR/users}
`
	return strings.ReplaceAll(text, "DIR", dir), files
}

// TestConfigurationPage runs a daemon with a secret wherever one may be: the page shows what
// check-config --print prints, and none of them; it follows reloads, and tells what was refused.
func TestConfigurationPage(t *testing.T) {
	d := startDaemon(t, time.Hour)
	text, files := secretConfig(d.dir)
	files["users"] = userLine(t, "ada")
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if first := d.get("/configuration"); !strings.Contains(shownSettings(t, first), "- \""+os.Getenv("TEST_BROKER")+"\"") || strings.Contains(first, "was refused") {
		t.Errorf("at the start the page shows\n%s", first)
	}

	d.write(text)
	if code, answer := d.ask(""); code != http.StatusOK {
		t.Fatalf("the configuration was not taken: %s", answer)
	}
	d.awaitServing(2)
	whole := d.get("/configuration")
	shown := shownSettings(t, whole)
	var printed, log strings.Builder
	if code := run(t.Context(), []string{"check-config", "--print", filepath.Join(d.dir, "leaktap.yaml")}, &streams{out: &printed, err: &log}); code != exitOK {
		t.Fatal(log.String())
	}
	_, want, _ := strings.Cut(printed.String(), "enabled:") // the test's daemon has no command line
	if _, got, _ := strings.Cut(shown, "enabled:"); got != want {
		t.Errorf("the page shows\n%s\nwant\n%s", got, want)
	}
	for _, origin := range []string{"leaktap.yaml:6", "# default", `"https://xxxxx@hooks.test/xxxxx?xxxxx"`} {
		if !strings.Contains(shown, origin) {
			t.Errorf("%q is missing in\n%s", origin, shown)
		}
	}

	bad := strings.Replace(text, "format: template", "format: nonsense", 1)
	bad = strings.Replace(bad, "https://canary-hook", "ftp://canary-hook", 1)
	d.write(bad)
	code, answer := d.ask("")
	refused := d.get("/configuration")
	if code != http.StatusBadRequest || !strings.Contains(refused, "A newer one was refused") || !strings.Contains(refused, "(request)") ||
		!strings.Contains(html.UnescapeString(refused), "<li><code>"+strings.Split(answer, "\n")[0]+"</code></li>") || shownSettings(t, refused) != shown {
		t.Errorf("status %d, %s; the page shows\n%s", code, answer, refused)
	}
	for what, text := range map[string]string{"page": whole, "printed": printed.String(), "page with a refusal": refused, "answer": answer, "log": d.log.String()} {
		for name, secret := range files {
			if strings.Contains(text, strings.TrimSpace(secret)) {
				t.Errorf("%s: what is in %s is shown", what, name)
			}
		}
		if i := strings.Index(text, "canary"); i >= 0 {
			t.Errorf("%s: holds %.40s", what, text[i:])
		}
	}

	d.write(daemonConfig)
	if code, answer := d.ask(""); code != http.StatusOK {
		t.Fatal(answer)
	}
	d.awaitServing(3)
	if last := d.get("/configuration"); strings.Contains(last, "was refused") || strings.Contains(last, "hooks.test") {
		t.Errorf("after a good one the page shows\n%s", last)
	}
}

// TestEveryKeyThatMayHoldASecretIsTried fails for a masked key without a canary.
func TestEveryKeyThatMayHoldASecretIsTried(t *testing.T) {
	text, _ := secretConfig("/d")
	source, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile("`yaml:\"([a-z_]+)\"[^`]*mask:").FindAllStringSubmatch(string(source), -1)
	for _, key := range keys {
		if !regexp.MustCompile(`\b` + key[1] + `: [^\n]*canary`).MatchString(text) {
			t.Errorf("%s is masked, and no canary is in it", key[1])
		}
	}
	if len(keys) < 4 {
		t.Errorf("%d keys are masked", len(keys))
	}
}

// TestMasked checks what is left of an address.
func TestMasked(t *testing.T) {
	for _, c := range []struct{ text, mask, want string }{
		{"http://am:9093", maskUser, "http://am:9093"},
		{"http://u:p@am:9093/x?token=t#f", maskUser, "http://xxxxx@am:9093/x?xxxxx"},
		{"https://h.test/services/T/B", maskPath, "https://h.test/xxxxx"},
		{"https://h.test/", maskPath, "https://h.test/"},
		{"u:p@am:9093", maskUser, "xxxxx"},
		{"http:u:p@am", maskUser, "xxxxx"},
		{"http://u:%zz@am", maskUser, "xxxxx"},
		{"u:p@am:9093", "", "u:p@am:9093"},
	} {
		if got := masked(c.text, c.mask); got != c.want {
			t.Errorf("%s with mask %q is %s, want %s", c.text, c.mask, got, c.want)
		}
	}
}

// TestOptionsAreShown checks what the page of a verb without a file shows.
func TestOptionsAreShown(t *testing.T) {
	a := newApp(&streams{})
	root := a.rootCommand()
	c, rest, err := root.Find([]string{"tail", "-b", "kafka-0:9092", "--fail-on", "low"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEAKTAP_LISTEN", "127.0.0.1:0")
	if err := c.ParseFlags(rest); err != nil {
		t.Fatal(err)
	}
	if err := a.setUp(c, nil); err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprint(a.options())
	if strings.Contains(all, "--sasl") || strings.Contains(all, "--help") {
		t.Errorf("options that say nothing are shown: %s", all)
	}
	for _, s := range []page.Setting{
		{Text: "--brokers [kafka-0:9092]", Origin: "flag"},
		{Text: "--listen 127.0.0.1:0", Origin: "variable LEAKTAP_LISTEN"},
		{Text: "--min-severity none", Origin: "default"},
		{Text: "--log-level info", Origin: "default"},
	} {
		if !strings.Contains(all, fmt.Sprint(s)) {
			t.Errorf("%v is missing in %s", s, all)
		}
	}
}
