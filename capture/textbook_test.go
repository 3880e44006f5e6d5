package capture

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/google/gopacket/reassembly"
)

// textbook is the pipeline that gopacket's examples and net/http lead to: a
// packet source, package reassembly, a goroutine per direction. It is the
// yardstick of the benchmark.
type textbook struct {
	mutex  sync.Mutex
	group  sync.WaitGroup
	bodies int
	right  int
	truth  map[[32]byte]bool
}

// run reads a capture file and returns how many responses it found, and how many
// of them are right.
func (b *textbook) run(tb testing.TB, r io.Reader) (found, right int) {
	tb.Helper()
	file, err := pcapgo.NewReader(r)
	must(tb, err)
	source := gopacket.NewPacketSource(file, layers.LinkTypeEthernet)
	source.Lazy, source.NoCopy = true, true
	assembler := reassembly.NewAssembler(reassembly.NewStreamPool(b))
	for p := range source.Packets() {
		if tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP); ok {
			assembler.AssembleWithContext(p.NetworkLayer().NetworkFlow(), tcp, &captured{p.Metadata().CaptureInfo})
		}
	}
	assembler.FlushAll()
	b.group.Wait()
	return b.bodies, b.right
}

type captured struct{ info gopacket.CaptureInfo }

func (c *captured) GetCaptureInfo() gopacket.CaptureInfo { return c.info }

// New implements reassembly.StreamFactory.
func (b *textbook) New(_, _ gopacket.Flow, tcp *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	s := &textbookStream{server: tcp.SrcPort == 8080, requests: make(chan *http.Request, 100)}
	for i := range s.pipes {
		s.pipes[i].data = make(chan []byte, 1000)
	}
	b.group.Go(func() { s.readRequests() })
	b.group.Go(func() { b.readResponses(s) })
	return s
}

// textbookStream is a connection; pipes are those of the client and the server.
type textbookStream struct {
	server   bool // the first packet is the server's
	pipes    [2]pipe
	requests chan *http.Request
}

// Accept implements reassembly.Stream.
func (s *textbookStream) Accept(*layers.TCP, gopacket.CaptureInfo, reassembly.TCPFlowDirection, reassembly.Sequence, *bool, reassembly.AssemblerContext) bool {
	return true
}

// ReassembledSG implements reassembly.Stream.
func (s *textbookStream) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	direction, _, _, _ := sg.Info()
	n, _ := sg.Lengths()
	if n == 0 {
		return
	}
	side := client
	if (direction == reassembly.TCPDirServerToClient) != s.server {
		side = server
	}
	data := make([]byte, n)
	copy(data, sg.Fetch(n))
	s.pipes[side].data <- data
}

// ReassemblyComplete implements reassembly.Stream.
func (s *textbookStream) ReassemblyComplete(reassembly.AssemblerContext) bool {
	close(s.pipes[client].data)
	close(s.pipes[server].data)
	return true
}

func (s *textbookStream) readRequests() {
	defer close(s.requests)
	r := bufio.NewReader(&s.pipes[client])
	for {
		q, err := http.ReadRequest(r)
		if err != nil {
			s.pipes[client].drain()
			return
		}
		_, err = io.Copy(io.Discard, q.Body)
		if err == nil {
			s.requests <- q
		}
	}
}

func (b *textbook) readResponses(s *textbookStream) {
	defer s.pipes[server].drain()
	r := bufio.NewReader(&s.pipes[server])
	for q := range s.requests {
		response, err := http.ReadResponse(r, q)
		if err != nil {
			continue
		}
		body := io.Reader(response.Body)
		if response.Header.Get("Content-Encoding") == "gzip" {
			if body, err = gzip.NewReader(body); err != nil {
				continue
			}
		}
		content, err := io.ReadAll(body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			continue
		}
		b.count(sha256.Sum256(content))
	}
}

func (b *textbook) count(sum [32]byte) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.bodies++
	if b.truth[sum] {
		b.right++
	}
}

// pipe hands data from one goroutine to another.
type pipe struct {
	data chan []byte
	rest []byte
}

// Read implements io.Reader.
func (p *pipe) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		data, ok := <-p.data
		if !ok {
			return 0, io.EOF
		}
		p.rest = data
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pipe) drain() {
	for range p.data { // so that the assembler does not wait
	}
}
