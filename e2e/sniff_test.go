//go:build e2e

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// endOfTraffic is the path of the last request of a recording.
const endOfTraffic = "/end-of-traffic"

// TestSniff watches the application's traffic on a veth pair, live and from a
// capture of the same packets.
func TestSniff(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	app := startApplication(t, newSecrets(), "0.0.0.0", syscall.CLONE_NEWNET)
	connect(t, app.cmd.Process.Pid)
	outputs := pile{}
	recorder := record(t, clientLink)
	live := sniff(t, app, outputs)
	app.client(t, serverAddress).call("GET", endOfTraffic, "", "", 404)
	recording := recorder.until(t, endOfTraffic)

	t.Run("leaks", func(t *testing.T) {
		for _, l := range missing(leaksOnTheWire(), live["leaky"]) {
			t.Errorf("not found: %v", l)
		}
		for _, f := range live["leaky"] {
			if !strings.HasPrefix(f.HTTP.Route, "/leaky/") || f.Source.Kind != "interface" || f.Source.Name != clientLink {
				t.Errorf("at the wrong place: %v (%s %s)", f.leak(), f.Source.Kind, f.Source.Name)
			}
		}
	})
	t.Run("fixed twins", func(t *testing.T) {
		for _, f := range alarming(live["fixed"]) {
			t.Errorf("false alarm: %v", f.leak())
		}
	})
	t.Run("cleartext", func(t *testing.T) {
		want := []leak{{"cleartext-token", "low", "GET", "/fixed/users", "request.header", "/authorization"}}
		if len(missing(want, live["cleartext"])) > 0 {
			t.Errorf("a token over plain HTTP was not found: %v", live["cleartext"])
		}
	})
	t.Run("capture file", func(t *testing.T) {
		file := write(t, t.TempDir(), "traffic.pcap", recording)
		res := run(t, "", "sniff", "-r", file, "-o", "jsonl", "--disable", "cleartext-token")
		outputs.keep("sniff -r", res.stdout+res.stderr)
		if res.code != 0 {
			t.Fatalf("exit code %d, want 0:\n%s", res.code, res.stderr)
		}
		if diff := cmp.Diff(tally(alarming(live["leaky"])), tally(alarming(findings(t, res.stdout)))); diff != "" {
			t.Errorf("the file gives other findings than the interface (-interface +file):\n%s", diff)
		}
	})
	t.Run("cut capture file", func(t *testing.T) {
		cut := write(t, t.TempDir(), "cut.pcap", recording[:len(recording)-7])
		res := run(t, "", "sniff", "-r", cut, "-o", "jsonl")
		outputs.keep("sniff -r cut.pcap", res.stdout+res.stderr)
		c := badInput{code: 3, says: []string{"cut.pcap", "packet ", "byte "}, found: true}
		c.check(t, res)
		for _, l := range missing(leaksOnTheWire(), findings(t, res.stdout)) {
			t.Errorf("lost with the end of the file: %v", l)
		}
	})
	outputs.search(t, app.secrets)
}

// sniff runs one sniffer for each part of the traffic and returns what it found.
func sniff(t *testing.T, app *application, outputs pile) map[string][]finding {
	t.Helper()
	caller := app.client(t, serverAddress)
	return map[string][]finding{
		"leaky": sniffDuring(t, "leaky", outputs, caller.leaky, "--disable", "cleartext-token"),
		"fixed": sniffDuring(t, "fixed", outputs, caller.fixed, "--disable", "cleartext-token"),
		"cleartext": sniffDuring(t, "cleartext", outputs, func() int {
			token := app.secrets.token(app.secrets.Users[1], time.Now().Add(time.Hour))
			caller.call("GET", "/fixed/users", token, "", 200)
			return 1
		}),
	}
}

// sniffDuring sniffs while traffic flows, until all of its exchanges were classified.
func sniffDuring(t *testing.T, name string, outputs pile, traffic func() (exchanges int), more ...string) []finding {
	t.Helper()
	args := append([]string{"sniff", "-i", clientLink, "-o", "jsonl", "--listen", "127.0.0.1:0", "--sampling=false"}, more...)
	a := startAgent(t, "sniff-"+name, args...)
	a.waitForMetric("leaktap_classify_duration_seconds_count", float64(traffic()))
	outputs.keep("metrics of "+a.name, a.metrics())
	a.terminate(t)
	outputs.keepProcess(a.process)
	return findings(t, a.stdout.text())
}

// tally counts findings by what was leaked where.
func tally(list []finding) map[string]int {
	counts := map[string]int{}
	for _, f := range list {
		counts[f.leak().String()]++
	}
	return counts
}
