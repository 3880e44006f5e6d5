package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// daemon is a running reloader with the folder of its configuration.
type daemon struct {
	t    *testing.T
	dir  string
	log  *lockedBuffer
	base string
	end  func() error
}

const daemonConfig = "sources:\n  - kafka: {brokers: ['BROKER'], topics: [logs], group: g}\nhttp: {listen: '127.0.0.1:0'}\n"

func startDaemon(t *testing.T, interval time.Duration) *daemon {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	d := &daemon{t: t, dir: t.TempDir(), log: &lockedBuffer{}}
	t.Setenv("TEST_BROKER", cluster.ListenAddrs()[0])
	d.write(daemonConfig)
	a := &app{streams: &streams{strings.NewReader(""), io.Discard, d.log}, log: slog.New(slog.NewTextHandler(d.log, nil))}
	r := a.newReloader(filepath.Join(d.dir, "leaktap.yaml"))
	r.interval = interval
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx) }()
	d.end = sync.OnceValue(func() error { stop(); return <-ended })
	t.Cleanup(func() {
		if err := d.end(); err != nil {
			t.Error(err)
		}
	})
	d.awaitServing(1)
	return d
}

// write replaces the configuration.
func (d *daemon) write(text string) {
	d.t.Helper()
	text = strings.ReplaceAll(text, "BROKER", os.Getenv("TEST_BROKER"))
	if err := os.WriteFile(filepath.Join(d.dir, "leaktap.yaml"), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

var servingRE = regexp.MustCompile(`msg=serving url=(\S+)/`)

// awaitServing waits until agents have served so many times, and notes where the last does.
func (d *daemon) awaitServing(times int) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if all := servingRE.FindAllStringSubmatch(d.log.String(), -1); len(all) >= times {
			d.base = all[len(all)-1][1]
			return
		}
	}
	d.t.Fatalf("no agent serves; log:\n%s", d.log)
}

// ask posts to /-/reload.
func (d *daemon) ask(header string) (int, string) {
	d.t.Helper()
	code, text := d.do(http.MethodPost, "/-/reload", header)
	return code, strings.TrimSpace(text)
}

func (d *daemon) get(path string) string {
	d.t.Helper()
	_, text := d.do(http.MethodGet, path, "")
	return text
}

