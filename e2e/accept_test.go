//go:build e2e

package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// pictureLimit is the size of a picture in docs/, in bytes.
const pictureLimit = 80_000

// TestAcceptInTheBrowser accepts a finding with Chromium, as people do: log in, accept, see it
// apart, withdraw; what is wrong or forged is refused. Then the agent is killed and started
// again: what was accepted is, and raises nothing.
func TestAcceptInTheBrowser(t *testing.T) {
	b, s := newBrowser(t), newShopLog(t)
	a := s.start(t, "agent")
	b.run(t, "browser/accept.mjs", a.page, s.password)

	a.kill()
	a = s.start(t, "again")
	report := run(t, "", "report", "exposures", "--ledger", s.ledger, "-o", "csv")
	if report.code != 0 || !strings.Contains(report.stdout, ",ada,") || !strings.Contains(report.stdout, "the demo's own") {
		t.Errorf("the report ended with %d:\n%s%s", report.code, report.stdout, report.stderr)
	}
	before := len(findingsIn(t, s.findings))
	s.append(t, 100)
	a.waitForMetric("leaktap_silenced_findings_total", 1)
	a.terminate(t)
	for _, f := range findingsIn(t, s.findings)[before:] {
		if f.Rule == "password-hash" && strings.HasPrefix(f.HTTP.Route, "/api/profile") {
			t.Errorf("a finding of the accepted exposure was written: %+v", f)
		}
	}
	p := pile{}
	p.keepProcess(a.process)
	p.keepFile(t, s.ledger)
	s.secrets.plant("password of ada", s.password)
	p.search(t, s.secrets)
}

