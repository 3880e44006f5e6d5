package classify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/score/corpus"
)

// identity is what stays the same of a finding wherever its record goes: the
// rule and the digest of the secret. The digest is empty for evidence that is
// no secret, and where one finding stands for many places, of which any may be
// the one that is shown.
type identity struct{ rule, digest string }

// identities classifies a document as a log record or as a response's body. It
// gives the number of layers that each finding is deep.
func identities(c *classify.Classifier, document []byte, body bool) map[identity]int {
	x := &classify.Exchange{Record: document, Persisted: true}
	if body {
		x = &classify.Exchange{Method: []byte("GET"), Target: []byte("/v1/things"), Status: 200}
		x.Response.Body = document
	}
	found := map[identity]int{}
	c.Classify(x, corpus.Now(), func(f *classify.Finding) {
		id := identity{f.Rule.ID, f.Evidence.Digest}
		if f.Count > 1 {
			id.digest = ""
		}
		layers := strings.Count(f.Pointer, "#")
		found[id] = max(found[id], layers)
		found[identity{f.Rule.ID, ""}] = max(found[identity{f.Rule.ID, ""}], layers)
	})
	return found
}

// documents calls f for the JSON documents of a corpus: whole records, and the
// documents in their strings.
func documents(t *testing.T, records int, f func(r *corpus.Record, document []byte)) {
	t.Helper()
	const smallEnough = 20_000 // findings past the limit would depend on order
	g := corpus.New(21, 0.8)
	seen := 0
	for range records {
		r := g.Next()
		var v any
		if len(r.Line) > smallEnough || json.Unmarshal(r.Line, &v) != nil {
			continue
		}
		f(&r, r.Line)
		inner(v, func(text string) {
			seen++
			f(&r, []byte(text))
		})
	}
	if seen < records/10 {
		t.Fatalf("%d documents in the strings of %d records: the test looks at too little", seen, records)
	}
}

// inner finds the strings of a value that hold a JSON object.
func inner(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		if len(v) > 20 && v[0] == '{' && json.Valid([]byte(v)) {
			f(v)
		}
	case []any:
		for _, e := range v {
			inner(e, f)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner(v[name], f)
		}
	}
}

// exceptions are the rules for which a property does not hold, with the reason.
type exceptions map[string]string

// compare fails for findings of before that are not in after.
func compare(t *testing.T, how string, r *corpus.Record, before, after map[identity]int, except exceptions, used map[string]bool) {
	t.Helper()
	for id := range before {
		if _, ok := after[id]; ok {
			continue
		}
		if except[id.rule] != "" {
			used[id.rule] = true
			continue
		}
		t.Errorf("%s: %s of a record of kind %s is lost (other rules find: %v)", how, id.rule, r.Kind, rulesOf(after))
	}
}

