package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// leak is a finding; each has an id of its own.
func leak(id string) *classify.Finding {
	return &classify.Finding{
		ID: id, Fingerprint: strings.Repeat("a", 32), Rule: &classify.Rule{ID: "password-hash"}, Severity: classify.Critical, Confidence: classify.HighConfidence,
		Source: classify.Source{Kind: classify.SourceFile, Name: "a.log", Line: 1}, Where: classify.InResponseBody, Pointer: "/hash", Count: 1,
	}
}

// keptLedger is a ledger in a file, by a clock.
func keptLedger(t *testing.T, path string, now func() time.Time) *alert.Ledger {
	t.Helper()
	l, err := alert.OpenLedger(path, alert.LedgerConfig{Now: now}, func(string) *classify.Rule { return nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAcceptedFindingsReachTheLedgerOnly checks that findings of an accepted exposure are
// counted as silenced and kept from the sinks, until the acceptance ends or is withdrawn.
func TestAcceptedFindingsReachTheLedgerOnly(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	ledger, keep, m := keptLedger(t, filepath.Join(t.TempDir(), "ledger.db"), clock), &keepSink{}, newMetrics("test")
	p := newPipeline(panicking(t), clock, slog.New(slog.DiscardHandler), m, ledger, keep)
	p.ledger = ledger
	report := func(id string, reported int) {
		t.Helper()
		p.report(leak(id))
		if len(keep.got) != reported {
			t.Errorf("after finding %s the sink has %d, want %d", id, len(keep.got), reported)
		}
	}
	accept := func() {
		t.Helper()
		a := alert.Acceptance{Fingerprint: leak("").Fingerprint, Reason: "the demo's own", By: "ada", Until: now.AddDate(0, 0, 30)}
		if err := ledger.AcceptExposure(a); err != nil {
			t.Fatal(err)
		}
	}
	report("1", 1)
	accept()
	p.worst.Store(0)
	report("2", 1)
	if p.worstSeverity() != 0 {
		t.Error("what is accepted makes an exit code")
	}
	if _, err := ledger.WithdrawAcceptance(leak("").Fingerprint); err != nil {
		t.Fatal(err)
	}
	report("3", 2)
	accept()
	report("4", 2)
	now = now.AddDate(0, 0, 31)
	report("5", 3)
	if x, _ := ledger.Exposure(leak("").Fingerprint); x.Findings != 5 || x.State != alert.StateOpen {
		t.Errorf("the ledger counts %d findings, state %s; want 5, open", x.Findings, x.State)
	}
	if got := testutil.ToFloat64(m.silenced.WithLabelValues(classify.VerdictAccepted)); got != 2 || p.silenced.accepted.Load() != 2 {
		t.Errorf("%v and %d findings count as accepted, want 2", got, p.silenced.accepted.Load())
	}
}

// TestReportShowsAcceptances checks that a report tells who accepted what, until when, why.
func TestReportShowsAcceptances(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	ledger := keptLedger(t, path, func() time.Time { return now })
	ledger.Accept(leak("1"))
	err := ledger.AcceptExposure(alert.Acceptance{
		Fingerprint: leak("").Fingerprint, Reason: "=1+1 \x1b[2J <b>", By: "ada", Until: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ format, asOf, want string }{
		{"text", "2026-11-02T00:00:00Z", "ada          2026-11-30  =1+1 [2J <b>"},
		{"text", "2026-11-02T00:00:00Z", " accepted "},
		{"text", "2026-12-02T00:00:00Z", "nothing is exposed"}, // it has ended, and nothing came since
		{"csv", "2026-11-02T00:00:00Z", ",ada,2026-11-30,'=1+1 [2J <b>"},
		{"jsonl", "2026-11-01T12:30:00Z", `"occurs":true,"acceptance":{"fingerprint":"` + leak("").Fingerprint + `","reason":"=1+1 [2J \u003cb\u003e","by":"ada","until":"2026-11-30T00:00:00Z","at":"2026-11-01T12:00:00Z"}`},
	} {
		var out strings.Builder
		code := run(t.Context(), []string{"report", "exposures", "--ledger", path, "--as-of", c.asOf, "-o", c.format}, &streams{strings.NewReader(""), &out, io.Discard})
		if code != exitOK || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s as of %s: exit code %d, %q is missing in\n%s", c.format, c.asOf, code, c.want, &out)
		}
	}
}

// TestScanKeepsToAcceptances checks that a scan with a ledger leaves out what is accepted
// there, and counts it.
func TestScanKeepsToAcceptances(t *testing.T) {
	dir := t.TempDir()
	path, log := filepath.Join(dir, "ledger.db"), filepath.Join(dir, "app.jsonl")
	scan := func(second int) (code int, stderr string) {
		t.Helper()
		record := fmt.Sprintf(`{"time":"2026-11-23T10:00:%02dZ","level":"info","msg":"calling","authorization":"Bearer %s"}`+"\n", second, secrets()["TOKEN"])
		if err := os.WriteFile(log, []byte(strings.Repeat("\n", second)+record), 0o600); err != nil { // another line: another finding
			t.Fatal(err)
		}
		var errs strings.Builder
		code = run(t.Context(), []string{"scan", "--ledger", path, log}, &streams{strings.NewReader(""), io.Discard, &errs})
		return code, errs.String()
	}
	if code, text := scan(1); code != exitFindings {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	ledger := keptLedger(t, path, time.Now)
	x := ledger.Snapshot()[0]
	if err := ledger.AcceptExposure(alert.Acceptance{Fingerprint: x.Fingerprint, Reason: "r", By: "ada", Until: time.Now().AddDate(0, 0, 30)}); err != nil {
		t.Fatal(err)
	}
	if code, text := scan(2); code != exitOK || !strings.Contains(text, "1 accepted; exit 0") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	if x, _ := keptLedger(t, path, time.Now).Exposure(x.Fingerprint); x.Findings != 2 || x.State != alert.StateAccepted {
		t.Errorf("the ledger has %d findings, state %s", x.Findings, x.State)
	}
}
