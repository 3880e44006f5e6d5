package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcome is what a walk tells of a body.
type outcome struct {
	Excess  []string
	Dropped int64
	Most    int
	MostAt  string
	Deep    bool
}

// walkedBy returns what a walk finds in a body under a policy that knows some of its names;
// false if the walk gives it up.
func walkedBy(t testing.TB, walk func(*walker) bool, body string) (o outcome, ok bool) {
	t.Helper()
	r, err := New(Config{Policy: &File{Routes: []Route{{Path: "/x", Allow: []string{"id", "/a/*/b", "/list/*"}, Fields: true, MaxItems: 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	j := r.NewJudge().(*judge)
	j.Begin(exchange("GET /x 200", body))
	w := &j.walker
	w.body, w.route, w.allowed = []byte(body), j.fields, everybody
	w.begin(j.fields.root)
	if !walk(w) {
		return o, false
	}
	for _, e := range w.excess {
		o.Excess = append(o.Excess, fmt.Sprintf("%s %s %s %q x%d", e.pointer, e.rule, e.verdict, e.key, e.count))
	}
	o.Dropped, o.Most, o.MostAt, o.Deep = w.dropped, w.most, string(w.mostAt), w.deep
	return o, true
}

func skimmed(w *walker) bool { return w.skim() }

func tokenized(w *walker) bool {
	w.tokens()
	return true
}

// checkSkim compares the two walks of a document.
func checkSkim(t *testing.T, body string) {
	t.Helper()
	got, ok := walkedBy(t, skimmed, body)
	if !ok {
		return
	}
	want, _ := walkedBy(t, tokenized, body)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-tokens +skim):\n%s", body, diff)
	}
}

// randomValue writes a JSON value with white space here and there.
func randomValue(r *rand.Rand, depth int) string {
	space := func() string { return []string{"", "", "", "", " ", "\n", "  \t"}[r.IntN(7)] }
	list := func(open, shut string, item func() string) string {
		var items []string
		for range r.IntN(6) {
			items = append(items, space()+item()+space())
		}
		return open + strings.Join(items, ",") + space() + shut
	}
	scalars := []string{`""`, `"x"`, `"a\"b"`, `"\\"`, `"é, [and] {more}: \u0041"`, "null", "true", "false", "0", "-1.5e9", `"` + strings.Repeat("long ", 30) + `"`}
	names := []string{`"id"`, `"a"`, `"b"`, `"list"`, `"n"`, `"i\u0064"`, `"q\"uote"`, `"` + strings.Repeat("name", 20) + `"`, `""`}
	switch kind := r.IntN(4); {
	case depth == 0 || kind == 0:
		return scalars[r.IntN(len(scalars))]
	case kind == 1:
		return list("[", "]", func() string { return randomValue(r, depth-1) })
	default:
		return list("{", "}", func() string { return names[r.IntN(len(names))] + space() + ":" + space() + randomValue(r, depth-1) })
	}
}

// TestSkim skims random documents: what is found is what the tokens tell. All are JSON, so
// that none is given up.
func TestSkim(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	const documents = 5000
	for range documents {
		body := `{"a":` + randomValue(r, 6) + `}`
		if !json.Valid([]byte(body)) {
			t.Fatalf("%q is no JSON", body)
		}
		checkSkim(t, body)
		if _, ok := walkedBy(t, skimmed, body); !ok {
			t.Errorf("%q was given up", body)
		}
		if t.Failed() {
			return
		}
	}
}

// TestSkimGivesUp lists what is not skimmed, and that what is cut is.
func TestSkimGivesUp(t *testing.T) {
	for body, want := range map[string]bool{
		`{"a":1}`: true, `{"a":[1,{"b":"x`: true, `{"a":`: true, `[`: true,
		`{"id":NaN}`: true, // of a field that may be there nothing is looked at
		`{"z":NaN}`:  false, `{a:1}`: false, `{"a":1]`: false, `}`: false, `{"a":1}}`: false, `["a":1]`: false, `"a":1`: false, `{'a':1}`: false,
		"{\"a\":\x00}": false, "\uFEFF{}": false,
	} {
		if _, ok := walkedBy(t, skimmed, body); ok != want {
			t.Errorf("%q: skimmed is %v, want %v", body, ok, want)
		}
	}
}

func FuzzSkim(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f.Add(randomValue(r, 4))
	}
	f.Add(`{"a":"` + strings.Repeat(`\"`, 40) + `","z":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		if json.Valid([]byte(body)) && startsAsJSON([]byte(body)) {
			checkSkim(t, body)
			return
		}
		walkedBy(t, skimmed, body) // anything ends
	})
}
