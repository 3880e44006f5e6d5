package deploy

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// containerVariable makes this test's binary start another one as a container
// runtime would; its value is the manifest's capabilities.add.
const containerVariable = "LEAKTAP_DEPLOY_TEST_ADD"

// TestFileCapability starts each image's binary with the credentials that a
// runtime gives under the manifests: uid 65532, no_new_privs, and what the
// manifest adds as bounding, permitted and effective set.
func TestFileCapability(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("did not run: needs root to give a file a capability and to become another user")
		}
		t.Skip("needs root to give a file a capability and to become another user")
	}
	tail := binaryOf(t)
	sniff := withCapability(t, tail)
	tests := []struct {
		name, binary, add, verb string
		want                    string
	}{
		{"DaemonSet", sniff, "NET_RAW", "sniff -i lo", "msg=capturing"},
		{"DaemonSet with the image to tail", tail, "NET_RAW", "sniff -i lo", "CAP_NET_RAW is missing"},
		{"Deployment", tail, "none", "version", "leaktap "},
		{"Deployment with the image to sniff", sniff, "none", "version", "start container: operation not permitted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := exec.CommandContext(t.Context(), os.Args[0], append([]string{tt.binary}, strings.Fields(tt.verb)...)...)
			c.Env = append(os.Environ(), containerVariable+"="+tt.add)
			if got := outputUntil(t, c, tt.want); !strings.Contains(got, tt.want) {
				t.Errorf("output lacks %q:\n%s", tt.want, got)
			}
		})
	}
}

// withCapability copies a binary and gives the copy what setcap cap_net_raw+ep
// does: struct vfs_cap_data of linux/capability.h, revision 2.
func withCapability(t *testing.T, source string) (copied string) {
	t.Helper()
	copied = filepath.Join(filepath.Dir(source), "sniff")
	content, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, content, 0o755); err != nil {
		t.Fatal(err)
	}
	const revision2, effective = 0x02000000, 0x000001
	var attribute [20]byte // flags, permitted and inheritable set, and both again for bits from 32 on
	binary.LittleEndian.PutUint32(attribute[0:], revision2|effective)
	binary.LittleEndian.PutUint32(attribute[4:], 1<<unix.CAP_NET_RAW)
	if err := unix.Setxattr(copied, "security.capability", attribute[:], 0); err != nil {
		t.Fatalf("set file capability: %v", err)
	}
	return copied
}

// outputUntil runs c until its output holds the text, or to its end.
func outputUntil(t *testing.T, c *exec.Cmd, text string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c.Stdout, c.Stderr = w, w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	var got strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		fmt.Fprintln(&got, lines.Text())
		if strings.Contains(lines.Text(), text) {
			break
		}
	}
	_ = c.Process.Kill()
	_ = c.Wait() // how it ended says nothing that the output does not
	return got.String()
}

// startContainer does what runc does between clone and execve, in this thread,
// and returns only if that fails.
func startContainer(add string, args []string) error {
	runtime.LockOSThread()
	var capabilities uint32
	if add == "NET_RAW" {
		capabilities = 1 << unix.CAP_NET_RAW
	}
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		if capabilities>>c&1 == 0 {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0) // fails for those that this kernel does not have
		}
	}
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return err
	}
	for _, call := range []uintptr{unix.SYS_SETGROUPS, unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
		id := uintptr(uid)
		if call == unix.SYS_SETGROUPS {
			id = 0 // no groups
		}
		if _, _, errno := unix.RawSyscall(call, id, id, id); errno != 0 {
			return errno
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	sets := [2]unix.CapUserData{{Effective: capabilities, Permitted: capabilities}}
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return fmt.Errorf("start container: %w", unix.Exec(args[0], args, os.Environ()))
}
