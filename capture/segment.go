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
type flowKey struct{ low, high endpoint }

// keyOf returns the key of the connection from src to dst, and the side, 0 or
// 1, that src is on.
func keyOf(src, dst endpoint) (key flowKey, side int) {
	order := bytes.Compare(src.addr[:], dst.addr[:])
	if order > 0 || order == 0 && src.port > dst.port {
		return flowKey{dst, src}, 1
	}
	return flowKey{src, dst}, 0
}

// segment is what one packet says of a TCP connection.
type segment struct {
	src, dst endpoint
	seq, ack uint32

	syn, fin, rst, hasAck bool
	// payload is valid until the next packet is read.
	payload []byte
	// missing is how many bytes behind payload the capture cut off.
	missing int
	time    time.Time
	frame   int64
	// origin is the interface that it was captured on.
	origin *string
}

// end is the sequence number behind the segment's bytes.
func (s *segment) end() uint32 { return s.seq + uint32(len(s.payload)+s.missing) }

// after reports whether sequence number a lies behind b, across the wrap (RFC
// 9293, section 3.4).
func after(a, b uint32) bool { return int32(a-b) > 0 }
