package capture

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fragmented cuts an Ethernet frame with an IP packet into fragments of size
// bytes, a multiple of 8.
func fragmented(b []byte, size int, id uint16) [][]byte {
	head, is6 := 34, b[12] == 0x86
	if is6 {
		head = 54
	}
	var all [][]byte
	for at := head; at < len(b); at += size {
		end := min(at+size, len(b))
		place := uint16(at - head)
		piece := slices.Clone(b[:head])
		if is6 {
			if end < len(b) {
				place |= 1
			}
			piece[20] = 44
			binary.BigEndian.PutUint16(piece[18:], uint16(8+end-at))
			piece = binary.BigEndian.AppendUint16(append(piece, b[20], 0), place)
			piece = binary.BigEndian.AppendUint16(append(piece, 0, 0), id)
		} else {
			place /= 8
			if end < len(b) {
				place |= 0x2000
			}
			binary.BigEndian.PutUint16(piece[16:], uint16(20+end-at))
			binary.BigEndian.PutUint16(piece[18:], id)
			binary.BigEndian.PutUint16(piece[20:], place)
		}
		all = append(all, append(piece, b[at:end]...))
	}
	return all
}

// TestFragments cuts every packet of a connection and sends the pieces in
// several orders, copies among them.
func TestFragments(t *testing.T) {
	for name, arrange := range map[string]func([][]byte){
		"in order": func([][]byte) {}, "backwards": slices.Reverse[[][]byte],
		"shuffled": func(p [][]byte) { newRand(uint64(len(p))).Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] }) },
		"twice":    func(p [][]byte) { copy(p[1:], slices.Clone(p[:len(p)-1])) }, // the last one is lost, the first comes again
	} {
		for _, six := range []bool{false, true} {
			c := newConn(1)
			if six {
				c.ends = [2]netip.AddrPort{netip.MustParseAddrPort("[fd00::1]:4444"), netip.MustParseAddrPort("[fd00::2]:80")}
			}
			c.open().request(getA).response(reply1).close()
			var frames []frame
			captured := 0
			for i, f := range c.frames {
				pieces := fragmented(f.bytes, 8, uint16(i))
				arrange(pieces)
				for _, piece := range pieces {
					frames = append(frames, frame{bytes: piece})
					captured += len(piece)
				}
			}
			got, stats := replay(t, frames)
			if name == "twice" {
				if len(got) != 0 || stats.Uninspected[Fragment] == 0 || stats.Uninspected[Fragment] >= int64(captured) {
					t.Errorf("%s: %q, %v", name, got, stats)
				}
				continue
			}
			if diff := cmp.Diff([]seen{get("/a", "1")}, got); diff != "" || stats.Uninspected[Fragment] != 0 {
				t.Errorf("%s: %s %v", name, diff, stats)
			}
		}
	}
}

func TestFragmentOverlap(t *testing.T) {
	whole := newConn(1).open().request(getA).frames[3].bytes
	pieces := fragmented(whole, 16, 1)
	short := fragmented(whole, 8, 1)
	changed := slices.Clone(pieces[1])
	changed[40]++
	beyond := slices.Clone(pieces[1])
	beyond[20], beyond[21] = 0x20, 200
	for name, order := range map[string][][]byte{
		"other bytes":         {pieces[0], pieces[1], changed, pieces[2]},
		"over the next":       {pieces[1], short[1], short[2], pieces[0], pieces[2]},
		"over the one before": {pieces[1], short[3], pieces[0], pieces[2]},
		"behind the end":      {pieces[2], beyond, pieces[0], pieces[1]},
	} {
		b := newBench(t, Limits{})
		captured := 0
		for _, piece := range order {
			captured += len(piece)
			must(t, b.a.packet(&packet{link: linkEthernet, bytes: piece, length: len(piece), time: b.now}))
		}
		b.a.layers.fragments.close()
		stats := b.cov.stats()
		if stats.Uninspected[FragmentOverlap] != int64(captured) || stats.Uninspected[Fragment] != 0 || len(b.table.flows) != 0 {
			t.Errorf("%s: %d connections, %v, want %d", name, len(b.table.flows), stats, captured)
		}
	}
}

func TestFragmentLimits(t *testing.T) {
	b := newBench(t, Limits{Fragments: 10_000})
	whole := newConn(1).open().request(getA).frames[3].bytes
	pieces := fragmented(whole, 16, 1)
	feed := func(piece []byte) {
		t.Helper()
		must(t, b.a.packet(&packet{link: linkEthernet, bytes: piece, length: len(piece), time: b.now}))
		if held := b.a.layers.fragments.held; held > 10_000 || held < 0 {
			t.Fatalf("%d bytes are held", held)
		}
	}
	for id := range uint16(1000) {
		feed(fragmented(whole, 16, id)[0])
	}
	if n := len(b.a.layers.fragments.waiting); n == 0 || n > 50 {
		t.Errorf("%d datagrams wait", n)
	}
	b.now = b.now.Add(31 * time.Second)
	feed(pieces[0])
	if n := len(b.a.layers.fragments.waiting); n != 1 {
		t.Errorf("%d datagrams wait 31 s later", n)
	}
	for _, piece := range pieces[1:] {
		feed(piece)
	}
	if len(b.table.flows) != 1 || b.a.layers.fragments.held != 0 {
		t.Errorf("%d connections, %d bytes held", len(b.table.flows), b.a.layers.fragments.held)
	}
	if n, want := b.cov.stats().Uninspected[Fragment], int64(1000*len(pieces[0])); n != want {
		t.Errorf("%d bytes are counted as fragments, want %d", n, want)
	}
}

// TestFragmentsNever sends fragments that cannot be part of a datagram.
func TestFragmentsNever(t *testing.T) {
	whole := newConn(1).open().request(getA).frames[3].bytes
	pieces := fragmented(whole, 16, 1)
	odd := slices.Clone(pieces[0][:34+13])
	binary.BigEndian.PutUint16(odd[16:], 20+13)
	far := slices.Clone(pieces[0])
	far[20], far[21] = 0x1f, 0xff
	for name, piece := range map[string][]byte{"odd length": odd, "past 64 KiB": far, "cut off": pieces[0][:40], "empty": pieces[0][:34]} {
		b := newBench(t, Limits{})
		must(t, b.a.packet(&packet{link: linkEthernet, bytes: piece, length: 100, time: b.now}))
		if n := b.cov.stats().Uninspected[Fragment]; n != int64(len(piece)) || len(b.a.layers.fragments.waiting) != 0 {
			t.Errorf("%s: %d bytes are counted, want %d", name, n, len(piece))
		}
	}
}