// TestConfigurationInTheBrowser looks at the page of a daemon's configuration with Chromium, before
// and after its file changed for the worse.
func TestConfigurationInTheBrowser(t *testing.T) {
	b, s := newBrowser(t), newShopLog(t)
	a := s.start(t, "agent")
	b.run(t, "browser/configuration.mjs", a.page, s.password)
	file := filepath.Join(s.dir, "leaktap.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.dir, "leaktap.yaml", strings.Replace(string(text), "sinks:", "snks:", 1))
	eventually(t, 30*time.Second, "the mistake to be noticed", func() error {
		if a.metric("leaktap_config_last_reload_successful") != 0 {
			return errors.New("the last reload was a success")
		}
		return nil
	})
	b.run(t, "browser/configuration.mjs", a.page, s.password, `unknown key "snks"; did you mean "sinks"?`)
}

// TestAcceptanceResolves accepts a finding whose alert fires in a real Alertmanager: there it is
// resolved within seconds, and others go on.
func TestAcceptanceResolves(t *testing.T) {
	hook := startReceiver(t)
	am := startAlertmanager(t, hook.URL)
	s := newShopLog(t)
	config := filepath.Join(s.dir, "leaktap.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.dir, "leaktap.yaml", strings.Replace(string(text), "sinks:", fmt.Sprintf("sinks:\n  alertmanager: {urls: [%q]}", am.url), 1))
	a := s.start(t, "agent")
	firing := func() (accounts, others int) {
		for _, labels := range am.alerts(t) {
			if labels["rule"] == "password-hash" && labels["service"] == "accounts" {
				accounts++
			} else {
				others++
			}
		}
		return accounts, others
	}
	before := 0
	eventually(t, 30*time.Second, "alerts fire", func() error {
		accounts, others := firing()
		if before = others; accounts != 1 || others < 5 {
			return fmt.Errorf("%d and %d alerts", accounts, others)
		}
		return nil
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	post := func(path string, form url.Values) {
		t.Helper()
		res, err := client.PostForm(a.page+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", path, res.StatusCode)
		}
	}
	read := func(path, expression string) string {
		t.Helper()
		res, err := client.Get(a.page + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		m := regexp.MustCompile(expression).FindSubmatch(body)
		if err != nil || m == nil {
			t.Fatalf("%s has no %s (%v)", path, expression, err)
		}
		return string(m[1])
	}
	post("/login", url.Values{"name": {"ada"}, "password": {s.password}})
	path := read("/?rule=password-hash&service=accounts", `href="(/findings/[^"]+)"`)
	token := read(path, `action="`+path+`/accept">\s*<input type="hidden" name="token" value="([^"]+)"`)
	began := time.Now()
	post(path+"/accept", url.Values{"token": {token}, "reason": {"known"}, "until": {began.UTC().AddDate(0, 0, 7).Format(time.DateOnly)}})
	eventually(t, 5*time.Second, "the alert is resolved", func() error {
		if accounts, _ := firing(); accounts > 0 {
			return errors.New("it fires")
		}
		return nil
	})
	t.Logf("resolved %v after it was accepted", time.Since(began).Round(time.Millisecond))
	if _, others := firing(); others != before {
		t.Errorf("of %d other alerts %d fire", before, others)
	}
	eventually(t, 10*time.Second, "Alertmanager tells of it", func() error { return contains(hook.received(), `"status":"resolved"`) })
	a.terminate(t)
}

// TestPictures makes the pictures of docs/, which LEAKTAP_PICTURES names as their folder, and
// checks their size.
func TestPictures(t *testing.T) {
	b, s := newBrowser(t), newShopLog(t)
	folder := cmp.Or(os.Getenv("LEAKTAP_PICTURES"), t.TempDir())
	b.run(t, "browser/pictures.mjs", s.start(t, "agent").page, s.password, folder)
	for _, name := range []string{"page-list", "page-finding-dark", "page-narrow", "page-configuration"} {
		info, err := os.Stat(filepath.Join(folder, name+".webp"))
		if err != nil {
			t.Error(err)
		} else if info.Size() > pictureLimit || info.Size() < 5_000 {
			t.Errorf("%s has %d bytes", info.Name(), info.Size())
		}
	}
}

// browser is what scripts in Chromium need.
type browser struct{ node, chromium, modules string }

func newBrowser(t *testing.T) browser {
	t.Helper()
	b := browser{tool(t, "node"), tool(t, "chromium"), filepath.Join(root, ".tools", "browser")}
	_, err := os.Stat(filepath.Join(b.modules, "node_modules", "axe-core"))
	need(t, "playwright-core and axe-core (e2e/setup.sh browser)", err)
	return b
}

// run runs a script on a page, with the password of ada in a variable.
func (b browser) run(t *testing.T, script, page, password string, args ...string) {
	t.Helper()
	c := exec.Command(b.node, append([]string{script, page, b.chromium, b.modules}, args...)...)
	c.Env = append(os.Environ(), "LEAKTAP_PASSWORD="+password)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// shopLog is the log of a careless shop, and an agent's configuration to read it.
type shopLog struct {
	secrets                              *secrets
	dir, log, ledger, findings, password string
}

func newShopLog(t *testing.T) *shopLog {
	t.Helper()
	dir := t.TempDir()
	s := &shopLog{
		secrets: newSecrets(), password: random(alphanumeric, 24), dir: dir,
		log: filepath.Join(dir, "shop.log"), ledger: filepath.Join(dir, "ledger.db"), findings: filepath.Join(dir, "findings.jsonl"),
	}
	c := exec.Command(leaktap(), "page", "password", "ada")
	c.Stdin = strings.NewReader(s.password + "\n")
	users, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "users", string(users))
	write(t, dir, "key", random(hexDigits, 64))
	write(t, dir, "leaktap.yaml", `sources:
  - files: {paths: [shop.log], state: state.json}
classify: {key_file: key}
sinks:
  ledger: {path: ledger.db}
  jsonl: {path: findings.jsonl}
http: {listen: "127.0.0.1:0", users_file: users}
`)
	s.append(t, 0)
	return s
}

// start starts an agent and waits until it has read the log.
func (s *shopLog) start(t *testing.T, name string) *agent {
	t.Helper()
	a := startAgentIn(t, s.dir, name, "run", "--config", "leaktap.yaml")
	a.waitForMetric("leaktap_exposures", 12)
	return a
}

// append writes exchanges to the log, at a minute each from a number on.
func (s *shopLog) append(t *testing.T, minute int) {
	t.Helper()
	f, err := os.OpenFile(s.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	began := time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour)
	u := s.secrets.Users
	row := func(u *user) map[string]any {
		return map[string]any{"id": u.ID, "username": u.Username, "email": u.Email, "phone": u.Phone, "password_hash": u.PasswordHash, "role": u.Role, "is_admin": u.IsAdmin}
	}
	for _, x := range []struct {
		service, method, url string
		status               int
		body                 any
	}{
		{"accounts", "GET", "/api/profile/1", 200, row(&u[0])},
		{"accounts", "GET", "/api/profile/2", 200, row(&u[1])},
		{"shop", "GET", "/api/users?page=1", 200, map[string]any{"users": []any{row(&u[0]), row(&u[1]), row(&u[2]), row(&u[3])}}},
		{"billing", "GET", "/api/invoices/17", 200, map[string]any{"total": 12, "customer": map[string]any{"email": u[2].Email, "phone": u[2].Phone}}},
		{"shop", "GET", "/api/debug/env", 200, map[string]any{"config": map[string]any{"SECRET_KEY": s.secrets.SigningKey, "DATABASE_URL": s.secrets.DatabaseURL}}},
		{"shop", "GET", "/api/report", 500, map[string]any{"error": "ZeroDivisionError", "trace": "Traceback (most recent call last):\n  File \"/srv/shop/report.py\", line 12, in total\n    return a / b\nZeroDivisionError: division by zero\n"}},
		{"shop", "GET", "/api/books", 200, map[string]any{"books": []any{map[string]any{"title": "One"}}}},
	} {
		body, err := json.Marshal(x.body)
		if err != nil {
			t.Fatal(err)
		}
		minute++
		record, err := json.Marshal(map[string]any{
			"time": began.Add(time.Duration(minute) * time.Minute), "service": x.service, "method": x.method, "url": x.url, "host": x.service + ".test", "scheme": "https", "status": x.status,
			"request_headers":  map[string]string{"Authorization": "Bearer " + s.secrets.token(u[minute%len(u)], time.Now().Add(time.Hour))},
			"response_headers": map[string]string{"Content-Type": "application/json"}, "response_body": string(body),
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, "%s\n", record)
	}
}
