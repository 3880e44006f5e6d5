package policy

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// The limits of learning: a place of a path has at most that many words, a route that many
// fields, and all of them together that many. What does not fit is counted.
const (
	learnWords  = 500
	learnFields = 500
	learnRoutes = 5_000
	learnTotal  = 200_000
	learnKnown  = 20_000
	// learnMembers is the most names of an object; one with more is a map.
	learnMembers = 64
	// learnFew is the number of words from which on they may be the values of a parameter.
	learnFew = 20
)

// Learner turns responses into a baseline. It is for one goroutine at a time.
type Learner struct {
	root     place
	routes   int
	fields   int
	known    map[Known]int
	order    []Known
	pointer  []byte
	steps    []learnStep
	response int
	// Responses counts those that were learned from, Overflow fields, routes and findings for
	// which there was no room.
	Responses, Overflow int
}

// learned is what was seen of one route.
type learned struct {
	responses, json, overflow int
	fields                    map[string]*learnedField
	// seen holds the pointers of fields and of what they are in, members how many of them are
	// in each; maps are those that have too many to be names of fields.
	seen    map[string]bool
	members map[string]int
	maps    []string
}

// learnedField counts the responses that hold a field; last is the one that was counted last.
type learnedField struct{ count, last int }

// NewLearner returns a learner that knows nothing.
func NewLearner() *Learner { return &Learner{known: map[Known]int{}} }

// Observe learns from a 2xx response.
func (l *Learner) Observe(x *classify.Exchange) {
	if x.Status < 200 || x.Status > 299 || len(x.Target) == 0 || !isMethod(string(x.Method)) {
		return
	}
	p := l.place(classify.RouteOf(x.Target))
	if p == nil {
		l.Overflow++
		return
	}
	r := p.routes[string(x.Method)]
	if r == nil {
		if l.routes >= learnRoutes {
			l.Overflow++
			return
		}
		l.routes++
		if p.routes == nil {
			p.routes = map[string]*learned{}
		}
		r = &learned{fields: map[string]*learnedField{}, seen: map[string]bool{}, members: map[string]int{}}
		p.routes[string(x.Method)] = r
	}
	r.responses++
	l.Responses++
	l.response++
	if body := x.Response.Text(); startsAsJSON(body) {
		r.json++
		l.walk(r, body)
	}
}

// place returns the place of a template, nil if there is no room.
func (l *Learner) place(route string) *place {
	at := &l.root
	n := 0
	for part := range strings.SplitSeq(strings.Trim(route, "/"), "/") {
		if n++; n > maxTemplate {
			return nil
		}
		if part == "" {
			continue
		}
		at.seen++
		at = at.next(part)
		if at == nil {
			return nil
		}
	}
	at.seen++
	return at
}

// learnStep is an object or list on the way to a value, and how long the pointer is that
// leads to it.
type learnStep struct {
	list bool
	size int
}

// walk notes the pointers of the values in a body.
func (l *Learner) walk(r *learned, body []byte) {
	l.pointer, l.steps = l.pointer[:0], append(l.steps[:0], learnStep{})
	s := jsonscan.New(body)
	for t := s.Next(); t.Kind != jsonscan.End; t = s.Next() {
		top := &l.steps[len(l.steps)-1]
		switch t.Kind {
		case jsonscan.Key:
			name := body[t.Start:t.End]
			if t.Escaped {
				name = jsonscan.AppendUnescaped(nil, name)
			}
			l.pointer = classify.AppendName(l.pointer[:top.size], name)
		case jsonscan.BeginObject, jsonscan.BeginArray:
			if len(l.steps) > maxWalk {
				return
			}
			list := t.Kind == jsonscan.BeginArray
			if list {
				l.pointer = append(l.pointer, "/*"...)
			}
			l.steps = append(l.steps, learnStep{list, len(l.pointer)})
		case jsonscan.EndObject, jsonscan.EndArray:
			l.leave()
		case jsonscan.String, jsonscan.Number, jsonscan.True, jsonscan.False:
			l.note(r)
		}
	}
}

// leave goes back to where an object or list stands.
func (l *Learner) leave() {
	if len(l.steps) > 1 {
		l.steps = l.steps[:len(l.steps)-1]
	}
	if top := l.steps[len(l.steps)-1]; len(l.pointer) > top.size {
		l.pointer = l.pointer[:top.size]
	}
}

func (l *Learner) note(r *learned) {
	if len(l.pointer) == 0 {
		return
	}
	f := r.fields[string(l.pointer)]
	if f == nil {
		if f = l.newField(r, r.inMaps(string(l.pointer))); f == nil {
			return
		}
	}
	if f.last != l.response {
		f.last = l.response
		f.count++
	}
}

