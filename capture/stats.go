package capture

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

// Reason says why captured or missing bytes were not inspected. The list is
// closed, so that it can be a metric label.
type Reason uint8

// The reasons. Those up to Undecodable count whole packets as captured, the
// others bytes of TCP payload.
const (
	// NotTCP is everything that is not TCP over IP: UDP (and with it QUIC), ARP ….
	NotTCP Reason = iota + 1
	// Fragment is a fragment of an IP packet that never became whole.
	Fragment
	// FragmentOverlap is an IP packet whose fragments overlap: nobody can say
	// what the receiver makes of it.
	FragmentOverlap
	// TunnelDepth is what lies deeper than Limits.Layers.
	TunnelDepth
	// Undecodable is a packet with a broken header.
	Undecodable
	// Gap is what was sent but not captured, and the rest of a body behind it.
	Gap
	// SnapLength is what the capture cut off the end of packets.
	SnapLength
	// MidMessage is what came between a gap, or the start of the capture, and
	// the next start of a message, and headers that never ended.
	MidMessage
	// UnknownProtocol is a stream in which no HTTP was recognised.
	UnknownProtocol
	// TLS is an encrypted stream.
	TLS
	// HTTP2 is what comes on streams of HTTP/2 that are over, or were given up
	// past Limits.Streams, and frames that hold nothing of an exchange.
	HTTP2
	// HeaderTable is header fields of HTTP/2 that refer to a part of the
	// connection which was not captured.
	HeaderTable
	// WebSocket is what control frames of WebSocket hold, and what comes between
	// a gap and the next frame.
	WebSocket
	// WebSocketBinary is binary messages of WebSocket.
	WebSocketBinary
	// Tunnel is a stream after CONNECT or an upgrade to something else.
	Tunnel
	// Malformed is HTTP that breaks its own framing.
	Malformed
	// Interim is the heads of 1xx responses.
	Interim
	// HeaderLimit is a head past Limits.Head or Limits.Fields.
	HeaderLimit
	// BufferLimit is what came of bodies that were handed on early, because
	// Limits.Buffered was reached.
	BufferLimit
	// BodyLimit is what a body has past Limits.Body.
	BodyLimit
	// ContentCoding is what a content coding hides that is unknown or broken.
	ContentCoding
	// Sampled is what connections carried that were left out while only some were looked
	// at: an estimate, as much for each of them as came on those that were.
	Sampled

	reasonCount
	// CutOff is why a body is truncated whose connection ended before it did.
	// It counts no bytes, for none are known to be missing, and is not among
	// [Reasons].
	CutOff = reasonCount
	// FramingConflict says that headers contradict each other about where a body
	// ends: how requests are smuggled. It counts no bytes either.
	FramingConflict = reasonCount + 1
)

// Reasons returns all reasons, in a fixed order.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonCount-1)
	for r := NotTCP; r < reasonCount; r++ {
		all = append(all, r)
	}
	return all
}

var reasonNames = [reasonCount + 2]string{
	NotTCP: "not-tcp", Fragment: "fragment", FragmentOverlap: "fragment-overlap",
	TunnelDepth: "tunnel-depth", Undecodable: "undecodable",
	Gap: "gap", SnapLength: "snap-length", MidMessage: "mid-message",
	UnknownProtocol: "unknown-protocol", TLS: "tls", HTTP2: "http2", HeaderTable: "header-table",
	WebSocket: "websocket", WebSocketBinary: "websocket-binary", Tunnel: "tunnel", Malformed: "malformed",
	Interim: "interim", HeaderLimit: "header-limit", BufferLimit: "buffer-limit", BodyLimit: "body-limit",
	ContentCoding: "content-coding", Sampled: "sampled", CutOff: "cut-off", FramingConflict: "framing-conflict",
}

// String returns the reason's name as it stands in metrics.
func (r Reason) String() string {
	if r <= FramingConflict {
		return reasonNames[r]
	}
	return ""
}

