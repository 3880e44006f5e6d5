package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leaktap/leaktap/classify"
)

// readAll runs a reader over in and fails the test on an error, unless it tells
// of torn JSON: some samples are.
func readAll(t testing.TB, cfg Config, name string, in io.Reader, handle func(*classify.Exchange)) Stats {
	t.Helper()
	r, err := NewReader(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stats, err := r.Run(t.Context(), name, in, handle)
	if err != nil && !strings.HasSuffix(err.Error(), "what is there was scanned") {
		t.Fatal(err)
	}
	return stats
}

func keysOf[K comparable, V any](m map[K]V) []K { return slices.Collect(maps.Keys(m)) }

// newTestDecoding returns a decoding that counts in metrics of its own.
func newTestDecoding(t testing.TB, cfg Config, handle func(*classify.Exchange)) *decoding {
	t.Helper()
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMetrics(shared)
	if err != nil {
		t.Fatal(err)
	}
	return newDecoding(cfg, newTally(m, cfg), slog.New(slog.DiscardHandler), handle)
}

// newTestLog returns a logger whose lines come with the test's.
func newTestLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// outcome is what a reader gave: each record's lines and text.
func outcome(t *testing.T, cfg Config, in io.Reader) (got []string, stats Stats) {
	t.Helper()
	stats = readAll(t, cfg, "f", in, func(x *classify.Exchange) {
		got = append(got, fmt.Sprintf("%d+%d %s", x.Source.Line, x.Source.Lines, x.Record))
	})
	return got, stats
}

func TestLinesAreJoined(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain lines", "a\nb\r\n\nc", "1+0 a|2+0 b|4+0 c"},
		{"indented", "a\n  b\n\tc\nd\n", "1+3 a\n  b\n\tc|4+0 d"},
		{"cause", "a\n\tat x\nCaused by: y\n\t... 2 more\nd", "1+4 a\n\tat x\nCaused by: y\n\t... 2 more|5+0 d"},
		{"traceback", "a\nTraceback (most recent call last):\n  f\nE: x\nb", "1+4 a\nTraceback (most recent call last):\n  f\nE: x|5+0 b"},
		{"traceback in the first line", "E Traceback (most recent call last):\n  f\nE: x\nb", "1+3 E Traceback (most recent call last):\n  f\nE: x|4+0 b"},
		{"private key", "key=-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE+/=\n-----END RSA PRIVATE KEY-----\nb", "1+5 key=-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE+/=\n-----END RSA PRIVATE KEY-----|6+0 b"},
		{"private key that is cut", "-----BEGIN PRIVATE KEY-----\nMIIE\n2026-01-01 b\nc", "1+2 -----BEGIN PRIVATE KEY-----\nMIIE|3+0 2026-01-01 b|4+0 c"},
		{"certificate", "-----BEGIN CERTIFICATE-----\nMIIE", "1+0 -----BEGIN CERTIFICATE-----|2+0 MIIE"},
		{"key of PuTTY", "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nAAAA\nPrivate-MAC: 00\nb", "1+4 PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nAAAA\nPrivate-MAC: 00|5+0 b"},
		{"traceback in JSON behind text", "[INFO] x\n{\"e\":\"Traceback (most recent call last):\"}", "1+0 [INFO] x|2+0 {\"e\":\"Traceback (most recent call last):\"}"},
		{"traceback cut by JSON", "Traceback (most recent call last):\n  f\n{\"a\":1}", "1+2 Traceback (most recent call last):\n  f|3+0 {\"a\":1}"},
		{"JSON lines", "{\"a\":1}\n {\"b\":[2]}\n  x", "1+0 {\"a\":1}|2+0  {\"b\":[2]}|3+0   x"},
		{"pretty JSON", "{\n \"a\": \"}{\\\"\",\n\n \"b\": [\n  1\n ]\n}\nx", "1+7 {\n \"a\": \"}{\\\"\",\n\n \"b\": [\n  1\n ]\n}|8+0 x"},
		{"pretty array", "[\n {\"a\":1}\n]\nx", "1+0 {\"a\":1}|4+0 x"},
		{"no JSON", "[main] start {\n{x\n", "1+0 [main] start {|2+0 {x"},
		{"byte order mark", "\ufeff{\"a\":1}\n", "1+0 {\"a\":1}"},
		{"CRI", "2026-01-01T00:00:00.5Z stdout F {\"a\":1}\n2026-01-01T00:00:00Z stdout X no", "1+0 {\"a\":1}|2+0 2026-01-01T00:00:00Z stdout X no"},
		{"docker with more", `{"log":"x\n","attrs":{"k":"v"}}`, `1+0 {"log":"x\n","attrs":{"k":"v"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := strings.Split(test.want, "|")
			if test.name == "pretty array" {
				want[0] = "1+3 {\"a\":1}"
			}
			for _, in := range []io.Reader{strings.NewReader(test.in), iotest.OneByteReader(strings.NewReader(test.in))} {
				got, _ := outcome(t, Config{}, in)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("records differ (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestLimitsOfRecords(t *testing.T) {
	t.Run("long line", func(t *testing.T) {
		for _, ending := range []string{"\nnext\n", ""} {
			got, stats := outcome(t, Config{MaxRecord: 1000}, strings.NewReader("first\n"+strings.Repeat("x", 500_000)+ending))
			want := []string{"1+0 first", "2+0 " + strings.Repeat("x", 1000)}
			if ending != "" {
				want = append(want, "3+0 next")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
			if stats.Uninspected[UninspectedLimit] != 499_000 {
				t.Errorf("uninspected %v, want 499000 bytes", stats.Uninspected)
			}
		}
	})
	t.Run("joined lines", func(t *testing.T) {
		got, stats := outcome(t, Config{MaxJoinLines: 3}, strings.NewReader("a\n b\n c\n d\n e\n f\n g\n"))
		if want := []string{"1+3 a\n b\n c", "4+3  d\n e\n f", "7+0  g"}; !slices.Equal(got, want) {
			t.Errorf("records %q, want %q", got, want)
		}
		if len(stats.Uninspected) > 0 {
			t.Errorf("uninspected %v, want nothing", stats.Uninspected)
		}
	})
	t.Run("joined bytes", func(t *testing.T) {
		got, _ := outcome(t, Config{MaxJoinBytes: 6}, strings.NewReader("aaa\n b\n c\n"))
		if want := []string{"1+2 aaa\n b", "3+0  c"}; !slices.Equal(got, want) {
			t.Errorf("records %q, want %q", got, want)
		}
	})
	t.Run("pretty JSON", func(t *testing.T) {
		got, stats := outcome(t, Config{MaxRecord: 12}, strings.NewReader("{\n \"a\":1,\n \"b\":2\n}\n"))
		if want := []string{"1+2 {\n \"a\":1,", "3+0  \"b\":2", "4+0 }"}; !slices.Equal(got, want) || len(stats.Uninspected) > 0 {
			t.Errorf("records %q, uninspected %v; want %q and nothing", got, stats.Uninspected, want)
		}
	})
}

// compressed returns text as gzip and as zstd.
func compressed(t *testing.T, text string) map[string][]byte {
	t.Helper()
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return map[string][]byte{"gzip": gz.Bytes(), "zstd": zst.Bytes()}
}

func TestCompressedFiles(t *testing.T) {
	var text strings.Builder
	var want []string
	for i := range 50_000 {
		line := fmt.Sprintf("line %d %x", i, i*i*7919)
		fmt.Fprintln(&text, line)
		want = append(want, fmt.Sprintf("%d+0 %s", i+1, line))
	}
	for name, packed := range compressed(t, text.String()) {
		t.Run(name, func(t *testing.T) {
			got, _ := outcome(t, Config{}, bytes.NewReader(append(bytes.Clone(packed), packed...)))
			if len(got) != 2*len(want) || !slices.Equal(got[:len(want)], want) {
				t.Errorf("%d records, want %d twice", len(got), len(want))
			}
		})
		t.Run(name+" cut off", func(t *testing.T) {
			r := newTestReader(t)
			n := 0
			_, err := r.Run(t.Context(), "a.log", bytes.NewReader(packed[:len(packed)*3/4]), func(*classify.Exchange) { n++ })
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("read a.log at byte %d: the file is cut off", len(packed)*3/4)) {
				t.Errorf("Run = %v, want an error that names file, byte and cause", err)
			}
			if n < len(want)/3 || n > len(want) {
				t.Errorf("%d records were handled, want most of %d", n, len(want))
			}
		})
	}
}

func TestBrokenInputIsAnError(t *testing.T) {
	for _, test := range []struct {
		name string
		in   io.Reader
		want string
	}{
		{"gzip header", strings.NewReader("\x1f\x8b\x08\x00"), "read f at byte 4"},
		{"gzip flags", strings.NewReader("\x1f\x8b\x99garbage garbage"), "read f at byte"},
		{"zstd", strings.NewReader("\x28\xb5\x2f\xfdgarbage garbage garbage"), "read f at byte"},
		{"read error", io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(errors.New("disk is gone"))), "read f at byte 4: disk is gone"},
		{"no progress", iotest.ErrReader(nil), "read f at byte 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := newTestReader(t).Run(t.Context(), "f", test.in, func(*classify.Exchange) {})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("Run = %v, want %q", err, test.want)
			}
		})
	}
}

func TestUTF16(t *testing.T) {
	const text = "{\"a\":\"grüße 🙂\"}\nzweite\n"
	units := utf16.Encode([]rune(text))
	for name, order := range map[string]binary.AppendByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
		in := []byte(name)
		for _, unit := range units {
			in = order.AppendUint16(in, unit)
		}
		got, _ := outcome(t, Config{}, iotest.OneByteReader(bytes.NewReader(in)))
		if want := []string{"1+0 {\"a\":\"grüße 🙂\"}", "2+0 zweite"}; !slices.Equal(got, want) {
			t.Errorf("records %q, want %q", got, want)
		}
	}
	got, _ := outcome(t, Config{}, strings.NewReader("\xff\xfea\x00\x3d\xd8b\x00\x00\xdcc"))
	if want := []string{"1+0 a\ufffdb\ufffd\ufffd"}; !slices.Equal(got, want) {
		t.Errorf("records %q, want %q: broken units are replaced", got, want)
	}
}

func TestArchiveIsStreamed(t *testing.T) {
	entry := func(i int) string {
		return fmt.Sprintf(`{"startedDateTime":"2026-01-01T00:00:00Z","request":{"method":"GET","url":"https://h/%d"},"response":{"status":200,"content":{"text":"b\"]}%d"}}}`, i, i)
	}
	doc := `{"log":{"version":"1.2","entries":[` + entry(0) + "," + entry(1) + ",null," + entry(2) + `],"comment":"x"}}`
	targets := func(in string, cfg Config) (got []string, stats Stats) {
		stats = readAll(t, cfg, StdinName, iotest.HalfReader(strings.NewReader(in)), func(x *classify.Exchange) {
			got = append(got, fmt.Sprintf("%s %d %s %s %v", x.Source.Kind, x.Source.Index, x.Target, x.Response.Text(), x.Persisted))
		})
		return got, stats
	}
	whole := []string{`har 0 /0 b"]}0 false`, `har 1 /1 b"]}1 false`, `har 2 /2 b"]}2 false`, "har 3   false"}
	got, stats := targets(doc, Config{})
	if diff := cmp.Diff(whole, got); diff != "" {
		t.Errorf("exchanges differ (-want +got):\n%s", diff)
	}
	if stats.Bytes != int64(len(doc)) {
		t.Errorf("%d bytes were handed over, want all %d", stats.Bytes, len(doc))
	}
	cut := strings.Index(doc, `"b\"]}2`) + 4
	got, _ = targets(doc[:cut], Config{})
	if len(got) != 4 || got[2] != `har 2 /2 b" false` {
		t.Errorf("a cut archive gave %q", got)
	}
	_, stats = targets(doc, Config{MaxRecord: 50})
	if stats.Uninspected[UninspectedLimit] == 0 {
		t.Error("what lies past the limit was not counted")
	}
	got, _ = targets(`{"log":{"level":"info"},"message":"m"}`, Config{})
	if want := []string{"stdin 0   true"}; !slices.Equal(got, want) {
		t.Errorf("a log line with an object log gave %q, want %q", got, want)
	}
}

