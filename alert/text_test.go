package alert

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leaktap/leaktap/classify"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// textFindings are three exposures, the worst of them in the middle.
func textFindings() []*classify.Finding {
	live := true
	expires := epoch().Add(72 * time.Hour)
	list := []*classify.Finding{
		finding(0, severity(classify.Medium), at("/api/books"), func(f *classify.Finding) {
			f.Rule = &classify.Rule{
				ID: "privilege-field", Category: classify.CategoryInternal, Title: "A role is in a response",
				Why: "It tells an attacker which accounts are worth the effort.", Fix: "Leave it out of the projection.",
			}
			f.HTTP.Service, f.Pointer = "", "/owner/role"
			f.Evidence = classify.Evidence{Redacted: "•••", Length: 5}
			f.Policy = &classify.Verdict{Verdict: "undeclared", By: "openapi"}
		}),
		finding(4, severity(classify.Critical), func(f *classify.Finding) {
			f.Rule = &classify.Rule{
				ID: "token-in-log", Category: classify.CategoryToken, Title: "A bearer token is in a log",
				Why: "Whoever reads the log can act as its owner until it expires.", Fix: "Redact it at the source, then revoke it.",
				CWE: []string{"CWE-532"},
			}
			f.Fingerprint = "fp-token"
			f.Source = classify.Source{Kind: classify.SourceKafka, Name: "logs", Partition: 1, Offset: 42}
			f.HTTP, f.Where, f.Pointer = classify.HTTP{}, classify.InRecord, ""
			f.Time = time.Time{}
			f.Evidence = classify.Evidence{Redacted: "eyJ•••", Length: 180}
			f.Token = &classify.Token{
				Kind: "jwt", Alg: "HS256", Issuer: "https://id.test", Scope: []string{"read", "write"},
				Expires: &expires, Live: &live,
			}
		}),
	}
	for i := range 3 {
		list = append(list, finding(10+i, func(f *classify.Finding) {
			f.Time = epoch().Add(time.Duration(i) * time.Minute)
			f.Count, f.Principal = 2, string(rune('a'+i))
		}))
	}
	return list
}

func TestTextGroups(t *testing.T) {
	for name, o := range map[string]TextOptions{
		"groups.txt":       {},
		"groups-wide.txt":  {Width: 100},
		"groups-color.txt": {Color: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s := NewText(&out, o)
			for _, f := range textFindings() {
				s.Accept(f)
			}
			settle(t, s)
			if out.Len() != 0 {
				t.Error("groups were written before Close")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
			for line := range strings.Lines(out.String()) {
				if n := utf8.RuneCountInString(line) - 1; !o.Color && n > max(o.Width, 80) {
					t.Errorf("a line of %d characters: %s", n, line)
				}
			}
		})
	}
}

func TestLiveTextShowsEachExposureOnce(t *testing.T) {
	for name, color := range map[string]bool{"live.txt": false, "live-color.txt": true} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s := NewText(&out, TextOptions{Live: true, Color: color})
			for i, f := range textFindings() {
				f.Time = epoch()
				s.Accept(f)
				if lines := strings.Count(out.String(), "\n"); lines != min(i+1, 3) {
					t.Errorf("%d lines after finding %d", lines, i)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
		})
	}
}

func TestTextSaysWhatItDoesNotShow(t *testing.T) {
	var out bytes.Buffer
	s := NewText(&out, TextOptions{MaxExposures: 2})
	for i, route := range []string{"/a", "/b", "/c"} {
		s.Accept(finding(i, at(route)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "\n1 more exposure not shown: only 2 are held at a time\n") {
		t.Errorf("wrote %s", out.String())
	}
}

func TestTextWithoutFindingsIsEmpty(t *testing.T) {
	var out bytes.Buffer
	if err := NewText(&out, TextOptions{}).Close(); err != nil || out.Len() != 0 {
		t.Errorf("wrote %q (%v)", out.String(), err)
	}
}

func TestTextReturnsWriteErrors(t *testing.T) {
	const want = "write findings: disk is full"
	live := NewText(&faulty{}, TextOptions{Live: true})
	live.Accept(finding(0))
	if err := live.Settle(t.Context()); err == nil || err.Error() != want {
		t.Errorf("live: settle returned %v", err)
	}
	groups := NewText(&faulty{}, TextOptions{})
	groups.Accept(finding(0))
	if err := groups.Close(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("groups: close returned %v", err)
	}
}

func TestWrapKeepsTheWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.String().Draw(t, "text")
		width := rapid.IntRange(1, 40).Draw(t, "width")
		lines := Wrap(in, width)
		if got, want := strings.Join(lines, " "), strings.Join(strings.Fields(in), " "); got != want {
			t.Fatalf("wrapped to %q, want %q", got, want)
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width && strings.Contains(line, " ") {
				t.Fatalf("line %q is longer than %d", line, width)
			}
		}
	})
}

func TestTokenText(t *testing.T) {
	no := false
	past := epoch()
	for want, tok := range map[string]*classify.Token{
		"":             nil,
		"opaque":       {Kind: "opaque"},
		"jwt, expired": {Kind: "jwt", Live: &no},
		"jwt RS256, expired (expires 2026-08-01 10:00:00Z)": {Kind: "jwt", Alg: "RS256", Live: &no, Expires: &past},
	} {
		if got := token(tok); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func BenchmarkText(b *testing.B) {
	f := finding(0)
	x := Exposure{Sample: f, Severity: f.Severity, Findings: 1, Count: 1, FirstSeen: f.Time, LastSeen: f.Time}
	s := NewText(&bytes.Buffer{}, TextOptions{})
	b.SetBytes(int64(len(s.group(&x))))
	b.ReportAllocs()
	for b.Loop() {
		s.group(&x)
	}
}
