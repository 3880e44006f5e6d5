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
	arena *arena
	x     *classify.Exchange
}

// object walks the object that data starts with and returns the offset behind
// it.
func (w *jsonWalk) object(data []byte, arena *arena, x *classify.Exchange) (end int) {
	w.data, w.arena, w.x = data, arena, x
	w.scan = jsonscan.New(data)
	clear(w.values[:])
	w.scan.Next() // the opening brace
	w.members(0)
	return w.scan.Pos()
}

// members walks the inside of an object whose compact path has that length.
func (w *jsonWalk) members(length int) {
	for {
		switch t := w.scan.Next(); {
		case endsObject(t):
			return
		case t.Kind == jsonscan.Key:
			n := appendCompact(&w.path, length, w.data[t.Start:t.End])
			if ended := w.value(n, w.scan.Next()); ended {
				return
			}
		case begins(t): // no JSON, but it may be balanced
			skipValue(&w.scan)
		}
	}
}

// value takes the value that starts with t for the path of length n; it says
// whether the object ended in place of a value.
func (w *jsonWalk) value(n int, t jsonscan.Token) (ended bool) {
	if endsObject(t) {
		return true
	}
	if t.Kind == jsonscan.BeginObject && opens(string(w.path[:n])) {
		w.members(n)
		return false
	}
	role := roleOf(string(w.path[:n]))
	switch {
	case t.Kind == jsonscan.Null:
		return false
	case role.headers() && !w.has(role):
		w.takeHeaders(role, &t)
	case begins(t):
		t.Cut = !skipValue(&w.scan)
		t.End = w.scan.Pos()
	}
	if !w.has(role) {
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
