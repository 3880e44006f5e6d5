//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// root is the repository, relative to where go test runs the tests.
const root = ".."

// binaryVariable names the binary for a copy of the tests in another namespace.
const binaryVariable = "LEAKTAP_E2E_BINARY"

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

// testMain builds the binary, as releases are built, and runs the tests on it.
func testMain(m *testing.M) int {
	if os.Getenv(serverVariable) != "" {
		return serveRecords()
	}
	if os.Getenv(binaryVariable) == "" {
		dir, err := os.MkdirTemp("", "leaktap-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary := filepath.Join(dir, "leaktap")
		build := exec.Command("go", "build", "-o", binary, "./cmd/leaktap")
		build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build leaktap: %v\n%s", err, out)
			return 1
		}
		if err := os.Setenv(binaryVariable, binary); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// leaktap is the binary under test.
func leaktap() string { return os.Getenv(binaryVariable) }

// need ends a test whose component is missing: as skipped on a developer's machine,
// as failed in CI.
func need(t *testing.T, component string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is needed in CI: %v", component, err)
	default:
		t.Skipf("did not run: %s: %v", component, err)
	}
}

// tool returns the path of a program that the test needs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	need(t, name, err)
	return path
}

// write makes a file in a directory and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
