package classify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// testFinder knows anchors of every kind of hook, and a few names.
func testFinder(t testing.TB) (*finder, *nameCache) {
	t.Helper()
	fields, err := newVocabulary([]FieldNames{{Class: "a", Names: []string{"pass word", "pw"}, Exact: []string{"x"}}, {Class: "b", Names: []string{"card no"}}})
	if err != nil {
		t.Fatal(err)
	}
	f := &finder{asked: []bool{false, true, true}, minRun: 9}
	for i, a := range []anchor{
		{text: "@"},
		{text: `:\`},
		{text: "eyJ"},
		{text: "$2b$"},
		{text: "bearer ", fold: true},
		{text: "aaa"},
		{text: "Trace (most"},
		{text: "-us", inside: true},
		{text: "8Q~"},
		{text: "T3Blbk", inside: true},
		{text: `S = "`},
		{text: "sk"},
		{text: "身份", fold: true},
		{text: "é1"},
	} {
		a.id = i
		if err := f.add(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	return f, &nameCache{v: fields}
}

// allPlaces goes through a text window by window.
func allPlaces(f *finder, names *nameCache, text []byte) (list []string) {
	p := &places{}
	p.reset(f, names, text, false)
	for p.next() {
		for _, place := range p.list {
			switch {
			case place.anchor != nil:
				list = append(list, fmt.Sprintf("%s@%d", place.anchor.text, place.at))
			case place.field != 0:
				list = append(list, fmt.Sprintf("sign %d of %d", place.at, place.field))
			case place.digits < maxRun: // longer ones are cut into parts
				list = append(list, fmt.Sprintf("%d digits %d-%d", place.digits, place.at, place.end))
			}
		}
	}
	slices.Sort(list)
	return list
}

// obviousPlaces looks at every byte for everything, by the rules that finder states.
func obviousPlaces(f *finder, names *nameCache, text []byte) (list []string) {
	ran := 0
	for i := range text {
		for _, a := range f.anchors {
			if end := i + len(a.text); !a.escaped && end <= len(text) && hasAnchor(text[i:end], &a) && findable(text, i, &a) {
				list = append(list, fmt.Sprintf("%s@%d", a.text, i))
			}
		}
		if text[i] == '=' || text[i] == ':' {
			lo, hi := nameBefore(text, i)
			id := names.v.lookup(text[lo:hi])
			if id == 0 && lo > 0 && lo < hi && text[lo-1] == '\\' {
				id = names.v.lookup(text[lo+1 : hi])
			}
			if id != 0 {
				list = append(list, fmt.Sprintf("sign %d of %d", i, id))
			}
		}
		if i >= ran && isDigit(text[i]) {
			var digits, lo int
			lo, ran, digits = runAround(text, i)
			if digits >= f.minRun && digits < maxRun {
				list = append(list, fmt.Sprintf("%d digits %d-%d", digits, lo, ran))
			}
		}
	}
	slices.Sort(list)
	return list
}

// findable says whether an anchor has to be found: it has a sign or a word of its own
// inside, or starts a word, or stands in a long one.
func findable(text []byte, at int, a *anchor) bool {
	off, rare := hookOf(*a)
	hooked := off >= 0 && (!a.inside || isWordByte(a.text[0]))
	if hooked && (rare || off > 0 || at == 0 || text[at] >= 0xC0 || !isWordByte(text[at-1]) || isEscaped(text, at-1)) {
		return true
	}
	if !a.inside {
		return false
	}
	isLong := func(b byte) bool { return isWordByte(b) || strings.IndexByte("+-/", b) >= 0 }
	lo, hi := at, at
	for lo > 0 && isLong(text[lo-1]) {
		lo--
	}
	for hi < len(text) && isLong(text[hi]) {
		hi++
	}
	return hi-lo >= longWord && at+len(a.text) <= hi
}

// TestPlaces compares with looking at every byte, over texts that are made of the
// pieces of anchors, names and numbers, and longer than a window.
func TestPlaces(t *testing.T) {
	f, names := testFinder(t)
	pieces := []string{
		"@", ":", `\`, "e", "y", "J", "eyJ", "$2b", "$", "Bea", "rEr ", "bearer", "a", "aa", " ", "Trace (", "most", "x", "-us", "us", "8Q~", "T3Blbk", `S = "`,
		"password", "=", "pass_word", "PW", `"`, `":`, "cardNo", "card-no", "1234", "5", " 6", "-", ".", "123456789", "sk", "_", "+", "/", "é", "1", "身", "份", "\n",
		strings.Repeat("b", 30), strings.Repeat("7", 60), strings.Repeat("c", 64),
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var b strings.Builder
		for range rng.IntN(40) << rng.IntN(6) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		text := []byte(b.String())
		got, want := allPlaces(f, names, text), obviousPlaces(f, names, text)
		if !slices.Equal(got, want) {
			t.Fatalf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestWithin asks for every range of a text in order, as a walk does.
func TestWithin(t *testing.T) {
	f, names := testFinder(t)
	text := []byte(strings.Repeat(`"a":"b","c":"`, 700) + "x@y" + strings.Repeat(`","d":`, 900) + `"eyJ"` + strings.Repeat(" ", 9000) + "$2b$")
	p := &places{}
	p.reset(f, names, text, true)
	var got []int
	for i := 0; i < len(text); i += 10 {
		if p.within(i, i+10) {
			got = append(got, i)
		}
	}
	var want []int
	for _, anchor := range []string{"@", "eyJ", "$2b$"} {
		if at := strings.Index(string(text), anchor); at/10 == (at+len(anchor)-1)/10 {
			want = append(want, at/10*10)
		}
	}
	if !slices.Equal(got, want) || len(want) < 2 {
		t.Errorf("got places in the ranges from %d, want %d", got, want)
	}
}

// TestAnchorErrors checks anchors that could not be found, and runs too short.
func TestAnchorErrors(t *testing.T) {
	f, _ := testFinder(t)
	for _, text := range []string{"://", "a", "--", `"`} {
		if err := f.add(anchor{text: text}); err == nil {
			t.Errorf("anchor %q was taken", text)
		}
	}
	f.minRun = minDigits - 1
	if err := f.check(); err == nil {
		t.Error("short runs of digits were taken")
	}
}

func BenchmarkPlaces(b *testing.B) {
	p := &places{}
	f, names := testFinder(b)
	text := []byte(strings.Repeat(`{"id":12345,"name":"a name of usual length","created_at":"2026-03-01T10:00:00Z","tags":["x","y"]},`, 100))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		p.reset(f, names, text, true)
		for p.next() {
		}
	}
}
