package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const coverageMetrics = `# TYPE leaktap_build_info gauge
leaktap_build_info{version="1"} 1
# TYPE leaktap_record_bytes_total counter
leaktap_record_bytes_total{source="kafka"} 1000
leaktap_record_bytes_total{source="interface"} 500
# TYPE leaktap_records_total counter
leaktap_records_total{source="kafka",format="json",outcome="exchange"} 8
leaktap_records_total{source="kafka",format="json",outcome="failed"} 2
# TYPE leaktap_uninspected_bytes_total counter
leaktap_uninspected_bytes_total{source="kafka",reason="record-limit"} 100
leaktap_uninspected_bytes_total{source="kafka",reason="packed"} 150
leaktap_uninspected_bytes_total{source="interface",reason="tls"} 1500
leaktap_uninspected_bytes_total{source="interface",reason="gap"} 0
`

// TestReportCoverage checks the shares: what an interface did not hand on is input beside what
// it did, and part of what came from Kafka.
func TestReportCoverage(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics":
			_, _ = w.Write([]byte(coverageMetrics))
		case "/other":
			_, _ = w.Write([]byte("up 1\n"))
		case "/page":
			_, _ = w.Write([]byte("<html>"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--from", server.URL + "/metrics", "-o", "csv"}, exitOK, "source,coverage,records,failed,input,not inspected\n" +
			"interface,25.0 %,0,0,2.0 kB,tls 1.5 kB\nkafka,75.0 %,10,2,1.0 kB,\"packed 150 B, record-limit 100 B\"\n"},
		{[]string{"--from", server.URL + "/metrics", "-o", "jsonl"}, exitOK, `{"source":"kafka","records":10,"failed":2,"bytes":1000,"uninspected":{"packed":150,"record-limit":100}}`},
		{[]string{"--from", server.URL + "/other"}, exitIncomplete, "leaktap: read metrics: there is no agent of leaktap at URL/other\n"},
		{[]string{"--from", server.URL + "/page"}, exitIncomplete, "leaktap: read metrics of URL/page: text format parsing error in line 1: "},
		{[]string{"--from", server.URL + "/none"}, exitIncomplete, "leaktap: read metrics of URL/none: answered 404 Not Found\n"},
		{[]string{"--from", "http://127.0.0.1:1/metrics"}, exitIncomplete, "connection refused"},
		{[]string{"-o", "xml"}, exitUsage, `output format "xml"`},
	} {
		var out, errs strings.Builder
		code := run(t.Context(), append([]string{"report", "coverage"}, c.args...), &streams{strings.NewReader(""), &out, &errs})
		if code != c.code || !strings.Contains(out.String()+strings.ReplaceAll(errs.String(), server.URL, "URL"), c.want) {
			t.Errorf("%v: exit code %d\n%s%s", c.args, code, out.String(), errs.String())
		}
	}
}
