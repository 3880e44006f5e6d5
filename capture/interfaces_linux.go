package capture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// anyInterface is tcpdump's name for all interfaces.
	anyInterface = "any"
	// maxSelected bounds the interfaces of one sniffer: each costs two
	// instructions of the kernel's filter.
	maxSelected = 1024
	// lookInterval is how often interfaces are looked at without news of them.
	lookInterval = 5 * time.Second
	// settleTime is how long news are collected: interfaces come in crowds.
	settleTime = 20 * time.Millisecond
)

// iface is a network interface that is up.
type iface struct {
	name     string
	index    int
	loopback bool
}

// selection is the interfaces that are captured on.
type selection struct {
	// all says that every interface is wanted, those too that come later.
	all    bool
	ifaces []iface
	// left is how many are not captured on, past maxSelected.
	left int
}

// bound is the index of the one interface that packets can come from, else 0.
func (s *selection) bound(patterns []string) int {
	if len(patterns) == 1 && !isPattern(patterns[0]) && len(s.ifaces) == 1 {
		return s.ifaces[0].index
	}
	return 0
}

// isLoopback reports whether the interface of that index is the loopback one.
func (s *selection) isLoopback(index int) bool {
	return slices.ContainsFunc(s.ifaces, func(i iface) bool { return i.index == index && i.loopback })
}

// isPattern reports whether a name stands for any number of interfaces, and none
// is fine.
func isPattern(name string) bool { return name == anyInterface || strings.ContainsAny(name, `*?[\`) }

// selectInterfaces returns the interfaces that are wanted and up.
func selectInterfaces(patterns []string, all []net.Interface) selection {
	s := selection{all: slices.Contains(patterns, anyInterface)}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || !s.all && !matchesAny(patterns, i.Name) {
			continue
		}
		if len(s.ifaces) == maxSelected && !s.all {
			s.left++
			continue
		}
		s.ifaces = append(s.ifaces, iface{i.Name, i.Index, i.Flags&net.FlagLoopback != 0})
	}
	slices.SortFunc(s.ifaces, func(a, b iface) int { return a.index - b.index })
	return s
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// firstSelection is the selection at the start. Names without interface are
// errors, for they are misspelt.
func firstSelection(patterns []string) (s selection, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return s, fmt.Errorf("list interfaces: %w", err)
	}
	for _, name := range patterns {
		if !isPattern(name) && !slices.ContainsFunc(all, func(i net.Interface) bool { return i.Name == name }) {
			return s, unknownInterface(name, all)
		}
	}
	return selectInterfaces(patterns, all), nil
}

// unknownInterface names the interfaces that there are.
func unknownInterface(name string, all []net.Interface) error {
	names := make([]string, 0, len(all))
	for _, i := range all {
		names = append(names, i.Name)
	}
	return fmt.Errorf("find interface %q: there is none of that name; there are: %s", name, strings.Join(names, ", "))
}

// interfaceNames are the names of interfaces by index; one goroutine sets them,
// any may read.
type interfaceNames struct {
	names atomic.Pointer[map[int]*string]
}

func (n *interfaceNames) set(ifaces []iface) {
	names := make(map[int]*string, len(ifaces))
	for _, i := range ifaces {
		names[i.index] = &i.name
	}
	n.names.Store(&names)
}

// of returns the name of an interface, nil for one that came just now.
func (n *interfaceNames) of(index int) *string {
	if names := n.names.Load(); names != nil {
		if name, ok := (*names)[index]; ok {
			return name
		}
	}
	return nil
}

// watch tells of changes of the selection: by the kernel's news of links
// (rtnetlink(7)), and by a look from time to time where they cannot be had.
type watch struct {
	patterns []string
	fd       int // -1 without news
	changes  chan selection
}

func newWatch(patterns []string) *watch {
	w := &watch{patterns: patterns, fd: -1, changes: make(chan selection)}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return w
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		_ = unix.Close(fd)
		return w
	}
	w.fd = fd
	return w
}

// run sends each selection that differs from the one before, until ctx ends.
func (w *watch) run(ctx context.Context, last selection) {
	defer w.close()
	for looked := time.Now(); ctx.Err() == nil; {
		if !w.news() && time.Since(looked) < lookInterval {
			continue
		}
		looked = time.Now()
		all, err := net.Interfaces()
		if err != nil {
			continue // and look again
		}
		s := selectInterfaces(w.patterns, all)
		if slices.Equal(s.ifaces, last.ifaces) && s.left == last.left {
			continue
		}
		last = s
		select {
		case w.changes <- s:
		case <-ctx.Done():
		}
	}
}

// news waits for a while and reports whether something happened to a link. What
// it was is not read: the list of interfaces tells.
func (w *watch) news() bool {
	if w.fd < 0 {
		time.Sleep(patience)
		return false
	}
	fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, int(patience.Milliseconds())); err != nil || n == 0 {
		if err != nil && !errors.Is(err, unix.EINTR) {
			time.Sleep(patience)
		}
		return false
	}
	time.Sleep(settleTime)
	var buf [8192]byte
	for {
		// ENOBUFS says that news were lost, which is news as well.
		_, _, err := unix.Recvfrom(w.fd, buf[:], unix.MSG_DONTWAIT)
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return true
		}
	}
}

func (w *watch) close() {
	if w.fd >= 0 {
		_ = unix.Close(w.fd)
	}
}
