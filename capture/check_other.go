//go:build !linux

package capture

import "errors"

// errNotLinux says why there is no capture here.
var errNotLinux = errors.New("capture on an interface: only Linux can; read a capture file instead")

// CheckCapability fails: packet sockets are Linux's.
func CheckCapability() error { return errNotLinux }

// FindInterfaces fails, too.
func FindInterfaces([]string) (up []string, err error) { return nil, errNotLinux }
