//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var errReadiness = errors.New("readiness is wrong")

// TestInterfacesComeAndGo takes interfaces away from a sniffer, which ends with its
// last one, and from the daemon, which waits for them and is not ready meanwhile.
func TestInterfacesComeAndGo(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	ip := tool(t, "ip")
	pair := func(name string) {
		must(t, ip, "link", "add", name, "type", "veth", "peer", "name", name+"p")
		must(t, ip, "link", "set", name+"p", "up")
		must(t, ip, "link", "set", name, "up")
	}
	must(t, ip, "link", "set", "lo", "up")

	t.Run("sniff", func(t *testing.T) {
		pair("lt0")
		p := start(t, "leaktap-sniff", exec.Command(leaktap(), "sniff", "-i", "lt0"))
		p.expect(t, p.stderr, "msg=capturing interface=lt0", runLimit)
		must(t, ip, "link", "del", "lt0")
		c := badInput{code: 3, says: []string{"capture on interface lt0: the interface went down or vanished", "level=WARN"}}
		c.check(t, result{p.exit(t, runLimit), p.stdout.text(), p.stderr.text()})
	})
	t.Run("sniff where it is down", func(t *testing.T) {
		pair("lt1")
		must(t, ip, "link", "set", "lt1", "down")
		c := badInput{code: 3, says: []string{"capture on interface lt1: the interface went down or vanished"}}
		c.check(t, run(t, "", "sniff", "-i", "lt1"))
	})
	t.Run("run", func(t *testing.T) {
		file := write(t, t.TempDir(), "leaktap.yaml", `
sources:
  - interface: {names: ["pod*"], workers: 2, ring_mib: 8}
http: {listen: "127.0.0.1:0"}
`)
		pair("pod0")
		a := startAgent(t, "leaktap-run", "run", "--config", file)
		ready := func(want bool) {
			t.Helper()
			eventually(t, 10*time.Second, "readiness", func() error {
				_, err := get(a.page + "/-/ready")
				if (err == nil) == want {
					return nil
				}
				return fmt.Errorf("want %t: %w", want, errors.Join(err, errReadiness))
			})
		}
		pair("pod1")
		a.waitForMetric("leaktap_capture_interfaces", 2)
		must(t, ip, "link", "del", "pod0")
		must(t, ip, "link", "del", "pod1")
		ready(false)
		a.waitForMetric("leaktap_capture_interface_changes_total", 3) // one found, two lost
		pair("pod0")
		ready(true)
		if !strings.Contains(a.stderr.text(), "interface went down or vanished") {
			t.Error("the log does not tell of what vanished")
		}
		a.terminate(t)
	})
}
