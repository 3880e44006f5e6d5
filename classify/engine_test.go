package classify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// markDetector reports its anchor or every value under its field.
type markDetector struct{ rule Rule }

func (d *markDetector) Rule() *Rule { return &d.rule }

func (d *markDetector) Detect(c *Candidate) {
	if c.Kind != Container {
		c.Report(Match{Lo: c.Lo, Hi: c.Hi, Public: 2})
	}
}

func mark(id string, exclusive bool, on Trigger) Detector {
	return &markDetector{Rule{
		ID: id, Category: CategoryToken, Severity: Medium, Title: "t", Why: "w", Fix: "f", On: on, Exclusive: exclusive,
	}}
}

var testKey = []byte("0123456789abcdef")

func testEngine(t testing.TB, limits Limits, detectors ...Detector) *Engine {
	t.Helper()
	e, err := NewEngine(Config{
		Detectors: detectors, Key: testKey, Limits: limits,
		Fields: []FieldNames{{Class: "secret", Names: []string{"secret"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func classifyAll(e *Engine, x *Exchange) (list []*Finding, in Inspection) {
	in = e.NewClassifier().Classify(x, time.Unix(1e9, 0), func(f *Finding) { list = append(list, f) })
	return list, in
}

// foundAt writes findings as "rule where pointer count".
func foundAt(list []*Finding) string {
	var b strings.Builder
	for _, f := range list {
		b.WriteString(f.Rule.ID + " " + f.Where.String() + " " + f.Pointer)
		if f.Count > 1 {
			b.WriteString(" x" + string(rune('0'+f.Count)))
		}
		b.WriteByte('\n')
	}
	return strings.TrimSpace(b.String())
}

func TestWalk(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}), mark("s", false, Trigger{Fields: []string{"secret"}}),
		mark("x", true, Trigger{Anchors: []string{"EXCL"}}))
	for _, c := range []struct{ name, body, want string }{
		{"object", `{"a":"MARK","my_secret":1}`, "m response.body /a\ns response.body /my_secret"},
		{"list", `{"l":[{"a":"MARK"},{"a":"MARK"}],"z":"MARK"}`, "m response.body /l/*/a x2\nm response.body /z"},
		{"list of secrets", `{"secret":["x","y"],"b":"z"}`, "s response.body /secret/* x2"},
		{"json in json", `{"p":"{\"q\":\"{\\\"secret\\\":\\\"x\\\"}\"}"}`, "s response.body /p#json/q#json/secret"},
		{"escaped name", `{"s\u0065cret":"x"}`, "s response.body /secret"},
		{"text", `a MARK b secret=xyz`, "m response.body \ns response.body"},
		{"cut", `{"a":{"secret":"xy`, "s response.body /a/secret"},
		{"trailing text", `{"a":1} then MARK`, "m response.body"},
		{"junk value", `{"a":NaN,"b":"MARK",'c':'MARK'}`, "m response.body /b"},
		{"two documents", "{\"a\":1}\n{\"b\":\"MARK\"}", "m response.body /b"},
		{"secret as a name", `{"tokens":{"x MARK,MARK,MARK,MARK":1}}`, "m response.body /tokens/* x4"},
		{"stray brackets", `}}{"a":"MARK"}`, "m response.body"},
		{"example of a schema", `{"properties":{"a":{"example":"EXCL MARK"}},"example":"EXCL"}`, "m response.body /properties/a/example\nx response.body /example"},
		{"mixed brackets", `{"a":["MARK"},"b":"MARK"}`, "m response.body /a/*\nm response.body /b"},
	} {
		x := &Exchange{Response: Message{Body: []byte(c.body)}}
		got, _ := classifyAll(e, x)
		if foundAt(got) != strings.TrimSpace(c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, foundAt(got), c.want)
		}
	}
}

func TestWalkParts(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}), mark("s", false, Trigger{Fields: []string{"secret"}}))
	x := &Exchange{
		Target: []byte("/a/MARK?secret=a%20b&x=MARK#secret=1"),
		Request: Message{
			Headers: []Header{{[]byte("X-Secret"), []byte("v")}, {[]byte("Cookie"), []byte("a=MARK")}},
			Body:    []byte("secret=1&b=MARK"),
		},
		Response: Message{Headers: []Header{{[]byte("X-J"), []byte(`{"secret":1}`)}}},
		Record:   []byte(`{"resp":"MARK","msg":"MARK","n":{"h":["MARK"]},"tail":"MARK"}`),
		Mapped:   []Span{{9, 13}, {32, 46}},
	}
	got, in := classifyAll(e, x)
	want := `m request.url /path
s request.url /query/secret x2
m request.url /query/x
s request.header /x-secret
m request.header /cookie
s request.body /secret
m request.body /b
s response.header /x-j#json/secret
m record /msg
m record /tail`
	if foundAt(got) != want {
		t.Errorf("got\n%s\nwant\n%s", foundAt(got), want)
	}
	if in.Bytes == 0 {
		t.Error("no byte was counted")
	}
}

