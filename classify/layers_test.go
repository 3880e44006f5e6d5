package classify

import (
	"encoding/base64"
	"fmt"
	"testing"
)

func TestLayers(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}), mark("s", false, Trigger{Fields: []string{"secret"}}))
	std, url := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	doc := []byte(`{"user":{"secret":"x"},"a":"MARK"}`)
	want := "s response.body %[1]s/user/secret\nm response.body %[1]s/a"
	for _, c := range []struct{ name, body, at string }{
		{"base64", `{"p":"` + std(doc) + `"}`, "/p#base64"},
		{"base64url in a list", `["` + url(doc) + `"]`, "/*#base64"},
		{"base64 of gzip", `{"p":"` + std(Packed(t, doc)) + `"}`, "/p#base64#gzip#json"},
		{"gzip", string(Packed(t, doc)), "#gzip#json"},
		{"base64 in JSON in JSON", `{"q":"{\"p\":\"` + std(doc) + `\"}"}`, "/q#json/p#base64"},
	} {
		got, _ := classifyAll(e, &Exchange{Response: Message{Body: []byte(c.body)}})
		if foundAt(got) != fmt.Sprintf(want, c.at) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, foundAt(got), fmt.Sprintf(want, c.at))
		}
	}
}

// TestCodedRuns looks into what running text holds in codings.
func TestCodedRuns(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}), mark("s", false, Trigger{Fields: []string{"secret"}}))
	doc := base64.StdEncoding.EncodeToString([]byte(`{"user":{"secret":"x"},"a":"MARK"}`))
	const parts = "--b1\r\nContent-Disposition: form-data; name=\"secret\"\r\n\r\nx y\r\n--b1--\r\n"
	for text, want := range map[string]string{
		"queued payload=" + doc + " retry=1":      "s record #base64/user/secret\nm record #base64/a",
		"token eyJhbGciOiJub25lIn0." + doc + ".x": "",
		"posting v=1&secret=%28a%29+b":            "s record \ns record #url/secret",
		"GET /a?secret=a%20b HTTP/1.1":            "s record \ns record #url/secret",
		"secret=a%20b alone":                      "s record",
		"raw request: " + parts:                   "s record #parts/secret",
	} {
		got, _ := classifyAll(e, &Exchange{Record: []byte(text)})
		if foundAt(got) != want {
			t.Errorf("%q: got\n%s\nwant\n%s", text, foundAt(got), want)
		}
	}
}

// TestLayersCut looks into what is left of a document that was cut.
func TestLayersCut(t *testing.T) {
	e := testEngine(t, Limits{}, mark("s", false, Trigger{Fields: []string{"secret"}}))
	text := base64.StdEncoding.EncodeToString([]byte(`{"secret":"x","and":"more than fits in here"}`))
	for n := 28; n < len(text); n++ {
		got, _ := classifyAll(e, &Exchange{Response: Message{Body: []byte(`{"p":"` + text[:n])}})
		if foundAt(got) != "s response.body /p#base64/secret" {
			t.Errorf("cut at %d: got %q", n, foundAt(got))
		}
	}
}

// TestGzipBomb unpacks a bounded part and counts the rest.
func TestGzipBomb(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}))
	bomb := Packed(t, append([]byte("MARK"), make([]byte, 4*maxUnpacked)...))
	got, in := classifyAll(e, &Exchange{Response: Message{Body: bomb}})
	if foundAt(got) != "m response.body #gzip" || in.LayerLimit == 0 {
		t.Errorf("got %q and %d bytes over the limit", foundAt(got), in.LayerLimit)
	}
}
