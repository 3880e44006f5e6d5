package alert

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRefused(t *testing.T) {
	for status, want := range map[int]bool{
		301: true, 308: true, 400: true, 401: true, 404: true, 413: true, 422: true,
		408: false, 429: false, 500: false, 502: false, 503: false,
	} {
		if got := refused(fmt.Errorf("post: %w", &statusError{status})); got != want {
			t.Errorf("status %d: refused is %t, want %t", status, got, want)
		}
	}
	if refused(errors.New("connection reset")) || refused(nil) {
		t.Error("an error without a status counts as refused")
	}
}

func TestPostAnswers(t *testing.T) {
	for status, want := range map[int]string{
		200: "", 202: "", 204: "",
		302: "answered 302 Found",
		400: "answered 400 Bad Request",
		599: "answered 599 ",
	} {
		r := newReceiver(t, always(status))
		p := newPoster(time.Second, false)
		err := p.post(t.Context(), r.URL, []byte("{}"), http.Header{"X-Extra": {"1"}})
		p.close()
		if (err == nil) != (want == "") || (err != nil && err.Error() != want) {
			t.Errorf("status %d: got error %v, want %q", status, err, want)
		}
		got := r.all()[0].header
		if got.Get("X-Extra") != "1" || got.Get("User-Agent") != "leaktap" {
			t.Errorf("headers are %v", got)
		}
	}
}

// TestPostBoundsAnswers posts to a server that never stops answering, and to one
// that never begins.
func TestPostBoundsAnswers(t *testing.T) {
	chunk := []byte(strings.Repeat("x", 32<<10))
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	p := newPoster(10*time.Second, false)
	defer p.close()
	if err := p.post(t.Context(), endless.URL, nil, nil); err != nil {
		t.Errorf("endless answer: %v", err)
	}

	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer silent.Close()
	defer close(release)
	hasty := newPoster(20*time.Millisecond, false)
	defer hasty.close()
	if err := hasty.post(t.Context(), silent.URL, nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silent server: got %v", err)
	}
}

func TestBackoffDoublesUpToALimit(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	var b backoff
	want := firstPause
	for range 12 {
		b.wait(ended) // returns at once
		if b.pause != want {
			t.Fatalf("pause is %v, want %v", b.pause, want)
		}
		want = min(2*want, longestPause)
	}
	b.reset()
	if b != (backoff{}) {
		t.Error("reset kept the pause")
	}
}

func TestBackoffPauses(t *testing.T) {
	var b backoff
	began := time.Now()
	b.wait(t.Context())
	if took := time.Since(began); took < firstPause/2 {
		t.Errorf("paused for %v, want %v at least", took, firstPause/2)
	}
}
