package capture

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// packet is one captured packet, valid until the next one is read.
type packet struct {
	link  linkType
	bytes []byte
	// length is what the packet had on the wire, at least len(bytes).
	length int
	time   time.Time
}

// linkType says how a packet begins. gopacket's type of that name is too small
// for SLL2.
type linkType uint16

// The link types that are decoded (https://www.tcpdump.org/linktypes.html).
const (
	linkNull      linkType = 0
	linkEthernet  linkType = 1
	linkRaw       linkType = 101
	linkLoop      linkType = 108
	linkLinuxSLL  linkType = 113
	linkIPv4      linkType = 228
	linkIPv6      linkType = 229
	linkLinuxSLL2 linkType = 276
)

// sll2Length is the size of a Linux cooked header, version 2
// (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html).
const sll2Length = 20

// newLinkType returns the link type with that number.
func newLinkType(n uint16) (linkType, error) {
	switch link := linkType(n); link {
	case linkNull, linkEthernet, linkRaw, linkLoop, linkLinuxSLL, linkIPv4, linkIPv6, linkLinuxSLL2:
		return link, nil
	}
	return 0, fmt.Errorf("unknown link type %d", n)
}

// layerDecoder finds the TCP segment in a packet. Its list of layers is closed:
// what is not in it ends the decoding.
type layerDecoder struct {
	ip4     layers.IPv4
	ip6     layers.IPv6
	tcp     layers.TCP
	found   []gopacket.LayerType
	parsers map[gopacket.LayerType]*gopacket.DecodingLayerParser
}

func newLayerDecoder() *layerDecoder {
	d := &layerDecoder{parsers: map[gopacket.LayerType]*gopacket.DecodingLayerParser{}}
	known := []gopacket.DecodingLayer{
		&layers.Ethernet{}, &layers.Dot1Q{}, &layers.LinuxSLL{}, &layers.Loopback{},
		&d.ip4, &d.ip6, &layers.IPv6ExtensionSkipper{}, &d.tcp,
	}
	for _, first := range []gopacket.LayerType{
		layers.LayerTypeEthernet, layers.LayerTypeDot1Q, layers.LayerTypeLinuxSLL,
		layers.LayerTypeLoopback, layers.LayerTypeIPv4, layers.LayerTypeIPv6,
	} {
		parser := gopacket.NewDecodingLayerParser(first)
		parser.SetDecodingLayerContainer(gopacket.DecodingLayerArray(nil))
		for _, layer := range known {
			parser.AddDecodingLayer(layer)
		}
		parser.IgnoreUnsupported = true
		d.parsers[first] = parser
	}
	return d
}

// decode fills s from p, or returns why there is nothing to follow. A panic in
// a layer counts as a broken header.
func (d *layerDecoder) decode(p *packet, s *segment) Reason {
	first, data := firstLayer(p)
	parser := d.parsers[first]
	if parser == nil {
		return NotTCP
	}
	if err := parser.DecodeLayers(data, &d.found); err != nil {
		return Undecodable
	}
	switch {
	case slices.Contains(d.found, layers.LayerTypeIPv6Fragment):
		return Fragment
	case slices.Contains(d.found, layers.LayerTypeTCP):
		return d.segment(p, s)
	case slices.Contains(d.found, layers.LayerTypeIPv4) &&
		d.ip4.NextLayerType() == gopacket.LayerTypeFragment:
		return Fragment
	}
	return NotTCP
}

// firstLayer returns where decoding starts: the layer and its bytes.
func firstLayer(p *packet) (gopacket.LayerType, []byte) {
	switch p.link {
	case linkEthernet:
		return layers.LayerTypeEthernet, p.bytes
	case linkLinuxSLL:
		return layers.LayerTypeLinuxSLL, p.bytes
	case linkNull, linkLoop:
		return layers.LayerTypeLoopback, p.bytes
	case linkLinuxSLL2:
		if len(p.bytes) < sll2Length {
			return gopacket.LayerTypeZero, nil
		}
		protocol := layers.EthernetType(binary.BigEndian.Uint16(p.bytes))
		return protocol.LayerType(), p.bytes[sll2Length:]
	case linkRaw, linkIPv4, linkIPv6:
		if len(p.bytes) > 0 && p.bytes[0]>>4 == 6 {
			return layers.LayerTypeIPv6, p.bytes
		}
		return layers.LayerTypeIPv4, p.bytes
	}
	return gopacket.LayerTypeZero, nil
}

// segment fills s from the layers that were decoded last.
func (d *layerDecoder) segment(p *packet, s *segment) Reason {
	*s = segment{
		seq: d.tcp.Seq, ack: d.tcp.Ack,
		syn: d.tcp.SYN, fin: d.tcp.FIN, rst: d.tcp.RST, hasAck: d.tcp.ACK,
		payload: d.tcp.Payload,
		time:    p.time,
	}
	if slices.Contains(d.found, layers.LayerTypeIPv6) {
		s.src.addr, s.dst.addr = [16]byte(d.ip6.SrcIP), [16]byte(d.ip6.DstIP)
		s.missing = max(0, int(d.ip6.Length)-len(d.ip6.Payload))
	} else {
		s.missing = max(0, int(d.ip4.Length)-len(d.ip4.Contents)-len(d.ip4.Payload))
		s.src.addr, s.dst.addr = mapped(d.ip4.SrcIP), mapped(d.ip4.DstIP)
	}
	s.src.port, s.dst.port = uint16(d.tcp.SrcPort), uint16(d.tcp.DstPort)
	return 0
}

// mapped returns an IPv4 address as IPv6 (RFC 4291, section 2.5.5.2).
func mapped(ip []byte) (addr [16]byte) {
	addr[10], addr[11] = 0xff, 0xff
	copy(addr[12:], ip)
	return addr
}
