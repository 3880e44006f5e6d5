package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leaktap/leaktap/classify"
)

// TestSilencedCounts checks that what a policy silences reaches no sink, and is counted by its
// verdict.
func TestSilencedCounts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	text := "routes: [{match: GET /me, allow: [email]}]\naccept: [{rule: privilege-field, route: GET /me, reason: known}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := detecting{policies: policies{File: file}}
	detection, err := d.detection(classify.Limits{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m, sink := newMetrics("test"), &keepSink{}
	p := newPipeline(detection, time.Now, slog.New(slog.DiscardHandler), m, sink)
	p.Handle(&classify.Exchange{
		Method: []byte("GET"), Target: []byte("/me"), Status: 200,
		Response: classify.Message{Body: []byte(`{"email":"ada.l@lovelace.org","is_admin":true}`)},
	})
	if len(sink.got) != 0 {
		t.Errorf("got %v", sink.got[0].Rule.ID)
	}
	for verdict, want := range map[string]float64{"allowed": 1, "accepted": 1, "known": 0} {
		if got := testutil.ToFloat64(m.silenced.WithLabelValues(verdict)); got != want {
			t.Errorf("%s: got %v, want %v", verdict, got, want)
		}
	}
}

// TestRuleIDs checks that acceptances may name the rules of detectors and of policies.
func TestRuleIDs(t *testing.T) {
	ids := ruleIDs()
	for _, id := range []string{"password-hash", "mass-assignment", "new-field", "scope-excess"} {
		if !ids[id] {
			t.Errorf("there is no %s", id)
		}
	}
}
