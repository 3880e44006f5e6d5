//go:build !linux

package capture

import (
	"context"
	"errors"
)

// capture fails: packet sockets are Linux's.
func (*Sniffer) capture(context.Context, []*assembler) error {
	return errors.New("capture on an interface: only Linux can; read a capture file instead")
}
