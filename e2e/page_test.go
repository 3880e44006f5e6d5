//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestFindingsPage looks at the page of a running demo with Chromium: axe-core finds no
// violation in light, dark and narrow; keyboard, live refresh, print, and no JavaScript work.
// LEAKTAP_SCREENSHOTS names a folder for pictures.
func TestFindingsPage(t *testing.T) {
	b := newBrowser(t)
	p := start(t, "demo", exec.Command(leaktap(), "demo", "--duration", "3m", "--listen", "127.0.0.1:0"))
	page := p.expect(t, p.stderr, `findings page\s+(\S+)\n`, firstFindingLimit)[1]
	p.expect(t, p.stdout, `password-hash`, firstFindingLimit)
	time.Sleep(2 * time.Second) // until there is something of everything
	var shots []string
	if folder := os.Getenv("LEAKTAP_SCREENSHOTS"); folder != "" {
		shots = append(shots, folder)
	}
	b.run(t, "browser/check.mjs", page, "", shots...)
}
