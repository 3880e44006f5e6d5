package capture

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// servicesInterval is how often a file of names is looked at.
	servicesInterval = 2 * time.Second
	// maxServices is the most names, maxServicesFile the most bytes of a file.
	maxServices     = 200_000
	maxServicesFile = 32 << 20
	// maxServiceName is the most bytes of a name: that of a domain (RFC 1035,
	// section 2.3.4).
	maxServiceName = 253
)

// Services gives names to the addresses that answer: those of a map, and those of
// a file that is read again when it changes. Nothing else is asked. Any number of
// goroutines may use it.
type Services struct {
	static  map[string]string
	file    string
	current atomic.Pointer[serviceNames]
	// state is that of the file as it was read last.
	state fileState
}

type fileState struct {
	size int64
	time time.Time
}

// serviceNames are names by address with port, by address, and by network.
type serviceNames struct {
	ports    map[netip.AddrPort]string
	addrs    map[netip.Addr]string
	networks []namedNetwork // the narrowest first
}

type namedNetwork struct {
	prefix netip.Prefix
	name   string
}

// NewServices returns the names of a map, whose keys are ADDRESS, ADDRESS:PORT or
// a network in CIDR notation, and those of a file, if it has a name, with a key and
// a name on each line, separated by blanks; "#" starts a comment. The file counts
// where both have the same key. An address with a port goes before one without,
// and that before a network. The error names the line or key that is wrong.
func NewServices(static map[string]string, file string) (*Services, error) {
	s := &Services{static: static, file: file}
	return s, s.load()
}

// Name returns the name of the service at an address, or "".
func (s *Services) Name(at netip.AddrPort) string {
	if s == nil {
		return ""
	}
	names := s.current.Load()
	if name, ok := names.ports[at]; ok {
		return name
	}
	if name, ok := names.addrs[at.Addr()]; ok {
		return name
	}
	for _, n := range names.networks {
		if n.prefix.Contains(at.Addr()) {
			return n.name
		}
	}
	return ""
}

// Run reads the file again when it has changed, until ctx ends. What is wrong then
// is logged, and the names from before stay.
func (s *Services) Run(ctx context.Context, log *slog.Logger) error {
	if s == nil || s.file == "" {
		return nil
	}
	tick := time.NewTicker(servicesInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.refresh(log)
		}
	}
}

// refresh reads the file again if it has changed.
func (s *Services) refresh(log *slog.Logger) {
	if now, err := stateOf(s.file); err == nil && now == s.state {
		return
	}
	before := s.state
	switch err := s.load(); {
	case err == nil:
		log.Info("service names read again", "file", s.file, "names", s.len())
	case s.state != before: // once for each state
		log.Warn("service names are those from before", "error", err)
	}
}

func (s *Services) len() int {
	names := s.current.Load()
	return len(names.ports) + len(names.addrs) + len(names.networks)
}

func stateOf(file string) (fileState, error) {
	info, err := os.Stat(file)
	if err != nil {
		return fileState{}, err
	}
	return fileState{info.Size(), info.ModTime()}, nil
}

// load reads everything and makes it count if nothing is wrong.
func (s *Services) load() error {
	names := &serviceNames{ports: map[netip.AddrPort]string{}, addrs: map[netip.Addr]string{}}
	for _, key := range slices.Sorted(maps.Keys(s.static)) {
		if err := names.add(key, s.static[key]); err != nil {
			return fmt.Errorf("service %q: %w", key, err)
		}
	}
	if s.file != "" {
		state, err := stateOf(s.file)
		s.state = state
		if err != nil {
			return fmt.Errorf("read service names: %w", err)
		}
		if err := names.readFile(s.file); err != nil {
			return fmt.Errorf("read service names: %s: %w", s.file, err)
		}
	}
	slices.SortStableFunc(names.networks, func(a, b namedNetwork) int { return cmp.Compare(b.prefix.Bits(), a.prefix.Bits()) })
	s.current.Store(names)
	return nil
}

func (n *serviceNames) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxServicesFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxServicesFile {
		return fmt.Errorf("more than %d bytes", maxServicesFile)
	}
	return n.parse(text)
}

// parse reads the lines of a file. What the file names the same comes later, and
// counts.
func (n *serviceNames) parse(text []byte) error {
	number := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		number++
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return fmt.Errorf("line %d: want an address and a name", number)
		}
		if err := n.add(fields[0], fields[1]); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	if bytes.Count(text, []byte("\n")) > number { // Scan stopped
		return fmt.Errorf("line %d: too long", number+1)
	}
	return nil
}

// add gives a name to an address, an address with a port, or a network.
func (n *serviceNames) add(key, name string) error {
	if name == "" || len(name) > maxServiceName {
		return fmt.Errorf("want a name of 1 to %d bytes", maxServiceName)
	}
	if len(n.ports)+len(n.addrs)+len(n.networks) >= maxServices {
		return fmt.Errorf("more than %d names", maxServices)
	}
	if at, err := netip.ParseAddrPort(key); err == nil {
		n.ports[netip.AddrPortFrom(at.Addr().Unmap(), at.Port())] = name
	} else if addr, err := netip.ParseAddr(key); err == nil {
		n.addrs[addr.Unmap()] = name
	} else if prefix, err := netip.ParsePrefix(key); err == nil {
		prefix = prefix.Masked()
		n.networks = slices.DeleteFunc(n.networks, func(old namedNetwork) bool { return old.prefix == prefix })
		n.networks = append(n.networks, namedNetwork{prefix, name})
	} else {
		return errors.New("want an address, ADDRESS:PORT or a network such as 10.0.0.0/8")
	}
	return nil
}
