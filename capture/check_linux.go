package capture

import "golang.org/x/sys/unix"

// CheckCapability says whether this process may open packet sockets. It opens one that no
// packet comes to.
func CheckCapability() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return openError(err)
	}
	return unix.Close(fd)
}

// FindInterfaces returns the names of the interfaces that names and patterns ask for and that
// are up. It fails if a name is that of no interface.
func FindInterfaces(patterns []string) (up []string, err error) {
	s, err := firstSelection(patterns)
	for _, i := range s.ifaces {
		up = append(up, i.name)
	}
	return up, err
}
