package capture

import (
	"encoding/binary"
	"fmt"
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
	// kind is what bytes hold, if link is linkCooked.
	kind layers.EthernetType
	// origin is the interface that it was captured on, nil in files.
	origin *string
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
	// linkCooked is no link type of files: the kernel has taken the link header
	// off, and packet.kind says what it held (SOCK_DGRAM in packet(7)).
	linkCooked linkType = 0xffff
)

const (
	// Sizes of Linux cooked headers
	// (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and
	// LINKTYPE_LINUX_SLL2.html).
	sllLength  = 16
	sll2Length = 20
	// maxTags is the most 802.1Q tags on one frame.
	maxTags = 4
)

// newLinkType returns the link type with that number.
func newLinkType(n uint16) (linkType, error) {
	switch link := linkType(n); link {
	case linkNull, linkEthernet, linkRaw, linkLoop, linkLinuxSLL, linkIPv4, linkIPv6, linkLinuxSLL2:
		return link, nil
	}
	return 0, fmt.Errorf("unknown link type %d", n)
}

// The Ethernet types that are followed; noType ends the decoding.
const (
	noType       layers.EthernetType = 0
	typeIPv4                         = layers.EthernetTypeIPv4
	typeIPv6                         = layers.EthernetTypeIPv6
	typeEthernet                     = layers.EthernetTypeTransparentEthernetBridging
	typeERSPAN                       = layers.EthernetTypeERSPAN
	// typeERSPAN3 is ERSPAN type III (draft-foschiano-erspan-03, section 4.3).
	typeERSPAN3 layers.EthernetType = 0x22eb
)

// layerDecoder finds the TCP segment in a packet, through tunnels and
// fragments. The list of what it knows is closed: what is not in it ends the
// decoding. Layers of gopacket are used where they neither panic nor allocate.
type layerDecoder struct {
	limits    Limits
	fragments fragments
	// tunnels names the tunnels around the packet at hand, 0 without.
	tunnels uint64

	ethernet layers.Ethernet
	tag      layers.Dot1Q
	udp      layers.UDP
	vxlan    layers.VXLAN
}

func newLayerDecoder(limits Limits, cov *coverage) *layerDecoder {
	return &layerDecoder{limits: limits, fragments: newFragments(limits.Fragments, cov)}
}

// decode fills s from p, or returns why there is nothing to follow; Fragment
// means that the packet is held until its datagram is complete. A panic in a
// layer counts as a broken header.
func (d *layerDecoder) decode(p *packet, s *segment) (why Reason) {
	defer func() {
		if recover() != nil {
			why = Undecodable
		}
	}()
	d.tunnels = 0
	kind, data, why := d.linkLayer(p)
	for depth := 1; why == 0; depth++ {
		if depth > d.limits.Layers {
			return TunnelDepth
		}
		kind, data, why = d.untag(kind, data)
		if why != 0 {
			return why
		}
		var ip datagram
		if why = ip.parse(kind, data); why != 0 {
			return why
		}
		ip.tunnels = d.tunnels
		if ip.isFragment() && !d.fragments.complete(&ip, p) {
			return Fragment
		}
		if ip.protocol == layers.IPProtocolTCP {
			return ip.segment(p, s)
		}
		kind, data, why = d.tunnel(&ip)
	}
	return why
}

// linkLayer returns what the link header says that it holds.
func (d *layerDecoder) linkLayer(p *packet) (kind layers.EthernetType, data []byte, why Reason) {
	switch b := p.bytes; p.link {
	case linkEthernet:
		return typeEthernet, b, 0
	case linkLinuxSLL:
		if len(b) < sllLength {
			return noType, nil, Undecodable
		}
		return layers.EthernetType(binary.BigEndian.Uint16(b[sllLength-2:])), b[sllLength:], 0
	case linkLinuxSLL2:
		if len(b) < sll2Length {
			return noType, nil, Undecodable
		}
		return layers.EthernetType(binary.BigEndian.Uint16(b)), b[sll2Length:], 0
	case linkNull, linkLoop:
		if len(b) < 4 {
			return noType, nil, Undecodable
		}
		return ipVersion(b[4:]), b[4:], 0
	case linkRaw, linkIPv4, linkIPv6:
		return ipVersion(p.bytes), p.bytes, 0
	case linkCooked:
		return p.kind, b[cookedTag(p.kind, b):], 0
	}
	return noType, nil, NotTCP
}

// cookedTag is the length of the VLAN tag that b begins with although kind is what
// follows it: so does Linux from 6.10 on with the second tag of a packet, and with
// the first one where the network card leaves it (vlan_get_protocol_dgram).
func cookedTag(kind layers.EthernetType, b []byte) int {
	const tag = 4
	if len(b) <= tag || layers.EthernetType(binary.BigEndian.Uint16(b[2:])) != kind || ipVersion(b[tag:]) != kind {
		return 0
	}
	if kind == typeIPv4 && ipVersion(b) == kind && int(kind) == len(b) {
		return 0 // this is no type but the length
	}
	return tag
}

// ipVersion returns the Ethernet type of an IP packet by its first bits: systems
// do not agree on the numbers of address families.
func ipVersion(b []byte) layers.EthernetType {
	switch {
	case len(b) == 0:
		return noType
	case b[0]>>4 == 4:
		return typeIPv4
	case b[0]>>4 == 6:
		return typeIPv6
	}
	return noType
}

// untag takes Ethernet headers and 802.1Q tags off.
func (d *layerDecoder) untag(kind layers.EthernetType, data []byte) (layers.EthernetType, []byte, Reason) {
	if kind == typeEthernet {
		if d.ethernet.DecodeFromBytes(data, gopacket.NilDecodeFeedback) != nil {
			return noType, nil, Undecodable
		}
		kind, data = d.ethernet.EthernetType, d.ethernet.Payload
	}
	for range maxTags {
		switch kind {
		case layers.EthernetTypeDot1Q, layers.EthernetTypeQinQ, 0x9100: // the last as used before 802.1ad
		default:
			return kind, data, 0
		}
		if d.tag.DecodeFromBytes(data, gopacket.NilDecodeFeedback) != nil {
			return noType, nil, Undecodable
		}
		kind, data = d.tag.Type, d.tag.Payload
	}
	return kind, data, 0
}
