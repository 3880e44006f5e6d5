package ingest

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/leaktap/leaktap/classify"
)

// gzipped packs text with gzip.
func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil || w.Close() != nil {
		t.Fatal("gzip failed")
	}
	return packed.Bytes()
}

// zstandard packs text with zstd.
func zstandard(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(text, nil)
}

// wrapped puts a record into so many envelopes.
func wrapped(record string, depth int) []byte {
	for range depth {
		record = "2026-01-01T00:00:00Z stdout F " + record
	}
	return []byte(record)
}

// TestPoison holds what becomes of records that are made to harm, or are harmed:
// each is counted by its reason, and the record behind it is decoded.
func TestPoison(t *testing.T) {
	const exchange = `{"method":"GET","path":"/next","status":200}`
	packed := gzipped(t, bytes.Repeat([]byte("line of text\n"), 1000))
	for _, test := range []struct {
		name   string
		record []byte
		key    RecordKey
		limit  string
		// uninspected is the reason under which bytes are counted, if any are.
		uninspected string
		cfg         Config
	}{
		{name: "empty", record: []byte{}, key: RecordKey{"none", outcomeEmpty}},
		{name: "gzip cut off", record: packed[:len(packed)/2], key: RecordKey{formatText, outcomeLog}, limit: LimitBroken, uninspected: UninspectedPacked},
		{name: "gzip header only", record: packed[:10], key: RecordKey{formatText, outcomeLog}, limit: LimitBroken, uninspected: UninspectedPacked},
		{name: "zstd broken", record: []byte("\x28\xb5\x2f\xfdgarbage and more garbage"), key: RecordKey{formatText, outcomeLog}, limit: LimitBroken, uninspected: UninspectedPacked},
		{name: "invalid JSON", record: []byte(`{"a":{"b":[1,}`), key: RecordKey{formatJSON, outcomeLog}, limit: LimitInvalid},
		{name: "no JSON", record: []byte("{a:1}"), key: RecordKey{formatText, outcomeLog}},
		{name: "null", record: []byte("null"), key: RecordKey{formatText, outcomeLog}},
		{name: "null elements", record: []byte("[null,null]"), key: RecordKey{formatText, outcomeLog}},
		{name: "bytes", record: []byte("\x00\xff\xfe\x01"), key: RecordKey{formatText, outcomeLog}},
		{name: "gzip bomb", record: gzipped(t, make([]byte, 8<<20)), key: RecordKey{formatText, outcomeLog}, limit: LimitBomb, uninspected: UninspectedPacked, cfg: Config{MaxRecord: 1 << 20}},
		{name: "zstd bomb", record: zstandard(t, make([]byte, 64<<20)), key: RecordKey{formatText, outcomeLog}, limit: LimitBomb, uninspected: UninspectedPacked},
		{name: "zstd ratio", record: zstandard(t, make([]byte, 8<<20)), key: RecordKey{formatText, outcomeLog}, limit: LimitBomb, uninspected: UninspectedPacked},
		{name: "envelopes", record: wrapped(exchange, 9), key: RecordKey{formatText, outcomeLog}, limit: LimitDepth},
		{name: "gzip in gzip", record: gzipped(t, gzipped(t, gzipped(t, packed))), key: RecordKey{formatText, outcomeLog}, limit: LimitDepth, uninspected: UninspectedPacked, cfg: Config{MaxEnvelopes: 2}},
		{name: "nested arrays", record: []byte(strings.Repeat("[", 100_000)), key: RecordKey{formatJSON, outcomeLog}, limit: LimitDepth},
		{name: "nested objects", record: []byte(strings.Repeat(`{"request":`, 100_000)), key: RecordKey{formatJSON, outcomeLog}, limit: LimitInvalid},
		{name: "nested groups", record: []byte(strings.Repeat(`{"properties":`, 100_000)), key: RecordKey{formatJSON, outcomeLog}, limit: LimitInvalid},
		{name: "OTLP of nothing", record: []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[null]}]}]}`), key: RecordKey{formatOTLP, outcomeLog}},
		{name: "huge string", record: []byte(`{"method":"GET","path":"/` + strings.Repeat("x", 20<<20) + `","status":200}`), key: RecordKey{formatJSON, outcomeExchange}},
		{name: "ten thousand headers", record: []byte(`{"request_headers":{` + strings.Repeat(`"a":"b",`, 10_000) + `"c":"d"}}`), key: RecordKey{formatJSON, outcomeExchange}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var last string
			d := newTestDecoding(t, test.cfg, func(x *classify.Exchange) { last = string(x.Target) })
			src := classify.Source{Kind: classify.SourceKafka, Name: "t"}
			begin := time.Now()
			d.record(src, time.Time{}, test.record)
			d.record(src, time.Time{}, []byte(exchange))
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			stats := d.tally.result()
			want := int64(1)
			if (test.key == RecordKey{formatJSON, outcomeExchange}) {
				want = 2
			}
			if stats.Records[test.key] != want || last != "/next" {
				t.Errorf("counted as %v, want %v; the next record's target is %q", stats.Records, test.key, last)
			}
			if test.limit != "" && stats.Limits[test.limit] == 0 || test.limit == "" && len(stats.Limits) > 0 {
				t.Errorf("limits %v, want %q", stats.Limits, test.limit)
			}
			if test.uninspected != "" && stats.Uninspected[test.uninspected] == 0 || test.uninspected == "" && len(stats.Uninspected) > 0 {
				t.Errorf("uninspected %v, want %q", stats.Uninspected, test.uninspected)
			}
		})
	}
}

// TestEnvelopesInsideEachOther takes off what people have in Kafka.
func TestEnvelopesInsideEachOther(t *testing.T) {
	const exchange = `{"method":"GET","path":"/deep","status":200}`
	quoted := `"{\"method\":\"GET\",\"path\":\"/deep\",\"status\":200}"`
	for name, record := range map[string]string{
		"plain":                    exchange,
		"JSON in a string":         quoted,
		"CRI":                      "2026-01-01T00:00:00Z stdout F " + exchange,
		"CRI around docker":        `2026-01-01T00:00:00Z stdout F {"log":` + quoted + `,"stream":"stdout","time":"2026-01-01T00:00:00Z"}`,
		"compose":                  "web-1  | " + exchange,
		"syslog 5424":              `<34>1 2026-01-01T00:00:00Z host app 1 ID [e@1 k="v\"]"] ` + exchange,
		"syslog 5424, no data":     "<34>1 2026-01-01T00:00:00.5+01:00 host app - - - \ufeff" + exchange,
		"syslog 3164":              "<34>Oct 11 22:14:15 host app[12]: " + exchange,
		"syslog in a file":         "Oct  1 22:14:15 host app: @cee: " + exchange,
		"message":                  `{"level":"info","message":` + quoted + `}`,
		"message in message":       `{"log":"{\"msg\":\"{\\\"method\\\":\\\"GET\\\",\\\"path\\\":\\\"/deep\\\",\\\"status\\\":200}\"}"}`,
		"array of strings":         `[` + quoted + `]`,
		"array of arrays":          `[[` + exchange + `]]`,
		"two objects":              `{"a":1} ` + exchange,
		"base64":                   base64.StdEncoding.EncodeToString([]byte(exchange + " ")),
		"gzip":                     string(gzipped(t, []byte(exchange+"\n"))),
		"zstd":                     string(zstandard(t, []byte(exchange))),
		"base64 of gzip":           base64.StdEncoding.EncodeToString(gzipped(t, []byte(exchange))),
		"lines in gzip":            string(gzipped(t, []byte("{\"a\":1}\n"+exchange+"\n"))),
		"Confluent":                "\x00\x00\x00\x00\x07" + exchange,
		"CloudEvents, string":      `{"specversion":"1.0","type":"t","source":"s","data":` + quoted + `}`,
		"records":                  `{"records":[` + exchange + `]}`,
		"records of strings":       `{"records":[` + quoted + `]}`,
		"journald bytes":           `{"_SYSTEMD_UNIT":"u","MESSAGE":[123,34,109,101,116,104,111,100,34,58,34,71,69,84,34,44,34,112,97,116,104,34,58,34,47,100,101,101,112,34,125]}`,
		"access log in a message":  `{"message":"192.0.2.7 - - [23/Nov/2026:15:08:35 +0100] \"GET /deep HTTP/1.1\" 200 512"}`,
		"HTTP message in a string": `"GET /deep HTTP/1.1\r\nHost: h\r\n\r\n"`,
	} {
		t.Run(name, func(t *testing.T) {
			var targets []string
			d := newTestDecoding(t, Config{}, func(x *classify.Exchange) {
				if x.Target != nil {
					targets = append(targets, string(x.Target))
				}
			})
			d.record(classify.Source{Kind: classify.SourceKafka}, time.Time{}, []byte(record))
			if len(targets) != 1 || targets[0] != "/deep" {
				t.Errorf("targets %q, want /deep once", targets)
			}
		})
	}
}

// TestMayBeRecord holds that no sample of a format is taken for a sentence.
func TestMayBeRecord(t *testing.T) {
	for _, format := range Formats() {
		sample, err := os.ReadFile(filepath.Join("testdata", format+".log"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(sample) {
			http := false
			d := newTestDecoding(t, Config{}, func(x *classify.Exchange) { http = http || x.Method != nil })
			d.record(classify.Source{}, time.Time{}, bytes.TrimSpace(line))
			if http && !mayBeRecord(line) {
				t.Errorf("%s: not looked at as a record: %s", format, line)
			}
		}
	}
	for _, text := range []string{"User 4711 has logged in from the office", "request done in 5 ms", "Started GET for 127.0.0.1"} {
		if mayBeRecord([]byte(text)) {
			t.Errorf("looked at as a record: %s", text)
		}
	}
}

// TestDecision decides for a format, tries the others on mismatch, and decides anew.
func TestDecision(t *testing.T) {
	const line = `192.0.2.7 - - [23/Nov/2026:15:08:35 +0100] "GET /a HTTP/1.1" 200 512`
	d := newTestDecoding(t, Config{}, func(*classify.Exchange) {})
	feed := func(n int, record string) {
		for range n {
			d.record(classify.Source{Kind: classify.SourceKafka}, time.Time{}, []byte(record))
		}
	}
	decided := func() string {
		l := d.level()
		if l.choice.decided < 0 {
			return ""
		}
		return l.decoders[l.choice.decided].formats()[0]
	}
	feed(decideAfter-1, line)
	if got := decided(); got != "" {
		t.Errorf("decided for %s after %d records", got, decideAfter-1)
	}
	feed(1, line)
	if got := decided(); got != "combined" {
		t.Errorf("decided for %q, want combined", got)
	}
	feed(redecideAfter-1, `{"method":"GET","path":"/a","status":200}`)
	feed(1, line)
	if got := decided(); got != "combined" {
		t.Errorf("decided for %q, want combined still", got)
	}
	feed(redecideAfter, `{"method":"GET","path":"/a","status":200}`)
	if got := decided(); got != "" || d.tally.stats.Limits[LimitRedecided] != 1 {
		t.Errorf("decided for %q, limits %v, want none and one decision given up", got, d.tally.stats.Limits)
	}
	feed(decideAfter, `{"method":"GET","path":"/a","status":200}`)
	if got := decided(); got != formatJSON {
		t.Errorf("decided for %q, want json", got)
	}
	feed(decideAfter*3, "only text")
	if got := decided(); got != "" {
		t.Errorf("decided for %q, want none: text is never decided for", got)
	}
	if n := d.tally.result().Records[RecordKey{formatText, outcomeLog}]; n != decideAfter*3 {
		t.Errorf("%d records of text were counted, want %d", n, decideAfter*3)
	}
}

// TestGroupsOfRecords gives each record its own group's service, and what a group
// holds to its first record only: it must not be written out once per record.
func TestGroupsOfRecords(t *testing.T) {
	attribute := func(key, value string) string {
		return `{"key":"` + key + `","value":{"stringValue":"` + value + `"}}`
	}
	group := func(attributes string, records int) string {
		return `{"resource":{"attributes":[` + attributes + `]},"scopeLogs":[{"logRecords":[` +
			strings.TrimSuffix(strings.Repeat(`{"body":{"stringValue":"x"}},`, records), ",") + `]}]}`
	}
	const size = 100_000
	message := `{"resourceLogs":[` + group(attribute("service.name", "a")+","+attribute("big", strings.Repeat("y", size)), 1000) + "," +
		group(attribute("other", "b"), 1) + `]}`
	services, bytes := map[string]int{}, 0
	d := newTestDecoding(t, Config{}, func(x *classify.Exchange) {
		services[x.Service]++
		bytes += len(x.Record)
		for _, s := range x.Mapped {
			bytes -= s.End - s.Start
		}
	})
	d.record(classify.Source{}, time.Time{}, []byte(message))
	if services["a"] != 1000 || services[""] != 2 { // the second group's record, and the message itself
		t.Errorf("records by service: %v", services)
	}
	if bytes < size || bytes > 2*size {
		t.Errorf("%d bytes were handed over for %d", bytes, len(message))
	}
}
