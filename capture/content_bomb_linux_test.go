package capture

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
)

const (
	// bombSize is a gibibyte, but less where the race detector is at work.
	bombSize = 1 << 30 / slowdown &^ (16<<20 - 1)
	// bombTime is the CPU time that a bomb may take.
	bombTime = 50 * time.Millisecond
)

// bomb returns bombSize zeros under a coding.
func bomb(tb testing.TB, coding string) []byte {
	tb.Helper()
	zeros := make([]byte, 16<<20)
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip": // members are decoded one after the other (RFC 1952, section 2.2)
		return slices.Repeat(gzipped(tb, zeros), bombSize/len(zeros))
	case "zstd": // and so are frames (RFC 8878, section 3.1)
		return slices.Repeat(encode(tb, "zstd", zeros), bombSize/len(zeros))
	case "deflate":
		w, err = zlib.NewWriterLevel(&buf, 1)
	case "raw deflate":
		w, err = flate.NewWriter(&buf, 1)
	case "br":
		w = brotli.NewWriterLevel(&buf, 2)
	}
	must(tb, err)
	for range bombSize / len(zeros) {
		_, err := w.Write(zeros)
		must(tb, err)
	}
	must(tb, w.Close())
	return buf.Bytes()
}

// TestBombs sends a gibibyte in few bytes: the output is bounded, the time is,
// the rest is counted, and the connection goes on.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("makes gibibytes")
	}
	nested := encode(t, "gzip", bomb(t, "gzip"))
	for _, test := range []struct {
		name, header string
		body         []byte
	}{
		{"gzip", "gzip", bomb(t, "gzip")},
		{"deflate", "deflate", bomb(t, "deflate")},
		{"raw deflate", "deflate", bomb(t, "raw deflate")},
		{"br", "br", bomb(t, "br")},
		{"zstd", "zstd", bomb(t, "zstd")},
		{"nested", "gzip, gzip", nested},
	} {
		c := newConn(1).open().request(getA)
		c.mss = 60_000
		c.response(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", test.header, len(test.body), test.body))
		c.request(getB).response(reply2).close()
		least := time.Hour
		for range 3 { // others work on this machine: the best of three counts
			b := newBench(t, Limits{})
			before := cpuTime(t)
			b.feed(t, c.frames)
			least = min(least, cpuTime(t)-before)
			b.table.close()
			want := get("/a", string(make([]byte, 8<<20)))
			want.Cut = "response "
			if len(b.got) != 2 || b.got[0] != want || b.got[1] != get("/b", "2") {
				t.Fatalf("%s: %d exchanges, %d bytes", test.name, len(b.got), len(b.got[0].Response))
			}
			stats := b.cov.stats()
			if limited := stats.Uninspected[BodyLimit]; limited == 0 && len(test.body) > 100<<10 {
				t.Errorf("%s: nothing is counted: %v", test.name, stats)
			}
			if b.table.pool.used != 0 || cap(b.table.decoder.response) > 17<<20 || cap(b.table.decoder.spare) > 17<<20 {
				t.Errorf("%s: %d bytes are held, buffers of %d and %d", test.name, b.table.pool.used, cap(b.table.decoder.response), cap(b.table.decoder.spare))
			}
		}
		t.Logf("%s: %d bytes in %d take %v", test.name, bombSize, len(test.body), least)
		if least > slowdown*bombTime {
			t.Errorf("%s takes %v", test.name, least)
		}
	}
}
