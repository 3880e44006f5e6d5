package capture

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leaktap/leaktap/classify"
)

// samplingTable is a table whose exchanges are kept, and an assembler in front of it.
func samplingTable(t *testing.T) (a *assembler, exchanges func() []seen) {
	t.Helper()
	cov, err := newCoverage(nil, classify.SourceInterface)
	must(t, err)
	var all []seen
	a = newAssembler(newTable(classify.Source{}, Limits{}.withDefaults(), cov, func(x *classify.Exchange) { all = append(all, see(x)) }), "")
	return a, func() []seen {
		slices.SortFunc(all, func(a, b seen) int { return strings.Compare(a.Target, b.Target) })
		return all
	}
}

func (a *assembler) frames(t *testing.T, frames []frame) {
	t.Helper()
	for _, f := range frames {
		must(t, a.packet(&packet{link: linkEthernet, bytes: f.bytes, length: len(f.bytes)}))
	}
}

// outsider returns a connection that the sample leaves out, insider one that it takes.
func (s *sample) outsider() *conn { return s.connection(false) }
func (s *sample) insider() *conn  { return s.connection(true) }

func (s *sample) connection(inside bool) *conn {
	for n := 1; ; n++ {
		c := newConn(n)
		a, b := endpoint{mapped(c.ends[0].Addr().AsSlice()), c.ends[0].Port()}, endpoint{mapped(c.ends[1].Addr().AsSlice()), c.ends[1].Port()}
		if s.takes(&a, &b) == inside && s.takes(&b, &a) == inside {
			return c
		}
	}
}

// TestNarrow ends what is left out in the middle of messages: nothing of it may look whole,
// least of all a body that ends with its connection, and what comes later is not followed.
func TestNarrow(t *testing.T) {
	s := &sample{exponent: 3, seed: 99}
	for name, response := range map[string]string{
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart",
		"chunked":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
		"until close": "HTTP/1.1 200 OK\r\n\r\npart",
	} {
		a, exchanges := samplingTable(t)
		in, out := s.insider(), s.outsider()
		a.frames(t, in.open().request("GET /in HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart").frames)
		a.frames(t, out.open().request("GET /out HTTP/1.1\r\nHost: h\r\n\r\n").response(response).frames)
		a.narrow(s)
		before := len(out.frames)
		a.frames(t, out.response("more!").fin(server).frames[before:])
		before = len(in.frames)
		a.frames(t, in.response("whole").frames[before:])
		want := []seen{
			{Method: "GET", Host: "h", Target: "/in", Status: 200, Response: "partwhole"},
			{Method: "GET", Host: "h", Target: "/out", Status: 200, Response: "part", Cut: "response "},
		}
		for i := range want[1:] {
			got := exchanges()
			for n := range got {
				got[n].Cut, _, _ = strings.Cut(got[n].Cut, "cut-off")
			}
			if diff := cmp.Diff(want[i:], got[i:]); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if len(a.table.flows) != 1 {
			t.Errorf("%s: %d connections are followed", name, len(a.table.flows))
		}
		a.close()
	}
}

// TestSampledIsEstimated counts for what was left out as much as was seen, times how many
// were left out for each.
func TestSampledIsEstimated(t *testing.T) {
	s := &sample{exponent: 2, seed: 5}
	a, exchanges := samplingTable(t)
	a.narrow(s)
	a.frames(t, s.insider().open().request("GET /in HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").close().frames)
	a.frames(t, s.outsider().open().request("GET /out HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").close().frames)
	a.close()
	if got := exchanges(); len(got) != 1 || got[0].Target != "/in" {
		t.Fatalf("%v", got)
	}
	stats := a.cov.stats()
	if stats.Inspected == 0 || stats.Uninspected[Sampled] != 3*stats.Inspected {
		t.Errorf("%d bytes inspected, %d estimated, want 3 times as many", stats.Inspected, stats.Uninspected[Sampled])
	}
	if len(stats.Ports) != 1 || stats.Ports[0].Uninspected[Sampled] != stats.Uninspected[Sampled] {
		t.Errorf("ports: %+v", stats.Ports)
	}
	a.narrow(nil)
	a.frames(t, s.outsider().open().request("GET /out HTTP/1.1\r\nHost: h\r\n\r\n").response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").close().frames)
	if after := a.cov.stats(); after.Inspected == stats.Inspected || after.Uninspected[Sampled] != stats.Uninspected[Sampled] {
		t.Errorf("with all connections: %d bytes inspected, %d estimated", after.Inspected, after.Uninspected[Sampled])
	}
}

func TestSamplingErrors(t *testing.T) {
	lo := []string{"lo"}
	for want, cfg := range map[string]Config{
		"a CPU budget of -1 %: want 1 to 6400":   {Interfaces: lo, Budget: -1},
		"a CPU budget of 6401 %: want 1 to 6400": {Interfaces: lo, Budget: 6401},
		"needs sampling":                         {Interfaces: lo, Budget: 50, Whole: true},
	} {
		if _, err := NewSniffer(cfg, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