func TestMappedSpans(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}))
	record := `{"a": "MARK" ,"b":{"c":["MARK"]},"d":"MARK"}`
	for _, skip := range []string{`"MARK" `, `{"c":["MARK"]}`, `MARK`} {
		at := strings.Index(record, skip)
		span := Span{at, at + len(strings.TrimSpace(skip))}
		got, _ := classifyAll(e, &Exchange{Record: []byte(record), Mapped: []Span{span}})
		if len(got) != 2 {
			t.Errorf("without %s: got\n%s", skip, foundAt(got))
		}
	}
}

func TestTextSpan(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}))
	got, _ := classifyAll(e, &Exchange{Record: []byte("GET /x MARK"), Mapped: []Span{{0, 6}}})
	if len(got) != 1 || got[0].Evidence.Span == nil || *got[0].Evidence.Span != (Span{7, 11}) {
		t.Errorf("got %+v", got[0].Evidence.Span)
	}
}

func TestExclusive(t *testing.T) {
	e := testEngine(t, Limits{},
		mark("first", true, Trigger{Anchors: []string{"MARKED"}}),
		mark("second", true, Trigger{Anchors: []string{"MARK"}}),
		mark("other", false, Trigger{Anchors: []string{"MARK"}}))
	got, _ := classifyAll(e, &Exchange{Response: Message{Body: []byte(`{"a":"MARKED","b":"MARK"}`)}})
	want := "first response.body /a\nother response.body /a\nsecond response.body /b\nother response.body /b"
	if foundAt(got) != want {
		t.Errorf("got\n%s\nwant\n%s", foundAt(got), want)
	}
}

func TestLimits(t *testing.T) {
	e := testEngine(t, Limits{Findings: 3, Layers: 1}, mark("m", false, Trigger{Anchors: []string{"MARK"}}))
	got, in := classifyAll(e, &Exchange{Response: Message{Body: []byte(`{"a":"MARK","b":"MARK","c":"MARK","d":"MARK","e":"MARK"}`)}})
	if len(got) != 3 || in.DroppedFindings != 2 {
		t.Errorf("got %d findings and %d dropped, want 3 and 2", len(got), in.DroppedFindings)
	}
	got, in = classifyAll(e, &Exchange{Response: Message{Body: []byte(`{"a":"{\"b\":\"{\\\"c\\\":\\\"MARK\\\"}\"}"}`)}})
	if len(got) != 1 || got[0].Pointer != "/a#json/b" || in.LayerLimit == 0 {
		t.Errorf("got %s and %d bytes over the limit", foundAt(got), in.LayerLimit)
	}
}

