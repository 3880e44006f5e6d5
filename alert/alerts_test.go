package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

func newTestAlerts(peers int) *alerts {
	return &alerts{
		peers: peers, resolveAfter: time.Hour, external: "https://leaktap.test", runbook: "https://docs.test/r",
		sets: newCapped[*firing](1000), seen: newRecent(),
	}
}

func TestWireAlert(t *testing.T) {
	table := newTestAlerts(1)
	table.accept(finding(0), epoch())
	table.accept(finding(1, func(f *classify.Finding) {
		f.Pointer, f.Count, f.Fingerprint = "/hash", 2, "fp/2"
	}), epoch().Add(time.Minute))
	list := table.pending(0, false, epoch().Add(time.Minute))
	if len(list) != 1 {
		t.Fatalf("%d alerts for one label set", len(list))
	}
	want := wireAlert{
		Labels: map[string]string{
			"alertname": "LeaktapExposure", "rule": "password-hash", "category": "credential",
			"severity": "critical", "service": "users-api", "route": "/api/users/{id}",
		},
		Annotations: map[string]string{
			"summary":     "password-hash at /api/users/{id} of users-api",
			"description": testRule().Title + ". " + testRule().Why,
			"fix":         testRule().Fix,
			"pointers":    "response.body /items/*/password_hash, response.body /hash",
			"evidence":    "$2b$12$•••",
			"count":       "3",
			"finding":     "lt-1",
			"runbook_url": "https://docs.test/r",
		},
		StartsAt: epoch(), EndsAt: epoch().Add(61 * time.Minute),
		GeneratorURL: "https://leaktap.test/findings/fp%2F2",
	}
	if diff := cmp.Diff(want, list[0].wire); diff != "" {
		t.Errorf("alert (-want +got):\n%s", diff)
	}
}

// TestAlertWithout accepts exposures: an alert ends at once if it stands for no other, and
// otherwise when it would have without them.
func TestAlertWithout(t *testing.T) {
	at := func(minutes int) time.Time { return epoch().Add(time.Duration(minutes) * time.Minute) }
	for name, c := range map[string]struct {
		found    []string // an exposure each minute
		accepted []string // at minute 30
		due      bool
		end      int // in minutes
	}{
		"the only one":       {[]string{"a"}, []string{"a"}, true, 30},
		"the only one twice": {[]string{"a", "a"}, []string{"a"}, true, 30},
		"the newer of two":   {[]string{"a", "b"}, []string{"b"}, false, 60},
		"the older of two":   {[]string{"a", "b"}, []string{"a"}, false, 61},
		"both":               {[]string{"a", "b"}, []string{"a", "b"}, true, 30},
		"another":            {[]string{"a", "b"}, []string{"c"}, false, 61},
		"one of many":        {strings.Split(strings.Repeat("x", maxStood), ""), []string{"x"}, true, 30},
	} {
		t.Run(name, func(t *testing.T) {
			table := newTestAlerts(1)
			for i, fingerprint := range c.found {
				table.accept(finding(i, func(f *classify.Finding) { f.Fingerprint = fingerprint }), at(i))
			}
			table.took(0, table.pending(0, false, at(20)))
			due := false
			for _, fingerprint := range c.accepted {
				due = table.without(fingerprint, at(30))
			}
			list := table.pending(0, true, at(30))
			if due != c.due || len(list) != 1 || !list[0].wire.EndsAt.Equal(at(c.end)) || len(table.pending(0, false, at(30))) != map[bool]int{true: 1}[c.due] {
				t.Errorf("due %t, %d alerts, want %t and an end after %d minutes: %+v", due, len(list), c.due, c.end, list)
			}
		})
	}
}

// TestAlertForMoreThanItKnows goes on whatever is accepted: nothing says that the rest was, too.
func TestAlertForMoreThanItKnows(t *testing.T) {
	table := newTestAlerts(1)
	for i := range maxStood + 1 {
		table.accept(finding(i, func(f *classify.Finding) { f.Fingerprint = strings.Repeat("f", i+1) }), epoch())
	}
	for i := range maxStood + 1 {
		if table.without(strings.Repeat("f", i+1), epoch().Add(time.Minute)) {
			t.Fatal("the alert is resolved")
		}
	}
	if end := table.pending(0, false, epoch().Add(time.Minute))[0].wire.EndsAt; !end.Equal(epoch().Add(time.Hour)) {
		t.Errorf("it ends at %v", end)
	}
}

