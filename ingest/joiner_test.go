package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// feed gives records with offsets to a decoding that joins them, as a partition
// has it. What is handed over is appended to got.
func feed(t *testing.T, cfg Config, got *[]string, records ...string) *decoding {
	t.Helper()
	d := newTestDecoding(t, cfg, func(x *classify.Exchange) {
		*got = append(*got, fmt.Sprintf("%d+%d %s", x.Source.Offset, x.Source.Lines, x.Record))
	})
	d.joiner = newJoiner(d.cfg, true)
	for i, record := range records {
		d.record(classify.Source{Kind: classify.SourceKafka, Name: "t", Offset: int64(i)}, time.Time{}, []byte(record))
	}
	return d
}

func TestRecordsAreJoined(t *testing.T) {
	const at = "2026-01-01T00:00:00Z "
	for _, test := range []struct {
		name    string
		records []string
		want    string
	}{
		{"trace over records", []string{"boom", "\tat a.B(C.java:1)", "\tat a.D(E.java:2)", "Caused by: x", "next"}, "0+4 boom\n\tat a.B(C.java:1)\n\tat a.D(E.java:2)\nCaused by: x¦4+0 next"},
		{"traceback", []string{"Traceback (most recent call last):", "  File x", "ValueError: y", "after"}, "0+3 Traceback (most recent call last):\n  File x\nValueError: y¦3+0 after"},
		{"JSON ends a trace", []string{"boom", "\tat a.B", `{"a":1}`}, "0+2 boom\n\tat a.B¦2+0 {\"a\":1}"},
		{"CRI parts", []string{at + "stdout P {\"a\":", at + "stdout P \"b\"", at + "stdout F }"}, `0+3 {"a":"b"}`},
		{"CRI streams apart", []string{at + "stdout P one ", at + "stderr F err", at + "stdout F two"}, "0+2 one two¦1+0 err"},
		{"CRI trace", []string{at + "stderr F boom", at + "stderr F \tat a.B", at + "stderr F next"}, "0+2 boom\n\tat a.B¦2+0 next"},
		{"CRI part without its end", []string{at + "stdout P one"}, "0+0 one"},
		{"docker parts", []string{`{"log":"one ","stream":"stdout","time":"2026-01-01T00:00:00Z"}`, `{"log":"two\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}`}, "0+2 one two"},
		{"CRI key", []string{at + "stderr F -----BEGIN EC PRIVATE KEY-----", at + "stderr F MHcC", at + "stderr F -----END EC PRIVATE KEY-----", at + "stderr F b"}, "0+3 -----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----¦3+0 b"},
		{"pretty JSON", []string{"{", ` "a": {`, `  "b": "}",`, "", "  \"c\": -1.5e3", " }", "}", "next"}, "0+7 {\n \"a\": {\n  \"b\": \"}\",\n\n  \"c\": -1.5e3\n }\n}¦7+0 next"},
		{"pretty JSON, CRI", []string{at + "stdout F {", at + "stderr F x", at + `stdout F   "a": [`, at + "stdout F     null", at + "stdout F   ]", at + "stdout F }"}, "0+5 {\n  \"a\": [\n    null\n  ]\n}¦1+0 x"},
		{"pretty JSON, CRI, a line in parts", []string{at + "stdout P {", at + "stdout F  ", at + `stdout P  "a": "x`, at + `stdout F y"`, at + "stdout F }"}, "0+5 { \n \"a\": \"xy\"\n}"},
		{"pretty JSON, docker", []string{`{"log":"{\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}`, `{"log":"  \"a\": 1\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}`, `{"log":"}\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}`}, "0+3 {\n  \"a\": 1\n}"},
		{"pretty JSON that text cuts", []string{"{", ` "a": 1,`, "2026-01-01 text", "}"}, "0+2 {\n \"a\": 1,¦2+0 2026-01-01 text¦3+0 }"},
		{"pretty JSON that JSON cuts", []string{"{", ` "a": 1,`, `{"b":2}`}, "0+2 {\n \"a\": 1,¦2+0 {\"b\":2}"},
		{"pretty JSON that does not end", []string{"{", ` "a": [`}, "0+2 {\n \"a\": ["},
		{"compose trace", []string{"web-1  | boom", "db-1   | ok", "web-1  | \tat a.B"}, "0+2 boom\n\tat a.B¦0+2 web-1  | ¦1+0 db-1   | ¦1+0 ok"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			feed(t, Config{}, &got, test.records...).flush()
			slices.Sort(got)
			want := strings.Split(test.want, "¦")
			if !slices.Equal(got, want) {
				t.Errorf("handed over %q, want %q", got, want)
			}
		})
	}
}

func TestJoiningIsBounded(t *testing.T) {
	const at = "2026-01-01T00:00:00Z "
	var got []string
	d := feed(t, Config{MaxRecord: 10}, &got, at+"stdout P aaaaaa", at+"stdout P bbbbbb", at+"stdout F c")
	d.flush()
	if want := []string{"0+0 aaaaaa", "1+2 bbbbbbc"}; !slices.Equal(got, want) || d.tally.stats.Limits[LimitJoin] != 1 {
		t.Errorf("handed over %q, want %q; limits %v", got, want, d.tally.stats.Limits)
	}
	got = nil
	d = feed(t, Config{MaxJoinLines: 2}, &got, "a", " b", " c", " d")
	d.flush()
	if want := []string{"0+2 a\n b", "2+2  c\n d"}; !slices.Equal(got, want) || d.tally.stats.Limits[LimitJoin] != 1 {
		t.Errorf("handed over %q, want %q; limits %v", got, want, d.tally.stats.Limits)
	}
	got = nil
	d = feed(t, Config{MaxJoinBytes: 14}, &got, "{", ` "a": 1,`, ` "b": 2`, "}")
	d.flush()
	if want := []string{"0+2 {\n \"a\": 1,", "2+0  \"b\": 2", "3+0 }"}; !slices.Equal(got, want) || d.tally.stats.Limits[LimitJoin] != 1 {
		t.Errorf("handed over %q, want %q; limits %v", got, want, d.tally.stats.Limits)
	}
	got = nil
	var lines []string
	for i := range maxHeld + 3 {
		lines = append(lines, fmt.Sprintf("web%c-%d  | text", 'a'+i%26, i))
	}
	d = feed(t, Config{}, &got, lines...)
	if len(d.joiner.held) > maxHeld {
		t.Errorf("%d streams are held, want at most %d", len(d.joiner.held), maxHeld)
	}
	d.flush()
	if len(got) != 2*len(lines) { // the text, and what stands before it
		t.Errorf("%d of %d lines were handed over", len(got), len(lines))
	}
}

// TestOldestIsHeld holds the promise by which offsets are committed: nothing before
// the oldest record held back is open.
func TestOldestIsHeld(t *testing.T) {
	var got []string
	d := feed(t, Config{}, &got, `{"a":1}`, "boom", "\tat a.B")
	if src, ok := d.joiner.oldest(); !ok || src.Offset != 1 {
		t.Errorf("oldest = %+v, %v, want offset 1", src, ok)
	}
	d.flush()
	if src, ok := d.joiner.oldest(); ok {
		t.Errorf("oldest = %+v after flush, want none", src)
	}
}
