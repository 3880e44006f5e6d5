package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leaktap/leaktap/classify"
)

// apisixRecord returns an exchange of about 2.8 KB in APISIX's shape, with
// escaped JSON bodies.
func apisixRecord(t testing.TB) []byte {
	t.Helper()
	var users []string
	for i := range 10 {
		users = append(users, fmt.Sprintf(`{"id":%d,"name":"User %d","email":"user%d@example.test","city":"Springfield","active":true,"tags":["a","b"],"note":"nothing to see here, move along"}`, i, i, i))
	}
	record, err := json.Marshal(map[string]any{
		"client_ip": "10.1.2.3", "start_time": 1763910515940, "service_id": "orders", "route_id": "7", "latency": 12.5,
		"request": map[string]any{
			"method": "GET", "uri": "/users?page=2", "url": "http://api.example.test:9080/users?page=2", "size": 210,
			"headers": map[string]string{
				"host": "api.example.test", "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "accept": "application/json",
				"x-request-id": "4b0d1f1a-2b8b-4d3f-8d49-0e4a31b1f2aa", "cookie": "theme=dark; lang=en",
				"accept-encoding": "gzip, deflate, br", "accept-language": "en-GB,en;q=0.9", "referer": "https://shop.example.test/users",
				"x-forwarded-for": "203.0.113.9, 10.0.0.1", "x-forwarded-proto": "https", "connection": "keep-alive",
			},
			"body": `{"filter":"active","limit":10}`,
		},
		"response": map[string]any{
			"status": 200, "size": 1700, "headers": map[string]string{"content-type": "application/json", "server": "APISIX", "cache-control": "no-store", "vary": "accept-encoding", "date": "Mon, 23 Nov 2026 15:08:35 GMT"},
			"body": `{"users":[` + strings.Join(users, ",") + `]}`,
		},
		"upstream": "10.0.0.9:8080",
	})
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// BenchmarkDecode decodes one record again and again: the steady path.
func BenchmarkDecode(b *testing.B) {
	for _, bench := range []struct {
		name   string
		record []byte
	}{
		{"exchange", apisixRecord(b)},
		{"log", []byte(`{"time":"2026-11-23T15:08:35Z","level":"info","logger":"app.users","msg":"login ok","service":"web","user":{"name":"x","roles":["a","b"]},"elapsed":12.5}`)},
		{"message", []byte(`{"time":"2026-11-23T15:08:35Z","level":"info","message":"User 4711 has logged in from the office network and may see everything","service":"web"}`)},
		{"inner", []byte(`{"time":"2026-11-23T15:08:35Z","level":"info","message":"{\"level\":\"info\",\"logger\":\"app.users\",\"msg\":\"login ok\",\"user\":{\"name\":\"x\"}}","service":"web"}`)},
		{"docker", []byte(`{"log":"{\"method\":\"GET\",\"path\":\"/users?page=2\",\"status\":200,\"service\":\"web\",\"elapsed\":12.5}\n","stream":"stdout","time":"2026-11-23T15:08:35.123456789Z"}`)},
		{"cri", append([]byte("2026-11-23T15:08:35.123456789Z stdout F "), apisixRecord(b)...)},
		{"combined", []byte(`192.0.2.7 - - [23/Nov/2026:15:08:35 +0100] "GET /a?page=2 HTTP/1.1" 200 512 "https://r.test/?s=1" "Mozilla/5.0 (X11; Linux x86_64)"`)},
		{"text", []byte(`2026-11-23 15:08:35 INFO nothing to see here, just a line of text`)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			d := newTestDecoding(b, Config{}, func(*classify.Exchange) {})
			src := classify.Source{Kind: classify.SourceFile, Name: "bench"}
			b.SetBytes(int64(len(bench.record)))
			b.ReportAllocs()
			defer reportCPU(b, len(bench.record))()
			for b.Loop() {
				d.record(src, time.Time{}, bench.record)
			}
		})
	}
}

// BenchmarkReader reads a stream of lines.
func BenchmarkReader(b *testing.B) {
	lines := bytes.Repeat(append(apisixRecord(b), '\n'), 1000)
	b.SetBytes(int64(len(lines)))
	b.ReportAllocs()
	defer reportCPU(b, len(lines))()
	for b.Loop() {
		readAll(b, Config{}, "bench", bytes.NewReader(lines), func(*classify.Exchange) {})
	}
}

// TestDecodeDoesNotAllocate holds the steady path to its promise.
func TestDecodeDoesNotAllocate(t *testing.T) {
	for _, record := range [][]byte{
		apisixRecord(t),
		[]byte(`192.0.2.7 - - [23/Nov/2026:15:08:35 +0100] "GET /a HTTP/1.1" 200 512 "https://r.test/?s=1" "\x22curl"`),
		[]byte(`{"log":"docker \"text\"\n","stream":"stderr","time":"2026-01-01T00:00:00Z"}`),
		[]byte(`{"log":"{\"method\":\"GET\",\"path\":\"/a\",\"status\":200}\n","stream":"stderr","time":"2026-01-01T00:00:00Z"}`),
		[]byte(`{"level":"info","message":"User 4711 has logged in from the office network"}`),
		[]byte("2026-01-01T00:00:00Z stdout F " + string(apisixRecord(t))),
		[]byte(`{"started_at":1795446515940,"client_ip":"192.0.2.1","latencies":{"kong":1},"request":{"method":"GET","uri":"/b","headers":{"host":"h"}},"response":{"status":404}}`),
		[]byte(`time=2026-11-23T15:08:35Z level=info method=GET path="/l?a=1" status=200 service=shop`),
	} {
		d := newTestDecoding(t, Config{}, func(*classify.Exchange) {})
		allocs := testing.AllocsPerRun(100, func() {
			d.record(classify.Source{Kind: classify.SourceKafka}, time.Time{}, record)
		})
		if allocs != 0 {
			t.Errorf("%v allocations per record, want 0: %s", allocs, record)
		}
	}
}

// reportCPU returns a function that reports megabytes per second of processor
// time since: MB/s by the clock says little on a machine with other work.
func reportCPU(b *testing.B, size int) func() {
	begin := processorTime(b)
	return func() {
		b.ReportMetric(float64(size)*float64(b.N)/1e6/(processorTime(b)-begin).Seconds(), "MB/cpu-s")
	}
}

func processorTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
