package detect

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leaktap/leaktap/classify"
)

// TestBuiltinIsYAML: what the plain reader makes of the vocabularies is what a
// library of YAML does.
func TestBuiltinIsYAML(t *testing.T) {
	got, want := builtin(t), &Vocabulary{}
	if err := yaml.UnmarshalWithOptions([]byte(builtinFields), &want.Fields, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions([]byte(builtinTokens), &want.Tokens, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(TokenKind{}, Vocabulary{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the plain reader reads otherwise (-YAML +plain):\n%s", diff)
	}
}

func TestBuiltinExamples(t *testing.T) {
	v := builtin(t)
	for i := range v.Tokens {
		if p := v.Tokens[i].tryExamples(v.Tokens[i].ID); p != nil {
			t.Error(p)
		}
	}
}

func TestPlainReaderErrors(t *testing.T) {
	for text, want := range map[string]string{
		"- a: 1\nb: 2\n":   `read vocabulary: want KEY: VALUE, not "b: 2"`,
		"- a\n":            `read vocabulary: want KEY: VALUE, not "- a"`,
		"- a: [x, 'y\n":    "read vocabulary: the value of a does not end",
		"- a: [x,\n":       "read vocabulary: the value of a does not end",
		"- a: 'it''s\n":    "read vocabulary: the value of a does not end",
		"# x\n\n- a: 'b'":  "",
		"- a: [\n  ]\n":    "",
		"- a: [x,\n  'y']": "",
	} {
		got := ""
		r := plainReader{text}
		if err := r.entries(func(bool, string, []string) error { return nil }); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// asRegexp is the same form as an expression.
func asRegexp(head, anchor, body string) *regexp.Regexp {
	return regexp.MustCompile("^(?:" + head + ")" + regexp.QuoteMeta(anchor) + "(?:" + body + ")")
}

// checkForm compares steps with the expression that they stand for.
func checkForm(t *testing.T, name string, f *form, re *regexp.Regexp, text []byte) {
	t.Helper()
	want := -1
	if loc := re.FindIndex(text); loc != nil {
		want = loc[1]
	}
	if got := f.match(text); got != want {
		t.Errorf("%s: steps end at %d, the expression at %d, in %q", name, got, want, text)
	}
}

// TestFormIsItsExpression changes each example at random: steps and expression
// find the same.
func TestFormIsItsExpression(t *testing.T) {
	v, rng, steps := builtin(t), rand.New(rand.NewPCG(4, 4)), 0
	const bytes = "aZz09_-.=/+| @:"
	for i := range v.Tokens {
		k := &v.Tokens[i]
		if k.form.re != nil {
			continue
		}
		steps++
		re := asRegexp(k.Head, k.Anchor, k.Body)
		if k.Anchor == "" {
			re = regexp.MustCompile(re.String() + "$")
		}
		for range 200 {
			text := k.assemble(k.Examples[rng.IntN(len(k.Examples))])
			for range rng.IntN(4) {
				at := rng.IntN(len(text))
				switch rng.IntN(4) {
				case 0:
					text[at] = bytes[rng.IntN(len(bytes))]
				case 1:
					text = text[:at+1]
				case 2:
					text = slices.Insert(text, at, text[at])
				default:
					text = slices.Insert(text, at, text[:at]...)
				}
			}
			checkForm(t, k.ID, k.form, re, text)
		}
	}
	if rest := len(v.Tokens) - steps; rest > 5 {
		t.Errorf("%d kinds need an expression, which takes long to compile at start; want 5 at most", rest)
	}
}

// FuzzForm: what steps are made of matches as the expression does, and what is
// refused is refused by both.
func FuzzForm(f *testing.F) {
	for _, body := range []string{
		`[0-9a-f]{4}`, `(?:a|bc)?[x-z]{2,}=`, `(?:x|a)bc`, `(?:x)?a(?:bc)?x`, `[0-9A-Za-z+/]{2,}={0,2}`, `a{2,3}b+c*d?`, `(?:[0-9a-z_-]{2,5}\.)?[0-9A-Za-z]{4,5}`,
		`[a-]`, `[^a]`, `a??`, `(?:a*)*`, `a|`, `[]a]`, `a{,3}`, `a{2`, `x{1001}`, `\d`, `é`, `(a)`, `[a-\]]`, `(?:)`, `(?:ab){1}`,
	} {
		f.Add(body, "x_abcxyz==0123a.bb")
	}
	f.Fuzz(func(t *testing.T, body, text string) {
		re, err := regexp.Compile("^(?:)x_(?:" + body + ")")
		form := &form{}
		if !form.compile("", "x_", body, false) {
			return
		}
		if err != nil {
			t.Fatalf("%q: steps were made of what is no expression: %v", body, err)
		}
		if strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) < 0 {
			checkForm(t, body, form, re, []byte(text))
		}
	})
}

// TestFormIsLinear: an expression that could take longer than its text is not
// made into steps.
func TestFormIsLinear(t *testing.T) {
	for body, want := range map[string]bool{
		`[a-z]+[a-z]+[a-z]+x`: false, `[a-z]+[0-9]+`: true, `[a-z]+x`: true, `[a-z]+(?:[a-z]{3})?`: true, `[0-9a-z]+a[0-9a-z]+b`: false,
		strings.Repeat(`(?:aa)?`, 30): false,
	} {
		if got := (&form{}).compile("", "x_", body, false); got != want {
			t.Errorf("%s: steps are made: %v, want %v", body, got, want)
		}
	}
}

func BenchmarkVendorToken(b *testing.B) {
	v := builtin(b)
	k := &v.Tokens[0]
	token := k.assemble(k.Examples[0])
	x := &classify.Exchange{Persisted: true, Record: []byte(strings.Repeat("level=info key="+string(token)+" done\n", 40))}
	c := newEngine(b).NewClassifier()
	b.SetBytes(int64(len(x.Record)))
	for b.Loop() {
		c.Classify(x, asOf, func(*classify.Finding) {})
	}
}
