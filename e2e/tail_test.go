//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The topics of the application's logs.
const (
	accessTopic = "access-logs"
	debugTopic  = "app-logs"
)

// TestTailLogs sends the application's logs through Kafka: tokens are found and told
// apart by whether they still work, and so are the responses that were written down.
func TestTailLogs(t *testing.T) {
	kafka := startBroker(t)
	s := newSecrets()
	app := startApplication(t, s, "127.0.0.1", 0)
	caller := app.client(t, "127.0.0.1")
	caller.leaky()
	caller.fixed()
	expired := s.token(s.Users[2], time.Now().Add(-time.Hour))
	caller.call("GET", "/leaky/profile/3", expired, "", 401)

	want := map[string]int{} // topic and line by the topic's only partition
	for topic, name := range map[string]string{accessTopic: "access.log", debugTopic: "debug.log"} {
		kafka.topic(t, topic, 1)
		want[topic] = len(kafka.mustProduce(t, topic, 1, app.lines(t, name)))
	}
	out := filepath.Join(t.TempDir(), "findings.jsonl")
	config := runConfig{brokers: kafka.address, topics: []string{accessTopic, debugTopic}, findings: out}.file(t)
	a := startAgent(t, "run", "run", "--config", config)
	a.waitForMetric("leaktap_classify_duration_seconds_count", float64(want[accessTopic]+want[debugTopic]))
	outputs := pile{}
	outputs.keep("metrics", a.metrics())
	if pages := a.crawl(outputs); pages < 20 {
		t.Errorf("the findings page has %d pages, want one for each exposure and rule", pages)
	}
	a.terminate(t)
	list := findingsIn(t, out)
	checkLogged(t, list)
	checkLines(t, list, app)
	outputs.keepProcess(a.process)
	outputs.keepFile(t, out)
	outputs.search(t, s)
}

// checkLogged looks for what the logs of the leaky routes hold.
func checkLogged(t *testing.T, list []finding) {
	t.Helper()
	for _, l := range missing(leaksInLogs(), list) {
		t.Errorf("not found: %v", l)
	}
	for _, f := range alarming(list) {
		if f.HTTP.Route != "" && !strings.HasPrefix(f.HTTP.Route, "/leaky/") {
			t.Errorf("false alarm: %v", f.leak())
		}
	}
	live := map[string]int{}
	for _, f := range list {
		if f.Rule == "token-in-log" && f.Token != nil && f.Token.Live != nil {
			live[fmt.Sprintf("%s live=%t %s", f.Source.Name, *f.Token.Live, f.Severity)]++
		}
	}
	// The access log has the token of the login in its answer and in four requests.
	for state, count := range map[string]int{
		"access-logs live=true critical": 5, "access-logs live=false medium": 1,
		"app-logs live=true critical": 2, "app-logs live=false medium": 1,
	} {
		if live[state] != count {
			t.Errorf("%d tokens %s, want %d (have %v)", live[state], state, count, live)
		}
	}
}

// checkLines wants each finding at the offset of a record that leaks.
func checkLines(t *testing.T, list []finding, app *application) {
	t.Helper()
	records := map[string][]string{accessTopic: app.lines(t, "access.log"), debugTopic: app.lines(t, "debug.log")}
	for _, f := range alarming(list) {
		line := records[f.Source.Name][f.Source.Offset]
		if !strings.Contains(line, "/leaky/") && !strings.Contains(line, "eyJ") {
			t.Errorf("%v is said to be in %s at %d, where nothing leaks", f.leak(), f.Source.Name, f.Source.Offset)
		}
	}
}

// leaksInLogs is what is to be found in the logs beside the tokens, which are counted.
func leaksInLogs() []leak {
	const body = "response.body"
	return []leak{
		{"password-plain", "critical", "POST", "/leaky/login", "request.body", "/password"},
		{"token-in-log", "critical", "POST", "/leaky/login", body, "/access_token"},
		{"password-hash", "critical", "POST", "/leaky/login", body, "/user/password_hash"},
		{"response-body-in-log", "medium", "POST", "/leaky/login", body, ""},

		{"token-in-log", "critical", "GET", "/leaky/profile/{id}", "request.header", "/authorization"},
		{"token-in-log", "medium", "GET", "/leaky/profile/{id}", "request.header", "/authorization"},
		{"password-hash", "critical", "GET", "/leaky/profile/{id}", body, "/password_hash"},
		{"privilege-field", "medium", "GET", "/leaky/profile/{id}", body, "/role"},
		{"response-body-in-log", "medium", "GET", "/leaky/profile/{id}", body, ""},

		{"overexposed-list", "high", "GET", "/leaky/users", body, "/users"},
		{"response-body-in-log", "medium", "GET", "/leaky/users", body, ""},
		{"stack-trace-python", "high", "GET", "/leaky/report", body, "/traceback"},
		{"config-secret-key", "critical", "GET", "/leaky/debug", body, "/config/SECRET_KEY"},
		{"config-database-uri", "critical", "GET", "/leaky/debug", body, "/config/REPORTS_DATABASE_URL"},

		{"token-in-log", "critical", "", "", "record", ""},
		{"token-in-log", "medium", "", "", "record", ""},
	}
}
