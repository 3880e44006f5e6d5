package capture

import (
	"bytes"
	"net/netip"
	"time"
)

// endpoint is one end of a TCP connection; an IPv4 address is mapped into IPv6.
type endpoint struct {
	addr [16]byte
	port uint16
}

func (e endpoint) addrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(e.addr).Unmap(), e.port)
}

// flowKey names a connection whatever the direction of a packet.
type flowKey struct {
	low, high endpoint
	// tunnels names those around it: equal addresses in two are two connections.
	tunnels uint64
}

// keyOf returns the key of the connection from src to dst in those tunnels, and
// the side, 0 or 1, that src is on.
func keyOf(src, dst endpoint, tunnels uint64) (key flowKey, side int) {
	order := bytes.Compare(src.addr[:], dst.addr[:])
	if order > 0 || order == 0 && src.port > dst.port {
		return flowKey{dst, src, tunnels}, 1
	}
	return flowKey{src, dst, tunnels}, 0
}

// segment is what one packet says of a TCP connection.
type segment struct {
	stretch
	src, dst endpoint
	tunnels  uint64

	syn, fin, rst, hasAck bool
	// origin is the interface that it was captured on.
	origin *string
}

// stretch is the bytes of a segment, and what has to be known when their turn
// comes.
type stretch struct {
	seq, ack uint32
	// payload is valid until the next packet is read.
	payload []byte
	// missing is how many bytes behind payload the capture cut off.
	missing int
	time    time.Time
	frame   int64
}

// end is the sequence number behind the bytes.
func (s *stretch) end() uint32 { return s.seq + uint32(len(s.payload)+s.missing) }

// after reports whether sequence number a lies behind b, across the wrap (RFC
// 9293, section 3.4).
func after(a, b uint32) bool { return int32(a-b) > 0 }
