package alert

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leaktap/leaktap/classify"
)

// TestMetricValues asserts values before and after; that each metric of this package moves
// somewhere is what TestMain asks for.
func TestMetricValues(t *testing.T) {
	c := &clock{epoch()}
	reg := moved.Registry()
	ledger := NewLedger(LedgerConfig{Now: c.Now})
	m := NewMetrics(reg, ledger, MetricsConfig{MaxSeries: 1, Now: c.Now})
	exposure := []string{
		"rule", "password-hash", "category", "credential", "severity", "critical",
		"service", "users-api", "route", "/api/users/{id}",
	}
	checks := []struct {
		name          string
		labels        []string
		before, after float64
	}{
		{"leaktap_findings_total", exposure, -1, 2},
		{"leaktap_findings_total", []string{"service", "other", "route", "other"}, -1, 1},
		{"leaktap_exposure_first_seen_timestamp_seconds", exposure, -1, float64(epoch().Unix())},
		{"leaktap_exposure_last_seen_timestamp_seconds", exposure, -1, float64(epoch().Unix() + 60)},
		{"leaktap_exposures", []string{"severity", "critical", "state", "open"}, 0, 1},
		{"leaktap_exposures", []string{"severity", "critical", "state", "resolved"}, 0, 1},
		{"leaktap_tokens_exposed", []string{"state", "live"}, 0, 1},
		{"leaktap_tokens_exposed", []string{"state", "expired"}, 0, 1},
		{"leaktap_tokens_exposed", []string{"state", "unknown"}, 0, 1},
		{"leaktap_harvest_suspects", []string{"service", "users-api"}, -1, 1},
		{"leaktap_notifications_total", []string{"sink", "test"}, -1, 5},
		{"leaktap_notifications_failed_total", []string{"sink", "test"}, -1, 2},
		{"leaktap_queue_fill_ratio", nil, 0, 0.75},
		{"leaktap_label_overflow_total", nil, 0, 1},
	}
	for _, check := range checks {
		if got := value(t, reg, check.name, check.labels...); got != check.before {
			t.Errorf("%s%v starts at %v, want %v", check.name, check.labels, got, check.before)
		}
	}

	ledger.Accept(finding(7, at("/old")))
	c.now = epoch().Add(2 * time.Hour)
	ledger.Accept(finding(8))
	c.now = epoch()
	m.Accept(finding(0))
	m.Accept(finding(0)) // a replay
	c.now = epoch().Add(time.Minute)
	m.Accept(finding(1))
	m.Accept(finding(2, at("/api/books")))
	c.now = epoch().Add(2 * time.Hour)
	addTokens(ledger, c.now)
	ledger.Accept(finding(9, at("/harvest"), severity(classify.High), func(f *classify.Finding) { f.Rule.ID, f.Time = "harvest", c.now }))
	counts := m.deliveries("test")
	counts.count(3, nil)
	counts.count(2, errors.New("away"))
	m.WatchQueue(func() float64 { return 0.25 })
	m.WatchQueue(func() float64 { return 0.75 })

	for _, check := range checks {
		if got := value(t, reg, check.name, check.labels...); got != check.after {
			t.Errorf("%s%v is %v, want %v", check.name, check.labels, got, check.after)
		}
	}
	lint(t, reg)
}

// TestExemplarsAreFindingIDs looks at what stands behind a counter: an id of ours, and nothing
// that came from outside.
func TestExemplarsAreFindingIDs(t *testing.T) {
	for id, want := range map[string]string{
		"lt-0123456789abcdef0123": "lt-0123456789abcdef0123", "user@example.org": "", "lt-bob": "", "lt-" + strings.Repeat("0", 200): "", "": "",
	} {
		m, reg := testMetrics()
		m.Accept(finding(0, func(f *classify.Finding) { f.ID = id }))
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() != "leaktap_findings_total" {
				continue
			}
			got := ""
			if labels := family.GetMetric()[0].GetCounter().GetExemplar().GetLabel(); len(labels) == 1 {
				got = labels[0].GetValue()
			}
			if n := family.GetMetric()[0].GetCounter().GetValue(); got != want || n != 1 {
				t.Errorf("id %.30q: exemplar %q, count %v; want %q, 1", id, got, n, want)
			}
		}
	}
}

// addTokens adds one token of each state to an exposure that is there already.
func addTokens(l *Ledger, now time.Time) {
	soon, past := now.Add(time.Hour), now.Add(-time.Hour)
	for digest, token := range map[string]*classify.Token{
		"t1": {Expires: &soon}, "t2": {Expires: &past}, "t3": {},
	} {
		l.Accept(finding(0, func(f *classify.Finding) {
			f.ID, f.Token, f.Evidence.Digest = "id-"+digest, token, digest
		}))
	}
}

func lint(t *testing.T, reg prometheus.Gatherer) {
	t.Helper()
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("promlint: %s: %s", p.Metric, p.Text)
	}
}

// TestSeriesCapKeepsSums puts a million routes into vectors of fifty.
func TestSeriesCapKeepsSums(t *testing.T) {
	const routes, limit = 1_000_000, 50
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg, NewLedger(LedgerConfig{}), MetricsConfig{MaxSeries: limit})
	for i := range routes {
		m.Accept(finding(i, at(fmt.Sprintf("/%d", i))))
	}
	if n := testutil.CollectAndCount(m.vectors.findings); n != limit+1 {
		t.Errorf("%d series, want %d and one for the others", n, limit)
	}
	if got := value(t, reg, "leaktap_findings_total", "route", "other"); got != routes-limit {
		t.Errorf("others are %v, want %v", got, routes-limit)
	}
	if got := value(t, reg, "leaktap_label_overflow_total"); got != routes-limit {
		t.Errorf("overflow is %v, want %v", got, routes-limit)
	}
}

func TestLabelsAreCleanAndShort(t *testing.T) {
	long := make([]byte, 2*maxLabelBytes)
	for i := range long {
		long[i] = 'a'
	}
	l := labelsOf(finding(0, func(f *classify.Finding) {
		f.HTTP.Service = "users\u202e\x00-api\xff"
		f.HTTP.Route = string(long)
	}))
	if l.service != "users-api\ufffd" {
		t.Errorf("service is %q", l.service)
	}
	if len(l.route) > maxLabelBytes {
		t.Errorf("route has %d bytes", len(l.route))
	}
}

func TestMetricsSettle(t *testing.T) {
	m, _ := testMetrics()
	if err := m.Settle(context.Background()); err != nil {
		t.Error(err)
	}
}

func BenchmarkMetricsAccept(b *testing.B) {
	m, _ := testMetrics()
	f := finding(0, func(f *classify.Finding) { f.ID = "" })
	line, err := jsonLine(f)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		m.Accept(f)
	}
}
