package main

import (
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/capture"
)

// TestSummaryPorts tells of the ports that were not inspected, and of no others.
func TestSummaryPorts(t *testing.T) {
	s := summary{ports: []capture.PortStats{
		{Port: 8080, Inspected: 1000},
		{Port: 443, Uninspected: map[capture.Reason]int64{capture.TLS: 3_000_000}},
		{Port: 80, Inspected: 900, Uninspected: map[capture.Reason]int64{capture.Gap: 60, capture.BodyLimit: 40}},
		{Port: 0, Inspected: 1, Uninspected: map[capture.Reason]int64{capture.MidMessage: 1}},
	}}
	for n := range uint16(20) {
		s.ports = append(s.ports, capture.PortStats{Port: 2000 + n, Uninspected: map[capture.Reason]int64{capture.TLS: 1}})
	}
	var out strings.Builder
	s.writePorts(&out)
	const want = `leaktap: port 443: 3.0 MB, coverage 0.0 % (not inspected: tls 3.0 MB)
leaktap: port 80: 1.0 kB, coverage 90.0 % (not inspected: body-limit 40 B, gap 60 B)
leaktap: other ports: 2 B, coverage 50.0 % (not inspected: mid-message 1 B)
`
	if got := out.String(); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != maxSummaryPorts {
		t.Errorf("%s", got)
	}
}

// TestSummaryDoubts tells of what may be another thing than the server saw, in the closing line.
func TestSummaryDoubts(t *testing.T) {
	s := newSummary(time.Now())
	s.packets(capture.Stats{Packets: 9, Inspected: 500, Truncated: 1, Overlaps: 2, Conflicts: 3})
	var out strings.Builder
	s.write(&out, &pipeline{}, &output{}, false, exitOK)
	const want = ", 1 packet cut by the capture, 2 segments with other bytes than before, 3 messages with contradicting lengths; exit 0\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want it to end in %q", out.String(), want)
	}
}

// TestSummarySampled tells that not all connections were looked at, of the worst of the sources.
func TestSummarySampled(t *testing.T) {
	s := newSummary(time.Now())
	s.packets(capture.Stats{Packets: 9, Inspected: 500, Sampled: 8, Uninspected: map[capture.Reason]int64{capture.Sampled: 1500}})
	s.packets(capture.Stats{Packets: 9, Sampled: 1})
	var out strings.Builder
	s.write(&out, &pipeline{}, &output{}, false, exitOK)
	const want = "coverage 25.0 % (not inspected: sampled 1.5 kB), sampled down to one connection in 8; exit 0\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want it to end in %q", out.String(), want)
	}
}
