package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/leaktap/leaktap/classify"
)

// TestMetrics reads two files with one registry.
func TestMetrics(t *testing.T) {
	reg := moved.Registry()
	c := newConn(1).open().request(getA).response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").close()
	c.frames = append(c.frames, frame{bytes: []byte("broken")})
	for range 2 {
		f, err := NewFileReader("x", Config{}, reg, slog.New(slog.DiscardHandler))
		must(t, err)
		must(t, f.Run(context.Background(), bytes.NewReader(pcapFile(t, c.frames)), func(*classify.Exchange) {
			const open = `
# HELP leaktap_capture_flows TCP connections followed at the moment, by state: http, other.
# TYPE leaktap_capture_flows gauge
leaktap_capture_flows{state="http"} 1
leaktap_capture_flows{state="other"} 0
`
			must(t, testutil.GatherAndCompare(reg, strings.NewReader(open), "leaktap_capture_flows"))
			moved.Look(t)
		}))
	}
	const want = `
# HELP leaktap_capture_dropped_packets_total Packets that were not taken apart, by reason: kernel (no room in the receive buffer), undecodable.
# TYPE leaktap_capture_dropped_packets_total counter
leaktap_capture_dropped_packets_total{reason="kernel"} 0
leaktap_capture_dropped_packets_total{reason="undecodable"} 2
# HELP leaktap_capture_flows TCP connections followed at the moment, by state: http, other.
# TYPE leaktap_capture_flows gauge
leaktap_capture_flows{state="http"} 0
leaktap_capture_flows{state="other"} 0
# HELP leaktap_capture_packets_total Packets read from interfaces and capture files.
# TYPE leaktap_capture_packets_total counter
leaktap_capture_packets_total 22
`
	must(t, testutil.GatherAndCompare(reg, strings.NewReader(want), "leaktap_capture_dropped_packets_total",
		"leaktap_capture_flows", "leaktap_capture_packets_total"))
	problems, err := testutil.GatherAndLint(reg)
	must(t, err)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestCutPacketIsCounted reads a file with a packet of which there is only the beginning, as
// tcpdump -s writes them: packet and missing bytes are counted.
func TestCutPacketIsCounted(t *testing.T) {
	const body, kept = 100, 40
	c := newConn(1).open().request(getA).response("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + strings.Repeat("x", body)).close()
	file, at := pcapFile(t, c.frames), 24
	for range c.frames {
		head := file[at:][:16]
		n := int(binary.LittleEndian.Uint32(head[8:]))
		if at += 16 + n; n > body {
			binary.LittleEndian.PutUint32(head[8:], uint32(n-body+kept))
			file = slices.Delete(file, at-body+kept, at)
			break
		}
	}
	reg := moved.Registry()
	f, err := NewFileReader("x", Config{}, reg, slog.New(slog.DiscardHandler))
	must(t, err)
	must(t, f.Run(context.Background(), bytes.NewReader(file), func(*classify.Exchange) {}))
	const want = `
# HELP leaktap_capture_truncated_packets_total Packets of which only the beginning was captured.
# TYPE leaktap_capture_truncated_packets_total counter
leaktap_capture_truncated_packets_total 1
`
	must(t, testutil.GatherAndCompare(reg, strings.NewReader(want), "leaktap_capture_truncated_packets_total"))
	if n := f.Stats().Uninspected[SnapLength]; n != body-kept {
		t.Errorf("%d bytes are said to be cut off, want %d", n, body-kept)
	}
}

func TestMetricsConflict(t *testing.T) {
	reg := prometheus.NewRegistry()
	must(t, reg.Register(prometheus.NewGauge(prometheus.GaugeOpts{Name: "leaktap_capture_packets_total", Help: "x"})))
	if _, err := NewFileReader("x", Config{}, reg, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a metric of another kind is no error")
	}
}

// TestReasons checks that every reason has a name of its own.
func TestReasons(t *testing.T) {
	names := map[string]bool{}
	for _, why := range Reasons() {
		names[why.String()] = true
	}
	if len(names) != int(reasonCount)-1 || names[""] {
		t.Errorf("names: %v", names)
	}
	if (reasonCount+2).String() != "" || Reason(0).String() != "" {
		t.Error("what is no reason has a name")
	}
}
