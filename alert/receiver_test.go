package alert

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// request is what a receiver was sent.
type request struct {
	path   string
	header http.Header
	body   []byte
}

// receiver is an HTTP server that keeps what it was sent and answers as told.
type receiver struct {
	*httptest.Server

	mu       sync.Mutex
	answer   func(request) int // the status; nil means 200
	requests []request
	arrived  chan request
}

// newReceiver starts a receiver; answer may be nil.
func newReceiver(t *testing.T, answer func(request) int) *receiver {
	t.Helper()
	r := &receiver{answer: answer, arrived: make(chan request, 10_000)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	got := request{req.URL.Path, req.Header, body}
	r.mu.Lock()
	r.requests = append(r.requests, got)
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answer(got))
	}
	r.arrived <- got
}

// setAnswer changes how the receiver answers from now on.
func (r *receiver) setAnswer(answer func(request) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// all returns what has arrived so far.
func (r *receiver) all() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.requests...)
}

func always(status int) func(request) int { return func(request) int { return status } }

func decode[T any](t *testing.T, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("decode %.200q: %v", text, err)
	}
	return v
}
