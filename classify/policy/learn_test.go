package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

func TestLearn(t *testing.T) {
	l := NewLearner()
	for i := range 40 {
		body := fmt.Sprintf(`{"id":%d,"email":"ada%d@lovelace.org","tags":["a"],"by":{"3f2504e0-4f89-11d3-9a0c-0305e82c3301":{"n":1}}}`, i, i)
		if i%4 == 0 {
			body = `{"id":1,"list":[{"x":1},{"y":2},{"x":3}],"none":null}`
		}
		l.Observe(exchange(fmt.Sprintf("GET /api/users/%d?page=2 200", i), body))
	}
	l.Observe(exchange("GET /api/users/me 200", `{"id":1}`))
	l.Observe(exchange("POST /api/users 201", `[]`))
	l.Observe(exchange("GET /api/page 200", `<html>`))
	l.Observe(exchange("GET /api/broken 500", `{"trace":1}`))
	got := string(l.Baseline())
	want := `# yaml-language-server: $schema=https://raw.githubusercontent.com/leaktap/leaktap/main/docs/schema/policy.json
# Learned by leaktap from 43 responses on 4 routes. Read it before it is a policy: what
# a route returned is not what it may return. The share is that of responses with the field.
routes:
  - match: GET /api/page # 1 response
    # no JSON: fields are not judged
  - match: POST /api/users # 1 response
    allow: []
  - match: GET /api/users/me # 1 response
    allow:
      - /id # 100 %
  - match: "GET /api/users/{id}" # 40 responses
    allow:
      - /by/*/n # 75 %
      - /email # 75 %
      - /id # 100 %
      - /list/*/x # 25 %
      - /list/*/y # 25 %
      - /tags/* # 75 %
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p := mustPolicy(t, Config{Baseline: mustFile(t, got)})
	wantFindings(t, p, exchange("GET /api/users/77 200", `{"id":1,"list":[{"x":1}],"by":{"c9a646d3-9c61-4cb7-bfcd-ee2522c8f633":{"n":2}}}`))
	wantFindings(t, p, exchange("GET /api/users/77 200", `{"id":1,"shoe_size":44,"total":3}`),
		"new-field /shoe_size low undeclared/baseline", "new-field /total info undeclared/baseline")
	wantFindings(t, p, exchange("GET /api/users/77 200", `{"email":"ada.l@lovelace.org"}`), "pii-email /email info unpoliced/baseline")
	wantFindings(t, p, exchange("GET /api/users/me 200", `{"email":"ada.l@lovelace.org"}`), "pii-email /email low undeclared/baseline")
	wantFindings(t, p, exchange("GET /api/page 200", `{"x":1}`))
}

// TestLearnSlugs checks that titles in paths become one route, and that words stay words.
func TestLearnSlugs(t *testing.T) {
	l := NewLearner()
	words := strings.Fields("alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey")
	for _, a := range words {
		for range 30 {
			l.Observe(exchange("GET /posts/drafts 200", `{"drafts":1}`))
		}
		l.Observe(exchange("GET /posts/"+a+"/comments 200", `{"text":"x"}`))
		l.Observe(exchange("GET /posts/"+a+" 200", `{"title":"x"}`))
		l.Observe(exchange("GET /news/how-to-cook-an-"+a+" 200", `{"title":"x"}`))
		l.Observe(exchange("GET /days/2026-01-02 200", `{"title":"x"}`))
		for range 50 {
			l.Observe(exchange("GET /"+a+" 200", `{"resource":1}`))
		}
	}
	f := mustFile(t, string(l.Baseline()))
	got := map[string]bool{}
	for i := range f.Routes {
		got[routeName(&f.Routes[i])] = true
	}
	for _, want := range []string{"GET /posts/drafts", "GET /news/{id}", "GET /days/{id}", "GET /alpha", "GET /whiskey"} {
		if !got[want] {
			t.Errorf("there is no %s in %v", want, got)
		}
	}
	if len(got) > len(words)+12 {
		t.Errorf("got %d routes: %v", len(got), got)
	}
}

// TestLearnMaps checks that an object of many names is taken for a map.
func TestLearnMaps(t *testing.T) {
	l := NewLearner()
	for i := range 3 * learnMembers {
		l.Observe(exchange("GET /stock 200", fmt.Sprintf(`{"total":1,"of":{"%s":{"left":1,"sold":2}}}`, letters(i))))
	}
	f := mustFile(t, string(l.Baseline()))
	if got := strings.Join(f.Routes[0].Allow, " "); got != "/of/*/left /of/*/sold /total" {
		t.Errorf("got %s", got)
	}
	if l.fields != 3 || l.Overflow > 0 {
		t.Errorf("got %d fields, %d past the limit", l.fields, l.Overflow)
	}
}

// TestLearnBounds checks that memory has limits, and that what does not fit is counted.
func TestLearnBounds(t *testing.T) {
	l := NewLearner()
	var body strings.Builder
	body.WriteByte('{')
	for i := range 2 * learnFields {
		fmt.Fprintf(&body, `"%s":{"%s":1},`, letters(i/40), letters(i))
	}
	body.WriteString(`"z":1}`)
	l.Observe(exchange("GET /wide 200", body.String()))
	if l.fields > learnFields || l.Overflow == 0 {
		t.Errorf("got %d fields and %d past the limit", l.fields, l.Overflow)
	}
	for i := range 3 * learnWords {
		l.Observe(exchange("GET /"+letters(i)+" 200", `{"x":1}`))
		l.Observe(exchange("GET /deep/"+letters(i)+"/"+letters(3*i)+" 200", `{"x":1}`))
	}
	if n := len(l.root.words); n > learnWords {
		t.Errorf("got %d words, more than %d", n, learnWords)
	}
	for i := range learnKnown + 10 {
		l.Found(&classify.Finding{Rule: &classify.Rule{ID: "x"}, Where: classify.InRecord, Pointer: "/" + letters(i)})
	}
	if len(l.known) != learnKnown {
		t.Errorf("got %d findings", len(l.known))
	}
	mustFile(t, string(l.Baseline()))
}

// letters writes a number in letters, so that it is no id.
func letters(n int) string {
	s := []byte("w")
	for ; n > 0; n /= 5 {
		s = append(s, []string{"ba", "de", "lo", "mi", "ru"}[n%5]...)
	}
	return string(s)
}

func TestGate(t *testing.T) {
	leak := `{"id":1,"email":"ada.l@lovelace.org","is_admin":true}`
	l := NewLearner()
	l.Observe(exchange("GET /api/users/7 200", leak))
	newEngine(t, nil).NewClassifier().Classify(exchange("GET /api/users/7 200", leak), asOf, l.Found)
	baseline := mustFile(t, string(l.Baseline()))
	if len(baseline.Known) != 2 {
		t.Fatalf("got known %v, in\n%s", baseline.Known, l.Baseline())
	}
	p := mustPolicy(t, Config{Baseline: baseline, Gate: true})
	in := wantFindings(t, p, exchange("GET /api/users/8 200", leak))
	if in.Silenced.Known != 2 {
		t.Errorf("got %+v", in.Silenced)
	}
	wantFindings(t, p, exchange("GET /api/users/8 200", `{"id":1,"is_admin":true,"phone":"+49 170 1234567"}`), "pii-phone /phone low undeclared/baseline")
	open := mustPolicy(t, Config{Baseline: baseline})
	wantFindings(t, open, exchange("GET /api/users/8 200", leak), "pii-email /email info unpoliced/baseline", "privilege-field /is_admin medium unpoliced/baseline")
}

func TestDiff(t *testing.T) {
	before := mustFile(t, "routes:\n  - {match: GET /a, allow: [x, y], max_items: 5}\n  - {match: GET /gone, allow: [q]}\n")
	after := mustFile(t, "routes:\n  - {match: GET /a, allow: [x, z], scopes: {s: [w]}}\n  - {match: GET /new, host: h, allow: [q]}\naccept:\n  - {rule: r, route: '*', reason: x}\n")
	var got []string
	for _, c := range Diff(before, after) {
		sign := "-"
		if c.Added {
			sign = "+"
		}
		got = append(got, strings.TrimSpace(sign+" "+c.Route+" "+c.Kind+" "+c.What))
	}
	want := []string{
		"+ * accept r", "- GET /a field y", "+ GET /a field z", "- GET /a max_items 5", "+ GET /a scope s w", "- GET /gone route",
		"+ GET /new host=h route", "+ GET /new host=h field q",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if d := Diff(after, after); len(d) > 0 {
		t.Errorf("got %v of equals", d)
	}
}

// TestLearnTooManyShapes checks that a baseline of fields that cannot be compiled, because
// names and values that serve as names stand side by side at each depth, allows what they
// start with, and can be read.
func TestLearnTooManyShapes(t *testing.T) {
	fields := map[string]*learnedField{}
	for i := range 20 {
		fields[strings.Repeat("/*", i)+strings.Repeat("/a", 20-i)] = &learnedField{count: 1}
	}
	w := &baselineWriter{}
	w.line("routes:")
	w.route("GET", "/deep", &learned{responses: 3, json: 3, fields: fields})
	want := `routes:
  - match: GET /deep # 3 responses
    allow:
      - /* # and all in it: there is too much under names that are values
      - /a # and all in it: there is too much under names that are values
`
	if got := w.b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	mustPolicy(t, Config{Baseline: mustFile(t, w.b.String())})
}
