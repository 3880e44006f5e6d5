package dashboards

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

type dashboard struct {
	UID, Title, Description string
	Templating              struct {
		List []struct{ Name, Type, Query any }
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct {
		Expr       string
		Datasource struct{ UID string }
	}
	Links []struct{ Title, URL string }
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(Files, name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func alerts(t *testing.T) (list []rule) {
	t.Helper()
	var file ruleFile
	if err := yaml.Unmarshal(read(t, "rules/leaktap.rules.yml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		list = append(list, group.Rules...)
	}
	return list
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	names, err := fs.Glob(Files, "grafana/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no dashboards (%v)", err)
	}
	list := map[string]dashboard{}
	for _, name := range names {
		var d dashboard
		if err := json.Unmarshal(read(t, name), &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		list[name] = d
	}
	return list
}

const runbooks = "https://github.com/leaktap/leaktap/blob/main/dashboards/runbooks/"

func TestAlertsAreComplete(t *testing.T) {
	names := map[string]bool{}
	for _, r := range alerts(t) {
		names[r.Alert] = true
		checkMetrics(t, r.Alert, r.Expr)
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a summary or a description", r.Alert)
		}
		if want := runbooks + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s has the runbook %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
		}
	}
	for _, want := range []string{
		"TokenInLogs", "CredentialExposed", "PersonalDataExposed", "NewExposure", "ExposureSpike", "StackTraceExposed",
		"OverexposedList", "HarvestSuspected", "TokenNotValidated", "ExposureRegressed", "AgentDown", "NodeNotCovered", "AgentBlind", "CoverageLow", "KafkaLagHigh", "RetentionLoss", "PacketLoss",
		"UndecodableRecords", "QueueSaturated", "NotificationsFailing", "ReloadFailed", "SeriesCapped", "Watchdog",
	} {
		if !names[want] {
			t.Errorf("there is no alert %s", want)
		}
	}
}

// TestEveryAlertIsTested looks for each alert in the promtool tests.
func TestEveryAlertIsTested(t *testing.T) {
	var tests strings.Builder
	for _, name := range ruleTests(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	for _, r := range alerts(t) {
		if !strings.Contains(tests.String(), r.Alert) {
			t.Errorf("no promtool test mentions %s", r.Alert)
		}
	}
}

// TestRunbooks checks that each alert has a runbook with every part, and that no
// runbook is left over. LeaktapExposure is the alert that leaktap sends itself.
func TestRunbooks(t *testing.T) {
	want := []string{"LeaktapExposure"}
	for _, r := range alerts(t) {
		want = append(want, r.Alert)
	}
	names, err := fs.Glob(Files, "runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		alert := strings.TrimSuffix(path.Base(name), ".md")
		if !slices.Contains(want, alert) {
			t.Errorf("%s belongs to no alert", name)
		}
		rest := string(read(t, name))
		if !strings.HasPrefix(rest, "# "+alert+"\n") {
			t.Errorf("%s has another title", name)
		}
		for _, part := range []string{"## Meaning", "## Impact", "## Diagnosis", "## Mitigation", "## Silence"} {
			_, after, ok := strings.Cut(rest, part+"\n\n")
			if !ok || strings.HasPrefix(after, "#") || after == "" {
				t.Errorf("%s lacks the part %q, or has it out of order or empty", name, part)
			}
			rest = after
		}
	}
	for _, alert := range want {
		if !slices.Contains(names, "runbooks/"+alert+".md") {
			t.Errorf("%s has no runbook", alert)
		}
	}
}

func TestDashboardsAreComplete(t *testing.T) {
	uids := map[string]string{"grafana/exposure.json": "leaktap-exposure", "grafana/agent.json": "leaktap-agent"}
	for name, d := range dashboards(t) {
		if d.UID != uids[name] || d.Title == "" || d.Description == "" {
			t.Errorf("%s: uid %q, title %q, description %q", name, d.UID, d.Title, d.Description)
		}
		if len(d.Templating.List) == 0 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
			t.Errorf("%s does not begin its variables with the data source", name)
		}
		ids, titles := map[int]bool{}, map[string]bool{}
		for _, p := range d.Panels {
			place := name + ": " + p.Title
			if ids[p.ID] || titles[p.Title] {
				t.Errorf("%s: id or title is there twice", place)
			}
			ids[p.ID], titles[p.Title] = true, true
			checkPanel(t, place, p)
		}
	}
}

func checkPanel(t *testing.T, place string, p panel) {
	t.Helper()
	if p.Title == "" {
		t.Errorf("%s: panel %d has no title", place, p.ID)
	}
	if p.Type == "row" {
		return
	}
	if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
		t.Errorf("%s lacks a description, a unit or a query", place)
	}
	if p.Datasource.UID != "${datasource}" {
		t.Errorf("%s has the data source %q", place, p.Datasource.UID)
	}
	if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
		t.Errorf("%s stands at %+v", place, p.GridPos)
	}
	for _, target := range p.Targets {
		if target.Datasource.UID != "${datasource}" {
			t.Errorf("%s has a query on the data source %q", place, target.Datasource.UID)
		}
		checkMetrics(t, place, target.Expr)
	}
	for _, link := range p.Links {
		file, ok := strings.CutPrefix(link.URL, runbooks)
		if _, err := fs.Stat(Files, "runbooks/"+file); !ok || err != nil {
			t.Errorf("%s links to %s, which is no runbook", place, link.URL)
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	for name, d := range dashboards(t) {
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			for x := range p.GridPos.W {
				for y := range p.GridPos.H {
					cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
					if other := taken[cell]; other != "" && other != p.Title {
						t.Fatalf("%s: %s lies over %s", name, p.Title, other)
					}
					taken[cell] = p.Title
				}
			}
		}
	}
}

func TestEveryMetricIsShown(t *testing.T) {
	shown := map[string]bool{}
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				for _, name := range metricsOf(target.Expr) {
					shown[name] = true
				}
			}
		}
	}
	for name := range metrics() {
		if !shown[name] {
			t.Errorf("%s is on no dashboard", name)
		}
	}
}

