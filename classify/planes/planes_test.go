package planes

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestClasses checks every byte against the classes as the package names them.
func TestClasses(t *testing.T) {
	classes := [Count]string{
		Word: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_\x7f", Digit: "0123456789", Separator: " -.", Sign: ":=<",
		Rare: "@!$%\\^|~", Quote: `"`, Backslash: `\`, Bracket: "[]{}",
	}
	classes[Long] = classes[Word] + "+-/"
	for b := range 256 {
		if !strings.ContainsRune("\t\r\n -.,:[]{}\"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", rune(b)) {
			classes[Odd] += string([]byte{byte(b)})
		}
	}
	for b := 0xC0; b < 0x100; b++ {
		classes[Lead] += string([]byte{byte(b)})
	}
	for b := range 256 {
		var blocks [1]Block
		got := Fill(blocks[:], []byte{byte(b)})[0]
		for p, class := range classes {
			want := uint64(0)
			if strings.IndexByte(class, byte(b)) >= 0 {
				want = 1
			}
			if got[p] != want {
				t.Errorf("byte %#02x, plane %d: got %d, want %d", b, p, got[p], want)
			}
		}
	}
}

// check compares both ways to make planes, and the table with the definition.
func check(t *testing.T, text []byte) {
	t.Helper()
	blocks := make([]Block, len(text)/BlockSize+1)
	got := Fill(blocks, text)
	if want := (len(text) + BlockSize - 1) / BlockSize; len(got) != want {
		t.Fatalf("%d bytes: got %d blocks, want %d", len(text), len(got), want)
	}
	padded := append(bytes.Clone(text), make([]byte, BlockSize)...)
	plain := make([]Block, len(got))
	fillTable(plain, padded)
	if n := len(text) % BlockSize; n > 0 {
		plain[len(plain)-1][Odd] &= 1<<n - 1
	}
	for i := range got {
		if got[i] != plain[i] {
			t.Fatalf("block %d of %q: got %x, from the table %x", i, text, got[i], plain[i])
		}
	}
	quoting, table := FillQuoting(make([]Quoting, len(blocks)), text), make([]Quoting, len(got))
	fillQuotingTable(table, padded)
	for i := range got {
		if want := (Quoting{got[i][Quote], got[i][Backslash]}); quoting[i] != want || table[i] != want {
			t.Fatalf("quoting of block %d of %q: got %x, from the table %x, want %x", i, text, quoting[i], table[i], want)
		}
	}
	for i, b := range text {
		set := uint64(classOf(b))
		if b >= 0xC0 {
			set |= 1 << Lead
		}
		if b == '\\' {
			set |= 1 << Backslash
		}
		if strings.IndexByte("[]{}", b) >= 0 {
			set |= 1 << Bracket
		}
		for p := range Count {
			if got[i/BlockSize][p]>>(i%BlockSize)&1 != set>>p&1 {
				t.Fatalf("byte %d (%#02x) of %q is wrong in plane %d", i, b, text, p)
			}
		}
	}
}

func TestFill(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		text := make([]byte, n)
		for i := range text {
			text[i] = byte(rng.Uint32())
		}
		check(t, text)
	}
}

// TestFillPart checks that no more than the blocks have room for is taken.
func TestFillPart(t *testing.T) {
	text := []byte(strings.Repeat("a", 3*BlockSize))
	if got := Fill(make([]Block, 2), text); len(got) != 2 || got[1][Word] != ^uint64(0) {
		t.Errorf("got %x", got)
	}
	if got := Fill(nil, text); len(got) != 0 {
		t.Errorf("no blocks: got %x", got)
	}
}

func FuzzFill(f *testing.F) {
	f.Add([]byte(`{"a":"b@c.d","n":1234567890,"t":"eyJ"}`))
	f.Add(bytes.Repeat([]byte("\\\"\xff~"), 40))
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text) })
}

func benchmark(b *testing.B, fill func([]Block, []byte)) {
	b.Helper()
	text := []byte(strings.Repeat(`{"id":12345,"name":"a name of usual length","tags":["x","y"]},`, 300))
	text = text[:len(text)/BlockSize*BlockSize]
	blocks := make([]Block, len(text)/BlockSize)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		fill(blocks, text)
	}
}

func BenchmarkFill(b *testing.B) { benchmark(b, fill) }

func BenchmarkFillTable(b *testing.B) { benchmark(b, fillTable) }