func TestRunStopsWhenCancelled(t *testing.T) {
	for _, in := range []string{"a\nb\nc\n", `{"log":{"entries":[{"startedDateTime":1},{},{}]}}`} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		_, err := newTestReader(t).Run(ctx, "f", strings.NewReader(in), func(*classify.Exchange) {
			n++
			cancel()
		})
		if !errors.Is(err, context.Canceled) || n != 1 {
			t.Errorf("Run = %v after %d records, want context.Canceled after 1", err, n)
		}
	}
}

func TestPanicIsCountedAndReadingGoesOn(t *testing.T) {
	var log bytes.Buffer
	r, err := NewReader(Config{}, nil, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	stats, err := r.Run(t.Context(), "app.log", strings.NewReader("one\nhunter2\nthree\n"), func(x *classify.Exchange) {
		if n++; n == 2 {
			panic("saw " + string(x.Record))
		}
	})
	if err != nil || n != 3 || stats.Uninspected[UninspectedPanic] != int64(len("hunter2")) {
		t.Errorf("Run = %v after %d records, uninspected %v", err, n, stats.Uninspected)
	}
	if got := log.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "source=app.log line=2") {
		t.Errorf("log %q has to name the place and not the content", got)
	}
}

func TestMetricsAreShared(t *testing.T) {
	reg := moved.Registry()
	for range 2 {
		r, err := NewReader(Config{}, reg, newTestLog(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Run(t.Context(), StdinName, strings.NewReader("a\n\n{\"a\":1}"), func(*classify.Exchange) {}); err != nil {
			t.Fatal(err)
		}
	}
	expected := `
# HELP leaktap_record_bytes_total Bytes of the records read, decompressed, and of captured exchanges.
# TYPE leaktap_record_bytes_total counter
leaktap_record_bytes_total{source="stdin"} 16
# HELP leaktap_records_total Records read, by kind of source, by format and by what became of them.
# TYPE leaktap_records_total counter
leaktap_records_total{format="json",outcome="log",source="stdin"} 2
leaktap_records_total{format="none",outcome="empty",source="stdin"} 2
leaktap_records_total{format="text",outcome="log",source="stdin"} 2
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(expected), "leaktap_records_total", "leaktap_record_bytes_total"); err != nil {
		t.Error(err)
	}
}

func TestContentAndFormatOptions(t *testing.T) {
	const both = `{"method":"GET","path":"/a","status":200,"response_body":"b"}` + "\n"
	const access = `{"method":"GET","path":"/a","status":200}` + "\n"
	for _, test := range []struct {
		in        string
		cfg       Config
		persisted bool
		status    int
	}{
		{both, Config{}, false, 200},
		{both, Config{Content: ContentLog}, true, 200},
		{access, Config{}, true, 200},
		{access, Config{Content: ContentTraffic}, false, 200},
		{access, Config{Format: "text"}, true, 0},
		{access, Config{Format: "combined"}, true, 0},
		{access, Config{Format: "json"}, true, 200},
	} {
		readAll(t, test.cfg, "f", strings.NewReader(test.in), func(x *classify.Exchange) {
			if x.Persisted != test.persisted || x.Status != test.status {
				t.Errorf("%s with %+v: persisted %v, status %d", test.in, test.cfg, x.Persisted, x.Status)
			}
		})
	}
}

func newTestReader(t *testing.T) *Reader {
	t.Helper()
	r, err := NewReader(Config{}, nil, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
