package classify_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/detect"
)

func builtinEngine(t testing.TB) *classify.Engine {
	t.Helper()
	return engineWithKey(t, "0123456789abcdef")
}

func engineWithKey(t testing.TB, key string) *classify.Engine {
	t.Helper()
	v, err := detect.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	e, err := classify.NewEngine(classify.Config{Detectors: detect.All(v), Fields: v.Fields, Key: []byte(key)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// corpusBodies returns what stands in the corpora of the detectors.
func corpusBodies(t testing.TB) (list [][]byte) {
	t.Helper()
	files, err := filepath.Glob("detect/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus (%v)", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ReplaceAll(text, []byte("¦"), nil)
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] == '{' {
				list = append(list, slices.Clone(line))
			}
		}
	}
	return list
}

// same checks that a probed classification finds what a whole walk finds.
func same(t *testing.T, probed, walked *classify.Classifier, body []byte) {
	t.Helper()
	var lists [2]string
	for i, c := range []*classify.Classifier{probed, walked} {
		x := &classify.Exchange{Status: 200, Response: classify.Message{Body: body}}
		c.Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) {
			lists[i] += f.Rule.ID + " " + f.Pointer + "\n"
		})
	}
	if lists[0] != lists[1] {
		t.Errorf("the probe changes the findings from %q to %q, in\n%s", lists[1], lists[0], body)
	}
}

// TestProbe compares on the corpora's bodies, each alone, behind quiet members,
// in a list, and with the first value cut off.
func TestProbe(t *testing.T) {
	e := builtinEngine(t)
	probed, walked := e.NewClassifier(), e.NewClassifier().WithoutProbe()
	for _, body := range corpusBodies(t) {
		same(t, probed, walked, body)
		same(t, probed, walked, append([]byte(`{"version":1,"title":"a kettle","n":`), append(slices.Clone(body), '}')...))
		same(t, probed, walked, []byte(`[`+string(body)+`,`+string(body)+`]`))
		if i := bytes.LastIndexByte(body, '"'); i > 0 {
			same(t, probed, walked, body[:i])
		}
		var indented bytes.Buffer
		if json.Indent(&indented, body, "", "  ") == nil {
			same(t, probed, walked, indented.Bytes())
		}
	}
}

// FuzzProbe compares on documents made of the corpora's pieces.
func FuzzProbe(f *testing.F) {
	for _, body := range corpusBodies(f) {
		f.Add(body)
	}
	f.Add([]byte(`{"a":"password = hunter2","b":["4263 9826 4026 9299"],"pan":["374245455400126"]}`))
	f.Add([]byte(strings.Repeat(`{"a":[`, 5) + `"x":"y`))
	e := builtinEngine(f)
	probed, walked := e.NewClassifier(), e.NewClassifier().WithoutProbe()
	f.Fuzz(func(t *testing.T, body []byte) { same(t, probed, walked, body) })
}
