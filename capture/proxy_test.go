package capture

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProxyHeader(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "GET / HTTP/1.1\r\n": 0, "PROXY UNKNOWN\r\nrest": 15, "PROXY UNKNOWN": 0,
		"PROXY " + strings.Repeat("x", 200) + "\r\n": 0,
		proxySignature:                          0,
		proxySignature + "\x20\x00\x00\x00rest": 16,
		proxySignature + "\x21\x11\x00\x05rest": 0, // not all is there
		proxySignature + "\x11\x11\x00\x00":     0, // version 1
	} {
		if got := proxyHeader([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// TestProxied has the first request behind a header, in the same segment or in
// one of its own.
func TestProxied(t *testing.T) {
	const v2 = proxySignature + "\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02"
	for _, header := range []string{"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", v2} {
		for name, c := range map[string]*conn{
			"together": newConn(1).open().request(header + getA),
			"apart":    newConn(1).open().request(header).request(getA),
		} {
			got, stats := replay(t, c.response(reply1).close().frames)
			if diff := cmp.Diff([]seen{{Method: "GET", Host: "h", Target: "/a", Status: 200, Response: "1"}}, got); diff != "" {
				t.Errorf("%.6q %s: %s", header, name, diff)
			}
			if stats.sum() != stats.Inspected {
				t.Errorf("%.6q %s: %+v", header, name, stats)
			}
		}
	}
}
