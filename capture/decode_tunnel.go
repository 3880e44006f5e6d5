package capture

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// UDP ports of tunnels. AWS traffic mirroring is VXLAN on the registered port
// (https://docs.aws.amazon.com/vpc/latest/mirroring/traffic-mirroring-packet-formats.html).
const (
	portVXLAN      = 4789 // RFC 7348, section 5
	portLinuxVXLAN = 8472 // Linux's default, older than the RFC
	portGENEVE     = 6081 // RFC 8926, section 3.3
)

// through notes that the packet lies in the tunnel of that id: addresses in it may
// be those of other hosts elsewhere. Two nested tunnels make another number than
// each of them.
func (d *layerDecoder) through(kind, id uint32) {
	const prime = 1<<40 | 1<<8 | 0xb3 // FNV's for 64 bits
	d.tunnels = (d.tunnels ^ (uint64(kind)<<32 | uint64(id))) * prime
}

// keyAt is where the key of a GRE header stands.
func keyAt(checksum bool) int {
	if checksum {
		return 8
	}
	return 4
}

// tunnel takes the head of a tunnel off and returns what it holds.
func (d *layerDecoder) tunnel(ip *datagram) (kind layers.EthernetType, data []byte, why Reason) {
	switch ip.protocol {
	case layers.IPProtocolIPv4: // RFC 2003
		return typeIPv4, ip.payload, 0
	case layers.IPProtocolIPv6: // RFC 4213
		return typeIPv6, ip.payload, 0
	case layers.IPProtocolGRE:
		return d.gre(ip.payload)
	case layers.IPProtocolUDP:
		return d.udpTunnel(ip.payload)
	}
	return noType, nil, NotTCP
}

// udpTunnel takes VXLAN or GENEVE off, by the port that a packet is sent to.
func (d *layerDecoder) udpTunnel(b []byte) (kind layers.EthernetType, data []byte, why Reason) {
	if d.udp.DecodeFromBytes(b, gopacket.NilDecodeFeedback) != nil {
		return noType, nil, Undecodable
	}
	switch d.udp.DstPort {
	case portVXLAN, portLinuxVXLAN:
		err := d.vxlan.DecodeFromBytes(d.udp.Payload, gopacket.NilDecodeFeedback)
		if err == nil && d.vxlan.ValidIDFlag {
			d.through(portVXLAN, d.vxlan.VNI)
			return typeEthernet, d.vxlan.Payload, 0
		}
	case portGENEVE:
		return d.geneve(d.udp.Payload)
	}
	return noType, nil, NotTCP
}

// geneve reads a GENEVE header (RFC 8926, section 3.4).
func (d *layerDecoder) geneve(b []byte) (kind layers.EthernetType, data []byte, why Reason) {
	const head = 8
	if len(b) < head || b[0]>>6 != 0 {
		return noType, nil, NotTCP
	}
	n := head + 4*int(b[0]&0x3f)
	if len(b) < n {
		return noType, nil, Undecodable
	}
	d.through(portGENEVE, binary.BigEndian.Uint32(b[4:])>>8)
	return layers.EthernetType(binary.BigEndian.Uint16(b[2:])), b[n:], 0
}

// gre reads a GRE header with its optional fields (RFC 2784, section 2; RFC
// 2890, section 2). What ERSPAN puts behind it goes, too.
func (d *layerDecoder) gre(b []byte) (kind layers.EthernetType, data []byte, why Reason) {
	const checksum, routing, key, sequence, version = 0x8000, 0x4000, 0x2000, 0x1000, 7
	if len(b) < 4 {
		return noType, nil, Undecodable
	}
	flags := binary.BigEndian.Uint16(b)
	if flags&(version|routing) != 0 { // PPTP, and what RFC 2784 took away
		return noType, nil, NotTCP
	}
	n := 4
	for _, flag := range []uint16{checksum, key, sequence} {
		if flags&flag != 0 {
			n += 4
		}
	}
	if len(b) < n {
		return noType, nil, Undecodable
	}
	if flags&key != 0 {
		d.through(uint32(layers.IPProtocolGRE), binary.BigEndian.Uint32(b[keyAt(flags&checksum != 0):]))
	}
	kind = layers.EthernetType(binary.BigEndian.Uint16(b[2:]))
	if kind == typeERSPAN && flags&sequence != 0 || kind == typeERSPAN3 {
		return erspan(kind, b[n:])
	}
	if kind == typeERSPAN { // type I has no header of its own
		kind = typeEthernet
	}
	return kind, b[n:], 0
}

// erspan reads the header of ERSPAN type II or III
// (draft-foschiano-erspan-03, sections 4.2 and 4.3).
func erspan(kind layers.EthernetType, b []byte) (layers.EthernetType, []byte, Reason) {
	n := 8
	if kind == typeERSPAN3 {
		n = 12
		if len(b) >= n && b[n-1]&1 != 0 { // the O bit: a platform specific subheader
			n += 8
		}
	}
	if len(b) < n {
		return noType, nil, Undecodable
	}
	return typeEthernet, b[n:], 0
}
