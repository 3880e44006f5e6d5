package capture

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"
)

// load is a capture file of many interleaved connections, made as it is read:
// a few connections are generated, and sent again between other addresses.
type load struct {
	rng *rand.Rand
	// scripts are the packets of the generated connections, as in a file.
	scripts [][][]byte
	// active are the connections under way.
	active []running
	// started and total count connections.
	started, total int
	buf            []byte
}

// running is a connection under way.
type running struct {
	script [][]byte
	next   int
	number int
}

// loadExchanges is how many exchanges a connection of a load has.
const loadExchanges = 3

// newLoad returns a load of total connections, all of them open at once, and the
// bytes of the bodies that it holds.
func newLoad(tb testing.TB, total, mss int) (l *load, truth map[string]bool, bodies int64) {
	tb.Helper()
	const scripts = 40
	l = &load{rng: newRand(41), total: total}
	s := site{rng: l.rng, conns: scripts, exchanges: loadExchanges, minBody: 1000, maxBody: 200_000, mss: mss}
	conns, seen := s.traffic(tb)
	for _, frames := range conns {
		l.scripts = append(l.scripts, packets(tb, frames))
	}
	truth = map[string]bool{}
	for _, x := range seen {
		truth[x.Response] = true
		bodies += int64(len(x.Response))
	}
	l.buf = pcapFile(tb, nil)
	for range total {
		l.active = append(l.active, running{script: l.scripts[l.started%scripts], number: l.started})
		l.started++
	}
	return l, truth, bodies * int64(total) / scripts
}

// packets cuts a file into packets with their headers.
func packets(tb testing.TB, frames []frame) (all [][]byte) {
	tb.Helper()
	const head = 16
	for file := pcapFile(tb, frames)[24:]; len(file) > 0; {
		n := head + int(binary.LittleEndian.Uint32(file[8:]))
		all = append(all, file[:n])
		file = file[n:]
	}
	return all
}

// Read implements io.Reader.
func (l *load) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if len(l.buf) == 0 && !l.refill() {
			break
		}
		m := copy(b[n:], l.buf)
		l.buf = l.buf[m:]
		n += m
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// refill makes the next packet, of any connection under way.
func (l *load) refill() bool {
	if len(l.active) == 0 {
		return false
	}
	i := l.rng.IntN(len(l.active))
	r := &l.active[i]
	const link = 16 + 14
	l.buf = r.script[r.next]
	p := l.buf[link:]
	address, port := p[12:16], p[20:22] // of the client, in its own packets
	if binary.BigEndian.Uint16(port) == 8080 {
		address, port = p[16:20], p[22:24]
	}
	binary.BigEndian.PutUint16(address[2:], uint16(r.number))
	binary.BigEndian.PutUint16(port, uint16(10000+r.number%50000))
	if r.next++; r.next == len(r.script) {
		l.active[i] = l.active[len(l.active)-1]
		l.active = l.active[:len(l.active)-1]
	}
	return true
}
