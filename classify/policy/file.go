package policy

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
)

//go:embed policy.schema.json
var schemaText string

// Schema returns the JSON Schema of policy files, draft 2020-12.
func Schema() string { return schemaText }

// schemaAddress is where editors get it from.
const schemaAddress = "https://raw.githubusercontent.com/leaktap/leaktap/main/docs/schema/policy.json"

// File is a policy file, or a learned baseline, as it was written.
type File struct {
	// ScopeHeader names a request header that holds the caller's scopes, beside the claims of
	// the token.
	ScopeHeader string
	Routes      []Route
	Accept      []Acceptance
	// Known are findings that a baseline holds.
	Known []Known
}

// Route is what one route may return.
type Route struct {
	// Method is empty for any; Path is a template such as /api/users/{id}.
	Method, Path string
	// Host and Service narrow the route down; a host may start with "*.".
	Host, Service string
	// Allow, Deny and the entries of scopes are names of fields, JSON pointers with * for
	// the items of lists and for any name, or categories.
	Allow, Deny []string
	// Fields says that there is an allow list, which may be empty.
	Fields bool
	Scopes []Scope
	// MaxItems is the most items of the longest list, 0 for any number.
	MaxItems int

	at *node
}

// Scope is what a route returns beyond to callers with a scope.
type Scope struct {
	Name  string
	Allow []string
}

// Acceptance takes findings for granted.
type Acceptance struct {
	Rule string
	// Method and Path are those of the route; both empty for findings in any.
	Method, Path string
	Pointer      string
	Reason       string
	// Until is the first moment at which it no longer holds; zero for never.
	Until time.Time

	at *node
}

// Known is a finding that a baseline holds: by rule, route template with its method, part
// and pointer.
type Known struct{ Rule, Route, Where, Pointer string }

// keys are those of a policy file, by where they stand.
var keys = map[string][]string{
	"":       {"scope_header", "routes", "accept", "known"},
	"routes": {"match", "host", "service", "allow", "deny", "scopes", "max_items"},
	"accept": {"rule", "route", "pointer", "reason", "until"},
	"known":  {"rule", "route", "where", "pointer"},
}

// The limits of a policy file.
const (
	maxRoutes  = 20_000
	maxEntries = 2_000 // of one list
	maxScopes  = 60    // of one route: each is a bit
	maxText    = 1_000
)

// ParseFile reads a policy file or a baseline, YAML or JSON, strictly: errors are [Problem]s
// with line and column. asOf is the present time, by which acceptances are over; what is odd
// and no error comes as notes.
func ParseFile(doc []byte, asOf time.Time) (f *File, notes []*Problem, err error) {
	root, err := parse(doc)
	if err != nil {
		return nil, nil, err
	}
	r := &fileReader{asOf: asOf, file: &File{}}
	r.root(root)
	if r.failed != nil {
		return nil, r.notes, r.failed
	}
	r.contradictions()
	if r.failed != nil {
		return nil, r.notes, r.failed
	}
	return r.file, r.notes, nil
}

// fileReader reads a policy file; failed is the first problem.
type fileReader struct {
	asOf   time.Time
	file   *File
	notes  []*Problem
	failed *Problem
}

func (r *fileReader) fail(n *node, key, format string, args ...any) {
	if r.failed == nil {
		r.failed = problemAt(n, key, format, args...)
	}
}

func (r *fileReader) note(n *node, key, format string, args ...any) {
	r.notes = append(r.notes, problemAt(n, key, format, args...))
}

// mapping checks that a node is a mapping of known keys.
func (r *fileReader) mapping(n *node, key string, known []string) bool {
	if n.kind != mapping {
		r.fail(n, key, "want a mapping, not %s", n.kind)
		return false
	}
	for _, m := range n.members {
		if !slices.Contains(known, m.key) {
			if r.failed == nil {
				r.failed = &Problem{
					Line: m.line, Column: m.column, Key: key, Text: "unknown key " + strconv.Quote(m.key), Unknown: m.key, Known: known,
				}
			}
			return false
		}
	}
	return true
}

