package corpus

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSameSeed checks that a corpus can be made again.
func TestSameSeed(t *testing.T) {
	a, b, c := New(3, FamilyShare), New(3, FamilyShare), New(4, FamilyShare)
	same := true
	for i := range 500 {
		x, y, z := a.Next(), b.Next(), c.Next()
		if !bytes.Equal(x.Line, y.Line) || !slices.Equal(x.Leaks, y.Leaks) {
			t.Fatalf("record %d differs between two runs of one seed", i)
		}
		same = same && bytes.Equal(x.Line, z.Line)
	}
	if same {
		t.Error("two seeds give one corpus")
	}
}

// unfilled is what a place leaves whose name nobody knows.
var unfilled = regexp.MustCompile(`\?[a-z]+\?`)

// TestRecords checks what every record promises: one line, valid JSON where it
// starts as such, every place in a template filled, every value present.
func TestRecords(t *testing.T) {
	g := New(5, FamilyShare)
	kinds := map[string]bool{}
	for i := range 6000 {
		r := g.Next()
		kinds[strings.Split(r.Kind, "/")[0]] = true
		if bytes.IndexByte(r.Line, '\n') >= 0 || len(r.Line) == 0 {
			t.Fatalf("record %d (%s) is not one line", i, r.Kind)
		}
		if r.Line[0] == '{' && !json.Valid(r.Line) {
			t.Fatalf("record %d (%s) is no JSON: %.300s", i, r.Kind, r.Line)
		}
		if bytes.ContainsAny(r.Line, "«»") || unfilled.Match(r.Line) {
			t.Fatalf("record %d (%s) has a place that was not filled: %.300s", i, r.Kind, r.Line)
		}
		if strings.HasPrefix(r.Kind, "clean") && len(r.Leaks) > 0 || strings.HasPrefix(r.Kind, "like-") && len(r.Leaks) > 0 {
			t.Fatalf("record %d (%s) is clean and leaks", i, r.Kind)
		}
	}
	for name := range families() {
		if !kinds[name] {
			t.Errorf("no record of family %s", name)
		}
	}
	for _, n := range negatives {
		if !kinds["like-"+n.imitates] {
			t.Errorf("nothing that imitates %s", n.imitates)
		}
	}
}

// TestPointers checks labels against the documents that they are of.
func TestPointers(t *testing.T) {
	g := New(6, FamilyShare)
	d := g.around(g.object("user=x|secret=«!»", "secret-field"), 4000)
	d = g.nested(d, 2)
	for _, l := range d.leaks {
		if got := lookUp(t, []byte(d.text), l.pointer); got != l.value {
			t.Errorf("%s leads to %q, want %q", l.pointer, got, l.value)
		}
	}
	if len(d.leaks) != 1 {
		t.Errorf("%d leaks, want 1", len(d.leaks))
	}
}

// lookUp follows a pointer with layers of JSON; "*" is the last element.
func lookUp(t *testing.T, text []byte, pointer string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("follow %s: %v", pointer, err)
	}
	path, layer, deeper := strings.Cut(pointer, "#json")
	for _, name := range strings.Split(path, "/")[1:] {
		switch x := v.(type) {
		case []any:
			v = x[len(x)-1]
		case map[string]any:
			v = x[name]
		}
	}
	s, _ := v.(string)
	if deeper {
		return lookUp(t, []byte(s), layer)
	}
	return s
}

func TestPointerAt(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"a":"¦"}`, "/a"},
		{`{"a":{"b":[1,{"c/d":"¦"}]}}`, "/a/b/*/c~1d"},
		{`{"a":"x:\"y","b":"¦"}`, "/b"},
		{`[{"a":1},"¦"]`, "/*"},
		{`"¦"`, ""},
	} {
		at := strings.Index(c.text, "¦")
		if got := pointerAt(c.text, at); got != c.want {
			t.Errorf("%s: got %q, want %q", c.text, got, c.want)
		}
	}
}

// TestCheckDigits checks values that others have published.
func TestCheckDigits(t *testing.T) {
	if got := luhn("411111111111111"); got != "1" {
		t.Errorf("Luhn of the test Visa: %s", got)
	}
	if got := mod97("370400440532013000" + "DE" + "89"); got != 1 {
		t.Errorf("the registry's example IBAN leaves %d, want 1", got)
	}
	if got := verhoeff("236"); got != "3" { // Verhoeff's own example
		t.Errorf("Verhoeff of 236: %s", got)
	}
	g := New(8, 0)
	for range 200 {
		card := strings.NewReplacer(" ", "", "-", "").Replace(cardNumber(&g.draw))
		if luhn(card[:len(card)-1]) != card[len(card)-1:] {
			t.Fatalf("card %s fails its check", card)
		}
		number := strings.ReplaceAll(iban(&g.draw), " ", "")
		if mod97(number[4:]+number[:4]) != 1 {
			t.Fatalf("IBAN %s fails its check", number)
		}
	}
	body := strings.Repeat("a", 30)
	if sum := crcBase62(body); len(sum) != 6 || crc32.ChecksumIEEE([]byte(body)) == 0 {
		t.Errorf("checksum %q", sum)
	}
}

func TestPattern(t *testing.T) {
	g := New(9, 0)
	for range 50 {
		got := g.pattern("x-[a-c]{2-4}_[0-9_-]{3}")
		if len(got) < 8 || len(got) > 10 || !strings.HasPrefix(got, "x-") || strings.Trim(got, "x-abc_0123456789") != "" {
			t.Fatalf("pattern gave %q", got)
		}
	}
}

// TestSizes checks the distribution that the corpus promises.
func TestSizes(t *testing.T) {
	g := New(10, DirtyShare)
	var sizes []int
	for range 4000 {
		sizes = append(sizes, len(g.Next().Line))
	}
	slices.Sort(sizes)
	if median := sizes[len(sizes)/2]; median < 1000 || median > 2200 {
		t.Errorf("median size %d, want about 1,500", median)
	}
	if largest := sizes[len(sizes)-1]; largest < 20_000 || largest > 1_000_000 {
		t.Errorf("largest record has %d bytes", largest)
	}
}
