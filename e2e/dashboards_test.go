//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/dashboards"
)

// query is one of a dashboard, with Grafana's variables replaced.
type query struct{ dashboard, panel, expr string }

// dashboardQueries reads the queries of both dashboards.
func dashboardQueries(t *testing.T) (list []query) {
	t.Helper()
	names, err := fs.Glob(dashboards.Files, "grafana/*.json")
	if err != nil {
		t.Fatal(err)
	}
	intervals := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$__interval", "1m")
	variable := regexp.MustCompile(`\$\{?\w+\}?`)
	for _, name := range names {
		text, err := dashboards.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				list = append(list, query{name, p.Title, variable.ReplaceAllString(intervals.Replace(target.Expr), ".*")})
			}
		}
	}
	return list
}

// quiet are the queries for which this test has no data, each with what would have to go wrong.
var quiet = map[string]string{
	"leaktap_kafka_skipped_offsets_total": "the broker drops records before they are read",
	"leaktap_kafka_dead_letters_total":    "a record cannot be looked at in full",
	"leaktap_record_limits_total":         "a record is larger, or joined of more lines, than is taken",
	"leaktap_spool_errors_total":          "the disk takes nothing",
}

func (q query) isQuiet() bool {
	for name := range quiet {
		if strings.Contains(q.expr, name) {
			return true
		}
	}
	return false
}

// troubled are records that make the metrics of trouble move: one that is no JSON, one in two
// envelopes, one that is left out, and a caller who reads one profile after the other.
func troubled() []string {
	list := []string{
		"not json {", `{"log":"{\"log\":\"{}\",\"stream\":\"stdout\",\"time\":\"2026-11-23T10:00:00Z\"}","stream":"stdout","time":"2026-11-23T10:00:00Z"}`,
		`{"method":"GET","path":"/health","status":599}`,
	}
	token, at := random(alphanumeric, 40), time.Now()
	for i := range 60 {
		list = append(list, fmt.Sprintf(`{"time":%q,"scheme":"https","method":"GET","url":"https://api.shop.test/api/profile/%d","status":200,`+
			`"request_headers":{"Authorization":"Bearer %s"},"response_headers":{"Content-Type":"application/json"},"response_body":"{\"id\":%d,\"email\":\"user.%d@mailbox.org\"}"}`,
			at.Add(time.Duration(i)*time.Second).Format(time.RFC3339), 1000+i, token, 1000+i, i))
	}
	return list
}

