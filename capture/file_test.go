package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/leaktap/leaktap/classify"
)

// exampleFrames are two exchanges on one connection.
func exampleFrames() ([]frame, []seen) {
	c := newConn(1).open()
	c.request("GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	c.request("PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nup").response("HTTP/1.1 204 No\r\n\r\n").close()
	return c.frames, []seen{
		{Method: "GET", Host: "h", Target: "/a?x=1", Status: 200, Response: "hi"},
		{Method: "PUT", Host: "h", Target: "/b", Status: 204, Request: "up"},
	}
}

// pcapngFile writes the frames with the independent writer of gopacket.
func pcapngFile(tb testing.TB, frames []frame) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w, err := pcapgo.NewNgWriter(&buf, layers.LinkTypeEthernet)
	must(tb, err)
	for i, f := range frames {
		must(tb, w.WritePacket(gopacket.CaptureInfo{
			Timestamp:     time.Unix(1_700_000_000, int64(i)*1e6),
			CaptureLength: len(f.bytes), Length: len(f.bytes),
		}, f.bytes))
	}
	must(tb, w.Flush())
	return buf.Bytes()
}

// bigEndianPcap turns a little-endian pcap file of microseconds around and
// makes it one of nanoseconds.
func bigEndianPcap(file []byte) []byte {
	out := bytes.Clone(file)
	turn := func(at, n int) { slices.Reverse(out[at : at+n]) }
	binary.LittleEndian.PutUint32(out, magicNanoseconds)
	for at, n := range map[int]int{0: 4, 4: 2, 6: 2, 16: 4, 20: 4} {
		turn(at, n)
	}
	for at := 24; at < len(out); {
		length := int(binary.LittleEndian.Uint32(out[at+8:]))
		binary.LittleEndian.PutUint32(out[at+4:], binary.LittleEndian.Uint32(out[at+4:])*1000)
		for i := range 4 {
			turn(at+4*i, 4)
		}
		at += 16 + length
	}
	return out
}

