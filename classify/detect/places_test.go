package detect

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// asPlace makes an exchange in which a text stands in a place.
func asPlace(t *testing.T, place, text string) *classify.Exchange {
	t.Helper()
	x := &classify.Exchange{Method: []byte("GET"), Target: []byte("/api/x"), Status: 200, Source: classify.Source{Kind: classify.SourceFile, Name: "places"}}
	typed := func(contentType, body string) {
		x.Response.Headers = []classify.Header{{Name: []byte("Content-Type"), Value: []byte(contentType)}}
		x.Response.Body = []byte(body)
	}
	switch place {
	case "json":
		typed("application/json", text)
	case "html":
		typed("text/html; charset=utf-8", "<!doctype html><html><body>"+text+"</body></html>")
	case "xml":
		typed("application/xml", `<?xml version="1.0"?>`+text)
	case "text":
		typed("text/plain", strings.ReplaceAll(text, `\n`, "\n"))
	case "header":
		name, value, _ := strings.Cut(text, ": ")
		x.Response.Headers = []classify.Header{{Name: []byte(name), Value: []byte(value)}}
	case "query":
		x.Target = []byte("/api/x?" + text)
	case "url":
		x.Target = []byte(text)
	case "log", "json-log":
		*x = classify.Exchange{Source: x.Source, Persisted: true, Record: []byte(text)}
	case "form-log":
		x.Persisted, x.Method, x.Request.Body = true, []byte("POST"), []byte(text)
	default:
		t.Fatalf("unknown place %q", place)
	}
	return x
}

// TestPlaces checks testdata/places/secrets.txt: a secret is found wherever it
// stands, and what looks like one is not.
func TestPlaces(t *testing.T) {
	raw, err := os.ReadFile("testdata/places/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t)
	var found, silent int
	for n, line := range strings.Split(strings.ReplaceAll(string(raw), "¦", ""), "\n") {
		parts := strings.SplitN(line, " ", 3)
		if len(parts) < 3 || strings.HasPrefix(line, "#") {
			continue
		}
		var got []string
		for _, f := range findings(e, asPlace(t, parts[0], parts[2])) {
			if f.Severity > classify.Info {
				got = append(got, f.Rule.ID)
			}
		}
		if parts[1] == "-" {
			if silent++; len(got) > 0 {
				t.Errorf("line %d: got %q, want nothing, in %s", n+1, got, line)
			}
			continue
		}
		if found++; !slices.Contains(got, parts[1]) {
			t.Errorf("line %d: got %q, want %s, in %s", n+1, got, parts[1], line)
		}
	}
	if found < 80 || silent < 80 {
		t.Errorf("got %d places with a secret and %d without, want 80 of each at least", found, silent)
	}
}
