package detect

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect/detecttest"
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

// TestCorpus checks testdata/RULE-ID.txt for every rule: each match block gives
// the findings it says, and each clean block none of any rule above info.
func TestCorpus(t *testing.T) {
	e := newEngine(t)
	for _, r := range e.Rules() {
		t.Run(r.ID, func(t *testing.T) {
			var matches, cleans int
			for _, b := range readCorpus(t, r.ID) {
				if len(b.Want) > 0 {
					matches++
				} else {
					cleans++
				}
				if problem := b.Check(findings(e, &b.Exchange)); problem != "" {
					t.Errorf("line %d: %s, in\n%s", b.Line, problem, b.Text)
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

func readCorpus(t *testing.T, rule string) []*detecttest.Block {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", rule+".txt"))
	if err != nil {
		t.Fatalf("the rule has no corpus: %v", err)
	}
	blocks, err := detecttest.Read(string(raw), rule)
	if err != nil {
		t.Fatalf("line %v", err)
	}
	return blocks
}
