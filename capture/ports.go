package capture

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// maxPorts is how many server ports have counters of their own.
const maxPorts = 256

// PortStats says how much of the TCP payload to and from a server's port was
// inspected.
type PortStats struct {
	// Port is the server's port, 0 for all those past the first 256.
	Port uint16
	// Inspected and Uninspected count bytes, as in [Stats]; a reason without
	// bytes is no key.
	Inspected   int64
	Uninspected map[Reason]int64
}

// Missed is how many bytes were not inspected.
func (p *PortStats) Missed() (n int64) {
	for _, bytes := range p.Uninspected {
		n += bytes
	}
	return n
}

// portCoverage counts for one port.
type portCoverage struct {
	inspected atomic.Int64
	skipped   [reasonCount]atomic.Int64
}

// portTable holds the counters of all ports. Flows get theirs when they begin,
// so that the lock is not taken per packet.
type portTable struct {
	mutex sync.Mutex
	ports map[uint16]*portCoverage
}

// get returns the counters of a server's port, or those of the rest.
func (t *portTable) get(port uint16) *portCoverage {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.ports == nil {
		t.ports = map[uint16]*portCoverage{0: {}}
	}
	p := t.ports[port]
	if p == nil && len(t.ports) > maxPorts {
		return t.ports[0]
	}
	if p == nil {
		p = &portCoverage{}
		t.ports[port] = p
	}
	return p
}

// stats returns the ports that carried bytes, those with the most first.
func (t *portTable) stats() []PortStats {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var all []PortStats
	total := map[uint16]int64{}
	for port, p := range t.ports {
		s := PortStats{Port: port, Inspected: p.inspected.Load(), Uninspected: map[Reason]int64{}}
		for _, r := range Reasons() {
			if n := p.skipped[r].Load(); n > 0 {
				s.Uninspected[r] = n
			}
		}
		if total[port] = s.Inspected + s.Missed(); total[port] > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b PortStats) int {
		return cmp.Or(cmp.Compare(total[b.Port], total[a.Port]), cmp.Compare(a.Port, b.Port))
	})
	return all
}

// serverPort is the port of the server, as far as s tells: a SYN is the client's,
// and servers have the lower numbers.
func (s *segment) serverPort() uint16 {
	switch {
	case s.syn && !s.hasAck:
		return s.dst.port
	case s.syn:
		return s.src.port
	}
	return min(s.src.port, s.dst.port)
}

// server notes that requests come from side: the other one has the port that is
// counted under.
func (f *flow) server(side int) {
	port := f.key.high.port
	if side == 1 {
		port = f.key.low.port
	}
	if port != f.port {
		f.port, f.counts = port, f.table.cov.ports.get(port)
		f.table.port = f.counts
	}
}