func (r *fileReader) root(n *node) {
	if n.kind == null {
		r.fail(n, "", "the document is empty: want routes or accept")
		return
	}
	if !r.mapping(n, "", keys[""]) {
		return
	}
	if v := n.get("scope_header"); v != nil {
		r.file.ScopeHeader = strings.ToLower(r.text(v, "scope_header"))
		if strings.ContainsAny(r.file.ScopeHeader, " :\t") {
			r.fail(v, "scope_header", "want the name of a header")
		}
	}
	r.each(n.get("routes"), "routes", maxRoutes, r.route)
	r.each(n.get("accept"), "accept", maxRoutes, r.acceptance)
	r.each(n.get("known"), "known", maxRoutes, r.known)
	if len(r.file.Routes)+len(r.file.Accept)+len(r.file.Known) == 0 {
		r.fail(n, "", "there are neither routes nor acceptances")
	}
}

// each calls f for the items of a list, which may be absent.
func (r *fileReader) each(n *node, key string, most int, f func(n *node, key string)) {
	switch {
	case n == nil:
		return
	case n.kind != list:
		r.fail(n, key, "want a list, not %s", n.kind)
		return
	case len(n.items) > most:
		r.fail(n, key, "has %d entries, more than %d", len(n.items), most)
		return
	}
	for i, item := range n.items {
		f(item, key+"["+strconv.Itoa(i)+"]")
	}
}

// text returns the text of a scalar.
func (r *fileReader) text(n *node, key string) string {
	switch {
	case n.kind != text:
		r.fail(n, key, "want text, not %s", n.kind)
	case n.text == "":
		r.fail(n, key, "is empty")
	case len(n.text) > maxText:
		r.fail(n, key, "is longer than %d bytes", maxText)
	default:
		return n.text
	}
	return ""
}

// member returns the text of a member, which has to be there if needed is set.
func (r *fileReader) member(n *node, key, name string, needed bool) string {
	v := n.get(name)
	if v == nil {
		if needed {
			r.fail(n, key, "%s is needed", name)
		}
		return ""
	}
	return r.text(v, key+"."+name)
}

func (r *fileReader) route(n *node, key string) {
	if !r.mapping(n, key, keys["routes"]) {
		return
	}
	route := Route{Host: strings.ToLower(r.member(n, key, "host", false)), Service: strings.ToLower(r.member(n, key, "service", false)), at: n}
	if v := n.get("match"); v != nil {
		route.at = v
	}
	route.Method, route.Path = r.match(route.at, key+".match", r.member(n, key, "match", true))
	if v := n.get("allow"); v != nil {
		route.Allow, route.Fields = r.entries(v, key+".allow"), true
	}
	if v := n.get("deny"); v != nil {
		route.Deny = r.entries(v, key+".deny")
	}
	if v := n.get("scopes"); v != nil {
		route.Scopes = r.scopes(v, key+".scopes")
	}
	if v := n.get("max_items"); v != nil {
		items, err := strconv.Atoi(v.text)
		if v.kind != number || err != nil || items < 1 {
			r.fail(v, key+".max_items", "want a number from 1 on")
		}
		route.MaxItems = items
	}
	r.file.Routes = append(r.file.Routes, route)
}

// match reads "GET /path" or "/path".
func (r *fileReader) match(n *node, key, value string) (method, path string) {
	path = value
	if word, rest, found := strings.Cut(value, " "); found {
		method, path = word, strings.TrimSpace(rest)
		if !isMethod(method) {
			r.fail(n, key, "%q is no method: want GET /path, or /path for any", method)
		}
	}
	if path == "" || path[0] != '/' {
		r.fail(n, key, "want METHOD /path or /path")
	} else if err := checkTemplate(path); err != "" {
		r.fail(n, key, "%s", err)
	}
	return method, path
}