// promtool returns its path, or skips the test; with CI=true it has to be there.
func promtool(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err == nil {
		return tool
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("promtool is not installed (Debian package prometheus)")
	}
	t.Skip("promtool is not installed (Debian package prometheus): rules and queries are not checked")
	return ""
}

func run(t *testing.T, tool string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args[:2], " "), err, out)
	}
}

func ruleTests(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("rules/*_test.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no promtool tests (%v)", err)
	}
	return names
}

func TestPromtoolChecksRules(t *testing.T) {
	run(t, promtool(t), "check", "rules", "rules/leaktap.rules.yml")
}

func TestPromtoolTestsRules(t *testing.T) {
	run(t, promtool(t), append([]string{"test", "rules"}, ruleTests(t)...)...)
}

var variableRE = regexp.MustCompile(`\$(\{[a-z_]+\}|[a-z_]+)`)

// TestQueriesParse turns each query into a rule and has promtool read it.
func TestQueriesParse(t *testing.T) {
	tool := promtool(t)
	var b strings.Builder
	b.WriteString("groups:\n- name: queries\n  rules:\n")
	for _, d := range dashboards(t) {
		for _, p := range d.Panels {
			for i, target := range p.Targets {
				fmt.Fprintf(&b, "  - {record: 'p:%s_%d_%d', expr: %q}\n",
					strings.ReplaceAll(d.UID, "-", "_"), p.ID, i, plain(target.Expr))
			}
		}
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, tool, "check", "rules", file)
}

// plain replaces Grafana's variables by values.
func plain(expr string) string {
	expr = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$__interval", "1m").Replace(expr)
	return variableRE.ReplaceAllString(expr, ".*")
}

func TestPlainReplacesVariables(t *testing.T) {
	const in, want = `rate(x{a=~"$service",b="${other}"}[$__rate_interval])`, `rate(x{a=~".*",b=".*"}[5m])`
	if got := plain(in); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
