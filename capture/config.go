package capture

import (
	"cmp"
	"time"
)

// Config says what to capture and within which limits. Its zero value reads
// files without a filter under the default limits.
type Config struct {
	// Interface is the name of the network interface that a [Sniffer] listens
	// on; a [FileReader] does not look at it.
	Interface string
	// Filter selects packets, in the grammar of [CheckFilter]; empty selects
	// all.
	Filter string
	// Promiscuous asks the interface for packets that are addressed to others,
	// as on a mirror port.
	Promiscuous bool
	// SocketBuffer is the kernel's receive buffer in bytes, 32 MiB unless set.
	// Without CAP_NET_ADMIN the kernel caps it at net.core.rmem_max.
	SocketBuffer int
	Limits       Limits
}

// Limits bounds what a capture may hold. A field that is zero has its default.
type Limits struct {
	// Body is the most bytes kept of one body, as sent and again as decoded:
	// 8 MiB.
	Body int
	// Head is the most bytes of one start line with its headers and trailers:
	// 256 KiB.
	Head int
	// Fields is the most header fields of one message: 1,000.
	Fields int
	// Flows is the most connections followed at once: 100,000. Past it the one
	// longest unheard of ends, those without HTTP first.
	Flows int
	// Buffered is the most bytes held for all connections together, bodies and
	// waiting segments: 160 MiB. Past it bodies are handed on as far as they have
	// come, and connections without HTTP end that hold some.
	Buffered int
	// Segments is how many segments may wait behind a gap in one direction
	// before the gap is given up: 64.
	Segments int
	// Fragments is the most bytes of IP fragments that wait for the rest of their
	// datagrams: 4 MiB. Past it the oldest are given up.
	Fragments int
	// Layers is how many IP headers a packet may have, tunnels in tunnels: 4.
	Layers int
	// Unanswered is how many requests of one connection may wait for their
	// responses: 128.
	Unanswered int
	// Streams is how many exchanges of one HTTP/2 connection may be open at once:
	// 256. Past it the oldest ends.
	Streams int
	// Idle is the silence, by packet time, after which a connection that
	// carries HTTP ends: 2 minutes.
	Idle time.Duration
	// Quiet is the same for connections that carry no HTTP (yet) and for those
	// that are closed: 15 seconds.
	Quiet time.Duration
}

const defaultSocketBuffer = 32 << 20

func (l Limits) withDefaults() Limits {
	return Limits{
		Body:       cmp.Or(l.Body, 8<<20),
		Head:       cmp.Or(l.Head, 256<<10),
		Fields:     cmp.Or(l.Fields, 1000),
		Flows:      cmp.Or(l.Flows, 100_000),
		Buffered:   cmp.Or(l.Buffered, 160<<20),
		Segments:   cmp.Or(l.Segments, 64),
		Fragments:  cmp.Or(l.Fragments, 4<<20),
		Layers:     cmp.Or(l.Layers, 4),
		Unanswered: cmp.Or(l.Unanswered, 128),
		Streams:    cmp.Or(l.Streams, 256),
		Idle:       cmp.Or(l.Idle, 2*time.Minute),
		Quiet:      cmp.Or(l.Quiet, 15*time.Second),
	}
}
