//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// namespaceVariable says that this is the copy of the tests in a namespace.
const namespaceVariable = "LEAKTAP_E2E_NAMESPACE"

// The two ends of the veth pair. The sniffer is on the client's side.
const (
	clientLink, clientAddress = "lt-client", "192.0.2.1" // RFC 5737, TEST-NET-1
	serverLink, serverAddress = "lt-server", "192.0.2.2"
)

// inNamespace runs the calling test again in a network namespace of its own, and for
// a user who is not root in a user namespace in which he is. It returns true in that
// copy; the original has the copy's outcome when it returns false.
func inNamespace(t *testing.T) bool {
	t.Helper()
	return inNamespaceFor(t, 5*time.Minute)
}

// inNamespaceFor is inNamespace for tests that take longer.
func inNamespaceFor(t *testing.T, limit time.Duration) bool {
	t.Helper()
	if os.Getenv(namespaceVariable) != "" {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1", "-test.timeout="+limit.String())
	cmd.Env = append(os.Environ(), namespaceVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	need(t, "a network namespace", canClone(cmd.SysProcAttr))
	p := start(t, "namespace", cmd)
	code := p.exit(t, limit)
	t.Logf("in its own namespace:\n%s", p.stdout.text())
	if strings.Contains(p.stdout.text(), "--- SKIP: "+t.Name()+" ") {
		t.SkipNow()
	}
	if code != 0 {
		t.Errorf("the copy of this test in its own namespace ended with %d", code)
	}
	return false
}

// canClone says why this machine gives no such namespaces.
func canClone(attr *syscall.SysProcAttr) error {
	probe := exec.Command("true")
	copied := *attr
	probe.SysProcAttr = &copied
	return probe.Run()
}

// connect joins this network namespace to that of a process with a veth pair.
func connect(t *testing.T, pid int) {
	t.Helper()
	link(t, pid, clientLink, clientAddress, serverLink, serverAddress)
}

// link makes one end of a veth pair here and the other in the namespace of a process.
func link(t *testing.T, pid int, clientLink, clientAddress, serverLink, serverAddress string) {
	t.Helper()
	ip := tool(t, "ip")
	other := strconv.Itoa(pid)
	inside := func(args ...string) { must(t, tool(t, "nsenter"), append([]string{"-t", other, "-n", ip}, args...)...) }
	must(t, ip, "link", "set", "lo", "up")
	must(t, ip, "link", "add", clientLink, "type", "veth", "peer", "name", serverLink, "netns", other)
	must(t, ip, "addr", "add", clientAddress+"/24", "dev", clientLink)
	must(t, ip, "link", "set", clientLink, "up")
	inside("addr", "add", serverAddress+"/24", "dev", serverLink)
	inside("link", "set", serverLink, "up")
	inside("link", "set", "lo", "up")
}
