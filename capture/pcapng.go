package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// Block types of pcapng
// (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html).
const (
	blockSection        = 0x0a0d0d0a
	blockInterface      = 1
	blockPacket         = 2 // obsolete
	blockSimplePacket   = 3
	blockEnhancedPacket = 6
)

const (
	byteOrderMagic = 0x1a2b3c4d
	// maxBlock is the longest block accepted: Wireshark's limit.
	maxBlock = 16 << 20
	// maxInterfaces is the most interfaces of one section.
	maxInterfaces = 4096

	optionResolution = 9  // if_tsresol
	optionOffset     = 14 // if_tsoffset
)

// ngInterface is what an interface description says of its packets.
type ngInterface struct {
	link    linkType
	snap    uint32
	perSec  uint64 // units of time stamps per second
	seconds int64  // added to every time stamp
}

func (i *ngInterface) time(stamp uint64) time.Time {
	fraction := float64(stamp%i.perSec) / float64(i.perSec)
	return time.Unix(int64(stamp/i.perSec)+i.seconds, int64(fraction*1e9))
}

// pcapngReader reads a pcapng file. Blocks that hold no packets are skipped.
type pcapngReader struct {
	s          *scanner
	order      binary.ByteOrder
	interfaces []ngInterface
	packet     packet
}

// next implements packetSource.
func (r *pcapngReader) next() (*packet, error) {
	for {
		head, err := r.s.r.Peek(12)
		if len(head) == 0 {
			return nil, err
		}
		if err != nil {
			return nil, within(err)
		}
		if binary.LittleEndian.Uint32(head) == blockSection {
			if err := r.startSection(head[8:]); err != nil {
				return nil, err
			}
		}
		if r.order == nil {
			return nil, errors.New("corrupt block: no section before it")
		}
		kind, length := r.order.Uint32(head), r.order.Uint32(head[4:])
		if length < 12 || length%4 != 0 || length > maxBlock {
			return nil, fmt.Errorf("corrupt block: length %d", length)
		}
		found, err := r.block(kind, int(length))
		if found || err != nil {
			return &r.packet, within(err)
		}
	}
}

func (r *pcapngReader) startSection(magic []byte) error {
	r.interfaces = r.interfaces[:0]
	switch {
	case binary.LittleEndian.Uint32(magic) == byteOrderMagic:
		r.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic) == byteOrderMagic:
		r.order = binary.BigEndian
	default:
		return errors.New("corrupt section header: unknown byte order")
	}
	return nil
}

// block takes the next block and reports whether it holds a packet.
func (r *pcapngReader) block(kind uint32, length int) (found bool, err error) {
	switch kind {
	case blockInterface, blockPacket, blockSimplePacket, blockEnhancedPacket:
	default:
		return false, r.s.skip(length)
	}
	if length > 2*maxPacket {
		return false, fmt.Errorf("corrupt block: length %d", length)
	}
	block, err := r.s.take(length)
	if err != nil {
		return false, err
	}
	body := block[8 : length-4]
	switch kind {
	case blockInterface:
		return false, r.addInterface(body)
	case blockSimplePacket:
		return true, r.simplePacket(body)
	}
	return true, r.fullPacket(body, kind)
}

func (r *pcapngReader) addInterface(body []byte) error {
	if len(body) < 8 || len(r.interfaces) == maxInterfaces {
		return errors.New("corrupt interface description")
	}
	link, err := newLinkType(r.order.Uint16(body))
	if err != nil {
		return err
	}
	i := ngInterface{link: link, snap: r.order.Uint32(body[4:]), perSec: 1e6}
	for options := body[8:]; len(options) >= 4; {
		code, n := r.order.Uint16(options), int(r.order.Uint16(options[2:]))
		padded := 4 + (n+3)&^3
		if padded > len(options) {
			return errors.New("corrupt interface description")
		}
		switch value := options[4 : 4+n]; {
		case code == optionResolution && n == 1:
			if i.perSec, err = perSecond(value[0]); err != nil {
				return err
			}
		case code == optionOffset && n == 8:
			i.seconds = int64(r.order.Uint64(value))
		}
		options = options[padded:]
	}
	r.interfaces = append(r.interfaces, i)
	return nil
}

// perSecond reads if_tsresol: a negative power of 10, or of 2 if the highest
// bit is set.
func perSecond(resolution byte) (uint64, error) {
	base, exponent := 10.0, resolution&0x7f
	if resolution&0x80 != 0 {
		base = 2
	}
	n := math.Pow(base, float64(exponent))
	if n > 1e18 {
		return 0, fmt.Errorf("unknown time resolution %d", resolution)
	}
	return uint64(n), nil
}

// fullPacket reads an enhanced packet block, or the obsolete packet block that
// differs in its first four bytes.
func (r *pcapngReader) fullPacket(body []byte, kind uint32) error {
	if len(body) < 20 {
		return errors.New("corrupt packet block")
	}
	index := r.order.Uint32(body)
	if kind == blockPacket {
		index = uint32(r.order.Uint16(body))
	}
	if int64(index) >= int64(len(r.interfaces)) {
		return fmt.Errorf("corrupt packet block: interface %d was not described", index)
	}
	captured, length := r.order.Uint32(body[12:]), r.order.Uint32(body[16:])
	if err := checkLengths(captured, length); err != nil {
		return err
	}
	if int(captured) > len(body)-20 {
		return fmt.Errorf("corrupt packet block: captured length %d is over the block's", captured)
	}
	stamp := uint64(r.order.Uint32(body[4:]))<<32 | uint64(r.order.Uint32(body[8:]))
	i := &r.interfaces[index]
	r.packet = packet{
		link: i.link, bytes: body[20 : 20+captured], length: int(length), time: i.time(stamp),
	}
	return nil
}

// simplePacket reads a simple packet block, which has no time.
func (r *pcapngReader) simplePacket(body []byte) error {
	if len(body) < 4 || len(r.interfaces) == 0 {
		return errors.New("corrupt simple packet block")
	}
	i := &r.interfaces[0]
	length := r.order.Uint32(body)
	captured := min(length, uint32(len(body)-4))
	if i.snap > 0 {
		captured = min(captured, i.snap)
	}
	r.packet = packet{link: i.link, bytes: body[4 : 4+captured], length: int(max(length, captured))}
	return nil
}
