package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// envoyTextDecoder decodes the access log that Envoy and Istio write by default
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#default-format-string,
// https://istio.io/latest/docs/tasks/observability/logs/access-log/#default-access-log-format):
// [TIME] "METHOD PATH PROTOCOL" CODE FLAGS … "X-FORWARDED-FOR" "USER-AGENT"
// "X-REQUEST-ID" "AUTHORITY" "UPSTREAM".
type envoyTextDecoder struct {
	json *jsonDecoder
	columns
}

func newEnvoyTextDecoder(names *nameTable) *envoyTextDecoder {
	return &envoyTextDecoder{json: newJSONDecoder(names)}
}

func (*envoyTextDecoder) formats() []string { return []string{"envoy-text"} }

func (e *envoyTextDecoder) decode(d *decoding, record []byte) (format string) {
	end := bytes.IndexByte(record[:min(len(record), 48)], ']')
	if end < 0 || record[0] != '[' || !bytes.HasPrefix(record[end:], []byte(`] "`)) {
		return ""
	}
	if _, ok := parseTime(record[1:end]); !ok {
		return ""
	}
	e.begin(e.json, record)
	stamp, _ := e.next()
	line, _ := e.next()
	code, _ := e.next()
	if n, ok := parseInt(e.text(code)); !ok || n > 599 {
		return ""
	}
	e.set(roleTime, stamp)
	e.set(roleLine, line)
	e.set(roleStatus, code)
	e.authority()
	return e.give(d, "envoy-text", `[time] "request line" code flags`)
}

// authority looks for the last run of at least four strings in quotes: client,
// agent, id, authority. What follows in Istio's log is local, remote and so on.
func (e *envoyTextDecoder) authority() {
	var run [4]jsonscan.Token
	n := 0
	for {
		t, ok := e.next()
		if !ok {
			return
		}
		if e.line[t.Start-1] != '"' {
			n = 0
			continue
		}
		if n < len(run) {
			run[n] = t
		}
		if n++; n == len(run) {
			e.set(roleHost, run[3])
			e.forwarded(run[0])
		}
	}
}

// forwarded takes the client's address if it stands alone.
func (e *envoyTextDecoder) forwarded(t jsonscan.Token) {
	if _, ok := parseAddr(e.text(t)); ok {
		e.set(roleClient, t)
	}
}