func isMethod(s string) bool {
	for _, c := range s {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return s != ""
}

// entries reads a list of names, pointers and categories.
func (r *fileReader) entries(n *node, key string) []string {
	list := []string{}
	r.each(n, key, maxEntries, func(n *node, key string) {
		entry := r.text(n, key)
		if strings.HasPrefix(entry, "#") {
			r.fail(n, key, "want a name, a pointer that starts with /, or a category")
		}
		if slices.Contains(list, entry) {
			r.note(n, key, "%q is there already", entry)
		}
		list = append(list, entry)
	})
	return list
}

func (r *fileReader) scopes(n *node, key string) (scopes []Scope) {
	if n.kind != mapping || len(n.members) > maxScopes {
		r.fail(n, key, "want a mapping of at most %d scopes to lists of fields", maxScopes)
		return nil
	}
	for _, m := range n.members {
		if m.key == "" || strings.ContainsAny(m.key, " \t") {
			r.fail(m.value, key, "%q is no scope: scopes have no spaces", m.key)
		}
		scopes = append(scopes, Scope{m.key, r.entries(m.value, key+"."+m.key)})
	}
	return scopes
}

func (r *fileReader) acceptance(n *node, key string) {
	if !r.mapping(n, key, keys["accept"]) {
		return
	}
	a := Acceptance{Rule: r.member(n, key, "rule", true), Pointer: r.member(n, key, "pointer", false), Reason: r.member(n, key, "reason", true), at: n}
	if route := r.member(n, key, "route", true); route != "*" && r.failed == nil {
		a.Method, a.Path = r.match(n.get("route"), key+".route", route)
	}
	if a.Pointer != "" && a.Pointer[0] != '/' {
		r.fail(n.get("pointer"), key+".pointer", "want a pointer that starts with /")
	}
	if v := n.get("until"); v != nil {
		day, err := time.Parse(time.DateOnly, v.text)
		if err != nil {
			r.fail(v, key+".until", "want a day such as 2027-03-01")
		}
		a.Until = day.AddDate(0, 0, 1) // that day included
		if r.asOf.After(a.Until) && err == nil {
			r.note(v, key+".until", "the acceptance of %s ended on %s: its findings are back", a.Rule, v.text)
		}
	}
	r.file.Accept = append(r.file.Accept, a)
}

func (r *fileReader) known(n *node, key string) {
	if !r.mapping(n, key, keys["known"]) {
		return
	}
	k := Known{Rule: r.member(n, key, "rule", true), Where: r.member(n, key, "where", true), Route: r.member(n, key, "route", false)}
	if n.get("pointer") != nil {
		k.Pointer = r.member(n, key, "pointer", false)
	}
	r.file.Known = append(r.file.Known, k)
}

// contradictions finds what cannot be meant.
func (r *fileReader) contradictions() {
	seen := map[string]*node{}
	for i := range r.file.Routes {
		route, key := &r.file.Routes[i], "routes["+strconv.Itoa(i)+"]"
		name := strings.Join([]string{route.Method, shapeOf(route.Path), route.Host, route.Service}, " ")
		if first := seen[name]; first != nil {
			r.fail(route.at, key+".match", "the same route stands in line %d already", first.line)
		}
		seen[name] = route.at
		for _, denied := range route.Deny {
			if slices.Contains(route.Allow, denied) {
				r.fail(route.at, key+".deny", "%q is allowed and denied", denied)
			}
			for _, s := range route.Scopes {
				if slices.Contains(s.Allow, denied) {
					r.note(route.at, key+".scopes."+s.Name, "%q is denied to everybody, so that the scope does not give it", denied)
				}
			}
		}
		if len(route.Scopes) > 0 && !route.Fields {
			r.note(route.at, key+".scopes", "without allow every field is allowed, so that the scopes give nothing")
		}
	}
	for i := range r.file.Accept {
		a := &r.file.Accept[i]
		for _, b := range r.file.Accept[:i] {
			if a.Rule == b.Rule && a.Method == b.Method && a.Path == b.Path && a.Pointer == b.Pointer {
				r.fail(a.at, "accept["+strconv.Itoa(i)+"]", "the same acceptance stands in line %d already", b.at.line)
			}
		}
	}
}

// categories are the words that stand for categories in lists of fields.
var categories = []classify.Category{
	classify.CategoryToken, classify.CategoryCredential, classify.CategoryPersonal, classify.CategoryFinancial, classify.CategoryInternal,
	classify.CategoryDebug, classify.CategoryExcess, classify.CategoryAccess, classify.CategoryTransport,
}
