package capture

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/leaktap/leaktap/classify"
)

// encode applies one content coding.
func encode(tb testing.TB, coding string, data []byte) []byte {
	tb.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		return gzipped(tb, data)
	case "deflate":
		w = zlib.NewWriter(&buf)
	case "raw deflate":
		w, err = flate.NewWriter(&buf, 5)
	case "br":
		w = brotli.NewWriterLevel(&buf, 4)
	case "zstd":
		w, err = zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
	default:
		tb.Fatalf("unknown coding %s", coding)
	}
	must(tb, err)
	_, err = w.Write(data)
	must(tb, err)
	must(tb, w.Close())
	return buf.Bytes()
}

func codedMessage(body []byte, codings ...string) *message {
	m := &message{body: bodyBytes{first: body, size: len(body)}}
	for _, coding := range codings {
		m.headers = append(m.headers, classify.Header{Name: []byte("Content-Encoding"), Value: []byte(coding)})
	}
	return m
}

func TestContentCodings(t *testing.T) {
	plain := []byte(strings.Repeat(`{"password_hash":"x"}`, 20_000))
	stacked := encode(t, "br", encode(t, "gzip", plain))
	d := new(contentDecoder)
	var buf []byte
	for _, test := range []struct {
		name    string
		body    []byte
		codings []string
	}{
		{"none", plain, nil},
		{"identity", plain, []string{"identity"}},
		{"gzip", encode(t, "gzip", plain), []string{"gzip"}},
		{"two members", append(encode(t, "gzip", plain[:100]), encode(t, "gzip", plain[100:])...), []string{"x-gzip"}},
		{"upper case", encode(t, "gzip", plain), []string{" GZIP "}},
		{"deflate", encode(t, "deflate", plain), []string{"deflate"}},
		{"raw deflate", encode(t, "raw deflate", plain), []string{"deflate"}},
		{"br", encode(t, "br", plain), []string{"br"}},
		{"zstd", encode(t, "zstd", plain), []string{"zstd"}},
		{"stacked in one field", stacked, []string{"gzip, br"}},
		{"stacked in two fields", stacked, []string{"gzip", "br"}},
	} {
		for range 2 { // the second time with used readers
			body, read, why := d.decode(codedMessage(test.body, test.codings...), 8<<20, &buf)
			if !bytes.Equal(body, plain) || read != len(test.body) || why != 0 {
				t.Errorf("%s: %d bytes from %d of %d, %q", test.name, len(body), read, len(test.body), why)
			}
		}
	}
}

func TestContentBroken(t *testing.T) {
	plain := []byte(strings.Repeat("0123456789", 50_000))
	d := new(contentDecoder)
	var buf []byte
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		whole := encode(t, coding, plain)
		cut := whole[:len(whole)*2/3]
		body, _, why := d.decode(codedMessage(cut, coding), 8<<20, &buf)
		if why != ContentCoding || len(body) == 0 || !bytes.HasPrefix(plain, body) && !bytes.Equal(body, cut) {
			t.Errorf("%s cut short: %d bytes, %q", coding, len(body), why)
		}
		body, read, why := d.decode(codedMessage([]byte("\x01\x02plain text"), coding), 8<<20, &buf)
		if why != ContentCoding || read != 0 || string(body) != "\x01\x02plain text" {
			t.Errorf("not %s at all: %q, %d read, %q", coding, body, read, why)
		}
	}
	tail := append(encode(t, "gzip", plain), "tail"...)
	if body, _, why := d.decode(codedMessage(tail, "gzip"), 8<<20, &buf); why != ContentCoding || !bytes.Equal(body, plain) {
		t.Errorf("with a tail: %d bytes, %q", len(body), why)
	}
	for _, codings := range []string{"compress", "gzip,gzip,gzip,gzip,gzip"} {
		body, read, why := d.decode(codedMessage([]byte("xyz"), codings), 8<<20, &buf)
		if why != ContentCoding || read != 0 || string(body) != "xyz" {
			t.Errorf("%s: %q, %d read, %q", codings, body, read, why)
		}
	}
}

// TestCodedExchange sees coded bodies through packets, those of a request and a
// response of one exchange at once.
func TestCodedExchange(t *testing.T) {
	request, response := strings.Repeat("question ", 500), strings.Repeat("answer ", 700)
	in, out := encode(t, "br", []byte(request)), encode(t, "zstd", []byte(response))
	c := newConn(1).open()
	c.request(fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: br\r\nContent-Length: %d\r\n\r\n%s", len(in), in))
	c.response(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: %d\r\n\r\n%s", len(out), out))
	c.request("GET /bad HTTP/1.1\r\nHost: h\r\n\r\n")
	c.response("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain").close()
	got, stats := replay(t, c.frames)
	want := []seen{
		{Method: "POST", Host: "h", Target: "/", Status: 200, Request: request, Response: response},
		{Method: "GET", Host: "h", Target: "/bad", Status: 200, Response: "plain", Cut: "response "},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := stats.Uninspected[ContentCoding]; n != 5 {
		t.Errorf("%d bytes are counted as hidden by a coding, want 5", n)
	}
}

// TestContentHidden decodes bodies whose coding stands in a header that was not
// seen.
func TestContentHidden(t *testing.T) {
	plain := []byte(strings.Repeat(`{"name":"Zoë"}`, 100))
	d := new(contentDecoder)
	var buf []byte
	for _, coding := range []string{"gzip", "zstd", "br", "deflate", ""} {
		m := codedMessage(plain)
		m.odd = HeaderTable
		if coding != "" {
			m = codedMessage(encode(t, coding, plain))
			m.odd = HeaderTable
		}
		body, _, why := d.decode(m, 8<<20, &buf)
		if known := coding != "br" && coding != "deflate"; known != (why == 0) || known && !bytes.Equal(body, plain) || !known && why != ContentCoding {
			t.Errorf("%q: %q, %.100q", coding, why, body)
		}
	}
}

func FuzzContent(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		f.Add(encode(f, coding, []byte("some plain text")), coding)
	}
	d := new(contentDecoder)
	var buf []byte
	f.Fuzz(func(t *testing.T, body []byte, codings string) {
		out, read, why := d.decode(codedMessage(body, codings), 64<<10, &buf)
		if len(out) > max(64<<10, len(body)) || read < 0 || read > len(body) || why == 0 && read != len(body) {
			t.Fatalf("%d bytes, read %d of %d, %q", len(out), read, len(body), why)
		}
	})
}
