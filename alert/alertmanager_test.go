package alert

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

type counter func() (sent, failed float64)

func newTestAlertmanager(t *testing.T, c AlertmanagerConfig) (*Alertmanager, counter) {
	t.Helper()
	m, reg := testMetrics()
	a, err := NewAlertmanager(c, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return a, func() (sent, failed float64) {
		return value(t, reg, "leaktap_notifications_total", "sink", "alertmanager"),
			value(t, reg, "leaktap_notifications_failed_total", "sink", "alertmanager")
	}
}

// next returns the alerts of the next request.
func (r *receiver) next(t *testing.T) []wireAlert {
	t.Helper()
	select {
	case req := <-r.arrived:
		if req.path != "/api/v2/alerts" {
			t.Errorf("posted to %s", req.path)
		}
		return decode[[]wireAlert](t, req.body)
	case <-time.After(10 * time.Second):
		t.Fatal("no request arrived")
		return nil
	}
}

func (r *receiver) routes(t *testing.T) (list []string) {
	t.Helper()
	for _, req := range r.all() {
		for _, a := range decode[[]wireAlert](t, req.body) {
			list = append(list, a.Labels["route"])
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestAlertmanagerSendsToEveryMember(t *testing.T) {
	one, two := newReceiver(t, nil), newReceiver(t, nil)
	a, _ := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{one.URL, two.URL}})
	start(t, a)
	a.Accept(finding(0))
	settle(t, a)
	for _, r := range []*receiver{one, two} {
		if got := r.next(t); len(got) != 1 || got[0].Labels["rule"] != "password-hash" {
			t.Errorf("received %+v", got)
		}
	}
}

func TestAlertmanagerWithOneMemberDead(t *testing.T) {
	dead, alive := newReceiver(t, nil), newReceiver(t, nil)
	dead.Close()
	a, counts := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{dead.URL, alive.URL}})
	stop := start(t, a)
	a.Accept(finding(0))
	settle(t, a)
	if got := alive.next(t); len(got) != 1 {
		t.Errorf("received %+v", got)
	}
	stop()
	if sent, failed := counts(); failed == 0 || failed >= sent {
		t.Errorf("sent %v, failed %v: want the dead member's failures counted", sent, failed)
	}
}

// TestAlertmanagerAddress keeps a path prefix and the credentials of a URL.
func TestAlertmanagerAddress(t *testing.T) {
	r := newReceiver(t, nil)
	url := strings.Replace(r.URL, "http://", "http://user:pass@", 1) + "/am/"
	a, _ := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{url}})
	start(t, a)
	a.Accept(finding(0))
	settle(t, a)
	got := r.all()[0]
	if got.path != "/am/api/v2/alerts" || !strings.HasPrefix(got.header.Get("Authorization"), "Basic ") {
		t.Errorf("posted to %s with authorization %q", got.path, got.header.Get("Authorization"))
	}
}

func TestAlertmanagerMinSeverity(t *testing.T) {
	for name, c := range map[string]struct {
		min  classify.Severity
		want []string
	}{
		"default":        {0, []string{"/critical", "/high", "/low", "/medium"}},
		"info, as never": {classify.Info, []string{"/critical", "/high", "/low", "/medium"}},
		"high":           {classify.High, []string{"/critical", "/high"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t, nil)
			a, _ := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{r.URL}, MinSeverity: c.min})
			start(t, a)
			for s := classify.Info; s <= classify.Critical; s++ {
				a.Accept(finding(int(s), severity(s), at("/"+s.String())))
			}
			settle(t, a)
			if got := r.routes(t); !slices.Equal(got, c.want) {
				t.Errorf("alerts for %v, want %v", got, c.want)
			}
		})
	}
}

func TestAlertmanagerSendsAgainAndResolves(t *testing.T) {
	r := newReceiver(t, nil)
	a, _ := newTestAlertmanager(t, AlertmanagerConfig{
		URLs: []string{r.URL}, Resend: 20 * time.Millisecond, ResolveAfter: 200 * time.Millisecond,
	})
	start(t, a)
	a.Accept(finding(0))
	first := r.next(t)[0]
	fired, resolved := 1, wireAlert{}
	for resolved.EndsAt.IsZero() {
		got := r.next(t)[0]
		if !got.StartsAt.Equal(first.StartsAt) || !got.EndsAt.Equal(first.EndsAt) {
			t.Fatalf("sent again as %v to %v, want %v to %v", got.StartsAt, got.EndsAt, first.StartsAt, first.EndsAt)
		}
		if got.EndsAt.After(time.Now()) {
			fired++
		} else {
			resolved = got
		}
	}
	if fired < 3 {
		t.Errorf("sent %d times while it fired, want 3 or more", fired)
	}
	if got := r.next(t)[0]; got.EndsAt.After(time.Now()) {
		t.Error("the resolved state was sent once only")
	}
}

