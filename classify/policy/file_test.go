package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leaktap/leaktap/classify"
)

// policySchema compiles the schema.
func policySchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// policyFiles are good and bad files: want is the problem, "" for none. loose files break a
// rule that a schema cannot hold: two entries that contradict each other, a day that is none.
var policyFiles = []struct {
	text, want string
	loose      bool
}{
	{"routes: [{match: GET /x}]", "", false},
	{"routes: [{match: /x/{id}}]", `1:24: the document`, false},
	{"routes: [{match: '/x/{id}', host: '*.example', service: s, allow: [id, /a/*/b, personal], deny: [x], scopes: {a: [y]}, max_items: 5}]", "", false},
	{`{"routes":[{"match":"GET /x","allow":["a"]}],"scope_header":"X-Scopes"}`, "", false},
	{"accept: [{rule: r, route: '*', reason: why, until: 2027-03-01}]", "", false},
	{"accept: [{rule: r, route: GET /x, pointer: /a/*/b, reason: why}]", "", false},
	{"known: [{rule: r, where: record}]", "", false},
	{"routes: &r [{match: GET /x}]\nknown: [{rule: r, where: record, route: GET /x, pointer: /y}]", "", false},
	{"", "1:1: the document is empty: want routes or accept", false},
	{"{}", "1:1: there are neither routes nor acceptances", false},
	{"routes: []", "1:1: there are neither routes nor acceptances", false},
	{"[]", "1:1: want a mapping, not a list", false},
	{"text", "1:1: want a mapping, not text", false},
	{"routes: {}", "1:9: routes: want a list, not a mapping", false},
	{"routs: [{match: GET /x}]", `1:1: unknown key "routs"`, false},
	{"routes: [{alow: [x], match: GET /x}]", `1:11: routes[0]: unknown key "alow"`, false},
	{"routes: [{allow: [x]}]", "1:10: routes[0]: match is needed", false},
	{"routes: [text]", "1:10: routes[0]: want a mapping, not text", false},
	{"routes: [{match: x}]", "1:18: routes[0].match: want METHOD /path or /path", false},
	{"routes: [{match: get /x}]", `1:18: routes[0].match: "get" is no method`, false},
	{"routes: [{match: GET /x?a=b}]", "1:18: routes[0].match: a template has no query, fragment or space", false},
	{"routes: [{match: 5}]", "1:18: routes[0].match: want text, not a number", false},
	{"routes: [{match: GET /x, allow: id}]", "1:33: routes[0].allow: want a list, not text", false},
	{"routes: [{match: GET /x, allow: [5]}]", "1:34: routes[0].allow[0]: want text, not a number", false},
	{"routes: [{match: GET /x, allow: ['']}]", "1:34: routes[0].allow[0]: is empty", false},
	{"routes: [{match: GET /x, allow: ['#a']}]", "1:34: routes[0].allow[0]: want a name", false},
	{"routes: [{match: GET /x, scopes: [a]}]", "1:34: routes[0].scopes: want a mapping", false},
	{"routes: [{match: GET /x, scopes: {'a b': [c]}}]", `"a b" is no scope`, false},
	{"routes: [{match: GET /x, max_items: 0}]", "1:37: routes[0].max_items: want a number from 1 on", false},
	{"routes: [{match: GET /x, max_items: many}]", "1:37: routes[0].max_items: want a number from 1 on", false},
	{"routes: [{match: GET /x, max_items: 1.5}]", "1:37: routes[0].max_items: want a number from 1 on", false},
	{"scope_header: 'X Y'\nroutes: [{match: GET /x}]", "1:15: scope_header: want the name of a header", false},
	{"accept: [{rule: r, route: '*'}]", "1:10: accept[0]: reason is needed", false},
	{"accept: [{rule: r, reason: x}]", "1:10: accept[0]: route is needed", false},
	{"accept: [{route: '*', reason: x}]", "1:10: accept[0]: rule is needed", false},
	{"accept: [{rule: r, route: x, reason: x}]", "1:27: accept[0].route: want METHOD /path or /path", false},
	{"accept: [{rule: r, route: '*', reason: x, pointer: a}]", "1:52: accept[0].pointer: want a pointer that starts with /", false},
	{"accept: [{rule: r, route: '*', reason: x, until: soon}]", "1:50: accept[0].until: want a day such as 2027-03-01", false},
	{"accept: [{rule: r, route: '*', reason: x, until: 2027-13-01}]", "want a day", true},
	{"known: [{rule: r}]", "1:9: known[0]: where is needed", false},
	{"routes: [{match: 'GET /x/{id}'}, {match: 'GET /x/{name}'}]", "1:42: routes[1].match: the same route stands in line 1 already", true},
	{"routes: [{match: GET /x, allow: [a], deny: [a]}]", `1:18: routes[0].deny: "a" is allowed and denied`, true},
	{"accept: [{rule: r, route: '*', reason: x}, {rule: r, route: '*', reason: y}]", "accept[1]: the same acceptance stands in line 1 already", true},
	{"routes: [{match: 'GET /x/{id'}]", "a brace in the template is not closed", true},
	{"routes: [{match: 'GET /**/x'}]", "** stands for the rest", true},
}

