//go:build !linux

package capture

import "errors"

// socket does not exist here: live capture needs Linux.
type socket struct{}

func openSocket(Config) (*socket, error) {
	return nil, errors.New("capture on an interface: only Linux can; read a capture file instead")
}

func (*socket) next() (*packet, error) { return nil, nil }

func (*socket) drops() int64 { return 0 }

func (*socket) close() {}