// do sends a request, with a header of another site if one is named.
func (d *daemon) do(method, path, header string) (int, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.base+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if header != "" {
		req.Header.Set(header, "https://evil.example")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestBadConfigurationsKeepTheOld asks a daemon to take each of the bad configurations that
// check-config refuses: it says the same, and goes on with what it has.
func TestBadConfigurationsKeepTheOld(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/script/check-config-bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, time.Hour)
	t.Chdir(d.dir) // names of files in a configuration may be relative
	texts := map[string]string{}
	for _, f := range archive.Files {
		texts[f.Name] = string(f.Data)
		if !strings.HasSuffix(f.Name, ".yaml") {
			if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tried := 0
	for line := range strings.Lines(string(archive.Comment)) {
		want, ok := strings.CutPrefix(strings.TrimSpace(line), "refused '")
		if !ok {
			continue
		}
		want = strings.ReplaceAll(strings.TrimSuffix(want, "'"), "''", "'")
		file, cause, _ := strings.Cut(want, ":")
		if strings.Contains(cause, file) { // it names itself, as another file
			continue
		}
		tried++
		d.write(texts[file])
		if code, got := d.ask(""); code != http.StatusBadRequest || got != filepath.Join(d.dir, "leaktap.yaml")+":"+cause {
			t.Errorf("%s: status %d, %q; want 400, %q", file, code, got, cause)
		}
	}
	if tried < 50 {
		t.Errorf("tried %d bad configurations, want 50 and more", tried)
	}
	if m := d.get("/metrics"); !strings.Contains(m, "leaktap_config_last_reload_successful 0") {
		t.Error("the metric does not say that the last reload failed")
	}
	if n := strings.Count(d.log.String(), "msg=serving"); n != 1 {
		t.Errorf("%d agents have served, want the first only", n)
	}
	d.write(daemonConfig + "rules: {disable: [harvest]}\n")
	if code, got := d.ask(""); code != http.StatusOK || got != "ok" {
		t.Errorf("a good one: status %d, %q", code, got)
	}
	d.awaitServing(2)
	if m := d.get("/metrics"); !strings.Contains(m, "leaktap_config_last_reload_successful 1") {
		t.Error("the metric does not say that the last reload was a success")
	}
	if rules := d.get("/rules"); strings.Contains(rules, `href="/rules/harvest"`) || !strings.Contains(rules, `href="/rules/enumeration"`) {
		t.Error("the new configuration does not hold")
	}
}

// TestReloadByFile changes the file and waits: the agent takes it, stops looking where it is
// told to, and keeps its random key.
func TestReloadByFile(t *testing.T) {
	d := startDaemon(t, 50*time.Millisecond)
	key := regexp.MustCompile(`k-[0-9a-f]{8}`)
	before := key.FindString(d.get("/pipeline"))
	d.write("enabled: false\n" + daemonConfig)
	d.awaitServing(2)
	if after := key.FindString(d.get("/pipeline")); after != before || after == "" {
		t.Errorf("the digest key was %s and is %s", before, after)
	}
	if ready := d.get("/-/ready"); ready != "ok\n" {
		t.Errorf("an agent that is not to look says %q", ready)
	}
	if n := strings.Count(d.log.String(), "joined group"); n != 1 {
		t.Errorf("the group was joined %d times, want once: the second agent is not to look", n)
	}
	d.write(daemonConfig)
	d.awaitServing(3)
	for _, header := range []string{"Origin", "Sec-Fetch-Site"} {
		if code, _ := d.ask(header); code != http.StatusForbidden {
			t.Errorf("a page of another site gets status %d", code)
		}
	}
}

// TestRestartGoesOnAlerting checks that an agent sends the exposures that its ledger holds
// open to the Alertmanager again, and not those that are resolved.
func TestRestartGoesOnAlerting(t *testing.T) {
	posted := make(chan string, 100)
	am := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		posted <- string(text)
	}))
	defer am.Close()
	dir := t.TempDir()
	ledger := filepath.Join(dir, "ledger.db")
	now := time.Now()
	l, err := alert.OpenLedger(ledger, alert.LedgerConfig{Now: func() time.Time { return now }}, func(string) *classify.Rule { return nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	rule := &classify.Rule{ID: "password-hash", Category: classify.CategoryCredential, Title: "t", Why: "w", Fix: "f"}
	accept := func(id, route string) {
		l.Accept(&classify.Finding{
			ID: id, Fingerprint: id, Rule: rule, Severity: classify.High, Confidence: classify.HighConfidence, Where: classify.InResponseBody, Count: 1,
			HTTP: classify.HTTP{Method: "GET", Route: route, Status: 200}, Source: classify.Source{Kind: classify.SourceFile, Name: "a"},
		})
	}
	now = now.Add(-3 * time.Hour)
	accept("old", "/old")
	now = now.Add(3*time.Hour - time.Minute)
	accept("new", "/new")
	if err := l.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "leaktap.yaml")
	text := "enabled: false\nsources:\n  - interface: {name: lo}\nsinks: {ledger: {path: " + ledger + "}, alertmanager: {urls: ['" + am.URL + "']}}\nhttp: {listen: ''}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{streams: &streams{strings.NewReader(""), io.Discard, io.Discard}, log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.newReloader(config).run(ctx) }()
	select {
	case got := <-posted:
		if !strings.Contains(got, `"route":"/new"`) || strings.Contains(got, `"route":"/old"`) {
			t.Errorf("alerts are %s", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("nothing was sent")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
