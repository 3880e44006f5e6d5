package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/gopacket/layers"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxFrame is the longest frame read whole from a socket without a ring: GSO makes
// frames of 64 KiB, and with BIG TCP of 512 KiB (GSO_MAX_SIZE in the kernel's
// netdevice.h) and a header.
const maxFrame = 513 << 10

// socket is an AF_PACKET socket (packet(7)) without link headers, which differ
// between interfaces: the kernel says what the packet is. It takes the first
// VLAN tag off, too, which the table has no use for.
type socket struct {
	fd int
	// names are the interfaces by index.
	names *interfaceNames
	// version is that of TPACKET, which statistics depend on.
	version int
	packet  packet
}

// newSocket opens a socket that accepts nothing yet.
func newSocket(names *interfaceNames) (*socket, error) {
	// Protocol 0: nothing arrives before bind says what is wanted.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, openError(err)
	}
	s := &socket{fd: fd, names: names}
	s.packet.link = linkCooked
	if err := s.attach([]bpf.Instruction{bpf.RetConstant{}}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// bind attaches the socket to an interface, or to all if index is 0.
func (s *socket) bind(index int) error {
	var order [2]byte
	binary.BigEndian.PutUint16(order[:], unix.ETH_P_ALL)
	err := unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16(order[:]), Ifindex: index})
	if err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	return nil
}

// attach sets the kernel's filter; the one before it is replaced at once.
func (s *socket) attach(program []bpf.Instruction) error {
	prog, err := assemble(program)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, prog); err != nil {
		return fmt.Errorf("attach filter to packet socket: %w", err)
	}
	return nil
}

func assemble(program []bpf.Instruction) (*unix.SockFprog, error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, fmt.Errorf("assemble filter: %w", err)
	}
	instructions := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		instructions[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return &unix.SockFprog{Len: uint16(len(instructions)), Filter: &instructions[0]}, nil
}

// promiscuous asks an interface for packets that are addressed to others, as
// long as the socket is open.
func (s *socket) promiscuous(index int) error {
	membership := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
	err := unix.SetsockoptPacketMreq(s.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &membership)
	if err != nil {
		return fmt.Errorf("make interface promiscuous: %w", err)
	}
	return nil
}

// wait waits for packets, at most for the source's patience. The error of an
// interface that went down is taken off the socket: the watch on interfaces
// tells of it, and the socket may go on.
func (s *socket) wait() error {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(patience.Milliseconds()))
	switch {
	case errors.Is(err, unix.EINTR), err == nil && n == 0:
		return nil
	case err != nil:
		return fmt.Errorf("wait for packets: %w", err)
	case fds[0].Revents&unix.POLLIN != 0:
		return nil
	}
	// Errors make poll return at once, again and again.
	cause, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && cause != 0 && unix.Errno(cause) != unix.ENETDOWN {
		err = unix.Errno(cause)
	}
	if err != nil {
		return fmt.Errorf("wait for packets: %w", err)
	}
	time.Sleep(patience)
	return nil
}

// stats asks the kernel for its counts (PACKET_STATISTICS in packet(7)).
func (s *socket) stats() (k kernelStats, err error) {
	if s.version == unix.TPACKET_V3 {
		v, err := unix.GetsockoptTpacketStatsV3(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			return k, fmt.Errorf("read statistics of packet socket: %w", err)
		}
		return kernelStats{int64(v.Packets), int64(v.Drops), int64(v.Freeze_q_cnt)}, nil
	}
	v, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return k, fmt.Errorf("read statistics of packet socket: %w", err)
	}
	return kernelStats{int64(v.Packets), int64(v.Drops), 0}, nil
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// plain reads a socket that has no ring, with one system call and one copy per
// packet.
type plain struct {
	*socket
	buf []byte
}

// newPlain makes s a plain socket with a buffer in the kernel.
func newPlain(s *socket, size int) (*plain, error) {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size); err != nil {
		// Without CAP_NET_ADMIN: as much as the system allows everybody.
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size); err != nil {
			return nil, fmt.Errorf("size receive buffer of packet socket: %w", err)
		}
	}
	return &plain{socket: s, buf: make([]byte, maxFrame)}, nil
}

// next implements packetSource.
func (p *plain) next() (*packet, error) {
	if packet, err := p.waiting(); packet != nil || err != nil {
		return packet, err
	}
	if err := p.wait(); err != nil {
		return nil, err
	}
	return p.waiting()
}

// waiting implements liveSource.
func (p *plain) waiting() (*packet, error) {
	n, from, err := unix.Recvfrom(p.fd, p.buf, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.EINTR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read packet socket: %w", err)
	}
	ll, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return nil, nil
	}
	p.packet.bytes, p.packet.length = p.buf[:min(n, len(p.buf))], n
	p.packet.kind, p.packet.origin = networkOrder(ll.Protocol), p.names.of(ll.Ifindex)
	p.packet.time = time.Now()
	return &p.packet, nil
}

// networkOrder reads a number that the kernel has in network order.
func networkOrder(n uint16) layers.EthernetType {
	var order [2]byte
	binary.NativeEndian.PutUint16(order[:], n)
	return layers.EthernetType(binary.BigEndian.Uint16(order[:]))
}

func openError(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("open packet socket: %w: CAP_NET_RAW is missing: "+
			"grant it with `setcap cap_net_raw+ep` on the binary or in the container's "+
			"securityContext (capabilities: add: [NET_RAW]), or run as root", err)
	}
	return fmt.Errorf("open packet socket: %w", err)
}
