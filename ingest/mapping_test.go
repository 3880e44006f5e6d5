package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

// ownMapping maps a format that nobody has.
func ownMapping(t testing.TB) *Mapping {
	t.Helper()
	m, err := NewMapping([]MappedField{
		{Name: "query", Paths: []string{"to.q"}},
		{Name: "time", Paths: []string{"when"}},
		{Name: "method", Paths: []string{"none", "verb"}},
		{Name: "path", Paths: []string{"to.p"}},
		{Name: "status", Paths: []string{"answer.code"}, Decode: []string{stepJSON}},
		{Name: "response_body", Paths: []string{"answer.text"}, Decode: []string{stepBase64, stepGzip}},
		{Name: "request", Paths: []string{"raw"}, Decode: []string{stepBase64, stepHTTP}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMapping(t *testing.T) {
	body := base64.URLEncoding.EncodeToString(gzipped(t, []byte(`{"a":1}`)))
	raw := base64.RawStdEncoding.EncodeToString([]byte("PUT /raw HTTP/1.1\r\nHost: h\r\n\r\nin"))
	for _, test := range []struct{ name, record, want string }{
		{"all of it", `{"when":1795446515940,"verb":"GET","to":{"q":"x=1","p":"/a"},"answer":{"code":"\"404\"","text":"` + body + `"}}`, `custom 2026 GET /a?x=1 404 {"a":1} {"when":1795446515940,"verb":"GET","to":{"q":"‹›","p":"‹›"},"answer":{"code":"\"404\"","text":"‹›"}}`},
		{"dotted", `{"verb":"GET","to.p":"/a"}`, `custom 0001 GET /a 0  {"verb":"GET","to.p":"‹›"}`},
		{"a whole message", `{"raw":"` + raw + `"}`, `custom 0001 PUT /raw 0  {"raw":"‹›"}`},
		{"a step that does not fit", `{"verb":"GET","answer":{"text":"no base64!"}}`, `custom 0001 GET  0  {"verb":"GET","answer":{"text":"no base64!"}}`},
		{"another format", `{"method":"GET","path":"/json","status":200}`, `json 0001 GET /json 200  {"method":"GET","path":"‹›","status":200}`},
		{"no JSON", `text`, `text 0001   0  text`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got string
			d := newTestDecoding(t, Config{Mapping: ownMapping(t)}, func(x *classify.Exchange) {
				got = fmt.Sprintf("%s %s %s %d %s %s", x.Time.Format("2006"), x.Method, x.Target, x.Status, x.Response.Text(), newWire(x).Rest)
			})
			d.record(classify.Source{}, time.Time{}, []byte(test.record))
			for key := range d.tally.result().Records {
				got = key.Format + " " + got
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if misfit := test.name == "a step that does not fit"; misfit != (d.tally.stats.Limits[LimitMapping] == 1) {
				t.Errorf("limits %v", d.tally.stats.Limits)
			}
		})
	}
}

func TestMappingRefuses(t *testing.T) {
	for _, test := range []struct {
		fields []MappedField
		want   string
	}{
		{nil, ": there is no field: map at least one of time, "},
		{[]MappedField{{Name: "verb", Paths: []string{"a"}}}, "verb: is no field of an exchange"},
		{[]MappedField{{Name: "method"}}, "method: has no path"},
		{[]MappedField{{Name: "method", Paths: []string{"…"}}}, `method: path "…" has no letters`},
		{[]MappedField{{Name: "method", Paths: []string{"a"}, Decode: []string{"rot13"}}}, `method.decode[0]: unknown step "rot13"`},
		{[]MappedField{{Name: "method", Paths: []string{"a_b", "A.B"}}}, `method: path "A.B" is mapped twice`},
		{[]MappedField{{Name: "request_body", Paths: []string{"a"}, Decode: []string{"http"}}}, "request_body: step http makes"},
		{[]MappedField{{Name: "method", Paths: strings.Fields(strings.Repeat("a ", 65))}}, "method: path \"a\" is mapped twice"},
	} {
		_, err := NewMapping(test.fields)
		if wrong, ok := errors.AsType[*MappingError](err); !ok || !strings.HasPrefix(wrong.Error(), test.want) {
			t.Errorf("NewMapping(%+v) = %v, want %q", test.fields, err, test.want)
		}
	}
}

// FuzzMapping checks what is true of every exchange.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{
		`{"when":1795446515940,"verb":"GET","to":{"q":"x=1","p":"/a"},"answer":{"code":"\"404\"","text":"H4sI"}}`, `{"raw":"R0VUIC8gSFRUUC8xLjENCg0K"}`, `{"to":{"to":{"p":`,
	} {
		f.Add([]byte(seed))
	}
	m := ownMapping(f)
	f.Fuzz(func(t *testing.T, record []byte) {
		d := newTestDecoding(t, Config{Mapping: m}, func(x *classify.Exchange) { checkExchange(t, x) })
		d.record(classify.Source{}, time.Time{}, record)
		if n := d.tally.stats.Uninspected[UninspectedPanic]; n > 0 {
			t.Errorf("the decoder panicked on %q", record)
		}
	})
}

func TestWhere(t *testing.T) {
	const record = `{"service":"shop","client_ip":"192.0.2.1","request":{"method":"GET","url":"https://h.test/a/b?q=1","headers":{"X-A":"1","x-a":"2"}},"response":{"status":404,"headers":{"Server":"s"}}}`
	for expression, keep := range map[string]bool{
		`status >= 400`: true, `status < 400`: false, `method == "GET" and host == "h.test"`: true, `path == "/a/b"`: true,
		`target endsWith "q=1"`: true, `service in ["shop"]`: true, `client == "192.0.2.1"`: true, `scheme == "https"`: true, `http`: true, `not http`: false,
		`request_headers["x-a"] == "1"`: true, `response_headers.server == "s"`: true, `response_headers.none == nil`: false,
		`int(service) == 1`: true, // it fails: nothing is left out for that
	} {
		where, err := CompileWhere(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		given := 0
		d := newTestDecoding(t, Config{Where: where}, func(*classify.Exchange) { given++ })
		d.record(classify.Source{}, time.Time{}, []byte(record))
		if (given == 1) != keep || d.tally.stats.Filtered != int64(1-given) {
			t.Errorf("%s: handed over %d, filtered %d, want it kept %v", expression, given, d.tally.stats.Filtered, keep)
		}
	}
	for _, expression := range []string{"", "status", "nope == 1", "status ==", `status == "x"`} {
		if _, err := CompileWhere(expression); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("CompileWhere(%q) = %v, want an error of one line", expression, err)
		}
	}
}

// TestWhereAndWhatIsBeside leaves the envelope and the key of a record out with its
// exchange, and only then.
func TestWhereAndWhatIsBeside(t *testing.T) {
	where, err := CompileWhere("status >= 400")
	if err != nil {
		t.Fatal(err)
	}
	for record, want := range map[string]int{
		`{"message":"{\"method\":\"GET\",\"path\":\"/a\",\"status\":404}"}`:         2, // and the key
		`{"message":"{\"method\":\"GET\",\"path\":\"/a\",\"status\":404}","x":"y"}`: 3, // and the envelope
		`{"message":"{\"method\":\"GET\",\"path\":\"/a\",\"status\":200}","x":"y"}`: 0,
		`text`: 0,
	} {
		given := 0
		d := newTestDecoding(t, Config{Where: where}, func(*classify.Exchange) { given++ })
		d.record(classify.Source{Kind: classify.SourceKafka, Offset: 7}, time.Time{}, []byte(record))
		d.attached(time.Time{}, []byte("key: k"))
		if given != want {
			t.Errorf("%s: %d were handed over, want %d", record, given, want)
		}
	}
	given := 0
	d := newTestDecoding(t, Config{Where: where}, func(*classify.Exchange) { given++ })
	d.src = classify.Source{Kind: classify.SourceKafka, Offset: 8} // as the worker does for a tombstone
	if d.attached(time.Time{}, []byte("key: k")); given != 1 {
		t.Error("the key of a record without a value was left out")
	}
}

// TestPairsAreBounded holds the bounds of what is remembered for a second record.
func TestPairsAreBounded(t *testing.T) {
	request := func(i int) []byte {
		return fmt.Appendf(nil, `{"origin":"remote","type":"request","correlation":"%d","method":"GET","uri":"http://h/%d"}`, i, i)
	}
	response := func(i int) []byte {
		return fmt.Appendf(nil, `{"origin":"local","type":"response","correlation":"%d","status":200,"body":"x"}`, i)
	}
	var target string
	d := newTestDecoding(t, Config{MaxPairs: 2}, func(x *classify.Exchange) { target = string(x.Target) })
	at := time.Unix(1e9, 0)
	for i := range 4 {
		d.record(classify.Source{}, at, request(i))
	}
	if len(d.pairs.list) != 2 || len(d.pairs.index) != 2 || d.tally.stats.Limits[LimitPairs] != 2 {
		t.Errorf("%d pairs are remembered, limits %v", len(d.pairs.index), d.tally.stats.Limits)
	}
	for i, want := range []string{"", "", "/2", "/3"} {
		if d.record(classify.Source{}, at, response(i)); target != want {
			t.Errorf("response %d has target %q, want %q", i, target, want)
		}
	}
	if len(d.pairs.index) != 0 {
		t.Errorf("%d pairs are left", len(d.pairs.index))
	}
	late := []byte(`{"time":"2026-01-01T00:00:00Z","origin":"remote","type":"request","correlation":"x","method":"GET","uri":"http://h/x"}`)
	d.record(classify.Source{}, at, late)
	d.record(classify.Source{}, at, []byte(`{"time":"2026-01-01T00:06:00Z","origin":"local","type":"response","correlation":"x","status":200}`))
	if target != "" {
		t.Errorf("a response six minutes later has target %q", target)
	}
}

// TestSegmentsAreBounded joins bodies up to a limit, past which a part stands behind
// the end of those before.
func TestSegmentsAreBounded(t *testing.T) {
	segment := func(text string) []byte {
		return fmt.Appendf(nil, `{"http_streamed_trace_segment":{"trace_id":"1","response_body_chunk":{"as_string":%q}}}`, text)
	}
	var sizes []int
	d := newTestDecoding(t, Config{}, func(x *classify.Exchange) { sizes = append(sizes, len(x.Response.Body)) })
	for _, size := range []int{maxPairBody / 2, maxPairBody / 2, 3, 2 * maxPairBody, 5} {
		d.record(classify.Source{}, time.Time{}, segment(strings.Repeat("x", size)))
	}
	want := []int{maxPairBody / 2, maxPairBody, pairOverlap + 3, pairOverlap + 2*maxPairBody, pairOverlap + 5}
	if diff := cmp.Diff(want, sizes); diff != "" || d.tally.stats.Limits[LimitPairBody] != 2 {
		t.Errorf("sizes (-want +got):\n%s limits %v", diff, d.tally.stats.Limits)
	}
}

// TestCutBodies marks what a gateway cuts without a word.
func TestCutBodies(t *testing.T) {
	for size, want := range map[int]bool{apisixBody - 1: false, apisixBody: true, apisixBody + 1: false} {
		record, err := json.Marshal(map[string]any{
			"route_id": "1", "request": map[string]any{"method": "GET", "uri": "/"},
			"response": map[string]any{"status": 200, "body": strings.Repeat(`"`, size)},
		})
		if err != nil {
			t.Fatal(err)
		}
		d := newTestDecoding(t, Config{}, func(x *classify.Exchange) {
			if x.Response.Truncated != want {
				t.Errorf("a body of %d bytes is truncated: %v, want %v", size, x.Response.Truncated, want)
			}
		})
		d.record(classify.Source{}, time.Time{}, record)
	}
}

// archiveReader makes an archive of many entries as it is read.
type archiveReader struct {
	head, entry []byte
	left        int
	rest        []byte
}

func (r *archiveReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		switch {
		case r.head != nil:
			r.rest, r.head = r.head, nil
		case r.left > 0:
			r.rest = r.entry
			if r.left--; r.left == 0 {
				r.rest = append(bytes.Clone(r.entry[:len(r.entry)-1]), "]}}"...)
			}
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestLargeArchiveIsNotHeld reads an archive of 100 MB with little memory.
func TestLargeArchiveIsNotHeld(t *testing.T) {
	entry := `{"startedDateTime":"2026-01-01T00:00:00Z","request":{"method":"GET","url":"https://h/"},"response":{"status":200,"content":{"text":"` + strings.Repeat("x", 100_000) + `"}}},`
	in := &archiveReader{head: []byte(`{"log":{"version":"1.2","entries":[`), entry: []byte(entry), left: 1000}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, peak := 0, uint64(0)
	stats := readAll(t, Config{}, "f.har", in, func(x *classify.Exchange) {
		if n++; x.Status != 200 && n <= 1000 {
			t.Errorf("entry %d has status %d", n, x.Status)
		}
		if n%100 == 0 {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	})
	if n != 1001 || stats.Bytes < 100_000_000 {
		t.Errorf("%d exchanges of %d bytes, want 1001 of 100 MB", n, stats.Bytes)
	}
	if peak > before.HeapAlloc+16<<20 {
		t.Errorf("the heap grew by %d MB", (peak-before.HeapAlloc)>>20)
	}
}