// TestIdentity checks that a replay repeats ids, that another offset changes the
// id and not the fingerprint, and that another key changes the digest alone.
func TestIdentity(t *testing.T) {
	d := mark("m", false, Trigger{Anchors: []string{"MARK"}})
	e := testEngine(t, Limits{}, d)
	at := func(e *Engine, offset int64) *Finding {
		x := &Exchange{
			Persisted: true, Source: Source{Kind: SourceKafka, Name: "logs", Partition: 3, Offset: offset},
			Record: []byte(`{"a":"MARK"}`),
		}
		list, _ := classifyAll(e, x)
		return list[0]
	}
	a, again, b := at(e, 7), at(e, 7), at(e, 8)
	if a.ID != again.ID || a.ID == b.ID || a.Fingerprint != b.Fingerprint {
		t.Errorf("ids %s %s %s, fingerprints %s %s", a.ID, again.ID, b.ID, a.Fingerprint, b.Fingerprint)
	}
	other, err := NewEngine(Config{Detectors: []Detector{d}, Key: []byte("another key of 16")})
	if err != nil {
		t.Fatal(err)
	}
	c := at(other, 7)
	if c.ID != a.ID || c.Evidence.Digest == a.Evidence.Digest || c.Evidence.Key == a.Evidence.Key {
		t.Errorf("another key: %+v and %+v", a.Evidence, c.Evidence)
	}
}

func TestFindingJSON(t *testing.T) {
	e := testEngine(t, Limits{}, mark("m", false, Trigger{Anchors: []string{"MARK"}}))
	x := &Exchange{
		Time: time.Unix(1780000000, 0), Source: Source{Kind: SourceKafka, Name: "logs"}, Method: []byte("GET"), Target: []byte("/u/1"), Status: 200,
		Response: Message{Body: []byte(`{"a":"MARK"}`)},
	}
	list, _ := classifyAll(e, x)
	got, err := json.Marshal(list[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schema":"leaktap/finding/v1","id":"` + list[0].ID + `","time":"2026-05-28T20:26:40Z","rule":"m","category":"token",` +
		`"severity":"medium","confidence":"medium","source":{"kind":"kafka","name":"logs","partition":0,"offset":0},` +
		`"http":{"method":"GET","route":"/u/{id}","status":200},"where":"response.body","pointer":"/a",` +
		`"evidence":{"redacted":"MA•••","length":4,"digest":"` + list[0].Evidence.Digest + `","key":"` + e.KeyID() + `"},"count":1,` +
		`"why":"w","fix":"f","fingerprint":"` + list[0].Fingerprint + `"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNewEngineErrors(t *testing.T) {
	ok := mark("m", false, Trigger{Anchors: []string{"xy"}})
	for _, c := range []struct {
		want string
		cfg  Config
	}{
		{"make engine: digest key has 3 bytes, want at least 16", Config{Key: []byte("abc")}},
		{`make engine: add rule "m": it is there already`, Config{Key: testKey, Detectors: []Detector{ok, ok}}},
		{`make engine: add rule "f": no class "nothing" in the field vocabulary`, Config{
			Key: testKey, Detectors: []Detector{mark("f", false, Trigger{Fields: []string{"nothing"}})},
		}},
		{`make engine: add rule "e": an anchor is empty`, Config{Key: testKey, Detectors: []Detector{mark("e", false, Trigger{Anchors: []string{""}})}}},
		{`make engine: add rule "": id, category, severity, why and fix are needed`, Config{Key: testKey, Detectors: []Detector{&markDetector{}}}},
	} {
		if _, err := NewEngine(c.cfg); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %s", err, c.want)
		}
	}
}

// missDetector never matches.
type missDetector struct {
	rule  Rule
	asked *int
}

func (d *missDetector) Rule() *Rule { return &d.rule }

func (d *missDetector) Detect(*Candidate) { *d.asked++ }

// TestMisses bounds how often a costly rule is asked in vain, and counts the rest.
func TestMisses(t *testing.T) {
	for _, once := range []bool{true, false} {
		asked := 0
		rule := *mark("m", false, Trigger{Anchors: []string{"MARK"}}).Rule()
		rule.Once = once
		e := testEngine(t, Limits{Misses: 3}, &missDetector{rule, &asked})
		_, in := classifyAll(e, &Exchange{Response: Message{Body: []byte("MARK MARK MARK MARK MARK")}})
		want, dropped := 5, int64(0)
		if once {
			want, dropped = 3, 2
		}
		if asked != want || in.DroppedCandidates != dropped {
			t.Errorf("once %v: asked %d times and %d dropped, want %d and %d", once, asked, in.DroppedCandidates, want, dropped)
		}
	}
}
