//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestFindingsPage looks at the page of a running demo with Chromium: axe-core finds no
// violation in light, dark and narrow; keyboard, live refresh, print, and no JavaScript work.
// LEAKTAP_SCREENSHOTS names a folder for pictures.
func TestFindingsPage(t *testing.T) {
	node, chromium := tool(t, "node"), tool(t, "chromium")
	modules := filepath.Join(root, ".tools", "browser")
	_, err := os.Stat(filepath.Join(modules, "node_modules", "axe-core"))
	need(t, "playwright-core and axe-core (e2e/setup.sh browser)", err)
	p := start(t, "demo", exec.Command(leaktap(), "demo", "--duration", "3m", "--listen", "127.0.0.1:0"))
	page := p.expect(t, p.stderr, `findings page\s+(\S+)\n`, firstFindingLimit)[1]
	p.expect(t, p.stdout, `password-hash`, firstFindingLimit)
	time.Sleep(2 * time.Second) // until there is something of everything
	check := exec.Command(node, "browser/check.mjs", page, chromium, modules)
	if shots := os.Getenv("LEAKTAP_SCREENSHOTS"); shots != "" {
		check.Args = append(check.Args, shots)
	}
	out, err := check.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
