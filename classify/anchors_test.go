package classify

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestAnchorsAgainstIndex compares the scan with a search for each anchor by
// itself, over texts made of the anchors' own pieces.
func TestAnchorsAgainstIndex(t *testing.T) {
	anchors := []anchor{
		{text: "@"}, {text: `:\`}, {text: "eyJ"}, {text: "$2b$"}, {text: "bearer ", fold: true}, {text: "aaa"}, {text: "Traceback (most"},
	}
	var set anchorSet
	for i := range anchors {
		anchors[i].id = i
		set.add(anchors[i])
	}
	pieces := []string{"@", ":", `\`, "e", "y", "J", "$2b", "$", "Bea", "rEr ", "bearer", "a", "aa", " ", "Trace", "back (most", "x"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		text := []byte(b.String())
		var got []string
		set.scan(text, func(a *anchor, at int) { got = append(got, fmt.Sprint(a.id, " ", at)) })
		want := everyAnchor(text, anchors)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%q: got %q, want %q", text, got, want)
		}
	}
}

// everyAnchor is the obvious way.
func everyAnchor(text []byte, anchors []anchor) (list []string) {
	for i := range anchors {
		a := &anchors[i]
		for at := 0; at+len(a.text) <= len(text); at++ {
			part := text[at : at+len(a.text)]
			if string(part) == a.text || a.fold && bytes.EqualFold(part, []byte(a.text)) {
				list = append(list, fmt.Sprint(a.id, " ", at))
			}
		}
	}
	return list
}

func BenchmarkAnchors(b *testing.B) {
	var set anchorSet
	for i, text := range []string{"eyJ", "$2b$", "AKIA", "ghp_", "-----BEGIN ", "://", "@", "Traceback (most recent", "sk_live_"} {
		set.add(anchor{text: text, id: i})
	}
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog 1234567890, and goes on to the next page. ", 100))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		set.scan(text, func(*anchor, int) {})
	}
}