// TestFile checks each file, and that the schema says the same of it.
func TestFile(t *testing.T) {
	schema := policySchema(t)
	for _, tt := range policyFiles {
		_, _, err := ParseFile([]byte(tt.text), asOf)
		if strings.HasPrefix(tt.want, "1:24: the document") { // braces in a flow mapping are none of a template
			if err == nil {
				t.Errorf("%s was read", tt.text)
			}
			continue
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.text, err, tt.want)
		}
		var doc any
		if err := yaml.Unmarshal([]byte(tt.text), &doc); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != (tt.want == "" || tt.loose) {
			t.Errorf("%s: the schema says %v, the parser %q", tt.text, err, tt.want)
		}
	}
}

// TestNotes checks what is odd and no error.
func TestNotes(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"accept: [{rule: r, route: '*', reason: x, until: 2026-05-31}]", "1:50: accept[0].until: the acceptance of r ended on 2026-05-31: its findings are back"},
		{"accept: [{rule: r, route: '*', reason: x, until: 2026-06-01}]", ""},
		{"routes: [{match: GET /x, allow: [a, a]}]", `1:37: routes[0].allow[1]: "a" is there already`},
		{"routes: [{match: GET /x, scopes: {s: [a]}}]", "without allow every field is allowed"},
		{"routes: [{match: GET /x, allow: [], deny: [a], scopes: {s: [a]}}]", `"a" is denied to everybody`},
	} {
		_, notes, err := ParseFile([]byte(tt.text), asOf)
		var got []string
		for _, n := range notes {
			got = append(got, n.Error())
		}
		if err != nil || !strings.Contains(strings.Join(got, "\n"), tt.want) || tt.want == "" && len(got) > 0 {
			t.Errorf("%s: got %q, %v, want %q", tt.text, got, err, tt.want)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, tt := range policyFiles {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte("a: &a [*a]\nroutes: *a"))
	f.Add([]byte("routes: [{match: GET /x, allow: [/a/*, /*/b, /*/*/c]}]"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		file, _, err := ParseFile(doc, asOf)
		if err != nil {
			if p, ok := errors.AsType[*Problem](err); !ok || p.Line < 1 || p.Column < 1 {
				t.Errorf("got the error %#v", err)
			}
			return
		}
		if _, err := New(Config{Policy: file, Baseline: file}); err != nil && len(doc) < 2_000 {
			t.Errorf("a short file cannot be compiled: %v", err)
		}
		if d := Diff(file, file); len(d) > 0 {
			t.Errorf("a file differs from itself: %v", d)
		}
	})
}

func FuzzContract(f *testing.F) {
	f.Add([]byte(shop("3.0.3")))
	f.Add([]byte(shop("3.1.0")))
	f.Add(largeContract(3))
	f.Add([]byte(`{"openapi":"3.1.0","paths":{"/x":{"get":{"responses":{"200":{"content":{"a/b":{"schema":{"$ref":"#/x"}}}}}}}},"x":{"allOf":[{"$ref":"#/x"}],"properties":{"y":{"$ref":"#/x"}}}}`))
	x := exchange("GET /v1/users/7 200", `{"a":{"b":[{"c":1}]},"password":"x"}`)
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := ParseContract(doc)
		if err != nil {
			if p, ok := errors.AsType[*Problem](err); !ok || p.Line < 1 || p.Column < 1 {
				t.Errorf("got the error %#v", err)
			}
			return
		}
		p := mustPolicy(t, Config{Contract: []*Contract{c}})
		p.NewJudge().Begin(x)
	})
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"/a/{id}", "/a/{n}.json", "/**", "/:id/x", "/*/y", "//", "/a{b}c"} {
		f.Add(s, "/a/b.json")
	}
	f.Fuzz(func(t *testing.T, template, path string) {
		if checkTemplate(template) != "" {
			return
		}
		var r router
		r.add(template, &route{template: template})
		found := r.root.find([]byte(path), maxTemplate, nil)
		clean := cleanTemplate(template)
		if cleanTemplate(clean) != clean && !strings.ContainsAny(template, "*:") {
			t.Errorf("%q becomes %q and then %q", template, clean, cleanTemplate(clean))
		}
		var again router
		again.add(clean, &route{})
		if (found == nil) != (again.root.find([]byte(path), maxTemplate, nil) == nil) {
			t.Errorf("%q and %q do not agree on %q", template, clean, path)
		}
	})
}

func FuzzJudge(f *testing.F) {
	p, err := New(Config{Policy: &File{Routes: []Route{{Path: "/x", Allow: []string{"id", "/a/*/b"}, Fields: true, MaxItems: 2}}}})
	if err != nil {
		f.Fatal(err)
	}
	c := newEngine(f, p).NewClassifier()
	for _, s := range []string{`{"id":1}`, `[[[1]]]`, `{"a":[{"b":1,"c":2}]}`, `}}]]{"\u0061":1}`, `{"a":{"b"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		x := exchange("GET /x 200", string(body))
		c.Classify(x, asOf, func(*classify.Finding) {})
		l := NewLearner()
		l.Observe(x)
		if _, _, err := ParseFile(l.Baseline(), asOf); err != nil {
			t.Errorf("%v, in\n%s", err, l.Baseline())
		}
	})
}
