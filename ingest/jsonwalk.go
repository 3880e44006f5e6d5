package ingest

import (
	"slices"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// jsonWalk goes over an object once and remembers where the value of each role
// stands; headers are taken on the way.
type jsonWalk struct {
	data []byte
	scan jsonscan.Scanner
	// values holds the first value of each role; the zero token is none. The
	// token of an object or array spans it with its brackets.
	values [roleCount]jsonscan.Token
	// path is the compact path (see appendCompact) to the present member.
	path  [64]byte
	names *nameTable
	// seen are the names found by which formats are recognised, members counts
	// the members of the objects looked into.
	seen    markSet
	members int
	// invalid says that the object does not end, or holds what is no JSON.
	invalid bool
	arena   *arena
	x       *classify.Exchange
}

// maxInherit bounds how deep objects are that only group members.
const maxInherit = 4

// object walks the object that data starts with and returns the offset behind
// it.
func (w *jsonWalk) object(data []byte, arena *arena, x *classify.Exchange) (end int) {
	w.data, w.arena, w.x = data, arena, x
	w.scan = jsonscan.New(data)
	w.reset()
	w.scan.Next() // the opening brace
	w.inside(0, fnvOffset, 0)
	return w.scan.Pos()
}

// reset forgets the last object.
func (w *jsonWalk) reset() {
	clear(w.values[:])
	w.seen, w.members, w.invalid = markSet{}, 0, false
}

// inside walks the inside of an object whose compact path has that length and
// hash.
func (w *jsonWalk) inside(length int, hash uint32, grouped int) {
	for {
		switch t := w.scan.Next(); {
		case endsObject(t):
			w.invalid = w.invalid || t.Kind == jsonscan.End
			return
		case t.Kind == jsonscan.Key:
			w.members++
			n, h := appendCompact(&w.path, length, hash, w.data[t.Start:t.End])
			e := w.names.find(w.path[:n], h)
			t = w.scan.Next()
			if e != nil && e.inherit && t.Kind == jsonscan.BeginObject && grouped < maxInherit {
				w.seen.mark(e)
				w.inside(length, hash, grouped+1)
				continue
			}
			if ended := w.value(e, n, h, t); ended {
				return
			}
		default:
			w.invalid = true
			if begins(t) { // it may be balanced
				skipValue(&w.scan)
			}
		}
	}
}

// value takes the value that starts with t and whose name, of length n, means e;
// it says whether the object ended in place of a value.
func (w *jsonWalk) value(e *nameEntry, n int, hash uint32, t jsonscan.Token) (ended bool) {
	switch {
	case endsObject(t):
		w.invalid = true
		return true
	case t.Kind == jsonscan.Junk:
		w.invalid = true
	}
	if e == nil {
		if begins(t) {
			skipValue(&w.scan)
		}
		return false
	}
	w.seen.mark(e)
	if t.Kind == jsonscan.BeginObject && e.open {
		w.inside(n, hash, 0)
		return false
	}
	role := e.role
	switch {
	case t.Kind == jsonscan.Null:
		return false
	case role.headers() && !w.has(role):
		w.takeHeaders(role, &t)
	case begins(t):
		t.Cut = !skipValue(&w.scan)
		t.End = w.scan.Pos()
	}
	if role != roleNone && !w.has(role) {
		w.values[role] = t
	}
	return false
}

// takeHeaders reads the headers whose value starts with t into the message of
// their side, and extends t over the value. Headers that do not say their side
// are the request's.
func (w *jsonWalk) takeHeaders(role role, t *jsonscan.Token) {
	m := &w.x.Request
	if role == roleResponseHeaders {
		m = &w.x.Response
	}
	h := headerScan{data: w.data, scan: w.scan, arena: w.arena}
	m.Headers = h.value(m.Headers, *t)
	if begins(*t) {
		t.End = h.scan.Pos()
	}
	w.scan = h.scan
	w.x.Mapped = append(w.x.Mapped, classify.Span{Start: t.Start, End: t.End})
}

// skipValue passes over the rest of the object or array that was just begun and
// says whether it has an end.
func skipValue(scan *jsonscan.Scanner) (ended bool) {
	for depth := 1; depth > 0; {
		switch t := scan.Next(); {
		case begins(t):
			depth++
		case t.Kind == jsonscan.End:
			return false
		case endsObject(t) || endsArray(t):
			depth--
		}
	}
	return true
}

// begins says whether an object or array starts with the token.
func begins(t jsonscan.Token) bool {
	return t.Kind == jsonscan.BeginObject || t.Kind == jsonscan.BeginArray
}

// endsObject says whether an object, or the input, ends with the token.
func endsObject(t jsonscan.Token) bool {
	return t.Kind == jsonscan.EndObject || t.Kind == jsonscan.End
}

// endsArray says whether an array, or the input, ends with the token.
func endsArray(t jsonscan.Token) bool {
	return t.Kind == jsonscan.EndArray || t.Kind == jsonscan.End
}

// has says whether a value of that role was found.
func (w *jsonWalk) has(role role) bool { return w.values[role].Kind != jsonscan.End }

// sided says whether headers or a body were found that name their side.
func (w *jsonWalk) sided() bool {
	return w.has(roleRequestHeaders) || w.has(roleResponseHeaders) ||
		w.has(roleRequestBody) || w.has(roleResponseBody)
}

// raw returns the bytes of the role's value as they stand in the record, or nil.
func (w *jsonWalk) raw(role role) []byte {
	t := w.values[role]
	if t.Kind == jsonscan.End {
		return nil
	}
	return w.data[t.Start:t.End]
}

// text returns the role's value, unescaped if it is a string with escapes.
func (w *jsonWalk) text(role role, arena *arena) []byte {
	return arena.text(w.data, w.values[role])
}

// mark notes that the role's value stands in another field of x.
func (w *jsonWalk) mark(x *classify.Exchange, role role) {
	t := w.values[role]
	x.Mapped = append(x.Mapped, classify.Span{Start: t.Start, End: t.End})
}

// sortSpans puts the spans of x.Mapped in ascending order; each value is marked
// once, so that they are disjoint.
func sortSpans(x *classify.Exchange) {
	slices.SortFunc(x.Mapped, func(a, b classify.Span) int { return a.Start - b.Start })
}
