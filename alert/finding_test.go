package alert

import (
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/internal/metricstest"
)

// moved finds metrics that no test moves.
var moved metricstest.Watch

func TestMain(m *testing.M) { os.Exit(metricstest.Main{M: m, Watch: &moved}.Run()) }

// testRule is the rule of most test findings.
func testRule() *classify.Rule {
	return &classify.Rule{
		ID: "password-hash", Category: classify.CategoryCredential, Severity: classify.Critical,
		Title: "A password hash is in a response",
		Why:   "A hash can be cracked offline, and the password it stands for is often used elsewhere too.",
		Fix:   "Return only the fields that the caller needs, through an explicit serializer.",
		CWE:   []string{"CWE-213"}, OWASP: []string{"API3:2023"},
	}
}

// epoch is the time of the first test finding.
func epoch() time.Time { return time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC) }

// finding returns finding number n; change turns it into what a test needs.
func finding(n int, change ...func(*classify.Finding)) *classify.Finding {
	f := &classify.Finding{
		ID: fmt.Sprintf("lt-%d", n), Time: epoch(), Rule: testRule(),
		Severity: classify.Critical, Confidence: classify.HighConfidence,
		Source: classify.Source{Kind: classify.SourceFile, Name: "access.log", Line: int64(n + 1)},
		HTTP: classify.HTTP{
			Method: "GET", Host: "api.test", Route: "/api/users/{id}", Status: 200, Service: "users-api",
		},
		Where: classify.InResponseBody, Pointer: "/items/*/password_hash",
		Evidence:    classify.Evidence{Redacted: "$2b$12$•••", Length: 60, Digest: "d1"},
		Count:       1,
		Fingerprint: "fp",
	}
	for _, c := range change {
		c(f)
	}
	return f
}

// at puts a finding on a route, with a fingerprint of its own.
func at(route string) func(*classify.Finding) {
	return func(f *classify.Finding) {
		f.HTTP.Route = route
		f.Fingerprint = "fp-" + route
	}
}

func severity(s classify.Severity) func(*classify.Finding) {
	return func(f *classify.Finding) { f.Severity = s }
}

// testMetrics returns metrics of their own registry.
func testMetrics() (*Metrics, *metricstest.Registry) {
	reg := moved.Registry()
	return NewMetrics(reg, NewLedger(LedgerConfig{}), MetricsConfig{}), reg
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// value returns a series' value, or -1 if there is none; labels are alternating
// names and values.
func value(t testing.TB, reg prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			have := map[string]string{}
			for _, pair := range metric.GetLabel() {
				have[pair.GetName()] = pair.GetValue()
			}
			match := true
			for i := 0; i < len(labels); i += 2 {
				match = match && have[labels[i]] == labels[i+1]
			}
			if match {
				return metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return -1
}
