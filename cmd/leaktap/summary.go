package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/ingest"
)

// summary is what the closing line tells.
type summary struct {
	start             time.Time
	files, unreadable int
	recordCount       int64
	packetCount       int64
	read              int64 // bytes of records and packets
	dropped           int64 // packets that the kernel had no room for
	sampled           int   // one connection in so many was looked at when it was fewest
	doubtful          doubtful
	filtered          int64 // exchanges that --where left out
	uninspected       map[string]int64
	ports             []capture.PortStats
}

// doubtful counts what was captured and may be another thing than the server saw: packets
// that were cut, segments that contradict earlier ones, messages whose headers contradict each
// other about their end.
type doubtful struct{ truncated, overlaps, conflicts int64 }

// parts tells them.
func (d doubtful) parts() (parts []string) {
	for _, count := range []struct {
		n    int64
		what string
		rest string
	}{{d.truncated, "packet", " cut by the capture"}, {d.overlaps, "segment", " with other bytes than before"}, {d.conflicts, "message", " with contradicting lengths"}} {
		if count.n > 0 {
			parts = append(parts, alert.Plural(count.n, count.what)+count.rest)
		}
	}
	return parts
}

// maxSummaryPorts is how many ports the end of a capture tells of.
const maxSummaryPorts = 10

func newSummary(start time.Time) summary {
	return summary{start: start, uninspected: map[string]int64{}}
}

func (s *summary) records(stats ingest.Stats) {
	for _, n := range stats.Records {
		s.recordCount += n
	}
	s.read += stats.Bytes
	s.filtered += stats.Filtered
	for reason, n := range stats.Uninspected {
		s.uninspected[reason] += n
	}
}

func (s *summary) packets(stats capture.Stats) {
	s.packetCount += stats.Packets
	s.read += stats.Inspected
	for reason, n := range stats.Uninspected {
		s.uninspected[reason.String()] += n
		s.read += n
	}
	s.dropped += stats.Dropped
	s.sampled = max(s.sampled, stats.Sampled)
	s.doubtful.truncated += stats.Truncated
	s.doubtful.overlaps += stats.Overlaps
	s.doubtful.conflicts += stats.Conflicts
	s.ports = append(s.ports, stats.Ports...)
}

// conclude ends a verb: what was not read or dropped makes it incomplete, and
// the closing line tells everything.
func (a *app) conclude(ctx context.Context, o *outputs, s *summary, p *pipeline, out *output, err error) error {
	if s.dropped > 0 {
		err = errors.Join(err, fmt.Errorf("capture packets: the kernel dropped %s; narrow the filter", alert.Plural(s.dropped, "packet")))
	}
	exit := o.exit(p.worstSeverity(), err)
	code, ended := signalled(ctx)
	if !ended {
		code = exitCode(exit)
	}
	for reason, n := range map[string]*atomic.Int64{"layer-limit": &p.layered, "time-limit": &p.overtime} {
		s.uninspected[reason] += n.Load()
	}
	s.write(a.err, p, out, err != nil, code)
	return exit
}

// write tells on one line what was read, how fast, and what was not. Where the
// input was incomplete nobody knows how much is missing.
func (s *summary) write(w io.Writer, p *pipeline, out *output, incomplete bool, code int) {
	took := time.Since(s.start)
	parts := []string{}
	if s.files > 0 {
		parts = append(parts, alert.Plural(int64(s.files), "file"))
	}
	if s.recordCount > 0 || s.packetCount == 0 {
		parts = append(parts, alert.Plural(s.recordCount, "record"))
	}
	if s.packetCount > 0 {
		parts = append(parts, alert.Plural(s.packetCount, "packet"))
	}
	parts = append(parts, alert.Plural(p.exchanges.Load(), "exchange"),
		fmt.Sprintf("%s in %.2f s (%s/s)", size(s.read), took.Seconds(), size(int64(float64(s.read)/max(took.Seconds(), 1e-3)))),
		fmt.Sprintf("%d unreadable", s.unreadable))
	if incomplete {
		parts = append(parts, "coverage unknown: incomplete")
	} else {
		parts = append(parts, "coverage "+s.coverage())
	}
	if s.sampled > 1 {
		parts = append(parts, fmt.Sprintf("sampled down to one connection in %d", s.sampled))
	}
	parts = append(parts, s.doubtful.parts()...)
	if s.filtered > 0 {
		parts = append(parts, alert.Plural(s.filtered, "exchange")+" left out by --where")
	}
	if n := out.withheld.Load(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d below --min-severity not shown", n))
	}
	if n := p.dropped.Load(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d findings past the limit per exchange", n))
	}
	if n := p.missed.Load(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d places past the limit of misses", n))
	}
	parts = append(parts, p.silenced.parts()...)
	s.writePorts(w)
	fmt.Fprintf(w, "leaktap: %s; exit %d\n", strings.Join(parts, ", "), code)
}

// parts tells what a policy silenced.
func (s *silencedCounts) parts() (parts []string) {
	for _, reason := range []struct {
		n    int64
		text string
	}{{s.allowed.Load(), "allowed by the policy"}, {s.accepted.Load(), "accepted"}, {s.known.Load(), "known to the baseline"}, {s.unjudged.Load(), "responses that the policy could not judge"}} {
		if reason.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", reason.n, reason.text))
		}
	}
	return parts
}

// writePorts tells of the busiest server ports of which something was not
// inspected, with the reasons.
func (s *summary) writePorts(w io.Writer) {
	told := 0
	for _, p := range s.ports {
		missed := p.Missed()
		if missed == 0 || told == maxSummaryPorts {
			continue
		}
		told++
		name := fmt.Sprintf("port %d", p.Port)
		if p.Port == 0 {
			name = "other ports"
		}
		one := summary{read: p.Inspected + missed, uninspected: map[string]int64{}}
		for reason, n := range p.Uninspected {
			one.uninspected[reason.String()] = n
		}
		fmt.Fprintf(w, "leaktap: %s: %s, coverage %s\n", name, size(one.read), one.coverage())
	}
}

// coverage is the share of bytes that was inspected, with the reasons for the
// rest.
func (s *summary) coverage() string {
	missed := int64(0)
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(s.uninspected)) {
		if n := s.uninspected[reason]; n > 0 {
			missed += n
			reasons = append(reasons, fmt.Sprintf("%s %s", reason, size(n)))
		}
	}
	if missed == 0 {
		return "100 %"
	}
	share := 100 * float64(s.read-min(missed, s.read)) / float64(max(s.read, 1))
	return fmt.Sprintf("%.1f %% (not inspected: %s)", share, strings.Join(reasons, ", "))
}

// size writes bytes with a decimal unit.
func size(n int64) string {
	switch f := float64(n); {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", f/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", f/1e6)
	default:
		return fmt.Sprintf("%.2f GB", f/1e9)
	}
}
