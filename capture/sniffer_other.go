//go:build !linux

package capture

import "context"

// capture fails: packet sockets are Linux's.
func (*Sniffer) capture(context.Context, []*assembler) error { return errNotLinux }
