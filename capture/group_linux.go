package capture

import (
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// liveSource is what a worker reads.
type liveSource interface {
	packetSource
	// waiting returns a packet that is there already, or nil.
	waiting() (*packet, error)
	close()
	stats() (kernelStats, error)
}

// group is the packet sockets of a sniffer, one for each worker. The kernel
// spreads connections over them (PACKET_FANOUT in packet(7)).
type group struct {
	filter      string
	promiscuous bool
	bound       int
	sockets     []*socket
	sources     []liveSource
	members     map[int]bool // interfaces that are promiscuous
	sample      *sample      // the connections that are let in, nil for all
}

// openGroup opens the sockets for n workers; packets come when update was called.
func openGroup(cfg *Config, n int, s *selection, names *interfaceNames, log *slog.Logger) (g *group, err error) {
	g = &group{filter: cfg.Filter, promiscuous: cfg.Promiscuous, bound: s.bound(cfg.Interfaces), members: map[int]bool{}}
	defer func() {
		if err != nil {
			g.close()
		}
	}()
	id := 0
	for range n {
		sock, err := newSocket(names)
		if err != nil {
			return g, err
		}
		if err := g.add(sock, cfg.ringOf(n), log); err != nil {
			sock.close()
			return g, err
		}
		if err := sock.bind(g.bound); err != nil {
			return g, err
		}
		if s.isLoopback(g.bound) {
			// Spares the copy of each packet that goes out; where it fails the filter drops it.
			_ = unix.SetsockoptInt(sock.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
		}
		if n > 1 {
			if id, err = sock.join(id, s.isLoopback(g.bound)); err != nil {
				return g, err
			}
		}
	}
	return g, g.update(s)
}

// add adds a socket with a ring, or with a plain buffer if the kernel gives none.
func (g *group) add(sock *socket, size int, log *slog.Logger) error {
	var source liveSource
	source, err := newRing(sock, size)
	if err != nil {
		log.Warn("no packet ring: packets are read one by one, which is slow", "error", err)
		if source, err = newPlain(sock, size); err != nil {
			return err
		}
	}
	g.sockets, g.sources = append(g.sockets, sock), append(g.sources, source)
	return nil
}

// join makes the socket a member of the group of that id, or the first of a new
// one if it is 0, and returns the id. The kernel puts fragments of IPv4 together
// first, or they would go another way than the connection that they belong to; of
// the two copies of each on the loopback interface only one may get there.
func (s *socket) join(id int, loopback bool) (int, error) {
	kind := unix.PACKET_FANOUT_CBPF | unix.PACKET_FANOUT_FLAG_DEFRAG
	if loopback {
		kind |= unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
	}
	if id != 0 {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, kind<<16|id); err != nil {
			return 0, fmt.Errorf("join packet sockets: %w", err)
		}
		return id, nil
	}
	first := kind | unix.PACKET_FANOUT_FLAG_UNIQUEID
	if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_FANOUT, first<<16); err != nil {
		return 0, fmt.Errorf("spread packets over sockets: %w", err)
	}
	value, err := unix.GetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	if err != nil {
		return 0, fmt.Errorf("read id of packet sockets: %w", err)
	}
	prog, err := assemble(spreadProgram())
	if err != nil {
		return 0, err
	}
	if err := unix.SetsockoptSockFprog(s.fd, unix.SOL_PACKET, unix.PACKET_FANOUT_DATA, prog); err != nil {
		return 0, fmt.Errorf("say how to spread packets over sockets: %w", err)
	}
	return value & 0xffff, nil
}

// update captures on the interfaces of s from now on.
func (g *group) update(s *selection) error {
	program, err := kernelFilter(g.filter, s, g.sample)
	if err != nil {
		return err
	}
	if g.promiscuous {
		if err := g.makePromiscuous(s); err != nil {
			return err
		}
	}
	for _, sock := range g.sockets {
		if err := sock.attach(program); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) makePromiscuous(s *selection) error {
	members := map[int]bool{}
	for _, i := range s.ifaces {
		members[i.index] = true
		if !g.members[i.index] {
			if err := g.sockets[0].promiscuous(i.index); err != nil && !errors.Is(err, unix.ENODEV) {
				return fmt.Errorf("interface %s: %w", i.name, err)
			}
		}
	}
	g.members = members
	return nil
}

// stats adds up what the kernel counted since the last call.
func (g *group) stats() (sum kernelStats, err error) {
	for _, source := range g.sources {
		one, err1 := source.stats()
		sum.received += one.received
		sum.dropped += one.dropped
		sum.freezes += one.freezes
		err = errors.Join(err, err1)
	}
	return sum, err
}

// stop lets no more packets in.
func (g *group) stop() {
	for _, sock := range g.sockets {
		_ = sock.attach([]bpf.Instruction{bpf.RetConstant{}})
	}
}

func (g *group) close() {
	for _, source := range g.sources {
		source.close()
	}
}
