package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
)

// asOf is the present time of the tests.
var asOf = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// newEngine returns an engine that judges by a policy; nil for none.
func newEngine(t testing.TB, p *Policy) *classify.Engine {
	t.Helper()
	v, err := detect.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	cfg := classify.Config{Detectors: append(detect.All(v), Detectors()...), Fields: v.Fields, Key: []byte("0123456789abcdef")}
	if p != nil {
		cfg.Policy = p
	}
	e, err := classify.NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustFile(t testing.TB, text string) *File {
	t.Helper()
	f, _, err := ParseFile([]byte(text), asOf)
	if err != nil {
		t.Fatalf("%v, in\n%s", err, text)
	}
	return f
}

func mustContract(t testing.TB, text string) *Contract {
	t.Helper()
	c, err := ParseContract([]byte(text))
	if err != nil {
		t.Fatalf("%v, in\n%s", err, text)
	}
	return c
}

func mustPolicy(t testing.TB, cfg Config) *Policy {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// exchange makes one of "GET /path 200", a body, and request headers as "name: value".
func exchange(line, body string, headers ...string) *classify.Exchange {
	parts := strings.Fields(line)
	x := &classify.Exchange{
		Source: classify.Source{Kind: classify.SourceHAR, Name: "test"}, Method: []byte(parts[0]), Target: []byte(parts[1]), Host: []byte("api.example"),
	}
	x.Status, _ = strconv.Atoi(parts[2])
	x.Response.Headers = []classify.Header{{Name: []byte("Content-Type"), Value: []byte("application/json; charset=utf-8")}}
	x.Response.Body = []byte(body)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		x.Request.Headers = append(x.Request.Headers, classify.Header{Name: []byte(name), Value: []byte(value)})
	}
	if x.Request.Header("authorization") == nil {
		x.Request.Headers = append(x.Request.Headers, classify.Header{Name: []byte("Authorization"), Value: []byte("Bearer of-the-caller")})
	}
	return x
}

// judged returns "rule pointer severity verdict/by xN" of each finding, sorted.
func judged(t testing.TB, p *Policy, x *classify.Exchange) (list []string, in classify.Inspection) {
	t.Helper()
	in = newEngine(t, p).NewClassifier().Classify(x, asOf, func(f *classify.Finding) {
		s := fmt.Sprintf("%s %s %s", f.Rule.ID, f.Pointer, f.Severity)
		if f.Policy != nil {
			s += " " + f.Policy.Verdict + "/" + f.Policy.By
		}
		if f.Count > 1 {
			s += fmt.Sprintf(" x%d", f.Count)
		}
		list = append(list, s)
	})
	slices.Sort(list)
	return list, in
}

func wantFindings(t *testing.T, p *Policy, x *classify.Exchange, want ...string) classify.Inspection {
	t.Helper()
	got, in := judged(t, p, x)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s %s %s:\n got %q\nwant %q", x.Method, x.Target, x.Response.Body, got, want)
	}
	return in
}

const profilePolicy = `
routes:
  - match: GET /api/profile
    allow: [id, username, email, /address/*, /tags/*]
    scopes: { "admin:read": [role], "audit": [/audit/log] }
  - match: GET /api/users
    allow: [personal, id]
    max_items: 3
  - match: GET /api/books/{id}
    allow: [/title, /items/*/name]
    deny: [isbn_internal]
  - match: POST /login
    allow: [access_token]
  - match: GET /api/only-denied
    deny: [secret_note]
accept:
  - { rule: internal-id, route: "GET /api/orders/{id}", reason: "public key", until: 2026-06-01 }
  - { rule: pii-email, route: "GET /api/orders/{id}", pointer: /buyer/email, reason: "agreed" }
  - { rule: pii-phone, route: "*", reason: "over", until: 2026-05-31 }
`

func TestVerdicts(t *testing.T) {
	p := mustPolicy(t, Config{Policy: mustFile(t, profilePolicy)})
	for _, tt := range []struct {
		line, body string
		want       []string
	}{
		{"GET /api/profile 200", `{"id":1,"username":"ada","email":"ada.l@lovelace.org"}`, nil},
		{"GET /api/profile 200", `{"user":{"id":1,"username":"ada"}}`, nil},
		{"GET /api/profile 200", `{"id":1,"phone":"+49 170 1234567"}`, []string{"pii-phone /phone low acceptance-expired/policy"}},
		{"GET /api/profile 200", `{"id":1,"favourite":"tea"}`, []string{"undeclared-field /favourite low undeclared/policy"}},
		{"GET /api/profile 200", `{"id":1,"created_at":"2026-01-01"}`, []string{"undeclared-field /created_at info undeclared/policy"}},
		{"GET /api/profile 200", `{"id":1,"nothing":null,"empty":"","list":[],"object":{}}`, nil},
		{"GET /api/profile 200", `{"address":{"city":"Ulm","zip":"89073"},"tags":["a","b"]}`, nil},
		{"GET /api/profile 200", `{"tags":[{"deep":"x"}]}`, nil},
		{"GET /api/profile 200", `{"role":"admin"}`, []string{
			"privilege-field /role high denied/policy", "scope-excess /role medium denied/policy",
		}},
		{"GET /api/profile 200", `{"audit":{"log":"x"}}`, []string{"scope-excess /audit/log medium denied/policy"}},
		{"GET /api/profile 404", `{"error":"none","favourite":"tea"}`, nil},
		{"GET /api/profile 200", `not json`, nil},
		{"POST /api/profile 200", `{"favourite":"tea"}`, nil},
		{"GET /api/profile?x=1 200", `{"favourite":"tea"}`, []string{"undeclared-field /favourite low undeclared/policy"}},
		{"GET /api/users 200", `[{"id":1,"email":"ada.l@lovelace.org"},{"id":2,"email":"bob.b@babbage.org"}]`, nil},
		{"GET /api/users 200", `{"users":[{"id":1},{"id":2},{"id":3},{"id":4}]}`, []string{"overexposed-list /users medium denied/policy x4"}},
		{"GET /api/users 200", `[{"id":1,"x":1},{"id":2,"x":2}]`, []string{"undeclared-field /*/x low undeclared/policy x2"}},
		{"GET /api/books/7 200", `{"title":"SICP","isbn_internal":"x1"}`, []string{"undeclared-field /isbn_internal medium denied/policy"}},
		{"GET /api/books/7 200", `{"title":{"name":"SICP"},"items":[{"name":"a"}]}`, nil},
		{"GET /api/books/7 200", `{"sub":{"title":"SICP"}}`, []string{"undeclared-field /sub/title info undeclared/policy"}},
		{"GET /api/only-denied 200", `{"a":1,"b":{"c":[1,2]}}`, nil},
		{"GET /api/only-denied 200", `{"a":1,"b":{"secret_note":"x"}}`, []string{"undeclared-field /b/secret_note medium denied/policy"}},
		{"GET /api/unknown 200", `{"email":"ada.l@lovelace.org"}`, []string{"pii-email /email info unpoliced/policy"}},
	} {
		wantFindings(t, p, exchange(tt.line, tt.body), tt.want...)
	}
}
