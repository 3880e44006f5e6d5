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
	"unicode/utf8"

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
	e, err := classify.NewEngine(classify.Config{
		Detectors: detect.All(v), Fields: v.Fields, Key: []byte(key), Observe: true, ReadToken: detect.ReadCaller,
	})
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

// same checks that a walk that passes over values without a place finds what a walk over
// all of them finds, also in a body that is still escaped.
func same(t *testing.T, found, walked *classify.Classifier, body []byte) {
	t.Helper()
	quoted, err := json.Marshal(string(body))
	if err != nil {
		t.Fatal(err)
	}
	slashes := bytes.ReplaceAll(quoted, []byte("/"), []byte(`\/`))
	var lists [4]string
	for i, run := range []struct {
		c *classify.Classifier
		m classify.Message
	}{
		{walked, classify.Message{Body: body}},
		{found, classify.Message{Body: body}},
		{found, classify.Message{Body: quoted[1 : len(quoted)-1], Escaped: true}},
		{found, classify.Message{Body: slashes[1 : len(slashes)-1], Escaped: true}},
	} {
		if i > 1 && !utf8.Valid(body) { // the escaped form is another text
			break
		}
		x := &classify.Exchange{Status: 200, Response: run.m}
		run.c.Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) {
			lists[i] += f.Rule.ID + " " + f.Pointer + "\n"
		})
		if lists[i] != lists[0] {
			t.Errorf("way %d: passing over values changes the findings from %q to %q, in\n%s", i, lists[0], lists[i], body)
		}
	}
}

// TestWalk compares on the corpora's bodies, each alone, behind quiet members,
// in a list, and with the first value cut off.
func TestWalk(t *testing.T) {
	e := builtinEngine(t)
	found, walked := e.NewClassifier(), e.NewClassifier().WithoutPlaces()
	for _, body := range corpusBodies(t) {
		same(t, found, walked, body)
		same(t, found, walked, append([]byte(`{"version":1,"title":"a kettle","n":`), append(slices.Clone(body), '}')...))
		same(t, found, walked, []byte(`[`+string(body)+`,`+string(body)+`]`))
		inside, err := json.Marshal(string(body))
		if err != nil {
			t.Fatal(err)
		}
		same(t, found, walked, []byte(`{"p":`+string(inside)+`}`))
		deeper, err := json.Marshal(`{"p":` + string(inside) + `}`)
		if err != nil {
			t.Fatal(err)
		}
		same(t, found, walked, []byte(`{"a":1,"p":`+string(deeper)+`}`))
		if i := bytes.LastIndexByte(body, '"'); i > 0 {
			same(t, found, walked, body[:i])
		}
		var indented bytes.Buffer
		if json.Indent(&indented, body, "", "  ") == nil {
			same(t, found, walked, indented.Bytes())
		}
	}
}

// FuzzWalk compares on documents made of the corpora's pieces.
func FuzzWalk(f *testing.F) {
	for _, body := range corpusBodies(f) {
		f.Add(body)
	}
	f.Add([]byte(`{"a":"password = hunter2","b":["4263 9826 4026 9299"],"pan":["374245455400126"]}`))
	f.Add([]byte(strings.Repeat(`{"a":[`, 5) + `"x":"y`))
	f.Add([]byte("{\"internal_id\"\r\n\t:0,\"password\"      :\"Corr3ct\"}"))
	f.Add([]byte("{\"debug _\":{\"a\":1}}"))
	f.Add([]byte("{\"userGroups\":00 .\"000000000000"))
	f.Add([]byte("{\"userGroups\":nullable\"000000000000"))
	e := builtinEngine(f)
	found, walked := e.NewClassifier(), e.NewClassifier().WithoutPlaces()
	f.Fuzz(func(t *testing.T, body []byte) { same(t, found, walked, body) })
}
