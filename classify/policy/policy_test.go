package policy

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	var cfg classify.Config
	if p != nil {
		cfg.Policy = p
	}
	return newEngineOf(t, cfg)
}

// newEngineOf makes an engine of the usual detectors and of what else is asked for.
func newEngineOf(t testing.TB, asked classify.Config) *classify.Engine {
	t.Helper()
	cfg, err := engineConfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Policy, cfg.Observe, cfg.ReadToken = asked.Policy, asked.Observe, asked.ReadToken
	e, err := classify.NewEngine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// engineConfig is made once: the detectors are the same for all.
var engineConfig = sync.OnceValues(func() (classify.Config, error) {
	v, err := detect.Builtin()
	if err != nil {
		return classify.Config{}, err
	}
	return classify.Config{Detectors: append(detect.All(v), Detectors()...), Fields: v.Fields, Key: []byte("0123456789abcdef")}, nil
})

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

// bearer makes an Authorization header with claims.
func bearer(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return "Authorization: Bearer " + part([]byte(`{"alg":"HS256"}`)) + "." + part([]byte(claims)) + "." + part([]byte("a signature of 32 bytes or so ...."))
}

func TestScopes(t *testing.T) {
	p := mustPolicy(t, Config{Policy: mustFile(t, `
scope_header: X-Scopes
routes:
  - match: GET /api/profile
    allow: [id]
    scopes: { "admin:read": [role, /audit/*], "notes": [note] }
`)})
	const future = `,"exp":1780399999`
	for _, tt := range []struct {
		header string
		may    bool
	}{
		{"Authorization: Bearer opaque", false},
		{"Authorization: Basic YTpi", false},
		{bearer(`{"sub":"1"` + future + `}`), false},
		{bearer(`{"scope":"openid admin:read"` + future + `}`), true},
		{bearer(`{"scope":"openid admin:readers"` + future + `}`), false},
		{bearer(`{"scp":["a","admin:read"]` + future + `}`), true},
		{bearer(`{"realm_access":{"roles":["admin:read"]}` + future + `}`), true},
		{bearer(`{"permissions":["admin:read"]` + future + `}`), true},
		{bearer(`{"name":"admin:read"` + future + `}`), false},
		{"X-Scopes: notes,admin:read", true},
		{"X-Scopes: notes", false},
		{"X-Other: admin:read", false},
	} {
		var want []string
		if !tt.may {
			want = []string{"privilege-field /role high denied/policy", "scope-excess /audit/by medium denied/policy", "scope-excess /role medium denied/policy"}
		}
		wantFindings(t, p, exchange("GET /api/profile 200", `{"id":1,"role":"admin","audit":{"by":"x"}}`, tt.header), want...)
	}
}

// TestNarrow checks hosts, services, methods and the order of routes.
func TestNarrow(t *testing.T) {
	p := mustPolicy(t, Config{Policy: mustFile(t, `
routes:
  - {match: GET /a, host: "*.internal.example", allow: [x]}
  - {match: GET /a, host: api.example, allow: [y]}
  - {match: GET /a, service: billing, allow: [z]}
  - {match: "GET /f/{name}.json", allow: [f]}
  - {match: "GET /f/{name}", allow: [g]}
  - {match: "GET /f/fixed", allow: [h]}
  - {match: "/files/**", allow: [rest]}
`)})
	for _, tt := range []struct{ host, service, line, field string }{
		{"one.internal.example:8080", "", "GET /a 200", "x"},
		{"API.example", "", "GET /a 200", "y"},
		{"else.example", "Billing", "GET /a 200", "z"},
		{"h", "", "GET /f/some.json 200", "f"},
		{"h", "", "GET /f/some 200", "g"},
		{"h", "", "GET /f/fixed 200", "h"},
		{"h", "", "HEAD /f/fixed 200", "h"},
		{"h", "", "PUT /files/a/b/c 200", "rest"},
		{"h", "", "GET /files 200", "rest"},
	} {
		for _, field := range []string{"x", "y", "z", "f", "g", "h", "rest"} {
			x := exchange(tt.line, `{"`+field+`":7}`)
			x.Host, x.Service = []byte(tt.host), tt.service
			got, _ := judged(t, p, x)
			if (len(got) == 0) != (field == tt.field) {
				t.Errorf("%+v with %s: got %v", tt, field, got)
			}
		}
	}
}

// TestPrecedence checks that the strongest source that describes fields decides, and that its
// template is the route.
func TestPrecedence(t *testing.T) {
	p := mustPolicy(t, Config{
		Policy:   mustFile(t, "routes:\n  - {match: 'GET /v1/users/{who}', allow: [a]}\n  - {match: GET /v1/tree, max_items: 2}\n"),
		Contract: []*Contract{mustContract(t, shop("3.1.0"))},
		Baseline: mustFile(t, "routes:\n  - {match: 'GET /v1/users/{id}', allow: [c]}\n  - {match: GET /other, allow: [c]}\n"),
	})
	wantFindings(t, p, exchange("GET /v1/users/7 200", `{"a":1,"email":"ada.l@lovelace.org"}`), "pii-email /email low undeclared/policy")
	wantFindings(t, p, exchange("GET /v1/tree 200", `{"name":"a","b":[1,2,3]}`),
		"overexposed-list /b medium denied/policy x3", "undeclared-field /b/* low undeclared/openapi x3")
	wantFindings(t, p, exchange("GET /other 200", `{"c":1,"d":1}`), "new-field /d low undeclared/baseline")
	var route string
	newEngine(t, p).NewClassifier().Classify(exchange("GET /v1/users/some-title-of-one 200", `{"z":1}`), asOf, func(f *classify.Finding) { route = f.HTTP.Route })
	if route != "/v1/users/{who}" {
		t.Errorf("got route %q", route)
	}
}

func TestAccept(t *testing.T) {
	text := "accept:\n  - {rule: pii-email, route: 'GET /o/{id}', pointer: '/*/email', reason: agreed, until: 2026-06-01}\n  - {rule: secret-field, route: '*', reason: x}\n"
	p := mustPolicy(t, Config{Policy: mustFile(t, text)})
	x := exchange("GET /o/7 200", `{"buyer":{"email":"ada.l@lovelace.org"}}`)
	if in := wantFindings(t, p, x); in.Silenced.Accepted != 1 {
		t.Errorf("got %+v", in.Silenced)
	}
	wantFindings(t, p, exchange("GET /o/7/x 200", `{"buyer":{"email":"ada.l@lovelace.org"}}`), "pii-email /buyer/email info unpoliced/policy")
	wantFindings(t, p, exchange("GET /o/7 200", `{"email":"ada.l@lovelace.org"}`), "pii-email /email info unpoliced/policy")
	later := asOf.AddDate(0, 0, 1)
	var got []string
	newEngine(t, p).NewClassifier().Classify(x, later, func(f *classify.Finding) { got = append(got, f.Rule.ID+" "+f.Policy.Verdict) })
	if len(got) != 1 || got[0] != "pii-email acceptance-expired" {
		t.Errorf("a day later: got %v", got)
	}
}

// TestSteady checks that a response which holds what it may costs no allocation beyond those
// of detection.
func TestSteady(t *testing.T) {
	p := mustPolicy(t, Config{
		Policy:   mustFile(t, "routes:\n  - {match: 'GET /p/{id}', allow: [id, /list/*/name], scopes: {s: [role]}}\n"),
		Contract: []*Contract{mustContract(t, shop("3.0.3"))},
	})
	c, alone := newEngine(t, p).NewClassifier(), newEngine(t, nil).NewClassifier()
	for _, x := range []*classify.Exchange{
		exchange("GET /p/7 200", `{"id":1,"list":[{"name":"a"},{"name":"b"}]}`, bearer(`{"scope":"s","exp":1780399999}`)),
		exchange("GET /v1/users/7 200", `{"id":1,"address":{"city":"Ulm"}}`),
	} {
		report := func(f *classify.Finding) { t.Errorf("got %s", f.Rule.ID) }
		c.Classify(x, asOf, report)
		want := testing.AllocsPerRun(50, func() { alone.Classify(x, asOf, func(*classify.Finding) {}) })
		if n := testing.AllocsPerRun(50, func() { c.Classify(x, asOf, report) }); n > want {
			t.Errorf("%s: got %v allocations, want %v", x.Target, n, want)
		}
	}
}

// TestDeep checks deep and wide bodies: pointers are those of findings, cut as theirs are, and
// what is not judged is counted.
func TestDeep(t *testing.T) {
	p := mustPolicy(t, Config{Policy: mustFile(t, "routes: [{match: GET /x, allow: [id]}]")})
	wantFindings(t, p, exchange("GET /x 200", `{"a":{"b":[{"c":1,"id":2},{"c":1,"d":[[3]]}],"e":4},"f":5}`),
		"undeclared-field /a/b/*/c low undeclared/policy x2", "undeclared-field /a/b/*/d/*/* low undeclared/policy",
		"undeclared-field /a/e low undeclared/policy", "undeclared-field /f low undeclared/policy")
	wantFindings(t, p, exchange("GET /x 200", `[[[1,2],[3]],4]`), "undeclared-field /*/*/* low undeclared/policy x3", "undeclared-field /* low undeclared/policy")
	long := strings.Repeat(`{"member_of_it":`, 100)
	got, _ := judged(t, p, exchange("GET /x 200", long+`[1,2,3]`+strings.Repeat("}", 100)))
	if len(got) != 1 || !strings.HasSuffix(got[0], "/member_of_it/… low undeclared/policy x3") {
		t.Errorf("got %q", got)
	}
	if _, in := judged(t, p, exchange("GET /x 200", strings.Repeat("[", 300)+"1"+strings.Repeat("]", 300))); in.Unjudged != 1 {
		t.Errorf("too deep: got %+v", in)
	}
	if _, in := judged(t, p, exchange("GET /x 200", "<html>")); in.Unjudged != 1 {
		t.Errorf("no JSON: got %+v", in)
	}
	if _, in := judged(t, p, exchange("GET /y 200", "<html>")); in.Unjudged != 0 {
		t.Errorf("another route: got %+v", in)
	}
	var wide strings.Builder
	for i := range 100 {
		fmt.Fprintf(&wide, `"%s":1,`, letters(i))
	}
	got, in := judged(t, p, exchange("GET /x 200", "{"+wide.String()+`"id":1}`))
	if len(got) != maxExcess || in.DroppedFindings != 100-maxExcess {
		t.Errorf("got %d findings, and %+v", len(got), in)
	}
}
