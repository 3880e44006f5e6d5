package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":         {"GET /api/users/{id}", "GET /api/users/{id}"},
		"empty":         {"", ""},
		"letters":       {"größe/日本", "größe/日本"},
		"escape":        {"a\x1b[31mred\x1b[0m", "a[31mred[0m"},
		"white space":   {"a\r\nb\tc", "a  b c"},
		"nul and del":   {"a\x00b\x7fc", "abc"},
		"c1":            {"a\u009b31mb", "a31mb"},
		"override":      {"user\u202etxt.exe", "usertxt.exe"},
		"isolates":      {"\u2066a\u2069", "a"},
		"zero width":    {"pass\u200bword\ufeff", "password"},
		"line break":    {"a\u2028b\u2029c\u0085d", "a b c d"},
		"tag letters":   {"a\U000e0041b", "ab"},
		"no UTF-8":      {"a\xffb", "a\ufffdb"},
		"redacted form": {"$2b$12$•••", "$2b$12$•••"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Clean(c.in); got != c.want {
				t.Errorf("Clean(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestCleanHoldsForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		got := Clean(in)
		if bad := strings.IndexFunc(got, steers); bad >= 0 || !utf8.ValidString(got) {
			t.Fatalf("Clean(%q) = %q keeps something at %d", in, got, bad)
		}
		if Clean(got) != got {
			t.Fatalf("Clean is not idempotent on %q", in)
		}
	})
}

// steers is a second opinion on what may not reach a reader.
func steers(r rune) bool {
	return r < ' ' || (r >= 0x7f && r < 0xa0) || r == 0x061c || r == 0x200e || r == 0x200f ||
		(r >= 0x200b && r <= 0x200d) || (r >= 0x2028 && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) ||
		r == 0xfeff || (r >= 0xe0000 && r <= 0xe007f)
}

func TestCutKeepsCharactersWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.String().Draw(t, "text")
		size := rapid.IntRange(3, 40).Draw(t, "size")
		got := cut(in, size)
		if len(got) > size || !utf8.ValidString(got) {
			t.Fatalf("cut(%q, %d) = %q", in, size, got)
		}
		if len(in) <= size && got != in {
			t.Fatalf("cut(%q, %d) changed it to %q", in, size, got)
		}
	})
}

func TestEscapeInvisibleKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.String().Draw(t, "text") + "\u202e\u009b\U000e0041"
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		escaped := EscapeInvisible(text)
		if strings.ContainsFunc(string(escaped), func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) {
			t.Fatalf("%q holds invisible characters", escaped)
		}
		var back string
		if err := json.Unmarshal(escaped, &back); err != nil || back != in {
			t.Fatalf("%q came back as %q (%v)", in, back, err)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	for name, text := range map[string]string{
		"plain": strings.Repeat("GET /api/users/{id} ", 10),
		"mixed": strings.Repeat("\u202eGET /größe\x1b ", 10),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Clean(text)
			}
		})
	}
}
