package jsonscan

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestClosingQuote compares with the obvious way, at every length around the size of a
// block and for many runs of backslashes.
func TestClosingQuote(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		text := make([]byte, rng.IntN(300))
		for i := range text {
			text[i] = `\\\\"ab`[rng.IntN(7)]
			if rng.IntN(3) > 0 && text[i] == '"' {
				text[i] = 'c'
			}
		}
		want, wantEscapes := len(text), false
		for i := 0; i < len(text); i++ {
			if text[i] == '\\' {
				wantEscapes = true
				i++
			} else if text[i] == '"' {
				want = i
				break
			}
		}
		if got, escapes := closingQuote(text, 0); got != want || escapes != wantEscapes {
			t.Fatalf("%q: got %d, %v, want %d, %v", text, got, escapes, want, wantEscapes)
		}
	}
}

func BenchmarkAppendUnescaped(b *testing.B) {
	text := []byte(strings.Repeat(`{\"id\":12345,\"name\":\"a name of usual length\",\"tags\":[\"x\",\"y\"],\"price\":12.5,\"active\":true},`, 40))
	var dst []byte
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendUnescaped(dst[:0], text)
	}
}

func TestHoldsDoubleBackslash(t *testing.T) {
	for _, size := range []int{0, 1, 62, 63, 64, 65, 511, 512, 513} {
		text := bytes.Repeat([]byte{'a'}, size)
		for _, c := range []struct {
			behind string
			want   bool
		}{{"", false}, {`\`, false}, {`\"b\"`, false}, {`\\`, true}, {`\"\\n`, true}} {
			if got := HoldsDoubleBackslash(append(text[:size:size], c.behind...)); got != c.want {
				t.Errorf("%d letters and %q: got %v, want %v", size, c.behind, got, c.want)
			}
		}
	}
}
