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

func FuzzOTLP(f *testing.F) { fuzzFormat(f, "otlp") }

func FuzzOTLPProtobuf(f *testing.F) { fuzzFormat(f, "otlp-protobuf") }

func FuzzCloudEvents(f *testing.F) { fuzzFormat(f, "cloudevents") }

func FuzzCloudWatch(f *testing.F) { fuzzFormat(f, "cloudwatch") }

func FuzzAzure(f *testing.F) { fuzzFormat(f, "azure") }

func FuzzKubernetesAudit(f *testing.F) { fuzzFormat(f, "k8s-audit") }

func FuzzEnvoyTap(f *testing.F) { fuzzFormat(f, "envoy-tap") }

func FuzzTyk(f *testing.F) { fuzzFormat(f, "tyk") }

func FuzzAkto(f *testing.F) { fuzzFormat(f, "akto") }

func FuzzAPISIX(f *testing.F) { fuzzFormat(f, "apisix") }

func FuzzKong(f *testing.F) { fuzzFormat(f, "kong") }
func FuzzPino(f *testing.F) { fuzzFormat(f, "pino") }

func FuzzTraefik(f *testing.F) { fuzzFormat(f, "traefik") }

func FuzzCaddy(f *testing.F) { fuzzFormat(f, "caddy") }

func FuzzLogbook(f *testing.F) { fuzzFormat(f, "logbook") }

func FuzzAWSGateway(f *testing.F) { fuzzFormat(f, "aws-gateway") }

func FuzzECS(f *testing.F) { fuzzFormat(f, "ecs") }

func FuzzEnvoy(f *testing.F) { fuzzFormat(f, "envoy") }

func FuzzNginxJSON(f *testing.F) { fuzzFormat(f, "nginx-json") }

func FuzzCLEF(f *testing.F) { fuzzFormat(f, "clef") }

func FuzzGELF(f *testing.F) { fuzzFormat(f, "gelf") }

func FuzzJournald(f *testing.F) { fuzzFormat(f, "journald") }

func FuzzEnvoyText(f *testing.F) { fuzzFormat(f, "envoy-text") }

func FuzzALB(f *testing.F) { fuzzFormat(f, "aws-alb") }

func FuzzHAProxy(f *testing.F) { fuzzFormat(f, "haproxy") }

func FuzzKlog(f *testing.F) { fuzzFormat(f, "klog") }

func FuzzIIS(f *testing.F) { fuzzFormat(f, "iis") }

func FuzzHTTP(f *testing.F) { fuzzFormat(f, "http") }

func FuzzConfluent(f *testing.F) { fuzzFormat(f, "confluent") }

func FuzzLogfmt(f *testing.F) { fuzzFormat(f, "logfmt") }

// TestEveryFormatIsFuzzed compares the fuzz targets of this file with the formats.
func TestEveryFormatIsFuzzed(t *testing.T) {
	source, err := os.ReadFile("fuzz_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range Formats() {
		if !bytes.Contains(source, []byte(`fuzzFormat(f, "`+format+`")`)) {
			t.Errorf("format %s has no fuzz target", format)
		}
	}
}

// FuzzEnvelopes takes envelopes off anything, and joins it.
func FuzzEnvelopes(f *testing.F) {
	for _, seed := range []string{
		"2026-01-01T00:00:00Z stdout F x", `{"log":"x\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}`, "web-1  | x",
		"<34>1 2026-01-01T00:00:00Z h a p m [e k=\"v\"] x", "<34>Oct 11 22:14:15 h su: x", `"{\"a\":1}"`, "\x1f\x8b\x08\x00",
		"eyJhIjoiYiJ9eyJhIjoi", "\x28\xb5\x2f\xfd", `[["a"],"b{\"c\":1}",{"message":"{\"method\":\"GET\",\"path\":\"/\"}"}]`,
		`{"MESSAGE":[65,66],"_SYSTEMD_UNIT":"u"}`, `{"specversion":"1.0","type":"t","source":"s","data_base64":"e30="}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		d := newTestDecoding(t, Config{MaxEnvelopes: 4, MaxRecord: 1 << 16}, func(x *classify.Exchange) { checkExchange(t, x) })
		d.joiner = newJoiner(d.cfg, true)
		for range 2 {
			d.record(classify.Source{Kind: classify.SourceFile}, time.Time{}, record)
		}
		d.flush()
		if n := d.tally.stats.Uninspected[UninspectedPanic]; n > 0 {
			t.Errorf("a decoder panicked on %q", record)
		}
	})
}

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
