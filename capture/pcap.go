package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxPacket is the most bytes of one packet in a capture file: tcpdump's and
// Wireshark's MAXIMUM_SNAPLEN.
const maxPacket = 262_144

// Magic numbers of capture files, as read in little-endian order.
const (
	magicMicroseconds        = 0xa1b2c3d4
	magicMicrosecondsSwapped = 0xd4c3b2a1
	magicNanoseconds         = 0xa1b23c4d
	magicNanosecondsSwapped  = 0x4d3cb2a1
)

// scanner reads a file front to back, in place, and knows where it is.
type scanner struct {
	r      *bufio.Reader
	offset int64
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 2*maxPacket)}
}

// take returns the next n <= 2*maxPacket bytes, valid until the next call. It
// returns io.EOF if there are none and io.ErrUnexpectedEOF if there are less.
func (s *scanner) take(n int) ([]byte, error) {
	b, err := s.r.Peek(n)
	if err != nil {
		if errors.Is(err, io.EOF) && len(b) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	discarded, err := s.r.Discard(n)
	s.offset += int64(discarded)
	return b, err
}

// skip passes over n bytes.
func (s *scanner) skip(n int) error {
	discarded, err := s.r.Discard(n)
	s.offset += int64(discarded)
	return within(err)
}

// within turns the end of the file inside of something into an error.
func within(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// newFileSource reads the head of a capture file and returns a source of its
// packets; the magic number decides between pcap and pcapng.
func newFileSource(s *scanner) (packetSource, error) {
	magic, err := s.r.Peek(4)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("too short for a capture file")
	}
	if err != nil {
		return nil, err
	}
	switch binary.LittleEndian.Uint32(magic) {
	case magicMicroseconds:
		return newPcapReader(s, binary.LittleEndian, time.Microsecond)
	case magicMicrosecondsSwapped:
		return newPcapReader(s, binary.BigEndian, time.Microsecond)
	case magicNanoseconds:
		return newPcapReader(s, binary.LittleEndian, time.Nanosecond)
	case magicNanosecondsSwapped:
		return newPcapReader(s, binary.BigEndian, time.Nanosecond)
	case blockSection:
		return &pcapngReader{s: s}, nil
	}
	return nil, errors.New("neither pcap nor pcapng")
}

// pcapReader reads a pcap file
// (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-06.html).
type pcapReader struct {
	s      *scanner
	order  binary.ByteOrder
	unit   time.Duration
	packet packet
}

func newPcapReader(s *scanner, order binary.ByteOrder, unit time.Duration) (*pcapReader, error) {
	head, err := s.take(24)
	if err != nil {
		return nil, within(err)
	}
	if major := order.Uint16(head[4:]); major != 2 {
		return nil, fmt.Errorf("unknown pcap version %d", major)
	}
	// The upper bits say whether and how long a frame check sequence follows.
	link, err := newLinkType(uint16(order.Uint32(head[20:])))
	return &pcapReader{s: s, order: order, unit: unit, packet: packet{link: link}}, err
}

// next implements packetSource.
func (r *pcapReader) next() (*packet, error) {
	head, err := r.s.take(16)
	if err != nil {
		return nil, err
	}
	seconds, fraction := r.order.Uint32(head), r.order.Uint32(head[4:])
	captured, length := r.order.Uint32(head[8:]), r.order.Uint32(head[12:])
	if err := checkLengths(captured, length); err != nil {
		return nil, err
	}
	r.packet.time = time.Unix(int64(seconds), int64(fraction)*int64(r.unit))
	r.packet.length = int(length)
	r.packet.bytes, err = r.s.take(int(captured))
	return &r.packet, within(err)
}

func checkLengths(captured, length uint32) error {
	if captured > maxPacket {
		return fmt.Errorf("corrupt packet header: captured length %d is over %d", captured, maxPacket)
	}
	if captured > length {
		return fmt.Errorf("corrupt packet header: captured length %d is over the packet's %d", captured, length)
	}
	return nil
}
