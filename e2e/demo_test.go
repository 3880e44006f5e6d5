//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// firstFindingLimit is how long a newcomer waits for the first finding.
const firstFindingLimit = 5 * time.Second

// TestDemo runs the demo in an empty directory, as a newcomer does.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	home, work := filepath.Join(dir, "home"), filepath.Join(dir, "work")
	for _, d := range []string{home, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(leaktap(), "demo", "--duration", "12s", "--listen", "127.0.0.1:0")
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home)
	started := time.Now()
	p := start(t, "demo", cmd)
	p.expect(t, p.stdout, `\b(CRITICAL|HIGH) .*\n`, firstFindingLimit)
	t.Logf("first finding after %v", time.Since(started).Round(time.Millisecond))

	page := p.expect(t, p.stderr, `findings page\s+(\S+?)/?\n`, firstFindingLimit)[1]
	a := &agent{p, t, page}
	outputs := pile{}
	if pages := a.crawl(outputs); pages < 20 {
		t.Errorf("the findings page has %d pages", pages)
	}
	a.waitForMetric("leaktap_findings_total", 10)
	outputs.keep("metrics", a.metrics())
	if code := p.exit(t, 25*time.Second); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, d := range []string{home, work} {
		if left, err := os.ReadDir(d); err != nil || len(left) > 0 {
			t.Errorf("the demo left %v behind (%v)", left, err)
		}
	}
	outputs.keepProcess(p)
	// The demo makes its own secrets: what they look like is known.
	secret := regexp.MustCompile(`eyJ[\w-]+\.eyJ|pbkdf2:sha256:600000\$[0-9a-f]|[a-z.]+\d+@shop\.test|postgresql://shop:[0-9a-f]`)
	for name, text := range outputs {
		if m := secret.FindString(text); m != "" {
			t.Errorf("%s holds a secret of the form %.8s…", name, m)
		}
	}
	if strings.Contains(p.stderr.text(), "goroutine ") {
		t.Error("the demo shows a stack trace")
	}
}
