package detect

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// asOf is the present time of the corpora: 2026-06-01.
var asOf = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func newEngine(t testing.TB) *classify.Engine {
	t.Helper()
	v, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	e, err := classify.NewEngine(classify.Config{Detectors: All(v), Fields: v.Fields, Key: []byte("0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// block is one case of a corpus: what is expected, and the exchange.
type block struct {
	line  int
	match bool
	want  []string // "WHERE POINTER SEVERITY"
	x     classify.Exchange
	text  string
}

// TestCorpus checks testdata/RULE-ID.txt for every rule: each match block gives
// the findings it says, and each clean block none of any rule above info.
func TestCorpus(t *testing.T) {
	e := newEngine(t)
	for _, r := range e.Rules() {
		t.Run(r.ID, func(t *testing.T) {
			var matches, cleans int
			for _, b := range readCorpus(t, filepath.Join("testdata", r.ID+".txt")) {
				if b.match {
					matches++
					checkMatch(t, e, r.ID, b)
				} else {
					cleans++
					checkClean(t, e, b)
				}
			}
			if matches < 3 || cleans < 3 {
				t.Errorf("corpus has %d match and %d clean blocks, want 3 of each", matches, cleans)
			}
		})
	}
}

// TestCorpusComplete says which corpus belongs to no rule.
func TestCorpusComplete(t *testing.T) {
	known := map[string]bool{}
	for _, r := range newEngine(t).Rules() {
		known[r.ID+".txt"] = true
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[filepath.Base(f)] {
			t.Errorf("%s belongs to no rule in list.go", f)
		}
	}
}

func findings(e *classify.Engine, x *classify.Exchange) []*classify.Finding {
	var list []*classify.Finding
	e.NewClassifier().Classify(x, asOf, func(f *classify.Finding) { list = append(list, f) })
	return list
}

func checkMatch(t *testing.T, e *classify.Engine, id string, b block) {
	t.Helper()
	var got []string
	for _, f := range findings(e, &b.x) {
		if f.Rule.ID == id {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s", f.Where, f.Pointer))+" "+f.Severity.String())
		}
	}
	if strings.Join(got, "\n") != strings.Join(b.want, "\n") {
		t.Errorf("line %d: got %q, want %q, in\n%s", b.line, got, b.want, b.text)
	}
}

func checkClean(t *testing.T, e *classify.Engine, b block) {
	t.Helper()
	for _, f := range findings(e, &b.x) {
		if f.Severity > classify.Info {
			t.Errorf("line %d: false positive of %s at %s %q, in\n%s", b.line, f.Rule.ID, f.Where, f.Pointer, b.text)
		}
	}
}

// readCorpus reads blocks that blank lines separate. A block starts with
// "clean" or with lines "match WHERE [POINTER] SEVERITY"; then come lines
// "@ log", "@ wire", "@ METHOD TARGET STATUS", "> NAME: VALUE" (request
// header), "< NAME: VALUE" (response header), ">> BODY" (request body), and the
// rest is the response body, or with "@ log" the record. Without "@ log" it is a
// recorded exchange, GET /api/x 200 by a known caller. "¦" is dropped: it cuts
// tokens so that other people's scanners pass the repository; "\n" stands for a
// line feed where a line is "|".
func readCorpus(t *testing.T, name string) []block {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("the rule has no corpus: %v", err)
	}
	var list []block
	line := 1
	for text := range strings.SplitSeq(string(raw), "\n\n") {
		at := line
		line += strings.Count(text, "\n") + 2
		if text = strings.TrimSpace(strings.ReplaceAll(text, "¦", "")); text != "" && !strings.HasPrefix(text, "#") {
			list = append(list, parseBlock(t, at, text))
		}
	}
	return list
}

func parseBlock(t *testing.T, line int, text string) block {
	t.Helper()
	b := block{line: line, text: text}
	b.x = classify.Exchange{
		Source: classify.Source{Kind: classify.SourceFile, Name: "corpus", Line: int64(line)},
		Method: []byte("GET"), Target: []byte("/api/x"), Status: 200,
	}
	b.x.Request.Headers = []classify.Header{{Name: []byte("Authorization"), Value: []byte("Bearer of-the-caller")}}
	lines := strings.Split(text, "\n")
	for len(lines) > 0 && b.head(t, lines[0]) {
		lines = lines[1:]
	}
	body := strings.ReplaceAll(strings.Join(lines, "\n"), "\n|", "\n")
	if b.x.Persisted {
		b.x.Record = []byte(body)
		if b.x.Status == 0 {
			b.x.Request.Headers = nil
		}
	} else {
		b.x.Response.Body = []byte(body)
	}
	return b
}

// head takes one line of a block's head; false when the body begins.
func (b *block) head(t *testing.T, line string) bool {
	t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "clean":
	case "match":
		b.match = true
		b.want = append(b.want, rest)
	case "@":
		b.context(t, rest)
	case ">", "<":
		name, value, _ := strings.Cut(rest, ": ")
		h := classify.Header{Name: []byte(name), Value: []byte(value)}
		if word == ">" {
			b.x.Request.Headers = append(b.x.Request.Headers, h)
		} else {
			b.x.Response.Headers = append(b.x.Response.Headers, h)
		}
	case ">>":
		b.x.Request.Body = []byte(rest)
	default:
		return false
	}
	return true
}

func (b *block) context(t *testing.T, rest string) {
	t.Helper()
	fields := strings.Fields(rest)
	switch {
	case rest == "log":
		b.x.Persisted, b.x.Method, b.x.Target, b.x.Status = true, nil, nil, 0
	case rest == "wire":
		b.x.Source.Kind, b.x.Scheme = classify.SourcePcap, "http"
	case rest == "anonymous":
		b.x.Request.Headers = nil
	case len(fields) == 3:
		status, err := strconv.Atoi(fields[2])
		if err != nil {
			t.Fatalf("line %d: %v", b.line, err)
		}
		b.x.Method, b.x.Target, b.x.Status = []byte(fields[0]), []byte(fields[1]), status
	default:
		t.Fatalf("line %d: unknown context %q", b.line, rest)
	}
}