func rulesOf(found map[identity]int) []string {
	names := map[string]bool{}
	for id := range found {
		names[id.rule] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// unused fails for exceptions that have become needless.
func unused(t *testing.T, except exceptions, used map[string]bool) {
	t.Helper()
	for rule := range except {
		if !used[rule] {
			t.Errorf("%s is an exception without need: delete it", rule)
		}
	}
}

// places are the two places in which documents are looked at.
var places = map[string]bool{"record": false, "body": true}

// maxLayers is how many documents inside each other are promised to be opened.
const maxLayers = 3

// TestEmbeddedIsFound puts documents into strings of others, three levels deep.
func TestEmbeddedIsFound(t *testing.T) {
	except, used := exceptions{
		"response-body-in-log": "it speaks of another finding, which is then more than three layers deep",
		"token-cacheable":      "likewise",
	}, map[string]bool{}
	c := builtinEngine(t).NewClassifier()
	documents(t, 1000, func(r *corpus.Record, document []byte) {
		for place, body := range places {
			before := identities(c, document, body)
			outer := document
			for level := 1; level <= maxLayers; level++ {
				maps.DeleteFunc(before, func(_ identity, layers int) bool { return layers+level > maxLayers })
				text, err := json.Marshal(string(outer))
				if err != nil {
					t.Fatal(err)
				}
				outer = fmt.Appendf(nil, `{"seq":17,"payload":%s,"ok":true}`, text)
				compare(t, fmt.Sprintf("%d levels deep in a %s", level, place), r, before, identities(c, outer, body), except, used)
			}
		}
	})
	unused(t, except, used)
}

// TestOrderDoesNotMatter writes the members of all objects in another order.
func TestOrderDoesNotMatter(t *testing.T) {
	except, used := exceptions{}, map[string]bool{}
	c := builtinEngine(t).NewClassifier()
	documents(t, 1000, func(r *corpus.Record, document []byte) {
		turned := reversed(t, document)
		for place, body := range places {
			compare(t, "members turned round in a "+place, r, identities(c, document, body), identities(c, turned, body), except, used)
		}
	})
	unused(t, except, used)
}

// reversed writes a document with the members of every object turned round.
func reversed(t *testing.T, document []byte) []byte {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var out bytes.Buffer
	turn(t, dec, &out)
	return out.Bytes()
}

func turn(t *testing.T, dec *json.Decoder, out *bytes.Buffer) {
	t.Helper()
	token, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	open, ok := token.(json.Delim)
	if !ok {
		writeJSON(t, out, token)
		return
	}
	var parts []string
	for dec.More() {
		var part bytes.Buffer
		if open == '{' {
			turn(t, dec, &part)
			part.WriteByte(':')
		}
		turn(t, dec, &part)
		parts = append(parts, part.String())
	}
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	if open == '{' {
		slices.Reverse(parts)
	}
	out.WriteString(string(open) + strings.Join(parts, ",") + string(open+2)) // } and ] in ASCII
}

// writeJSON writes a value as the corpus does, < and > as they are.
func writeJSON(t *testing.T, out *bytes.Buffer, v any) {
	t.Helper()
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	out.Truncate(out.Len() - 1) // the line end
}

// TestCutIsFound cuts documents right behind a planted value: half documents are
// the rule in logs.
func TestCutIsFound(t *testing.T) {
	except, used := exceptions{
		"config-debugger-secret": "the closing quote belongs to what the debugger writes; without it secret-field reports the value",
	}, map[string]bool{}
	c := builtinEngine(t).NewClassifier()
	cuts := 0
	documents(t, 1000, func(r *corpus.Record, document []byte) {
		for _, l := range r.Leaks {
			var value bytes.Buffer
			writeJSON(t, &value, l.Value)
			at := bytes.Index(document, bytes.Trim(value.Bytes(), `"`))
			if l.Value == "" || at < 0 {
				continue
			}
			end := at + value.Len() - 2
			for place, body := range places {
				whole := identities(c, document, body)
				for id := range whole {
					if !isOf(c, id, l.Value, body) {
						delete(whole, id)
					}
				}
				cuts += len(whole)
				compare(t, "cut behind the value in a "+place, r, whole, identities(c, document[:end], body), except, used)
				compare(t, "cut behind the quote in a "+place, r, whole, identities(c, document[:quoteBehind(document, end)], body), except, used)
			}
		}
	})
	if cuts < 300 {
		t.Errorf("%d values were cut: the test looks at too little", cuts)
	}
	unused(t, except, used)
}

// quoteBehind returns the end of the quote, escaped or not, that follows.
func quoteBehind(document []byte, at int) int {
	n := len(document) - len(bytes.TrimLeft(document[at:], `\`))
	if n < len(document) && document[n] == '"' {
		return n + 1
	}
	return at
}

// isOf says whether a finding's secret is that value: the digest of the value
// alone is the same. The value stands under a name of its own, since a rule may
// need none.
func isOf(c *classify.Classifier, id identity, value string, body bool) bool {
	if id.digest == "" {
		return false
	}
	text, err := json.Marshal(map[string]string{"password": value, "token": value, "secret": value, "key": value})
	if err != nil {
		return false
	}
	for other := range identities(c, text, body) {
		if other.digest == id.digest {
			return true
		}
	}
	return false
}
