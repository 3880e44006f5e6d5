package ingest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// fuzzFormat fuzzes one decoder with the lines of its sample as seeds. What is
// true of every exchange: it never panics, its record is part of the input, and
// its spans are ascending and disjoint parts of the record.
func fuzzFormat(f *testing.F, format string) {
	sample, err := os.ReadFile(filepath.Join("testdata", format+".log"))
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(sample) {
		f.Add(line)
	}
	f.Add(sample)
	f.Fuzz(func(t *testing.T, record []byte) {
		given := 0
		d := newTestDecoding(t, Config{Format: format}, func(x *classify.Exchange) {
			given++
			checkExchange(t, x)
		})
		d.record(classify.Source{Kind: classify.SourceFile}, time.Time{}, record)
		if n := d.tally.stats.Uninspected[UninspectedPanic]; n > 0 {
			t.Errorf("the decoder panicked on %q", record)
		}
		if given == 0 && len(bytes.Trim(record, "{[\"log:], \t\r\n}")) > 0 && !bytes.Contains(record, []byte("stdout")) {
			t.Errorf("nothing was handed over for %q", record)
		}
	})
}

func checkExchange(t *testing.T, x *classify.Exchange) {
	t.Helper()
	pos := 0
	for _, span := range x.Mapped {
		if span.Start < pos || span.End < span.Start || span.End > len(x.Record) {
			t.Errorf("spans %v of a record of %d bytes are not ascending and disjoint", x.Mapped, len(x.Record))
		}
		pos = span.End
	}
	if x.Status != 0 && (x.Status < 100 || x.Status > 599) {
		t.Errorf("status %d", x.Status)
	}
}

func FuzzJSON(f *testing.F) { fuzzFormat(f, "json") }

func FuzzCombined(f *testing.F) { fuzzFormat(f, "combined") }

func FuzzHAR(f *testing.F) { fuzzFormat(f, "har") }

func FuzzText(f *testing.F) { fuzzFormat(f, "text") }

// FuzzReader checks that a stream is handed over whole: no byte but line ends
// and envelopes is lost, whatever is joined or cut.
func FuzzReader(f *testing.F) {
	for _, format := range Formats() {
		sample, err := os.ReadFile(filepath.Join("testdata", format+".log"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sample, 100)
	}
	f.Fuzz(func(t *testing.T, in []byte, limit int) {
		cfg, err := Config{MaxRecord: max(limit, 1), MaxJoinBytes: 50, MaxJoinLines: 4}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		r := newRecords(bytes.NewReader(in), cfg)
		var got strings.Builder
		var cut, lines int64
		for {
			record, ok := r.next()
			if !ok {
				break
			}
			got.Write(record)
			cut += r.cut
			if r.line != lines+1 {
				t.Errorf("record starts at line %d, want %d", r.line, lines+1)
			}
			lines += r.lines
		}
		strip := strings.NewReplacer("\r", "", "\n", "")
		want := strip.Replace(string(in))
		if text := strip.Replace(got.String()); cut == 0 && text != want || len(text)+int(cut) < len(want) {
			t.Errorf("read %q and cut %d bytes of %q", text, cut, want)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		"2026-11-23T15:08:35.940791Z", "2026-11-23 15:08:35,5", "2026-11-23T15:08:35+0100", "1763910515940",
		"1763910515.940", "23/Nov/2026:15:08:35 +0100", "2026-11-23", "99999999999999999999",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if at, ok := parseTime(text); ok && (at.Location() != time.UTC || at.IsZero()) {
			t.Errorf("parseTime(%q) = %v", text, at)
		}
		if at, ok := parseCommonTime(text); ok && at.Location() != time.UTC {
			t.Errorf("parseCommonTime(%q) = %v", text, at)
		}
	})
}
