package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// demoShop is a small API that leaks, its safe twin, and its callers. Users and
// secrets are made up at every start.
type demoShop struct {
	listener net.Listener
	producer *kgo.Client
	users    []map[string]any
	signing  []byte
	// ready is closed from the start: callers wait for nothing.
	ready chan struct{}
}

const demoUsers = 40

func newDemoShop(brokers []string) (*demoShop, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start demo shop: %w", err)
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerLinger(0))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start demo shop: %w", err), l.Close())
	}
	s := &demoShop{listener: l, producer: producer, signing: randomBytes(32), ready: make(chan struct{})}
	close(s.ready)
	for i := range demoUsers {
		s.users = append(s.users, demoUser(i+1))
	}
	return s, nil
}

func (s *demoShop) url() string { return "http://" + s.listener.Addr().String() }

func (s *demoShop) close() { s.producer.Close() }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return b
}

// demoUser is a row as a careless API returns it.
func demoUser(n int) map[string]any {
	first := strings.Fields("Ada Bo Cy Dee Eli Fay Gus Hal Ida Jo")[n%10]
	last := strings.Fields("Ashe Birch Cole Dunn Eames Flint Gray")[n%7]
	name := strings.ToLower(first+"."+last) + strconv.Itoa(n)
	role := "user"
	if n%20 == 1 {
		role = "admin"
	}
	return map[string]any{
		"id": n, "internal_id": hex.EncodeToString(randomBytes(12)), "username": name, "full_name": first + " " + last,
		"email": name + "@shop.test", "phone": fmt.Sprintf("+1-555-01%02d", n),
		"password_hash": "pbkdf2:sha256:600000$" + hex.EncodeToString(randomBytes(8)) + "$" + hex.EncodeToString(randomBytes(32)),
		"role":          role, "is_admin": role == "admin",
	}
}

// token makes a JSON Web Token (RFC 7519) that is valid until then.
func (s *demoShop) token(subject int, until time.Time) string {
	encode := func(v any) string {
		b, _ := json.Marshal(v) // maps of strings and numbers always marshal
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := encode(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." +
		encode(map[string]any{"iss": s.url(), "sub": strconv.Itoa(subject), "scope": "read", "exp": until.Unix()})
	mac := hmac.New(sha256.New, s.signing)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// public is the projection of a row that anybody may see.
func public(row map[string]any) map[string]any {
	return map[string]any{"username": row["username"], "full_name": row["full_name"]}
}

func (s *demoShop) handler() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, status int, body func(r *http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body(r)) // the caller has gone
		})
	}
	row := func(r *http.Request) map[string]any {
		n, _ := strconv.Atoi(r.PathValue("id"))
		return s.users[n%len(s.users)]
	}
	answer("GET /api/profile/{id}", 200, func(r *http.Request) any { return row(r) })
	answer("GET /api/users", 200, func(*http.Request) any { return map[string]any{"users": s.users} })
	answer("GET /api/report", 500, func(*http.Request) any {
		return map[string]any{"error": "division by zero", "trace": string(debug.Stack())}
	})
	answer("GET /api/debug/env", 200, func(*http.Request) any {
		return map[string]any{"config": map[string]string{
			"SECRET_KEY": hex.EncodeToString(s.signing), "DATABASE_URL": "postgresql://shop:" + hex.EncodeToString(s.signing[:8]) + "@db:5432/shop",
		}}
	})
	answer("POST /api/login", 200, func(*http.Request) any {
		return map[string]any{"access_token": s.token(1, time.Now().Add(time.Hour)), "token_type": "bearer", "user": s.users[0]}
	})
	answer("GET /safe/profile/{id}", 200, func(r *http.Request) any { return public(row(r)) })
	answer("GET /safe/users", 200, func(*http.Request) any {
		var list []any
		for _, u := range s.users[:10] {
			list = append(list, public(u))
		}
		return map[string]any{"users": list, "next": "page-2"}
	})
	answer("GET /safe/report", 500, func(*http.Request) any { return map[string]any{"error": "internal error", "id": "e-1"} })
	return s.logged(mux)
}

// recorder keeps the answer for the log.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader keeps the status.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write keeps the body.
func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// logged writes to Kafka what nobody should: whole exchanges, and tokens. The
// routes of the twin are logged as they should be.
func (s *demoShop) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, status: 200}
		next.ServeHTTP(rec, r)
		line := map[string]any{
			"time": time.Now().UTC().Format(time.RFC3339Nano), "service": "shop", "method": r.Method, "url": r.URL.String(),
			"host": r.Host, "status": rec.status,
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			headers := map[string]string{}
			for name := range maps.Keys(r.Header) {
				headers[name] = r.Header.Get(name)
			}
			line["request_headers"], line["response_headers"] = headers, map[string]string{"Content-Type": "application/json"}
			line["response_body"] = rec.body.String()
			s.produce(r.Context(), demoAppTopic, []byte("INFO authenticated "+r.Header.Get("Authorization")+" for "+r.URL.Path))
		}
		record, _ := json.Marshal(line) // maps of strings and numbers always marshal
		s.produce(r.Context(), demoAccessTopic, record)
	})
}

func (s *demoShop) produce(ctx context.Context, topic string, record []byte) {
	s.producer.Produce(context.WithoutCancel(ctx), &kgo.Record{Topic: topic, Value: record}, nil)
}

// run serves and calls until ctx ends.
func (s *demoShop) run(ctx context.Context) error {
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	s.calls(ctx)
	err := server.Close()
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// callInterval is the pause between two calls.
const callInterval = 150 * time.Millisecond

// calls asks for every route in turn: with a live token, with an expired one,
// with none.
func (s *demoShop) calls(ctx context.Context) {
	live, expired := s.token(1, time.Now().Add(time.Hour)), s.token(2, time.Now().Add(-time.Hour))
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	routes := []struct{ method, path, token string }{
		{"GET", "/api/profile/1", live},
		{"GET", "/safe/profile/1", live},
		{"POST", "/api/login", ""},
		{"GET", "/api/users", ""},
		{"GET", "/safe/users", ""},
		{"GET", "/api/profile/7", expired},
		{"GET", "/api/report", live},
		{"GET", "/safe/report", live},
		{"GET", "/api/debug/env", ""},
		{"GET", "/api/users", live},
	}
	tick := time.NewTicker(callInterval)
	defer tick.Stop()
	for n := 0; ; n++ {
		r := routes[n%len(routes)]
		_ = call(ctx, client, r.method, s.url()+r.path, r.token) // the shop ends with ctx
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// call asks the shop as one caller and reads the answer away.
func call(ctx context.Context, client *http.Client, method, url, token string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
