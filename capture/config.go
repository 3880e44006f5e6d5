package capture

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"runtime"
	"time"
)

// Config says what to capture and within which limits. Its zero value reads
// files without a filter under the default limits.
type Config struct {
	// Interfaces are the network interfaces that a [Sniffer] listens on: names,
	// patterns of names such as "veth*" ([path.Match]), or "any" for all. A
	// [FileReader] does not look at them.
	Interfaces []string
	// Filter selects packets, in the grammar of [CheckFilter]; empty selects
	// all.
	Filter string
	// Promiscuous asks the interface for packets that are addressed to others,
	// as on a mirror port.
	Promiscuous bool
	// Ring is how many bytes the kernel may hold for the sniffer, 32 MiB unless
	// set; the workers share them, and each has [MinRing] at least.
	Ring int
	// Workers is how many goroutines share the packets of the interfaces, and
	// the limits: half of the cores unless set, 1 to 4, at most [MaxWorkers].
	Workers int
	// Nice is how far the workers step back when others want the processor, as nice(1)
	// says it: 0 to [MaxNice]. Above 0 fewer connections are looked at while others want the
	// whole machine, unless Whole is set.
	Nice int
	// Budget is how much of the processors the workers may use, in percent of one core;
	// 0 sets no limit. Past it fewer connections are looked at.
	Budget int
	// Whole looks at every connection, come what may: what is too much is dropped by the
	// kernel at random then. Budget has to be 0.
	Whole bool
	// Stay keeps a sniffer that no interface is left to waiting for one.
	Stay bool
	// Services gives names to servers; nil gives none.
	Services *Services
	Limits   Limits

	// second is how often drops and costs are looked at, countInterval unless set.
	second time.Duration
}

// Limits bounds what a capture may hold. A field that is zero has its default.
type Limits struct {
	// Body is the most bytes kept of one body, as sent and again as decoded:
	// 8 MiB.
	Body int
	// Head is the most bytes of one start line with its headers and trailers:
	// 256 KiB.
	Head int
	// Fields is the most header fields of one message: 1,000.
	Fields int
	// Flows is the most connections followed at once: 100,000. Past it the one
	// longest unheard of ends, those without HTTP first.
	Flows int
	// Buffered is the most bytes held for all connections together, bodies and
	// waiting segments: 160 MiB. Past it bodies are handed on as far as they have
	// come, and connections without HTTP end that hold some.
	Buffered int
	// Segments is how many segments may wait behind a gap in one direction
	// before the gap is given up: 64.
	Segments int
	// Fragments is the most bytes of IP fragments that wait for the rest of their
	// datagrams: 4 MiB. Past it the oldest are given up.
	Fragments int
	// Layers is how many IP headers a packet may have, tunnels in tunnels: 4.
	Layers int
	// Unanswered is how many requests of one connection may wait for their
	// responses: 128.
	Unanswered int
	// Streams is how many exchanges of one HTTP/2 connection may be open at once:
	// 256. Past it the oldest ends.
	Streams int
	// Idle is the silence, by packet time, after which a connection that
	// carries HTTP ends: 2 minutes.
	Idle time.Duration
	// Quiet is the same for connections that carry no HTTP (yet) and for those
	// that are closed: 15 seconds.
	Quiet time.Duration
}

const (
	// MaxNice is the largest of Config.Nice (nice(2)).
	MaxNice = 19
	// MinRing is the least of Config.Ring for each worker: room for a few blocks,
	// which hold the longest frames.
	MinRing = 4 << 20
	// MaxRing is the most of Config.Ring.
	MaxRing = 1 << 30
	// MaxWorkers is the most of Config.Workers.
	MaxWorkers = 64
	// MaxBudget is the most of Config.Budget: all workers at all times.
	MaxBudget = 100 * MaxWorkers

	defaultRing       = 32 << 20
	defaultMaxWorkers = 4
)

// check returns an error if the part for sniffers makes no sense.
func (c *Config) check() error {
	if len(c.Interfaces) == 0 {
		return errors.New("sniff: no interface given")
	}
	for _, pattern := range c.Interfaces {
		if _, err := path.Match(pattern, "eth0"); err != nil || pattern == "" {
			return fmt.Errorf("sniff: %q is neither an interface nor a pattern", pattern)
		}
	}
	if c.Ring < 0 || c.Ring > MaxRing {
		return fmt.Errorf("sniff: a ring of %d bytes: want at most %d", c.Ring, MaxRing)
	}
	if c.Workers < 0 || c.Workers > MaxWorkers {
		return fmt.Errorf("sniff: %d workers: want at most %d", c.Workers, MaxWorkers)
	}
	if c.Nice < 0 || c.Nice > MaxNice {
		return fmt.Errorf("sniff: a niceness of %d: want 0 to %d", c.Nice, MaxNice)
	}
	if c.Budget < 0 || c.Budget > MaxBudget {
		return fmt.Errorf("sniff: a CPU budget of %d %%: want 1 to %d", c.Budget, MaxBudget)
	}
	if c.Budget > 0 && c.Whole {
		return errors.New("sniff: a CPU budget needs sampling: without it nothing can be left out")
	}
	return CheckFilter(c.Filter)
}

// workers is how many goroutines share the work.
func (c *Config) workers() int {
	return cmp.Or(c.Workers, min(max(1, runtime.GOMAXPROCS(0)/2), defaultMaxWorkers))
}

// ringOf is the size of the ring of each of n workers.
func (c *Config) ringOf(n int) int { return max(MinRing, cmp.Or(c.Ring, defaultRing)/n) }

// dividedBy returns the share that each of n workers has.
func (l Limits) dividedBy(n int) Limits {
	l = l.withDefaults()
	l.Flows, l.Buffered, l.Fragments = max(1, l.Flows/n), max(1, l.Buffered/n), max(1, l.Fragments/n)
	return l
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Body:       cmp.Or(l.Body, 8<<20),
		Head:       cmp.Or(l.Head, 256<<10),
		Fields:     cmp.Or(l.Fields, 1000),
		Flows:      cmp.Or(l.Flows, 100_000),
		Buffered:   cmp.Or(l.Buffered, 160<<20),
		Segments:   cmp.Or(l.Segments, 64),
		Fragments:  cmp.Or(l.Fragments, 4<<20),
		Layers:     cmp.Or(l.Layers, 4),
		Unanswered: cmp.Or(l.Unanswered, 128),
		Streams:    cmp.Or(l.Streams, 256),
		Idle:       cmp.Or(l.Idle, 2*time.Minute),
		Quiet:      cmp.Or(l.Quiet, 15*time.Second),
	}
}
