//go:build e2e

package capture

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

// line is what is compared of a response.
type line struct {
	Method, Host, URI, Status string
	// Length and Sum are those of the decoded body.
	Length int
	Sum    string
}

func newLine(method, host, uri, status string, body []byte) line {
	sum := sha256.Sum256(body)
	return line{method, host, uri, status, len(body), hex.EncodeToString(sum[:8])}
}

// ours reads a capture file with this package.
func ours(t *testing.T, file []byte) map[string]line {
	t.Helper()
	f, err := NewFileReader("x", Config{}, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	all := map[string]line{}
	must(t, f.Run(context.Background(), bytes.NewReader(file), func(x *classify.Exchange) {
		if x.Response.Truncated || x.Status == 0 {
			t.Errorf("not whole: %s %d %s", x.Target, x.Status, x.Response.Reason)
		}
		all[string(x.Target)] = newLine(string(x.Method), string(x.Host), string(x.Target), strconv.Itoa(x.Status), x.Response.Body)
	}))
	return all
}

// tshark runs tshark over a capture file and returns the fields of each packet
// that the filter selects. In CI it has to be there.
func tshark(t *testing.T, file []byte, filter string, options []string, fields ...string) [][]string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no tshark: run e2e/setup.sh packages")
		}
		t.Skip("not run: there is no tshark; e2e/setup.sh packages installs it")
	}
	name := filepath.Join(t.TempDir(), "traffic.pcap")
	must(t, os.WriteFile(name, file, 0o600))
	args := append([]string{
		"-r", name, "-n", "-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,",
		"-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.check_checksum:FALSE", "-o", "ip.check_checksum:FALSE",
	}, options...)
	for _, field := range fields {
		args = append(args, "-e", field)
	}
	var complaints bytes.Buffer
	c := exec.Command(path, args...)
	c.Stderr = &complaints
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	var rows [][]string
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		rows = append(rows, strings.Split(scanner.Text(), "\t"))
	}
	if err := errors.Join(scanner.Err(), c.Wait()); err != nil {
		t.Fatalf("tshark: %v: %s", err, complaints.String())
	}
	return rows
}

// TestTshark compares every response of generated captures with tshark's. Where
// packets are out of order tshark pairs by the order in which it sees them, which
// is wrong: there the bodies are compared alone.
func TestTshark(t *testing.T) {
	for name, test := range map[string]struct {
		site
		reorder float64
	}{
		"ipv4":         {site: site{conns: 40, exchanges: 10, minBody: 10, maxBody: 60_000}},
		"ipv6":         {site: site{conns: 20, exchanges: 10, minBody: 10, maxBody: 20_000, ipv6: true}},
		"large frames": {site: site{conns: 10, exchanges: 10, minBody: 1000, maxBody: 200_000, mss: 60_000}},
		"reordered":    {site: site{conns: 40, exchanges: 10, minBody: 10, maxBody: 60_000}, reorder: 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.site
			s.rng = newRand(23)
			conns, truth := s.traffic(t)
			for i := range conns {
				conns[i] = repeat(s.rng, reorder(s.rng, conns[i], test.reorder), 0.005)
			}
			file := pcapFile(t, interleave(s.rng, conns))
			got, theirs := ours(t, file), theirsHTTP1(t, file)
			t.Logf("%d responses of %d; tshark %d", len(got), len(truth), len(theirs))
			if len(got) != len(truth) {
				t.Errorf("%d responses of %d", len(got), len(truth))
			}
			if test.reorder > 0 {
				got, theirs = unpaired(got), unpaired(theirs)
			}
			if diff := cmp.Diff(theirs, got); diff != "" {
				t.Errorf("-tshark +leaktap: %.3000s", diff)
			}
		})
	}
}

// theirsHTTP1 returns tshark's responses by the URI of their requests, or, if it
// knows of none, by the number of the packet.
func theirsHTTP1(t *testing.T, file []byte) map[string]line {
	t.Helper()
	all, requests := map[string]line{}, map[string][]string{}
	for _, row := range tshark(t, file, "http", nil, "frame.number", "http.request.method", "http.host", "http.request.uri",
		"http.response.code", "http.request_in", "http.file_data") {
		if row[4] == "" {
			requests[row[0]] = row
			continue
		}
		q := requests[row[5]]
		if q == nil {
			q = []string{"", "", "", row[0]}
		}
		all[q[3]] = newLine(q[1], q[2], q[3], row[4], []byte(row[6]))
	}
	return all
}

// unpaired returns the responses by their bodies, which all differ.
func unpaired(all map[string]line) map[string]line {
	byBody := map[string]line{}
	for _, x := range all {
		byBody[x.Sum] = line{Status: x.Status, Length: x.Length, Sum: x.Sum}
	}
	return byBody
}

// TestTsharkHTTP2 does the same for HTTP/2, of which tshark gives the streams.
func TestTsharkHTTP2(t *testing.T) {
	s := site{rng: newRand(29), conns: 20, exchanges: 9, minBody: 10, maxBody: 30_000, http2: true}
	conns, truth := s.traffic(t)
	file := pcapFile(t, interleave(s.rng, conns))
	type exchange struct {
		request []string
		status  string
		body    []byte
	}
	streams := map[string]*exchange{}
	for _, row := range tshark(t, file, "http2", []string{"-d", "tcp.port==8080,http2"}, "tcp.stream", "http2.streamid", "http2.headers.method",
		"http2.headers.authority", "http2.headers.path", "http2.headers.status", "http2.data.data", "http2.flags.end_stream") {
		key := row[0] + "/" + row[1]
		x := streams[key]
		if x == nil {
			x = &exchange{}
			streams[key] = x
		}
		if row[7] == "1" || row[7] == "True" { // at the end tshark gives the whole body, decoded
			var err error
			x.body, err = hex.DecodeString(row[6])
			must(t, err)
		}
		if row[2] != "" {
			x.request = row[2:5]
		}
		if row[5] != "" {
			x.status = row[5]
		}
	}
	theirs := map[string]line{}
	for _, x := range streams {
		if x.request == nil {
			continue // stream 0
		}
		theirs[x.request[2]] = newLine(x.request[0], x.request[1], x.request[2], x.status, x.body)
	}
	got := ours(t, file)
	t.Logf("%d responses of %d; tshark %d", len(got), len(truth), len(theirs))
	if diff := cmp.Diff(theirs, got); diff != "" || len(got) != len(truth) {
		t.Errorf("-tshark +leaktap: %.3000s", diff)
	}
}
