package policy

import (
	"bytes"
	"hash/maphash"
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
	// deep says that a body was nested too deep to be judged to its end.
	deep bool
	// most is the number of items of the longest list, mostAt where it is.
	most   int
	mostAt []byte
	name   []byte // of a member, without escapes
	// pointer is that of what is looked at; kept is how many steps of it are still right.
	pointer []byte
	kept    int
	seed    maphash.Seed
	known   knownMembers
	skimming
}

// step is an object or a list on the way to a value.
type step struct {
	shape *shape
	mask  uint64 // who may get all that is inside
	list  bool
	// items counts values.
	items int
	// next is the shape of the value that comes, nextMask who may get it, and ok says that
	// the caller may if it is a plain one; start and end are its name.
	next       *shape
	nextMask   uint64
	ok         bool
	start, end int
	escaped    bool
	// size is the length of the pointer up to here, of the steps that are kept.
	size int
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
	hash    uint64
}

// walkBody walks a JSON body; false if it is none. Without a shape only lists are counted.
func (w *walker) walkBody(p *classify.Policing, r *route, root *shape) bool {
	w.clear()
	if len(p.X.Response.Body) == 0 || !r.fields && r.maxItems == 0 {
		return true
	}
	w.body = p.ResponseBody()
	if !startsAsJSON(w.body) {
		return false
	}
	w.route = r
	if w.begin(root); !w.skim() {
		w.begin(root)
		w.tokens()
	}
	return true
}

// begin goes to the top of the body, with nothing found.
func (w *walker) begin(root *shape) {
	w.clear()
	var first step
	if !w.route.fields {
		w.allowed, first.mask = everybody, everybody
	}
	g := grantedBy(root, 0)
	w.comes(&first, &g)
	w.steps, w.kept = append(w.steps[:0], first), 0
}

// clear forgets what was found.
func (w *walker) clear() {
	w.excess, w.dropped, w.most, w.mostAt, w.deep = w.excess[:0], 0, 0, w.mostAt[:0], false
}

// tokens walks a body whatever it is.
func (w *walker) tokens() {
	s := jsonscan.New(w.body)
	top := &w.steps[0]
	for {
		t := s.Next()
		switch t.Kind {
		case jsonscan.Key:
			w.member(top, t.Start, t.End, t.Escaped)
		case jsonscan.String, jsonscan.Number, jsonscan.True, jsonscan.False:
			top.items++
			if !top.ok && (t.Kind != jsonscan.String || t.End > t.Start) { // an empty string tells nothing
				w.found(top.next, top.nextMask)
			}
		case jsonscan.BeginObject, jsonscan.BeginArray:
			if len(w.steps) > maxWalk {
				w.deep = true
				return
			}
			top.items++
			top = w.enter(top, t.Kind == jsonscan.BeginArray)
		case jsonscan.EndObject, jsonscan.EndArray:
			top = w.end(top)
		case jsonscan.Null:
			top.items++
		case jsonscan.End:
			return
		}
	}
}

func startsAsJSON(body []byte) bool {
	body = bytes.TrimLeft(body, "\xEF\xBB\xBF \t\r\n")
	return len(body) > 1 && (body[0] == '{' || body[0] == '[')
}

// comes notes what holds for the value that comes.
func (w *walker) comes(top *step, g *granted) {
	top.next, top.nextMask = g.next, top.mask|g.mask
	plain := top.mask | g.plain
	top.ok = plain&w.allowed != 0 && plain&denied == 0
}

// enter goes into an object or list.
func (w *walker) enter(top *step, list bool) *step {
	s := step{shape: top.next, mask: top.nextMask, list: list}
	if list { // the items are all alike
		g := grantedBy(s.shape.item(), 0)
		w.comes(&s, &g)
	}
	w.steps = append(w.steps, s)
	return &w.steps[len(w.steps)-1]
}

// end leaves an object or list.
func (w *walker) end(top *step) *step {
	n := len(w.steps) - 1
	if n == 0 {
		return top // there are more ends than beginnings
	}
	items, list := top.items, top.list
	w.steps, w.kept = w.steps[:n], min(w.kept, n-1)
	if list && items > w.most {
		w.most = items
		w.mostAt = w.at(w.mostAt[:0], n)
	}
	return &w.steps[n-1]
}

// at appends the pointer of the value that the first n steps lead to.
func (w *walker) at(pointer []byte, n int) []byte {
	for i := range n {
		pointer = w.appendStep(pointer, i)
	}
	return cutPointer(pointer)
}

// appendStep appends what a step adds to a pointer.
func (w *walker) appendStep(pointer []byte, i int) []byte {
	s := &w.steps[i]
	switch {
	case len(pointer) > maxPointer, i == 0 && !s.list: // it is cut; the top has no name
		return pointer
	case s.list:
		return append(pointer, "/*"...)
	}
	return classify.AppendName(pointer, w.plain(s.start, s.end, s.escaped))
}

// maxPointer is the length from which on pointers are cut, as those of findings are.
const maxPointer = 512

func cutPointer(pointer []byte) []byte {
	if len(pointer) > maxPointer {
		return append(pointer, "/…"...)
	}
	return pointer
}

// here returns the pointer of the value that is looked at. What leads to the innermost
// object or list is kept, so that deep documents cost no more than others.
func (w *walker) here() []byte {
	last := len(w.steps) - 1
	for ; w.kept < last; w.kept++ {
		w.pointer = w.appendStep(w.pointer[:w.sizeOf(w.kept)], w.kept)
		w.steps[w.kept].size = len(w.pointer)
	}
	w.pointer = cutPointer(w.appendStep(w.pointer[:w.sizeOf(last)], last))
	return w.pointer
}

// sizeOf is the length of the pointer that leads to a step.
func (w *walker) sizeOf(i int) int {
	if i == 0 {
		return 0
	}
	return w.steps[i-1].size
}

// found notes a value that is not allowed, each pointer once.
func (w *walker) found(next *shape, mask uint64) {
	pointer := w.here()
	hash := maphash.Bytes(w.seed, pointer)
	for i := range w.excess {
		if w.excess[i].hash == hash {
			w.excess[i].count++
			return
		}
	}
	if len(w.excess) == maxExcess {
		w.dropped++
		return
	}
	e := excess{pointer: string(pointer), hash: hash, rule: ruleUndeclaredField, verdict: "undeclared", count: 1, key: w.key()}
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
