package capture

import (
	"encoding/binary"

	"github.com/google/gopacket/layers"
)

// datagram is an IP packet, or a fragment of one. gopacket's own layers stumble
// over options that nobody needs here and over lengths past 64 KiB.
type datagram struct {
	// src and dst are IPv6 addresses; IPv4 is mapped into them.
	src, dst [16]byte
	// tunnels names those that it came through.
	tunnels  uint64
	protocol layers.IPProtocol
	payload  []byte
	// missing is how many bytes behind payload the capture cut off.
	missing int

	// offset and more place a fragment, id names its datagram.
	offset int
	more   bool
	id     uint32
	is6    bool
}

const (
	ip4Length      = 20
	ip6Length      = 40
	tcpLength      = 20
	fragmentLength = 8
	// maxExtensions is the most extension headers of one IPv6 packet.
	maxExtensions = 8
)

// isFragment reports whether other packets hold the rest of the datagram.
func (d *datagram) isFragment() bool { return d.more || d.offset > 0 }

// parse reads the IP headers of data.
func (d *datagram) parse(kind layers.EthernetType, data []byte) Reason {
	switch kind {
	case typeIPv4:
		return d.parse4(data)
	case typeIPv6:
		return d.parse6(data)
	}
	return NotTCP
}

// parse4 reads an IPv4 header (RFC 791, section 3.1).
func (d *datagram) parse4(b []byte) Reason {
	if len(b) < ip4Length || b[0]>>4 != 4 {
		return Undecodable
	}
	head, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // left to the network card, or more than 64 KiB
		total = len(b)
	}
	if head < ip4Length || head > total || head > len(b) {
		return Undecodable
	}
	fragment := binary.BigEndian.Uint16(b[6:])
	d.src, d.dst = mapped(b[12:16]), mapped(b[16:20])
	d.protocol, d.id = layers.IPProtocol(b[9]), uint32(binary.BigEndian.Uint16(b[4:]))
	d.more, d.offset = fragment&0x2000 != 0, int(fragment&0x1fff)*8
	d.payload = b[head:min(total, len(b))]
	d.missing = max(0, total-len(b))
	return 0
}

// parse6 reads an IPv6 header with its extension headers (RFC 8200, sections 3
// and 4).
func (d *datagram) parse6(b []byte) Reason {
	if len(b) < ip6Length || b[0]>>4 != 6 {
		return Undecodable
	}
	d.is6, d.protocol = true, layers.IPProtocol(b[6])
	d.src, d.dst = [16]byte(b[8:24]), [16]byte(b[24:40])
	length := int(binary.BigEndian.Uint16(b[4:]))
	d.payload = b[ip6Length:]
	if length > 0 { // else a jumbogram (RFC 2675), or left to the network card
		d.missing = max(0, length-len(d.payload))
		d.payload = d.payload[:min(length, len(d.payload))]
	}
	for range maxExtensions {
		switch d.protocol {
		case layers.IPProtocolIPv6HopByHop, layers.IPProtocolIPv6Routing, layers.IPProtocolIPv6Destination:
			if !d.skipExtension() {
				return Undecodable
			}
		case layers.IPProtocolIPv6Fragment:
			return d.fragment6()
		default:
			return 0
		}
	}
	return Undecodable
}

// skipExtension passes over an extension header.
func (d *datagram) skipExtension() bool {
	b := d.payload
	if len(b) < 2 || len(b) < 8+8*int(b[1]) {
		return false
	}
	d.protocol, d.payload = layers.IPProtocol(b[0]), b[8+8*int(b[1]):]
	return true
}

// fragment6 reads a fragment header (RFC 8200, section 4.5).
func (d *datagram) fragment6() Reason {
	b := d.payload
	if len(b) < fragmentLength {
		return Undecodable
	}
	place := binary.BigEndian.Uint16(b[2:])
	d.protocol, d.payload = layers.IPProtocol(b[0]), b[fragmentLength:]
	d.offset, d.more = int(place&^7), place&1 != 0
	d.id = binary.BigEndian.Uint32(b[4:])
	return 0
}

// segment fills s from a TCP header (RFC 9293, section 3.1).
func (d *datagram) segment(p *packet, s *segment) Reason {
	b := d.payload
	if len(b) < tcpLength {
		return Undecodable
	}
	head := int(b[12]>>4) * 4
	if head < tcpLength || head > len(b)+d.missing {
		return Undecodable
	}
	const fin, syn, rst, ack = 1, 2, 4, 16
	control := b[13]
	*s = segment{
		src: endpoint{d.src, binary.BigEndian.Uint16(b)}, dst: endpoint{d.dst, binary.BigEndian.Uint16(b[2:])},
		stretch: stretch{
			seq: binary.BigEndian.Uint32(b[4:]), ack: binary.BigEndian.Uint32(b[8:]),
			payload: b[min(head, len(b)):], missing: d.missing - max(0, head-len(b)), time: p.time,
		},
		fin: control&fin != 0, syn: control&syn != 0, rst: control&rst != 0, hasAck: control&ack != 0,
		tunnels: d.tunnels,
	}
	return 0
}

// mapped returns an IPv4 address as IPv6 (RFC 4291, section 2.5.5.2).
func mapped(ip []byte) (addr [16]byte) {
	addr[10], addr[11] = 0xff, 0xff
	copy(addr[12:], ip)
	return addr
}
