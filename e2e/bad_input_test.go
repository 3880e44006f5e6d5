//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// good is a record that leaks: whatever stands beside it, it has to be found.
const good = `{"method":"GET","path":"/leaky/users","status":200,"response":{"body":"{\"password_hash\":\"pbkdf2:sha256:600000$a8Kd0sLq7Zx2$` +
	`3f1c9a7e5b2d4860f9e8d7c6b5a4938271605f4e3d2c1b0a99887766554433ff\"}"}}` + "\n"

// badInput is a mistake and what has to be said about it.
type badInput struct {
	name  string
	args  []string
	stdin string
	code  int
	// says are parts of standard error: the place and the cause.
	says []string
	// found is whether a leak beside the mistake has to be found.
	found bool
}

// TestBadInput makes mistakes. Each is answered with its place and its cause, costs
// nothing that was readable, and never shows a stack trace.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	leak := write(t, dir, "good.jsonl", good)
	cut := write(t, dir, "cut.jsonl.gz", gzipped(t, strings.Repeat(good, 3))[:150])
	taken := takenAddress(t)
	cases := []badInput{
		{
			name: "missing file", args: []string{"scan", "-o", "jsonl", dir + "/missing.log", leak},
			code: 3, says: []string{"missing.log", "no such file"}, found: true,
		},
		{
			name: "cut gzip", args: []string{"scan", "-o", "jsonl", cut, leak},
			code: 3, says: []string{"cut.jsonl.gz", "byte", "cut off"}, found: true,
		},
		{
			name: "half a JSON line", args: []string{"scan", "-o", "jsonl", "-"}, stdin: good[:len(good)-6],
			code: 3, says: []string{"-:1: ", "cut off"}, found: true,
		},
		{
			name: "half a JSON line before a whole one", args: []string{"scan", "-o", "jsonl", "-"}, stdin: good[:30] + "\n" + good,
			code: 3, says: []string{"-:1: ", "cut off"}, found: true,
		},
		{
			name: "no capture", args: []string{"sniff", "-r", leak},
			code: 3, says: []string{"good.jsonl", "neither pcap nor pcapng"},
		},
		{
			name: "unknown interface", args: []string{"sniff", "-i", "no-such0"},
			code: 3, says: []string{`"no-such0"`, "there are: "},
		},
		{
			name: "bad filter", args: []string{"sniff", "-i", "lo", "prot", "tcp"},
			code: 2, says: []string{`"prot tcp"`, "column 1"},
		},
		{
			name: "unreachable broker", args: []string{"tail", "-e", "-t", "logs", "-b", fmt.Sprintf("127.0.0.1:%d", freePort(t))},
			code: 3, says: []string{"127.0.0.1:", "connection refused"},
		},
		{
			name: "no Kafka broker", args: []string{"tail", "-e", "-t", "logs", "-b", hangUp(t)},
			code: 3, says: []string{"127.0.0.1:", "closed the connection"},
		},
		{
			name: "address taken", args: []string{"tail", "-t", "logs", "-b", "127.0.0.1:1", "--listen", taken},
			code: 2, says: []string{taken, "address already in use"},
		},
		{
			name: "broken YAML", args: []string{"run", "--config", write(t, dir, "broken.yaml", "sources: [\n")},
			code: 2, says: []string{"broken.yaml:1:10: "},
		},
		{
			name: "unknown key", args: []string{"check-config", write(t, dir, "key.yaml", "sources:\n  - kafka:\n      broker: [a:1]\n")},
			code: 2, says: []string{"key.yaml:3:7: ", `"broker"`, `did you mean "brokers"`},
		},
		{
			name: "missing key", args: []string{"run", "--config", write(t, dir, "group.yaml", "sources:\n  - kafka: {brokers: [\"a:1\"], topics: [t]}\n")},
			code: 2, says: []string{"group.yaml:2:", "group", "is needed"},
		},
		{
			name: "missing configuration", args: []string{"run", "--config", dir + "/missing.yaml"},
			code: 2, says: []string{"missing.yaml", "no such file"},
		},
		{
			name: "bad digest key", args: []string{"scan", "--key-file", write(t, dir, "key", "zz"), leak},
			code: 2, says: []string{"/key", "hexadecimal"},
		},
		{
			name: "misspelt rule", args: []string{"scan", "--disable", "password-hahs", leak},
			code: 2, says: []string{`"password-hahs"`, `did you mean "password-hash"`},
		},
		{
			name: "bad flag", args: []string{"scan", "--fail-on", "awful", leak},
			code: 2, says: []string{"--fail-on", `"awful"`, "critical"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.check(t, run(t, c.stdin, c.args...)) })
	}
}

// check compares how the binary ended with what the table says.
func (c *badInput) check(t *testing.T, res result) {
	t.Helper()
	if res.code != c.code {
		t.Errorf("exit code %d, want %d", res.code, c.code)
	}
	for _, part := range c.says {
		if !strings.Contains(res.stderr, part) {
			t.Errorf("standard error does not say %q", part)
		}
	}
	for _, trace := range []string{"goroutine ", "panic: ", "runtime error"} {
		if strings.Contains(res.stderr+res.stdout, trace) {
			t.Errorf("the output holds %q", trace)
		}
	}
	if found := strings.Contains(res.stdout, `"rule":"password-hash"`); found != c.found {
		t.Errorf("leak beside the mistake found: %t, want %t", found, c.found)
	}
	if t.Failed() {
		t.Logf("standard error:\n%s", res.stderr)
	}
}

// TestWrongTopic asks a real broker for a topic that it does not have.
func TestWrongTopic(t *testing.T) {
	kafka := startBroker(t)
	kafka.topic(t, "logs", 1)
	for _, group := range [][]string{nil, {"-g", "e2e"}} {
		c := badInput{code: 3, says: []string{`"lgos" does not exist`, "did you mean logs"}}
		args := append([]string{"tail", "-b", kafka.address, "-t", "lgos", "-e"}, group...)
		c.check(t, run(t, "", args...))
	}
}

// TestNoCapability sniffs without CAP_NET_RAW.
func TestNoCapability(t *testing.T) {
	args := []string{leaktap(), "sniff", "-i", "lo"}
	if os.Getuid() == 0 {
		args = append([]string{tool(t, "setpriv"), "--bounding-set=-net_raw", "--"}, args...)
	}
	p := start(t, "leaktap-sniff", exec.Command(args[0], args[1:]...))
	code := p.exit(t, runLimit)
	c := badInput{code: 3, says: []string{"lo: ", "CAP_NET_RAW", "setcap"}}
	c.check(t, result{code, p.stdout.text(), p.stderr.text()})
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// takenAddress is one on which something listens already.
func takenAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// hangUp is the address of something that closes every connection after a few bytes.
func hangUp(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed at the end of the test
			}
			_, _ = conn.Read(make([]byte, 1<<10)) // what is not read would reset the connection
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}