func TestFileFormats(t *testing.T) {
	frames, want := exampleFrames()
	pcap := pcapFile(t, frames)
	for name, file := range map[string][]byte{
		"pcap": pcap, "big-endian pcap": bigEndianPcap(pcap), "pcapng": pcapngFile(t, frames),
	} {
		t.Run(name, func(t *testing.T) {
			f, err := NewFileReader("dump", Config{}, nil, slog.New(slog.DiscardHandler))
			must(t, err)
			var got []seen
			must(t, f.Run(context.Background(), bytes.NewReader(file), func(x *classify.Exchange) {
				got = append(got, see(x))
				c := newConn(1)
				if x.Client != c.ends[client] || x.Server != c.ends[server] || x.Scheme != "http" || x.Persisted {
					t.Errorf("%v > %v, scheme %s", x.Client, x.Server, x.Scheme)
				}
				wantFrame := map[string]int64{"/a?x=1": 5, "/b": 8}[string(x.Target)]
				if x.Source != (classify.Source{Kind: classify.SourcePcap, Name: "dump", Frame: wantFrame}) {
					t.Errorf("source %+v", x.Source)
				}
				if at := time.Unix(1_700_000_000, (wantFrame-1)*1e6); !x.Time.Equal(at) {
					t.Errorf("time %v, want %v", x.Time, at)
				}
			}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if s := f.Stats(); s.Packets != int64(len(frames)) {
				t.Errorf("%d packets, want %d", s.Packets, len(frames))
			}
		})
	}
}

// TestFileCutAnywhere cuts files at every byte: what is there is handled, and
// the error names the packet and the place.
func TestFileCutAnywhere(t *testing.T) {
	frames, want := exampleFrames()
	for name, file := range map[string][]byte{"pcap": pcapFile(t, frames), "pcapng": pcapngFile(t, frames)} {
		clean := 0
		for n := range file {
			got, stats, err := readAll(t, Config{}, file[:n])
			var input *InputError
			switch {
			case err == nil:
				clean++
			case !errors.As(err, &input):
				t.Fatalf("%s: %d bytes: %v", name, n, err)
			case input.Name != "test.pcap" || input.Offset > int64(n) || input.Packet > 0 && input.Packet != stats.Packets+1:
				t.Errorf("%s: %d bytes: %v", name, n, err)
			}
			if len(got) > len(want) {
				t.Fatalf("%s: %d bytes: %v", name, n, got)
			}
		}
		// Between two packets a cut cannot be told from an end.
		if clean > len(frames)+3 {
			t.Errorf("%s: %d cuts raise no error", name, clean)
		}
	}
}

func TestFileCutKeepsWhatWasReadable(t *testing.T) {
	frames, want := exampleFrames()
	file := pcapFile(t, frames)
	got, _, err := readAll(t, Config{}, file[:len(file)-5])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	text := fmt.Sprintf("read capture file test.pcap: packet %d at byte %d: unexpected EOF", len(frames), len(file)-54)
	if err == nil || err.Error() != text || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, want %s", err, text)
	}
}

func TestFileErrors(t *testing.T) {
	frames, _ := exampleFrames()
	pcap, ng := pcapFile(t, frames), pcapngFile(t, frames)
	patch := func(file []byte, at int, b ...byte) []byte {
		out := bytes.Clone(file)
		copy(out[at:], b)
		return out
	}
	section := int(binary.LittleEndian.Uint32(ng[4:]))
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "packet 0 at byte 0: too short for a capture file"},
		{"short", []byte{1, 2}, "packet 0 at byte 0: too short for a capture file"},
		{"text", []byte("GET / HTTP/1.1\r\n"), "packet 0 at byte 0: neither pcap nor pcapng"},
		{"version", patch(pcap, 4, 9), "packet 0 at byte 24: unknown pcap version 9"},
		{"link type", patch(pcap, 20, 105), "packet 0 at byte 24: unknown link type 105"},
		{"captured length", patch(pcap, 24+8, 0xff, 0xff, 0xff, 0xff), "packet 1 at byte 40: corrupt packet header: captured length 4294967295 is over 262144"},
		{"length", patch(pcap, 24+12, 1, 0), "packet 1 at byte 40: corrupt packet header: captured length 54 is over the packet's 1"},
		{"byte order", patch(ng, 8, 0), "packet 1 at byte 0: corrupt section header: unknown byte order"},
		{"block length", patch(ng, section+4, 3), fmt.Sprintf("packet 1 at byte %d: corrupt block: length 3", section)},
		{"block link type", patch(ng, section+8, 105), "unknown link type 105"},
	} {
		_, _, err := readAll(t, Config{}, test.file)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

// block writes a pcapng block in little-endian order.
func block(kind uint32, body ...byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	return binary.LittleEndian.AppendUint32(b, uint32(len(body)+12))
}

func TestPcapngBlocks(t *testing.T) {
	section := block(blockSection, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)
	// Raw IP with time stamps in 2^-10 seconds that start at second 100.
	raw := block(blockInterface, 101, 0, 0, 0, 0, 0, 0, 0,
		optionResolution, 0, 1, 0, 0x8a, 0, 0, 0, optionOffset, 0, 8, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	enhanced := block(blockEnhancedPacket, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c', 0)
	old := block(blockPacket, 0, 0, 7, 7, 0, 0, 0, 0, 0, 6, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 'd', 'e', 'f', 0)
	simple := block(blockSimplePacket, 4, 0, 0, 0, 'g', 'h', 'i', 'j')
	unknown := block(0xbad, 1, 2, 3, 4)
	file := slices.Concat(section, unknown, raw, enhanced, old, unknown, simple, section, raw, enhanced)

	source, err := newFileSource(newScanner(bytes.NewReader(file)))
	must(t, err)
	at := time.Unix(101, 5e8)
	for i, want := range []packet{
		{link: linkRaw, bytes: []byte("abc"), length: 3, time: at},
		{link: linkRaw, bytes: []byte("def"), length: 9, time: at},
		{link: linkRaw, bytes: []byte("ghij"), length: 4},
		{link: linkRaw, bytes: []byte("abc"), length: 3, time: at},
	} {
		p, err := source.next()
		must(t, err)
		if diff := cmp.Diff(want, *p, cmp.AllowUnexported(packet{})); diff != "" {
			t.Errorf("packet %d: %s", i+1, diff)
		}
	}
	if _, err := source.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	for name, bad := range map[string][]byte{
		"no interface":      slices.Concat(section, enhanced),
		"no simple either":  slices.Concat(section, simple),
		"captured length":   slices.Concat(section, raw, block(blockEnhancedPacket, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 'a')),
		"short packet":      slices.Concat(section, raw, block(blockEnhancedPacket, 0, 0, 0, 0)),
		"short interface":   slices.Concat(section, block(blockInterface, 1, 0, 0, 0)),
		"option length":     slices.Concat(section, block(blockInterface, 101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 99, 0)),
		"resolution":        slices.Concat(section, block(blockInterface, 101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 99, 0, 0, 0)),
		"simple too short":  slices.Concat(section, raw, block(blockSimplePacket)),
		"packet block huge": slices.Concat(section, raw, binary.LittleEndian.AppendUint32([]byte{6, 0, 0, 0}, 8<<20), make([]byte, 8)),
	} {
		source, err := newFileSource(newScanner(bytes.NewReader(bad)))
		must(t, err)
		if _, err := source.next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFileFilter(t *testing.T) {
	frames, want := exampleFrames()
	other := newConn(2).open().request("GET /other HTTP/1.1\r\n\r\n").response("HTTP/1.1 204 No\r\n\r\n").close()
	file := pcapFile(t, append(frames, other.frames...))
	got, stats, err := readAll(t, Config{Filter: "host 10.1.0.1"}, file)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if stats.Packets != int64(len(frames)) {
		t.Errorf("%d packets pass the filter, want %d", stats.Packets, len(frames))
	}
	var f *FilterError
	if _, err := NewFileReader("x", Config{Filter: "bogus"}, nil, slog.New(slog.DiscardHandler)); !errors.As(err, &f) {
		t.Errorf("a broken filter: %v", err)
	}
}

func TestFileCanceled(t *testing.T) {
	frames, _ := exampleFrames()
	f, err := NewFileReader("x", Config{}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = f.Run(ctx, bytes.NewReader(pcapFile(t, frames)), func(*classify.Exchange) { t.Error("handled") })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func FuzzFile(f *testing.F) {
	frames, _ := exampleFrames()
	f.Add(pcapFile(f, frames))
	f.Add(pcapngFile(f, frames))
	f.Add(pcapFile(f, reorder(newRand(3), frames, 0.5)))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, _, err := readAll(t, Config{}, file)
		if input := (*InputError)(nil); err != nil && !errors.As(err, &input) {
			t.Fatal(err)
		}
	})
}
