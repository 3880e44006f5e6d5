package alert

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func newTestWebhook(t *testing.T, c WebhookConfig) (*Webhook, func() (sent, failed float64)) {
	t.Helper()
	m, reg := testMetrics()
	w, err := NewWebhook(c, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return w, func() (sent, failed float64) {
		return value(t, reg, "leaktap_notifications_total", "sink", "webhook"),
			value(t, reg, "leaktap_notifications_failed_total", "sink", "webhook")
	}
}

func TestWebhookPostsSignedBatches(t *testing.T) {
	r := newReceiver(t, nil)
	secret := []byte("k")
	w, _ := newTestWebhook(t, WebhookConfig{URL: r.URL + "/hook", Secret: secret, Batch: 2})
	for i := range 3 {
		w.Accept(finding(i))
	}
	start(t, w)
	settle(t, w)
	var ids []string
	for _, req := range r.all() {
		if req.path != "/hook" || req.header.Get("Content-Type") != "application/json" {
			t.Errorf("posted to %s as %s", req.path, req.header.Get("Content-Type"))
		}
		if got, want := req.header.Get(SignatureHeader), sign(secret, req.body); got != want {
			t.Errorf("signature is %q, want %q", got, want)
		}
		body := decode[struct {
			Schema   string
			Findings []struct{ Schema, ID string }
		}](t, req.body)
		if body.Schema != "leaktap/webhook/v1" || len(body.Findings) > 2 {
			t.Errorf("schema %q with %d findings", body.Schema, len(body.Findings))
		}
		for _, f := range body.Findings {
			ids = append(ids, f.ID)
		}
	}
	if got := strings.Join(ids, " "); got != "lt-0 lt-1 lt-2" {
		t.Errorf("received %s", got)
	}
}

// TestSignIsHMACSHA256 holds the signature to test case 2 of RFC 4231.
func TestSignIsHMACSHA256(t *testing.T) {
	const want = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	if got := sign([]byte("Jefe"), []byte("what do ya want for nothing?")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWebhookWithoutSecretIsNotSigned(t *testing.T) {
	r := newReceiver(t, nil)
	w, _ := newTestWebhook(t, WebhookConfig{URL: r.URL})
	start(t, w)
	w.Accept(finding(0))
	settle(t, w)
	if got := r.all()[0].header.Get(SignatureHeader); got != "" {
		t.Errorf("signature is %q", got)
	}
}

func TestWebhookTriesAgain(t *testing.T) {
	for _, status := range []int{500, 503, 429, 408} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			r := newReceiver(t, func(request) int {
				if tries.Add(1) == 1 {
					return status
				}
				return 204
			})
			w, counts := newTestWebhook(t, WebhookConfig{URL: r.URL})
			start(t, w)
			w.Accept(finding(0))
			settle(t, w)
			if sent, failed := counts(); sent != 1 || failed != 0 || tries.Load() != 2 {
				t.Errorf("sent %v, failed %v after %d tries", sent, failed, tries.Load())
			}
		})
	}
}

// TestWebhookDoesNotInsist looks that what is refused is tried once, and that no
// redirect is followed.
func TestWebhookDoesNotInsist(t *testing.T) {
	for _, status := range []int{301, 307, 308, 400, 401, 404, 413} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, always(status))
			w, counts := newTestWebhook(t, WebhookConfig{URL: r.URL + "/hook"})
			start(t, w)
			w.Accept(finding(0))
			settle(t, w)
			if _, failed := counts(); failed != 1 {
				t.Errorf("failed %v, want 1", failed)
			}
			if got := r.all(); len(got) != 1 || got[0].path != "/hook" {
				t.Errorf("%d requests, the last to %s", len(got), got[len(got)-1].path)
			}
		})
	}
}

// TestWebhookGivesUpAndRecovers counts what could not be delivered in time, tries
// the next batch once only, and delivers again when the receiver is back.
func TestWebhookGivesUpAndRecovers(t *testing.T) {
	r := newReceiver(t, always(503))
	w, counts := newTestWebhook(t, WebhookConfig{URL: r.URL, GiveUp: 300 * time.Millisecond})
	start(t, w)
	w.Accept(finding(0))
	settle(t, w)
	before := len(r.all())
	w.Accept(finding(1))
	settle(t, w)
	if n := len(r.all()) - before; n != 1 {
		t.Errorf("%d tries while it is away, want 1", n)
	}
	if sent, failed := counts(); sent != 2 || failed != 2 {
		t.Errorf("sent %v, failed %v; want 2, 2", sent, failed)
	}
	r.setAnswer(always(200))
	w.Accept(finding(2))
	settle(t, w)
	if sent, failed := counts(); sent != 3 || failed != 2 {
		t.Errorf("sent %v, failed %v; want 3, 2", sent, failed)
	}
}

// TestErrorsKeepTheURLToThemselves has a credential in the URL of a receiver that
// is not there.
func TestErrorsKeepTheURLToThemselves(t *testing.T) {
	gone := newReceiver(t, nil)
	gone.Close()
	const secret = "PLANTED-SECRET"
	var logged bytes.Buffer
	m, _ := testMetrics()
	url := strings.Replace(gone.URL, "http://", "http://user:"+secret+"@", 1) + "/" + secret
	w, err := NewWebhook(WebhookConfig{URL: url, GiveUp: time.Millisecond}, m, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, w)
	w.Accept(finding(0))
	settle(t, w)
	stop()
	if log := logged.String(); !strings.Contains(log, "findings dropped") || strings.Contains(log, secret) {
		t.Errorf("logged %s", log)
	}
}

func TestEndpointsAreChecked(t *testing.T) {
	const want = "configure webhook: parse URL: want http://HOST or https://HOST, with an optional port and path"
	for _, raw := range []string{"", "host/SECRET", "ftp://host/SECRET", "http://h:SECRET", "https:///SECRET", "http://h/%zz"} {
		m, _ := testMetrics()
		if _, err := NewWebhook(WebhookConfig{URL: raw}, m, quiet()); err == nil || err.Error() != want {
			t.Errorf("%q: got error %v, want %q", raw, err, want)
		}
	}
}
