package policy

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// The sources of a verdict.
const (
	byPolicy   = "policy"
	byOpenAPI  = "openapi"
	byBaseline = "baseline"
)

// Config is what a policy is made of; each part may be absent.
type Config struct {
	Policy   *File
	Contract []*Contract
	Baseline *File
	// Gate silences what the baseline holds already, so that only what is new is left.
	Gate bool
}

// Policy says what routes may return. It is immutable; see [Policy.NewJudge].
type Policy struct {
	scopeHeader string
	// sources from the strongest on; each may be nil.
	policy, baseline *router
	contracts        []*Contract
	accepted         map[string][]acceptance // by rule
	known            map[Known]bool
	gate             bool
}

// acceptance is an entry of an accept list, compiled.
type acceptance struct {
	method   string
	anywhere bool
	router   router // of its one route
	pointer  []string
	until    time.Time
}

// route is a route of any source, compiled.
type route struct {
	method, host, service string
	// template is the path as findings show it.
	template, by string
	// fields says that the fields of a response are judged, by root and names.
	fields     bool
	root       *shape
	names      table[uint64]
	categories map[classify.Category]uint64
	scopes     []string // of bits 1, 2 …
	maxItems   int
	operation  *operation // of a contract
}

// New compiles a policy.
func New(cfg Config) (*Policy, error) {
	p := &Policy{contracts: cfg.Contract, accepted: map[string][]acceptance{}, known: map[Known]bool{}, gate: cfg.Gate}
	var err error
	if f := cfg.Policy; f != nil {
		p.scopeHeader = f.ScopeHeader
		if p.policy, err = compileRoutes(f.Routes, byPolicy); err != nil {
			return nil, err
		}
		p.accept(f.Accept)
	}
	if f := cfg.Baseline; f != nil {
		if p.baseline, err = compileRoutes(f.Routes, byBaseline); err != nil {
			return nil, err
		}
		p.accept(f.Accept)
		for _, k := range f.Known {
			p.known[k] = true
		}
	}
	return p, nil
}

// NewJudge implements [classify.Policy].
func (p *Policy) NewJudge() classify.Judge {
	j := &judge{p: p}
	j.seed = maphash.MakeSeed()
	return j
}

func (p *Policy) accept(list []Acceptance) {
	for _, a := range list {
		c := acceptance{method: a.Method, anywhere: a.Path == "", until: a.Until}
		if !c.anywhere {
			c.router.add(a.Path, &route{})
		}
		if a.Pointer != "" {
			c.pointer = strings.Split(a.Pointer[1:], "/")
		}
		p.accepted[a.Rule] = append(p.accepted[a.Rule], c)
	}
}

func compileRoutes(list []Route, by string) (*router, error) {
	r := &router{}
	for i := range list {
		compiled, err := compileRoute(&list[i], by)
		if err != nil {
			return nil, fmt.Errorf("route %s %s: %w", list[i].Method, list[i].Path, err)
		}
		r.add(list[i].Path, compiled)
	}
	return r, nil
}

func compileRoute(from *Route, by string) (*route, error) {
	r := &route{
		method: from.Method, host: from.Host, service: from.Service, template: cleanTemplate(from.Path), by: by,
		fields: from.Fields || len(from.Deny) > 0, maxItems: from.MaxItems,
		categories: map[classify.Category]uint64{},
	}
	p := &pointers{names: map[string]uint64{}}
	r.enter(p, from.Allow, everybody)
	r.enter(p, from.Deny, denied)
	for i, s := range from.Scopes {
		r.scopes = append(r.scopes, s.Name)
		r.enter(p, s.Allow, everybody<<(i+1))
	}
	r.names = newTable(p.names)
	if !from.Fields { // only what is denied is judged
		if p.root == nil {
			p.root = &shape{}
		}
		p.root.self, p.root.below = everybody, everybody
	}
	if r.root = p.root; r.root == nil {
		return r, nil
	}
	return r, p.settle(r.root)
}

// enter adds the entries of a list: a category is also a name, so that a field of that
// name is meant as well.
func (r *route) enter(p *pointers, entries []string, mask uint64) {
	for _, e := range entries {
		if e[0] == '/' {
			p.add(e, mask)
			continue
		}
		p.names[e] |= mask
		for _, c := range categories {
			if string(c) == e {
				r.categories[c] |= mask
			}
		}
	}
}

// cleanTemplate writes a template as findings show it: {name} for every parameter.
func cleanTemplate(path string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(path, "/") {
		switch s := segmentOf(part); {
		case part == "":
			continue
		case s.param && part == "*":
			part = "{id}"
		case s.param && part[0] == ':':
			part = "{" + part[1:] + "}"
		}
		b.WriteByte('/')
		b.WriteString(part)
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// fits says whether a route is one for an exchange of its path.
func (r *route) fits(x *classify.Exchange) bool {
	if r.method != "" && string(x.Method) != r.method && (r.method != "GET" || string(x.Method) != "HEAD") {
		return false
	}
	return (r.service == "" || bytes.EqualFold([]byte(x.Service), []byte(r.service))) && (r.host == "" || hostMatches(x.Host, r.host))
}

// hostMatches compares a Host header, whose port does not count, with a pattern.
func hostMatches(host []byte, pattern string) bool {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 {
		host = host[:i]
	}
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return len(host) > len(rest) && strings.EqualFold(string(host[len(host)-len(rest):]), rest)
	}
	return len(host) == len(pattern) && bytes.EqualFold(host, []byte(pattern))
}
