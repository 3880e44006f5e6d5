package detect

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSigns checks the one pass over a text against a search for each of the signs.
func TestSigns(t *testing.T) {
	all := []string{"ab", "abc", "ba:", "©", "b\xff"}
	s := newSigns(all...)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]byte("abc:\xc2\xa9\xff")), 0, 6).Draw(t, "text")
		want := slices.ContainsFunc(all, func(sign string) bool { return bytes.Contains(text, []byte(sign)) })
		if got := s.in(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	})
}