func TestWireAlertLeavesEmptyLabelsOut(t *testing.T) {
	table := newTestAlerts(1)
	table.accept(finding(0, func(f *classify.Finding) { f.HTTP = classify.HTTP{} }), epoch())
	wire := table.pending(0, false, epoch())[0].wire
	for _, name := range []string{"service", "route"} {
		if v, ok := wire.Labels[name]; ok {
			t.Errorf("label %s is there, as %q", name, v)
		}
	}
	if wire.Annotations["summary"] != "password-hash" {
		t.Errorf("summary is %q", wire.Annotations["summary"])
	}
}

func TestWireAlertIsBounded(t *testing.T) {
	table := newTestAlerts(1)
	for i := range 2 * maxPointers {
		table.accept(finding(i, func(f *classify.Finding) {
			f.Pointer = fmt.Sprintf("/%d", i)
			f.Evidence.Redacted = strings.Repeat("•", maxAnnotationBytes)
		}), epoch())
	}
	a := table.pending(0, false, epoch())[0].wire.Annotations
	if n := strings.Count(a["pointers"], "response.body"); n != maxPointers || !strings.HasSuffix(a["pointers"], " and more") {
		t.Errorf("%d pointers: %s", n, a["pointers"])
	}
	if n := len(a["evidence"]); n > maxAnnotationBytes {
		t.Errorf("evidence has %d bytes", n)
	}
}

// TestAlertLife follows one alert as one of two Alertmanagers is told of it.
func TestAlertLife(t *testing.T) {
	table := newTestAlerts(2)
	now := epoch()
	expect := func(step string, peer int, all bool, want int, resolved bool) {
		t.Helper()
		list := table.pending(peer, all, now)
		if len(list) != want {
			t.Fatalf("%s: %d alerts pending, want %d", step, len(list), want)
		}
		for _, out := range list {
			if got := !out.wire.EndsAt.After(now); got != resolved {
				t.Errorf("%s: resolved is %t, want %t", step, got, resolved)
			}
		}
		table.took(peer, list)
	}
	accept := func(n int, wantDue bool) {
		t.Helper()
		if due, ok := table.accept(finding(n), now); due != wantDue || !ok {
			t.Errorf("finding %d: due %t, want %t (ok %t)", n, due, wantDue, ok)
		}
	}
	accept(0, true)
	expect("it began", 0, false, 1, false)
	expect("it was taken", 0, false, 0, false)
	expect("the other one does not know yet", 1, false, 1, false)
	accept(1, false)
	expect("one more finding makes no news", 0, false, 0, false)
	expect("but it is sent again", 0, true, 1, false)
	now = now.Add(time.Hour)
	expect("it is resolved", 0, false, 1, true)
	expect("which was taken", 0, false, 0, true)
	now = now.Add(time.Minute)
	accept(2, true)
	expect("it began again", 0, false, 1, false)
	now = now.Add(time.Hour)
	expect("it is resolved again", 0, true, 1, true)
	now = now.Add(resolvedFor)
	expect("and forgotten", 0, true, 0, true)
	if n := len(table.sets.sets); n != 0 {
		t.Errorf("%d alerts are still held", n)
	}
}

// TestOldNewsDoesNotSettleANewAlert: an answer that arrives after the alert changed
// says nothing of its present state.
func TestOldNewsDoesNotSettleANewAlert(t *testing.T) {
	table := newTestAlerts(1)
	table.accept(finding(0), epoch())
	old := table.pending(0, false, epoch())
	table.pending(0, false, epoch().Add(time.Hour)) // resolved meanwhile
	table.accept(finding(1), epoch().Add(time.Hour))
	table.took(0, old)
	if len(table.waiting()) != 1 {
		t.Error("the new alert counts as taken")
	}
	if len(table.pending(0, false, epoch().Add(time.Hour))) != 1 {
		t.Error("the new alert is not sent")
	}
}

func TestReplayRaisesNoCount(t *testing.T) {
	table := newTestAlerts(1)
	for range 2 {
		table.accept(finding(0), epoch())
	}
	if got := table.pending(0, false, epoch())[0].wire.Annotations["count"]; got != "1" {
		t.Errorf("count is %s, want 1", got)
	}
}

func TestAlertsAreCapped(t *testing.T) {
	table := newTestAlerts(1)
	table.sets.max = 2
	for i := range 100 {
		table.accept(finding(i, at(fmt.Sprintf("/%d", i))), epoch())
	}
	list := table.pending(0, false, epoch())
	var folded string
	for _, out := range list {
		if out.wire.Labels["route"] == "other" {
			folded = out.wire.Annotations["count"]
		}
	}
	if len(list) != 3 || folded != "98" {
		t.Errorf("%d alerts, the folded one counts %s; want 3 and 98", len(list), folded)
	}
}
