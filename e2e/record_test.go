//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// recorder keeps the packets of an interface as a pcap file. It shares nothing with
// leaktap; tcpdump would do, but does not work as root of a user namespace.
type recorder struct {
	socket *os.File
	done   chan struct{} // closed when reading has ended
	mu     sync.Mutex
	pcap   bytes.Buffer
}

// maxFrame is more than a frame has before the kernel cuts it into segments.
const maxFrame = 256 << 10

// record starts to keep what passes an interface, both ways.
func record(t *testing.T, name string) *recorder {
	t.Helper()
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	const allProtocols = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, allProtocols)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: allProtocols, Ifindex: link.Index}); err != nil {
		t.Fatal(err)
	}
	r := &recorder{socket: os.NewFile(uintptr(fd), name), done: make(chan struct{})}
	// Magic, version 2.4, zone, accuracy, snapshot length, Ethernet
	// (draft-ietf-opsawg-pcap).
	for _, field := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, maxFrame, 1} {
		r.pcap.Write(binary.LittleEndian.AppendUint32(nil, field))
	}
	go r.run()
	t.Cleanup(r.stop)
	return r
}

// run reads packets until the socket is closed.
func (r *recorder) run() {
	defer close(r.done)
	frame := make([]byte, maxFrame)
	for {
		n, err := r.socket.Read(frame)
		if err != nil {
			return
		}
		now := time.Now()
		r.mu.Lock()
		for _, field := range []uint32{uint32(now.Unix()), uint32(now.Nanosecond() / 1000), uint32(n), uint32(n)} {
			r.pcap.Write(binary.LittleEndian.AppendUint32(nil, field))
		}
		r.pcap.Write(frame[:n])
		r.mu.Unlock()
	}
}

func (r *recorder) stop() {
	_ = r.socket.Close() // a second time after until
	<-r.done
}

// until waits for a packet with that text and returns the recording.
func (r *recorder) until(t *testing.T, text string) string {
	t.Helper()
	eventually(t, 10*time.Second, "end of recording", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !bytes.Contains(r.pcap.Bytes(), []byte(text)) {
			return errors.New("no packet holds it yet")
		}
		return nil
	})
	r.stop()
	return r.pcap.String()
}
