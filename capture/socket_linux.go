package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// maxFrame is the longest frame read whole: GRO and TSO make frames of 64 KiB
// and a header on virtual interfaces.
const maxFrame = 128 << 10

// socket is an AF_PACKET socket (packet(7)) bound to one interface.
type socket struct {
	fd     int
	name   string
	buf    []byte
	packet packet
}

// openSocket opens a socket on cfg.Interface that already filters.
func openSocket(cfg Config) (s *socket, err error) {
	iface, err := net.InterfaceByName(cfg.Interface)
	if err != nil {
		return nil, unknownInterface(cfg.Interface)
	}
	// Protocol 0: nothing arrives before the filter is in place and bind says
	// what is wanted.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, openError(cfg.Interface, err)
	}
	s = &socket{fd: fd, name: cfg.Interface, buf: make([]byte, maxFrame)}
	if err := s.prepare(cfg, iface); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// prepare sets the socket up and binds it, which starts the capture.
func (s *socket) prepare(cfg Config, iface *net.Interface) error {
	size := cfg.SocketBuffer
	if size == 0 {
		size = defaultSocketBuffer
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size); err != nil {
		// Without CAP_NET_ADMIN: as much as the system allows everybody.
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size); err != nil {
			return s.fail("size receive buffer of", err)
		}
	}
	wait := unix.NsecToTimeval(patience.Nanoseconds())
	if err := unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return s.fail("set timeout of", err)
	}
	if iface.Flags&net.FlagLoopback != 0 {
		// There every packet goes out and comes in: once is enough.
		if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return s.fail("ignore outgoing packets of", err)
		}
	}
	if cfg.Promiscuous {
		membership := unix.PacketMreq{Ifindex: int32(iface.Index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(s.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &membership); err != nil {
			return s.fail("make promiscuous", err)
		}
	}
	if err := s.readLinkType(iface.Index); err != nil {
		return err
	}
	if err := s.attachFilter(cfg.Filter); err != nil {
		return err
	}
	if err := s.bind(iface.Index, unix.ETH_P_ALL); err != nil {
		return s.fail("bind to", err)
	}
	return nil
}

// bind attaches the socket to the interface, for packets of one protocol or
// none.
func (s *socket) bind(index int, protocol uint16) error {
	var order [2]byte
	binary.BigEndian.PutUint16(order[:], protocol)
	return unix.Bind(s.fd, &unix.SockaddrLinklayer{
		Protocol: binary.NativeEndian.Uint16(order[:]), Ifindex: index,
	})
}

// readLinkType asks how packets of the interface begin.
func (s *socket) readLinkType(index int) error {
	if err := s.bind(index, 0); err != nil {
		return s.fail("bind to", err)
	}
	addr, err := unix.Getsockname(s.fd)
	if err != nil {
		return s.fail("read type of", err)
	}
	ll, ok := addr.(*unix.SockaddrLinklayer)
	if !ok {
		return s.fail("read type of", errors.New("no link-layer address"))
	}
	switch ll.Hatype {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		s.packet.link = linkEthernet
	case unix.ARPHRD_NONE, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT, unix.ARPHRD_PPP:
		s.packet.link = linkRaw
	default:
		return s.fail("capture on", fmt.Errorf("unknown hardware type %d", ll.Hatype))
	}
	return nil
}

func (s *socket) attachFilter(filter string) error {
	if filter == "" {
		return nil
	}
	program, err := compileFilter(filter, s.packet.link)
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	instructions := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		instructions[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	err = unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{
		Len: uint16(len(instructions)), Filter: &instructions[0],
	})
	if err != nil {
		return s.fail("attach filter to", err)
	}
	return nil
}

// next returns the next packet, without its time, or nil if none came.
func (s *socket) next() (*packet, error) {
	n, _, err := unix.Recvfrom(s.fd, s.buf, unix.MSG_TRUNC)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil, nil
	case errors.Is(err, unix.ENETDOWN):
		return nil, s.fail("capture on", errors.New("the interface went down or vanished"))
	case err != nil:
		return nil, s.fail("capture on", err)
	}
	s.packet.bytes, s.packet.length = s.buf[:min(n, len(s.buf))], n
	return &s.packet, nil
}

// drops returns how many packets the kernel has dropped since the last call.
func (s *socket) drops() int64 {
	stats, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return int64(stats.Drops)
}

func (s *socket) close() { _ = unix.Close(s.fd) }

func (s *socket) fail(what string, err error) error {
	return fmt.Errorf("%s interface %s: %w", what, s.name, err)
}

func openError(name string, err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("open packet socket on interface %s: %w: CAP_NET_RAW is missing: "+
			"grant it with `setcap cap_net_raw+ep` on the binary or in the container's "+
			"securityContext (capabilities: add: [NET_RAW]), or run as root", name, err)
	}
	return fmt.Errorf("open packet socket on interface %s: %w", name, err)
}

// unknownInterface names the interfaces that there are.
func unknownInterface(name string) error {
	var names []string
	if all, err := net.Interfaces(); err == nil {
		for _, i := range all {
			names = append(names, i.Name)
		}
	}
	return fmt.Errorf("find interface %q: there is none of that name; there are: %s",
		name, strings.Join(names, ", "))
}
