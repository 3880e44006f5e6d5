//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logDir keeps the output of every process, by test and process.
const logDir = root + "/.tools/e2e-logs"

// process is a program that a test started, in a process group of its own.
type process struct {
	name           string
	cmd            *exec.Cmd
	stdout, stderr *journal
	done           chan struct{} // closed when the process has ended
}

// start runs cmd until the test ends, and keeps what it writes.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{
		name: name, cmd: cmd, done: make(chan struct{}),
		stdout: newJournal(t, name+".out"), stderr: newJournal(t, name+".err"),
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // no process outlives a test that panics
	cmd.Stdout, cmd.Stderr = p.stdout, p.stderr
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // what it says is in ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s: end of standard error:\n%s", name, tail(p.stderr.text(), 40))
			t.Logf("%s: end of standard output:\n%s", name, tail(p.stdout.text(), 10))
		}
		p.stdout.close()
		p.stderr.close()
	})
	return p
}

// kill ends the whole group as kill -9 does and waits for it.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// signal reaches the whole group, as long as the process runs.
func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, s) // it may have ended just now
	}
}

// exit waits until the process has ended and returns its exit code.
func (p *process) exit(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		t.Fatalf("%s is still there after %v", p.name, limit)
	}
	return p.cmd.ProcessState.ExitCode()
}

// terminate sends SIGTERM to an agent, which has to end in order and soon.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.exit(t, 10*time.Second); code != exitSIGTERM {
		t.Errorf("%s ended with %d on SIGTERM, want %d", p.name, code, exitSIGTERM)
	}
}

// expect waits until a line of the journal matches and returns the match with its
// groups.
func (p *process) expect(t *testing.T, j *journal, expression string, limit time.Duration) []string {
	t.Helper()
	re := regexp.MustCompile(expression)
	deadline := time.After(limit)
	for {
		grown := j.watch()
		if m := re.FindStringSubmatch(j.text()); m != nil {
			return m
		}
		select {
		case <-grown:
		case <-p.done:
			if m := re.FindStringSubmatch(j.text()); m != nil {
				return m
			}
			t.Fatalf("%s ended (%v) before it said %q", p.name, p.cmd.ProcessState, expression)
		case <-deadline:
			t.Fatalf("%s did not say %q within %v", p.name, expression, limit)
		}
	}
}

// journal is what a process wrote, in memory and in a file of the same name.
type journal struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	file  *os.File
	grown chan struct{} // closed and replaced with each write
}

func newJournal(t *testing.T, name string) *journal {
	t.Helper()
	dir := filepath.Join(logDir, filepath.FromSlash(t.Name()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return &journal{file: file, grown: make(chan struct{})}
}

// Write keeps b.
func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buf.Write(b)
	close(j.grown)
	j.grown = make(chan struct{})
	return j.file.Write(b)
}

// text is all that was written so far.
func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

// watch returns a channel that the next write closes.
func (j *journal) watch() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.grown
}

func (j *journal) close() { _ = j.file.Close() }

// result is how a process ended that a test waited for.
type result struct {
	code           int
	stdout, stderr string
}

// runLimit is the time that a command without an end of its own may take.
const runLimit = 60 * time.Second

// run runs the binary under test to its end.
func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := exec.Command(leaktap(), args...)
	cmd.Stdin = io.NopCloser(strings.NewReader(stdin))
	p := start(t, "leaktap-"+args[0], cmd)
	code := p.exit(t, runLimit)
	return result{code, p.stdout.text(), p.stderr.text()}
}

// must runs a program that has to succeed.
func must(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), exit, out)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tail returns the last lines of a text, long ones cut.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	all = all[max(0, len(all)-lines):]
	for i, line := range all {
		all[i] = line[:min(len(line), 400)]
	}
	return strings.Join(all, "\n")
}