// newField returns the field of a pointer that was not seen yet, or only with other names
// in the place of a *; nil if there is no room.
func (l *Learner) newField(r *learned, pointer string) *learnedField {
	if f := r.fields[pointer]; f != nil {
		return f
	}
	if len(r.fields) >= learnFields || l.fields >= learnTotal || len(pointer) > maxText {
		r.overflow++
		l.Overflow++
		return nil
	}
	l.fields++
	f := &learnedField{}
	r.fields[pointer] = f
	for at := pointer; at != "" && !r.seen[at]; {
		r.seen[at] = true
		parent := at[:strings.LastIndexByte(at, '/')]
		if r.members[parent]++; r.members[parent] == learnMembers+1 {
			l.fields -= r.makeMap(parent)
			return r.fields[r.inMaps(pointer)]
		}
		at = parent
	}
	return f
}

// inMaps writes * for the names in maps.
func (r *learned) inMaps(pointer string) string {
	for _, m := range r.maps {
		rest, inside := strings.CutPrefix(pointer, m+"/")
		if !inside {
			continue
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			pointer = m + "/*" + rest[i:]
		} else {
			pointer = m + "/*"
		}
	}
	return pointer
}

// makeMap takes the names at a pointer for values: {"sku-a": …, "sku-b": …}. It returns how
// many fields became one with others.
func (r *learned) makeMap(at string) int {
	r.maps = append(r.maps, at)
	before := len(r.fields)
	for _, pointer := range slices.Collect(maps.Keys(r.fields)) {
		if to := r.inMaps(pointer); to != pointer {
			f := r.fields[pointer]
			delete(r.fields, pointer)
			if have := r.fields[to]; have != nil {
				have.count, have.last = max(have.count, f.count), max(have.last, f.last)
			} else {
				r.fields[to] = f
			}
		}
	}
	return before - len(r.fields)
}

// Found notes a finding, which is known from now on.
func (l *Learner) Found(f *classify.Finding) {
	k := KnownOf(f, []byte(f.HTTP.Method), f.HTTP.Route)
	if l.known[k] == 0 {
		if len(l.known) >= learnKnown {
			l.Overflow++
			return
		}
		l.order = append(l.order, k)
	}
	l.known[k]++
}

// template returns what the template of a path came to be.
func (l *Learner) template(route string) string {
	at := &l.root
	var b strings.Builder
	for part := range strings.SplitSeq(strings.Trim(route, "/"), "/") {
		if part == "" {
			continue
		}
		next := at.words[part]
		if next == nil {
			if next, part = at.param, "{id}"; next == nil {
				return route
			}
		}
		at = next
		b.WriteString("/" + part)
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// knownFindings returns the findings with the templates that their routes came to have.
func (l *Learner) knownFindings() []Known {
	var list []Known
	for _, k := range l.order {
		if method, route, ok := strings.Cut(k.Route, " "); ok {
			k.Route = method + " " + l.template(route)
		}
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b Known) int {
		return strings.Compare(a.Route+"\x00"+a.Rule+"\x00"+a.Where+a.Pointer, b.Route+"\x00"+b.Rule+"\x00"+b.Where+b.Pointer)
	})
	return slices.Compact(list)
}

// Baseline writes what was learned as a policy file with the share of responses that hold
// each field.
func (l *Learner) Baseline() []byte {
	l.root.settle()
	l.routes = l.root.count()
	w := &baselineWriter{}
	w.line("# yaml-language-server: $schema=%s", schemaAddress)
	w.line("# Learned by leaktap from %s on %s. Read it before it is a policy: what",
		plural(l.Responses, "response"), plural(l.routes, "route"))
	w.line("# a route returned is not what it may return. The share is that of responses with the field.")
	if l.Overflow > 0 {
		w.line("# Not learned for want of room: %d.", l.Overflow)
	}
	w.b.WriteString("routes:")
	if l.routes == 0 {
		w.b.WriteString(" []")
	}
	w.b.WriteByte('\n')
	w.place(&l.root, "")
	if known := l.knownFindings(); len(known) > 0 {
		w.line("# Findings that were there already: 'leaktap policy check' is silent on them.")
		w.line("known:")
		for _, k := range known {
			w.line("  - { rule: %s, where: %s%s%s }", quote(k.Rule), quote(k.Where), optional("route", k.Route), optional("pointer", k.Pointer))
		}
	}
	return bytes.Clone(w.b.Bytes())
}