// badRoute answers as Alertmanager does when one alert of a batch is malformed.
// TestAlertmanagerResolvesWhatIsAccepted tells the Alertmanager at once, and raises the alert again
// with the next finding.
func TestAlertmanagerResolvesWhatIsAccepted(t *testing.T) {
	r := newReceiver(t, nil)
	a, _ := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{r.URL}, Resend: time.Hour})
	start(t, a)
	a.Accept(finding(0))
	if first := r.next(t); len(first) != 1 || !first[0].EndsAt.After(time.Now()) {
		t.Fatalf("sent %+v", first)
	}
	a.Accepted("another")
	a.Accepted(finding(0).Fingerprint)
	if got := r.next(t); len(got) != 1 || got[0].EndsAt.After(time.Now()) || got[0].EndsAt.Before(got[0].StartsAt) {
		t.Errorf("sent %+v, want it resolved", got)
	}
	a.Accept(finding(1)) // its acceptance was withdrawn
	if got := r.next(t); len(got) != 1 || !got[0].EndsAt.After(time.Now()) {
		t.Errorf("sent %+v, want it firing", got)
	}
}

func badRoute(req request) int {
	if bytes.Contains(req.body, []byte("/bad")) {
		return 400
	}
	return 200
}

func TestAlertmanagerSurvivesABadAlert(t *testing.T) {
	r := newReceiver(t, badRoute)
	a, counts := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{r.URL}, Resend: 20 * time.Millisecond})
	for i, route := range []string{"/a", "/bad", "/c"} {
		a.Accept(finding(i, at(route)))
	}
	start(t, a)
	settle(t, a)
	requests := len(r.all())
	if requests != 4 {
		t.Errorf("%d requests, want the batch and each of its three alerts", requests)
	}
	for range requests {
		r.next(t)
	}
	for range 3 { // sent again without the bad one
		if got := r.next(t); len(got) != 2 {
			t.Errorf("sent %d alerts again, want the two good ones", len(got))
		}
	}
	if _, failed := counts(); failed != 1 {
		t.Errorf("%v failures counted, want the bad one", failed)
	}
}

// TestAlertmanagerThatRefusesEverything is no reason to give all alerts up.
func TestAlertmanagerThatRefusesEverything(t *testing.T) {
	r := newReceiver(t, always(400))
	a, _ := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{r.URL}})
	a.Accept(finding(0, at("/a")))
	a.Accept(finding(1, at("/b")))
	start(t, a)
	for range 3 {
		r.next(t) // the batch, then each of its alerts
	}
	r.setAnswer(always(200))
	settle(t, a)
	if got := r.next(t); len(got) != 2 {
		t.Errorf("sent %d alerts when it was well again, want 2", len(got))
	}
}

func TestAlertmanagerOutage(t *testing.T) {
	r := newReceiver(t, always(503))
	a, counts := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{r.URL}, SettleTimeout: 30 * time.Millisecond})
	stop := start(t, a)
	a.Accept(finding(0))
	settle(t, a) // given up, which is counted
	if _, failed := counts(); failed < 1 {
		t.Error("the failure is not counted")
	}
	over := make(chan struct{}, 100)
	r.setAnswer(func(request) int { over <- struct{}{}; return 200 })
	<-over // it is sent all the same
	stop()
	if sent, failed := counts(); sent != failed+1 {
		t.Errorf("sent %v, failed %v: want one success", sent, failed)
	}
}

func TestAlertmanagerFollowsNoRedirect(t *testing.T) {
	r := newReceiver(t, always(307))
	a, _ := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{r.URL}, SettleTimeout: 30 * time.Millisecond})
	stop := start(t, a)
	a.Accept(finding(0))
	settle(t, a)
	stop()
	for _, req := range r.all() {
		if req.path != "/api/v2/alerts" {
			t.Errorf("went to %s", req.path)
		}
	}
}

// TestAlertmanagerBurst holds the target of a thousand exposures within 5 s.
func TestAlertmanagerBurst(t *testing.T) {
	const exposures = 1000
	r := newReceiver(t, nil)
	a, _ := newTestAlertmanager(t, AlertmanagerConfig{URLs: []string{r.URL}})
	start(t, a)
	began := time.Now()
	for i := range exposures {
		a.Accept(finding(i, at(fmt.Sprintf("/%d", i))))
	}
	settle(t, a)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if got := len(r.routes(t)); got != exposures {
		t.Errorf("%d alerts arrived, want %d", got, exposures)
	}
	for _, req := range r.all() {
		if n := len(decode[[]wireAlert](t, req.body)); n > 64 {
			t.Errorf("a request of %d alerts", n)
		}
	}
}

func TestAlertmanagerConfigurationErrors(t *testing.T) {
	m, _ := testMetrics()
	for want, urls := range map[string][]string{
		"configure alertmanager: no URL is given": nil,
		"configure alertmanager 2: parse URL: want http://HOST or https://HOST, with an optional port and path": {
			"http://one:9093", "two:SECRET",
		},
	} {
		if _, err := NewAlertmanager(AlertmanagerConfig{URLs: urls}, m, quiet()); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func BenchmarkAlertmanagerAccept(b *testing.B) {
	m, _ := testMetrics()
	a, err := NewAlertmanager(AlertmanagerConfig{URLs: []string{"http://127.0.0.1:9"}}, m, quiet())
	if err != nil {
		b.Fatal(err)
	}
	f := finding(0, func(f *classify.Finding) { f.ID = "" })
	line, err := jsonLine(f)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		a.Accept(f)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Settle(ctx); err == nil {
		b.Error("settled without running")
	}
}
