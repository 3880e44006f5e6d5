package ingest

import (
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

func TestParseTime(t *testing.T) {
	want := time.Date(2026, 11, 23, 15, 8, 35, 940_000_000, time.UTC)
	for _, text := range []string{
		"2026-11-23T15:08:35.940Z", "2026-11-23T15:08:35,940Z", "2026-11-23 15:08:35.940", "2026-11-23T16:08:35.940+01:00",
		"2026-11-23T16:08:35.94+0100", "2026-11-23T11:38:35.94-0330", "1795446515.940", "1795446515940",
		"1795446515940000", "1795446515940000000",
	} {
		if got, ok := parseTime([]byte(text)); !ok || !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "0.003", "50.1", "12345678901234567890123", "2026-11-23", "2026-13-23T15:08:35Z", "2026-11-23T15:08", "yesterday at noon", "-1795446515940"} {
		if got, ok := parseTime([]byte(text)); ok {
			t.Errorf("parseTime(%q) = %v, want none", text, got)
		}
	}
}

func TestParseCommonTime(t *testing.T) {
	want := time.Date(2026, 11, 23, 14, 8, 35, 0, time.UTC)
	if got, ok := parseCommonTime([]byte("23/Nov/2026:15:08:35 +0100")); !ok || !got.Equal(want) {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, text := range []string{"", "23/Nov/2026:15:08:35", "23/Foo/2026:15:08:35 +0100", "23/ovD/2026:15:08:35 +0100", "xx/Nov/2026:15:08:35 +0100"} {
		if got, ok := parseCommonTime([]byte(text)); ok {
			t.Errorf("parseCommonTime(%q) = %v, want none", text, got)
		}
	}
}

func TestParseAddr(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:0", "192.0.2.1:80": "192.0.2.1:80", "2001:db8::1": "[2001:db8::1]:0", "[::1]:9": "[::1]:9",
		"": "", "-": "", "192.0.2.256": "", "192.0.2": "", "192.0.2.1.5": "", "host": "",
	} {
		got, ok := parseAddr([]byte(text))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("parseAddr(%q) = %v, %v, want %q", text, got, ok, want)
		}
	}
}

func TestParseStartRefuses(t *testing.T) {
	for _, text := range []string{"begin", "-2x", "2h", "s@", "2026-99-99", "s@x"} {
		if got, err := ParseStart(text, time.Now()); err == nil {
			t.Errorf("ParseStart(%q) = %+v, want an error", text, got)
		}
	}
}

func TestRolesOfSpellings(t *testing.T) {
	table := newNameTable(sharedNames(), jsonFormats())
	for want, names := range map[role][]string{
		roleRequestHeaders:  {"req_headers", "request_headers", "requestHeaders", "request.headers", "Request-Headers"},
		roleResponseBody:    {"resp_body", "response_body", "responseBody", "response.body", "http.response.body.content"},
		roleStatus:          {"status", "status_code", "statusCode", "response.status", "http.response.status_code", "res.statusCode"},
		roleTime:            {"time", "@timestamp", "ts", "started_at", "startTime"},
		roleClient:          {"client_ip", "client.ip", "source.ip", "remote_addr"},
		roleNone:            {"", "user", "password", "request.body.password"},
		roleResponseHeaders: {"resp_headers", "response.headers", "responseHeaders"},
	} {
		for _, name := range names {
			var path [64]byte
			n, hash := appendCompact(&path, 0, fnvOffset, []byte(name))
			got := roleNone
			if e := table.find(path[:n], hash); e != nil {
				got = e.role
			}
			if got != want {
				t.Errorf("role of %q is %d, want %d", name, got, want)
			}
		}
	}
	var path [64]byte
	long := make([]byte, 200)
	for i := range long {
		long[i] = 'a'
	}
	if n, _ := appendCompact(&path, 10, fnvOffset, long); n != len(path) {
		t.Errorf("a long name gave a path of %d bytes", n)
	}
}