// TestDashboardsShowData has a real Prometheus scrape an agent with each kind of source and
// sink, and puts every query of both dashboards to it: each returns data.
func TestDashboardsShowData(t *testing.T) {
	hook := startReceiver(t)
	alertmanager := startAlertmanager(t, hook.URL)
	kafka := startBroker(t)
	const topic = "shown"
	kafka.topic(t, topic, 2)
	kafka.topic(t, "dead", 1)
	dir := t.TempDir()
	spool := filepath.Join(dir, "spool", "webhook")
	if err := os.MkdirAll(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, spool, "0000000000000001.spool", "an end that a crash has cut")
	logs := write(t, dir, "app.log", "")
	config := runConfig{
		brokers: kafka.address, topics: []string{topic}, findings: filepath.Join(dir, "findings.jsonl"),
		alertmanager: alertmanager.url, webhook: hook.URL,
	}.file(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	extra := fmt.Sprintf("sources:\n  - files: {paths: [%q], state: %q}\n  - interface: {name: lo}\n", logs, filepath.Join(dir, "files.json"))
	trouble := "group: e2e\n      dead_letter_topic: dead\n      format: json\n      max_envelopes: 1\n      where: status != 599\n"
	edited := strings.Replace(strings.Replace(string(text), "sources:\n", extra, 1), "group: e2e\n", trouble, 1)
	config = write(t, dir, "leaktap.yaml", edited+
		fmt.Sprintf("  spool: {dir: %q}\n  ledger: {path: %q}\n", filepath.Dir(spool), filepath.Join(dir, "ledger.db")))
	a := startAgent(t, "run", "run", "--config", config)
	prometheus := startPrometheus(t, a.page, alertmanager.url)
	s := newSecrets()
	rounds := 0
	work := func() {
		rounds++
		kafka.mustProduce(t, topic, 2, append(troubled(), leakyRecord(s), leakAt(s, 1), recordOf(s, 0), recordOf(s, 3)))
		if err := os.Truncate(logs, 0); err != nil { // as a rotation does that copies
			t.Fatal(err)
		}
		f, err := os.OpenFile(logs, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		// Every other time there is less than before: otherwise nobody can tell that it was cut.
		_, err = fmt.Fprint(f, strings.Repeat(recordOf(s, 0)+"\n", 1+rounds%2))
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	type answer struct {
		Data struct{ Result []json.RawMessage }
	}
	missing := dashboardQueries(t)
	all := len(missing)
	if all < 40 {
		t.Fatalf("there are %d queries", all)
	}
	poll(t, time.Second, 60*time.Second, "every query returns data", func() error {
		work()
		left := missing[:0]
		for _, q := range missing {
			got, err := getJSON[answer](prometheus.url + "/api/v1/query?query=" + url.QueryEscape(q.expr))
			if err != nil {
				return fmt.Errorf("%s: %w", q.expr, err)
			}
			if len(got.Data.Result) == 0 && !q.isQuiet() {
				left = append(left, q)
			}
		}
		missing = left
		var what []string
		for _, q := range missing {
			what = append(what, fmt.Sprintf("%s, %s: %s", q.dashboard, q.panel, q.expr))
		}
		if len(what) > 0 {
			return errors.New("no data:\n" + strings.Join(what, "\n"))
		}
		return nil
	})
	t.Logf("%d queries return data, but for those of %d metrics that tell of trouble", all, len(quiet))
}

// TestManyExposures has a thousand exposures come at once. All are alerts of a real Alertmanager
// within 5 s of the first finding; and page and metrics, asked for each 15 s, take less than 2 %
// of the time of the processor that the agent takes under that load.
func TestManyExposures(t *testing.T) {
	const topic, exposures, limit = "many", 1000, 5 * time.Second
	hook := startReceiver(t)
	alertmanager := startAlertmanager(t, hook.URL)
	kafka := startBroker(t)
	kafka.topic(t, topic, 2)
	out := filepath.Join(t.TempDir(), "findings.jsonl")
	a := startAgent(t, "run", "run", "--config", runConfig{brokers: kafka.address, topics: []string{topic}, findings: out, alertmanager: alertmanager.url}.file(t))
	s := newSecrets()
	values := make([]string, exposures)
	for i := range values {
		values[i] = fmt.Sprintf(`{"service":"service-%d","method":"GET","path":"/profile/1","status":200,"response":{"body":"{\"password_hash\":\"%s\"}"}}`, i, s.Users[0].PasswordHash)
	}
	kafka.mustProduce(t, topic, 2, values)
	poll(t, time.Millisecond, 30*time.Second, "the first finding", func() error {
		if info, err := os.Stat(out); err != nil || info.Size() == 0 {
			return errors.New("no finding yet")
		}
		return nil
	})
	first := time.Now()
	poll(t, 50*time.Millisecond, 30*time.Second, "all alerts", func() error {
		if n := len(alertmanager.alerts(t)); n < exposures {
			return fmt.Errorf("%d alerts", n)
		}
		return nil
	})
	took := time.Since(first)
	if took > limit {
		t.Errorf("%d exposures were alerts after %v, want %v", exposures, took, limit)
	}
	// The load is records as fast as they are read.
	const rounds = 40
	for range rounds {
		kafka.mustProduce(t, topic, 2, values)
	}
	idle, began := a.processorTime(t), time.Now()
	for range rounds {
		kafka.mustProduce(t, topic, 2, values)
	}
	eventually(t, 60*time.Second, "the load is read", func() error {
		if lag := a.metric("leaktap_kafka_lag_records"); lag > 0 {
			return fmt.Errorf("lag %v", lag)
		}
		return nil
	})
	load := float64(a.processorTime(t)-idle) / float64(time.Since(began))

	// What the agent does beside (it sends all alerts again each second) is not of the page.
	const asked, interval, alone = 40, 15 * time.Second, 3 * time.Second
	before := a.processorTime(t)
	<-time.After(alone)
	beside := float64(a.processorTime(t)-before) / float64(alone)
	before, began = a.processorTime(t), time.Now()
	for range asked {
		a.metrics()
		if _, err := get(a.page + "/"); err != nil {
			t.Fatal(err)
		}
	}
	each := (a.processorTime(t) - before - time.Duration(beside*float64(time.Since(began)))) / asked
	share := float64(each) / float64(interval) / load
	t.Logf("%d alerts %v after the first finding; load %.2f processors; page and metrics %v each time, %.2f %% of it",
		exposures, took.Round(time.Millisecond), load, each, share*100)
	if share > 0.02 {
		t.Errorf("page and metrics take %.1f %% of the agent's time, want 2 %% at most", share*100)
	}
}

// processorTime is what the agent has used of it (proc_pid_stat(5), fields 14 and 15).
func (a *agent) processorTime(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	var sum time.Duration
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(n) * tick
	}
	return sum
}
