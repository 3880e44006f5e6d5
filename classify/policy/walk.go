package policy

import (
	"bytes"
	"strings"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

const (
	// maxWalk bounds the depth of a response that is judged.
	maxWalk = 256
	// maxExcess bounds the fields of one response that are told apart.
	maxExcess = 64
)

// walker looks for the fields of a response that are not allowed. Its buffers stay from one
// response to the next.
type walker struct {
	route   *route
	allowed uint64 // the mask of the caller
	body    []byte
	steps   []step
	excess  []excess
	dropped int64
	// most is the number of items of the longest list, mostAt where it is.
	most      int
	mostAt    []byte
	name      []byte // of a member, without escapes
	pointer   []byte
	mediaType string
}

// step is an object or a list on the way to a value.
type step struct {
	shape *shape
	mask  uint64 // who may get all that is inside
	list  bool
	items int
	// next is the shape of the value that comes, and mask who may get it; start and end are
	// its name.
	next       *shape
	nextMask   uint64
	start, end int
	escaped    bool
}

// excess is a field that a response should not hold.
type excess struct {
	pointer string
	rule    string
	verdict string
	key     string
	scope   string // that gives it
	count   int
	covered bool // a finding says it already
}

// walkBody walks a JSON body; false if it is none. Without a shape only lists are counted.
func (w *walker) walkBody(p *classify.Policing, r *route, root *shape) bool {
	w.excess, w.dropped, w.most, w.mostAt = w.excess[:0], 0, 0, w.mostAt[:0]
	if len(p.X.Response.Body) == 0 || !r.fields && r.maxItems == 0 {
		return true
	}
	w.body = p.ResponseBody()
	if !startsAsJSON(w.body) {
		return false
	}
	w.route, w.steps = r, append(w.steps[:0], step{next: root})
	if root != nil {
		w.steps[0].nextMask = root.below
	}
	if !r.fields {
		w.allowed, w.steps[0].nextMask = everybody, everybody
	}
	s := jsonscan.New(w.body)
	for t := s.Next(); t.Kind != jsonscan.End; t = s.Next() {
		if !w.token(t) {
			break
		}
	}
	return true
}

func startsAsJSON(body []byte) bool {
	body = bytes.TrimLeft(body, "\xEF\xBB\xBF \t\r\n")
	return len(body) > 1 && (body[0] == '{' || body[0] == '[')
}

// token takes one token; false when the document is nested too deep to go on.
func (w *walker) token(t jsonscan.Token) bool {
	top := &w.steps[len(w.steps)-1]
	switch t.Kind {
	case jsonscan.Key:
		w.member(top, t)
	case jsonscan.BeginObject, jsonscan.BeginArray:
		next, mask := w.value(top)
		if len(w.steps) > maxWalk {
			return false
		}
		w.steps = append(w.steps, step{shape: next, mask: mask, list: t.Kind == jsonscan.BeginArray})
	case jsonscan.EndObject, jsonscan.EndArray:
		w.end(top)
	case jsonscan.String, jsonscan.Number, jsonscan.True, jsonscan.False:
		next, mask := w.value(top)
		if next != nil {
			mask |= next.self
		}
		if mask&w.allowed == 0 || mask&denied != 0 || next != nil && next.writeOnly {
			if t.Kind != jsonscan.String || t.End > t.Start { // an empty string tells nothing
				w.found(next, mask)
			}
		}
	case jsonscan.Null:
		w.value(top)
	}
	return true
}

// member notes the name of the value that comes.
func (w *walker) member(top *step, t jsonscan.Token) {
	name := w.body[t.Start:t.End]
	if t.Escaped {
		w.name = jsonscan.AppendUnescaped(w.name[:0], name)
		name = w.name
	}
	top.next, top.nextMask = top.shape.member(name), top.mask
	if top.next != nil {
		top.nextMask |= top.next.below
	}
	if names := w.route.names; len(names) > 0 {
		top.nextMask |= names[string(name)]
	}
	top.start, top.end, top.escaped = t.Start, t.End, t.Escaped
}

// value returns what is known of the value that begins.
func (w *walker) value(top *step) (next *shape, mask uint64) {
	if !top.list {
		return top.next, top.nextMask
	}
	top.items++
	next, mask = top.shape.item(), top.mask
	if next != nil {
		mask |= next.below
	}
	return next, mask
}

// end leaves an object or list.
func (w *walker) end(top *step) {
	if len(w.steps) == 1 {
		return // there are more ends than beginnings
	}
	items := top.items
	w.steps = w.steps[:len(w.steps)-1]
	if items > w.most {
		w.most = items
		w.mostAt = w.at(w.mostAt[:0], len(w.steps))
	}
}

// at appends the pointer of the value that the first n steps lead to.
func (w *walker) at(pointer []byte, n int) []byte {
	for i := range w.steps[:n] {
		s := &w.steps[i]
		switch {
		case s.list:
			pointer = append(pointer, "/*"...)
		case i > 0:
			name := w.body[s.start:s.end]
			if s.escaped {
				w.name = jsonscan.AppendUnescaped(w.name[:0], name)
				name = w.name
			}
			pointer = classify.AppendName(pointer, name)
		}
	}
	return pointer
}

// found notes a value that is not allowed, each pointer once.
func (w *walker) found(next *shape, mask uint64) {
	w.pointer = w.at(w.pointer[:0], len(w.steps))
	for i := range w.excess {
		if w.excess[i].pointer == string(w.pointer) {
			w.excess[i].count++
			return
		}
	}
	if len(w.excess) == maxExcess {
		w.dropped++
		return
	}
	e := excess{pointer: string(w.pointer), rule: ruleUndeclaredField, verdict: "undeclared", count: 1, key: w.key()}
	switch {
	case w.route.by == byBaseline:
		e.rule = ruleNewField
	case next != nil && next.writeOnly:
		e.rule, e.verdict = ruleWriteOnlyField, "denied"
	case mask&denied != 0:
		e.verdict = "denied"
	case mask != 0: // callers with another scope get it
		e.rule, e.verdict = ruleScopeExcess, "denied"
		for i, name := range w.route.scopes {
			if mask&(everybody<<(i+1)) != 0 {
				e.scope = name
				break
			}
		}
	}
	w.excess = append(w.excess, e)
}

// key is the nearest name of the value that is looked at.
func (w *walker) key() string {
	for i := len(w.steps) - 1; i > 0; i-- {
		if s := &w.steps[i]; !s.list {
			return string(w.body[s.start:s.end])
		}
	}
	return ""
}

// excessOf returns the worst of the fields that a finding is about.
func (w *walker) excessOf(pointer string) (worst *excess, ok bool) {
	for i := range w.excess {
		e := &w.excess[i]
		if relates(e.pointer, pointer) && (worst == nil || e.verdict == "denied") {
			worst = e
		}
	}
	return worst, worst != nil
}

// cover notes that a finding tells of fields, so that no other is needed.
func (w *walker) cover(pointer string) {
	for i := range w.excess {
		e := &w.excess[i]
		if (e.rule == ruleUndeclaredField || e.rule == ruleNewField) && relates(e.pointer, pointer) {
			e.covered = true
		}
	}
}

// relates says whether one of two pointers leads into what the other leads to.
func relates(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '/' || b[len(a)] == '#')
}
