//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const alertTopic = "orders"

// exposed is the route of the leak that raises the alerts.
const exposed = "/leaky/profile/{id}"

// TestAlert follows the very first leak to people: through Prometheus, whose rules see
// a counter that is born with 1, through leaktap's own push to Alertmanager, and
// through its webhook.
func TestAlert(t *testing.T) {
	fromAlertmanager, fromLeaktap := startReceiver(t), startReceiver(t)
	alertmanager := startAlertmanager(t, fromAlertmanager.URL)
	kafka := startBroker(t)
	kafka.topic(t, alertTopic, 1)
	out := filepath.Join(t.TempDir(), "findings.jsonl")
	a := startAgent(t, "run", "run", "--config", runConfig{
		brokers: kafka.address, topics: []string{alertTopic}, findings: out,
		alertmanager: alertmanager.url, webhook: fromLeaktap.URL,
	}.file(t))
	prometheus := startPrometheus(t, a.page, alertmanager.url)

	kafka.mustProduce(t, alertTopic, 1, []string{`{"method":"GET","path":"/fixed/profile/1","status":200}`})
	prometheus.waitForQuery(t, `leaktap_classify_duration_seconds_count{}`, "1")
	alertmanager.waitForAlert(t, "Watchdog")
	if alerts := alertmanager.alerts(t); len(alerts) != 1 || alerts[0]["alertname"] != "Watchdog" {
		t.Errorf("alerts before the leak: %v", alerts)
	}

	s := newSecrets()
	leaked := time.Now()
	kafka.mustProduce(t, alertTopic, 1, []string{leakyRecord(s)})
	t.Run("prometheus rule", func(t *testing.T) {
		for _, name := range []string{"TokenInLogs", "CredentialExposed", "NewExposure"} {
			prometheus.waitForQuery(t, fmt.Sprintf(`count(ALERTS{alertname=%q,alertstate="firing",route=%q})`, name, exposed), "")
			alertmanager.waitForAlert(t, name)
		}
		prometheus.waitForQuery(t, `leaktap_findings_total{rule="password-hash"}`, "1")
	})
	t.Run("direct push", func(t *testing.T) {
		alertmanager.waitForAlert(t, "LeaktapExposure")
		for _, labels := range alertmanager.alerts(t) {
			if labels["alertname"] == "LeaktapExposure" {
				checkDirectLabels(t, labels)
			}
		}
	})
	t.Run("webhooks", func(t *testing.T) {
		for _, name := range []string{"TokenInLogs", "LeaktapExposure"} {
			eventually(t, 30*time.Second, "Alertmanager tells the webhook of "+name, func() error {
				return contains(fromAlertmanager.received(), `"alertname":"`+name+`"`)
			})
		}
		t.Logf("from the record to Alertmanager's webhook: %v", time.Since(leaked).Round(time.Millisecond))
		eventually(t, 30*time.Second, "leaktap's webhook", func() error {
			return contains(fromLeaktap.received(), `"rule":"token-in-log"`)
		})
		if !strings.HasPrefix(fromLeaktap.header("X-Leaktap-Signature"), "sha256=") {
			t.Error("leaktap's webhook is not signed")
		}
	})
	searchAlerting(t, s, a, prometheus, alertmanager, pile{
		"Alertmanager's webhook": fromAlertmanager.received(), "leaktap's webhook": fromLeaktap.received(),
	}, out)
}

// leakyRecord is an exchange in a log, with a token that works and a password hash.
func leakyRecord(s *secrets) string {
	token := s.token(s.Users[0], time.Now().Add(time.Hour))
	body, _ := json.Marshal(fmt.Sprintf(`{"username":"ada","password_hash":%q}`, s.Users[0].PasswordHash)) // a string
	return fmt.Sprintf(`{"service":"accounts","method":"GET","path":"/leaky/profile/1","status":200,`+
		`"request":{"headers":{"Authorization":"Bearer %s"}},"response":{"body":%s}}`, token, body)
}

// checkDirectLabels wants labels that every agent gives the same exposure.
func checkDirectLabels(t *testing.T, labels map[string]string) {
	t.Helper()
	want := []string{"alertname", "category", "route", "rule", "service", "severity"}
	if got := slices.Sorted(maps.Keys(labels)); !slices.Equal(got, want) {
		t.Errorf("labels of a direct alert are %v, want %v", got, want)
	}
	if labels["route"] != exposed || labels["service"] != "accounts" {
		t.Errorf("a direct alert is for %s of %s", labels["route"], labels["service"])
	}
}

// searchAlerting looks for secrets in everything that the alerting holds.
func searchAlerting(t *testing.T, s *secrets, a *agent, prometheus, alertmanager *server, outputs pile, file string) {
	t.Helper()
	outputs.keep("metrics", a.metrics())
	a.crawl(outputs)
	for name, path := range map[string]string{
		"Prometheus alerts": prometheus.url + "/api/v1/alerts",
		"Prometheus rules":  prometheus.url + "/api/v1/rules",
		"Prometheus series": prometheus.url + "/api/v1/series?match[]=" + url.QueryEscape(`{job="leaktap"}`),
		"Alertmanager":      alertmanager.url + "/api/v2/alerts",
	} {
		body, err := get(path)
		if err != nil {
			t.Fatal(err)
		}
		outputs.keep(name, string(body))
	}
	a.terminate(t)
	for _, p := range []*process{a.process, prometheus.process, alertmanager.process} {
		outputs.keepProcess(p)
	}
	outputs.keepFile(t, file)
	outputs.search(t, s)
}

func contains(text, part string) error {
	if !strings.Contains(text, part) {
		return errors.New("not there yet")
	}
	return nil
}

// waitForQuery waits until an expression has a value; an empty one means any.
func (s *server) waitForQuery(t *testing.T, expression, value string) {
	t.Helper()
	type answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	eventually(t, 30*time.Second, expression, func() error {
		got, err := getJSON[answer](s.url + "/api/v1/query?query=" + url.QueryEscape(expression))
		switch {
		case err != nil:
			return err
		case len(got.Data.Result) == 0:
			return errors.New("no series")
		case value != "" && got.Data.Result[0].Value[1] != value:
			return fmt.Errorf("is %v, want %s", got.Data.Result[0].Value[1], value)
		}
		return nil
	})
}

// alerts returns the labels of the alerts that an Alertmanager holds.
func (s *server) alerts(t *testing.T) (labels []map[string]string) {
	t.Helper()
	type alert struct{ Labels map[string]string }
	list, err := getJSON[[]alert](s.url + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		labels = append(labels, a.Labels)
	}
	return labels
}

// waitForAlert waits until an Alertmanager holds an alert of that name.
func (s *server) waitForAlert(t *testing.T, name string) {
	t.Helper()
	eventually(t, 30*time.Second, "Alertmanager has "+name, func() error {
		for _, labels := range s.alerts(t) {
			if labels["alertname"] == name {
				return nil
			}
		}
		return errors.New("not there yet")
	})
}