// Stats says how much was seen and how much of it was inspected. It only grows.
type Stats struct {
	// Packets counts those read, without those that a filter of a file left out.
	Packets int64
	// Received counts packets that the kernel's filter took on interfaces, those
	// dropped among them.
	Received int64
	// Dropped counts packets that the kernel had no room for, Freezes how often it
	// stopped for want of room.
	Dropped, Freezes int64
	// Sampled is n where one connection in n was looked at when it was fewest: 1 if all
	// were at all times.
	Sampled int
	// Truncated counts packets of which the capture holds the beginning only.
	Truncated int64
	// Overlaps counts TCP segments that contradict what was sent before in their
	// place: the receiver's reading may be another than ours.
	Overlaps int64
	// Conflicts counts messages whose headers contradict each other about where
	// the body ends.
	Conflicts int64
	// Inspected is how many bytes of TCP payload were handed on in exchanges.
	Inspected int64
	// Uninspected is how many bytes were not, and why; every reason is a key.
	Uninspected map[Reason]int64
	// Ports has the same by the server's port, the busiest first.
	Ports []PortStats
}

// kernelStats are what the kernel counted since it was asked last.
type kernelStats struct{ received, dropped, freezes int64 }

// coverage keeps the numbers of Stats; any goroutine may count and read.
type coverage struct {
	packets, conflicts, inspected, truncated, overlaps atomic.Int64
	received, dropped, freezes                         atomic.Int64
	// sampled is one less than Stats.Sampled.
	sampled atomic.Int64
	skipped [reasonCount]atomic.Int64
	metrics metrics
	ports   portTable
}

// newCoverage returns counters that show in reg, if there is one.
func newCoverage(reg prometheus.Registerer, source classify.SourceKind) (*coverage, error) {
	m, err := newMetrics(reg, source)
	if err != nil {
		return nil, err
	}
	return &coverage{metrics: m}, nil
}

func (c *coverage) packet() {
	c.packets.Add(1)
	c.metrics.packets.Inc()
}

// kernel adds what the kernel counted.
func (c *coverage) kernel(k kernelStats) {
	c.received.Add(k.received)
	c.dropped.Add(k.dropped)
	c.freezes.Add(k.freezes)
	c.metrics.received.Add(float64(k.received))
	c.metrics.kernelDrops.Add(float64(k.dropped))
	c.metrics.freezes.Add(float64(k.freezes))
}

// sample notes that one connection in n is looked at.
func (c *coverage) sample(n int) {
	c.metrics.sampleRatio.Set(1 / float64(n))
	c.sampled.Store(max(c.sampled.Load(), int64(n-1)))
}

// truncate counts a packet that the capture cut.
func (c *coverage) truncate() {
	c.truncated.Add(1)
	c.metrics.truncated.Inc()
}

// overlap counts a segment that contradicts what was sent before in its place.
func (c *coverage) overlap() {
	c.overlaps.Add(1)
	c.metrics.overlaps.Inc()
}

func (c *coverage) inspect(n int) {
	c.inspected.Add(int64(n))
	c.metrics.bytes.Add(float64(n))
}

// skip counts n bytes that will not be inspected.
func (c *coverage) skip(why Reason, n int) { c.skipped[why].Add(int64(n)) }

// lose counts n bytes that were sent but not captured.
func (c *coverage) lose(n int) {
	c.skip(Gap, n)
	c.metrics.gapBytes.Add(float64(n))
}

// skipPacket counts a packet of n bytes that holds nothing to follow.
func (c *coverage) skipPacket(why Reason, n int) {
	c.skip(why, n)
	if why == Undecodable {
		c.metrics.undecodable.Inc()
	}
}

func (c *coverage) stats() Stats {
	s := Stats{
		Packets:     c.packets.Load(),
		Received:    c.received.Load(),
		Dropped:     c.dropped.Load(),
		Freezes:     c.freezes.Load(),
		Sampled:     int(c.sampled.Load()) + 1,
		Truncated:   c.truncated.Load(),
		Overlaps:    c.overlaps.Load(),
		Conflicts:   c.conflicts.Load(),
		Inspected:   c.inspected.Load(),
		Uninspected: make(map[Reason]int64, reasonCount-1),
		Ports:       c.ports.stats(),
	}
	for _, r := range Reasons() {
		s.Uninspected[r] = c.skipped[r].Load()
	}
	return s
}