// TestExchangeOrLog tells exchanges from application logs.
func TestExchangeOrLog(t *testing.T) {
	for record, exchange := range map[string]bool{
		`{"method":"GET","status":200}`:                        true,
		`{"path":"/a","status":"200"}`:                         true,
		`{"method":"GET","path":"/a"}`:                         true,
		`{"response_body":"x"}`:                                true,
		`{"request_headers":{"a":"b"}}`:                        true,
		`{"request":"GET /a HTTP/1.1"}`:                        true,
		`{"method":"GET"}`:                                     false,
		`{"path":"/var/log","status":"ok"}`:                    false,
		`{"method":"doIt","status":200}`:                       false,
		`{"headers":{"a":"b"},"msg":"x"}`:                      false,
		`{"body":"x","level":"info"}`:                          false,
		`{"status":200}`:                                       false,
		`{"request":"please call back"}`:                       false,
		`{"response_body":null,"level":"info"}`:                false,
		`{"service":"s","msg":"GET /a 200"}`:                   false,
		`{"status":999,"path":"/a"}`:                           false,
		`{"a":{"method":"GET","status":200,"path":"/nested"}}`: false,
	} {
		d := newTestDecoding(t, Config{}, func(x *classify.Exchange) {
			mapped := x.Method != nil || x.Status != 0 || len(x.Mapped) > 0 || len(x.Request.Headers) > 0
			if mapped != exchange || string(x.Record) != record {
				t.Errorf("%s: exchange %v, want %v", record, mapped, exchange)
			}
		})
		d.record(classify.Source{Kind: classify.SourceFile}, time.Time{}, []byte(record))
	}
}

// TestMappedIsAllThere wants what is marked as mapped to be there in full: each of
// these records has something beside what the exchange takes.
func TestMappedIsAllThere(t *testing.T) {
	for _, record := range []string{
		`{"method":"GET","url":"https://user:zqXplantedQz7@h.test/x","status":200}`,
		`{"method":"GET","url":"https://h.test/x","host":"zqXplantedQz7","status":200}`,
		`{"method":"GET","url":"/x?a=1","query":{"a":"1","b":"zqXplantedQz7"},"status":200}`,
		`{"method":"GET","url":"/x?a=1","query":"a=1&b=zqXplantedQz7","status":200}`,
		`{"method":"GET","url":"/x","path":"/x/zqXplantedQz7","status":200}`,
		`{"request":"GET /x HTTP/1.1 zqXplantedQz7","status":200}`,
		`{"method":"GET","path":"/x","requestHeaders":"{\"A\":\"b\"} zqXplantedQz7","status":200}`,
		`{"method":"GET","path":"/x","request_headers":{"cookie":"a=1"},"request":{"cookies":{"a":"1","b":"zqXplantedQz7"}},"status":200}`,
		`192.0.2.7 - - [23/Nov/2026:15:08:35 +0000] "GET /x HTTP/zqXplantedQz7" 200 5`,
		`{"message":"HTTP/1.1 200 zqXplantedQz7\r\nA: b\r\n\r\nbody"}`,
		`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}],"scope":{"name":"zqXplantedQz7"}}]}]}`,
		`{"resourceLogs":[{"resource":{"attributes":[{"key":"zqXplantedQz7"}]}}]}`,
		`{"records":[],"x":"zqXplantedQz7"}`, `{"records":[{"a":1}],"x":"zqXplantedQz7"}`,
		`{"specversion":"1.0","type":"t","source":"s","subject":"zqXplantedQz7","data":{"a":1}}`,
		`<34>1 2026-01-01T00:00:00Z h a p m [x y="zqXplantedQz7"] {"a":1}`,
		`{"log":"x\n","stream":"stdout","time":"2026-01-01T00:00:00Z","attrs":{"k":"zqXplantedQz7"}}`,
		`{"log":"x\n","stream":"zqXplantedQz7","time":"2026-01-01T00:00:00Z"}`,
		`2026-01-01T00:00:00Z stdout F:zqXplantedQz7 x`, "zqXplantedQz7-1  | {\"a\":1}", "\x00\x00\x00\x00\x07{\"a\":\"zqXplantedQz7\"}",
		`{"a":1}{"b":"zqXplantedQz7"}`, `{"a":1} zqXplantedQz7`, `[{"a":1},"zqXplantedQz7"]`, `[{"a":1}] zqXplantedQz7`, `[1,"zqXplantedQz7"]`,
	} {
		if !delivered(t, nil, []byte(record)) {
			t.Errorf("the token is nowhere to be found: %s", record)
		}
	}
}
