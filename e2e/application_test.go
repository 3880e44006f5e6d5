//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// python is the interpreter of the environment that make deps sets up.
const python = root + "/.tools/venv/bin/python"

// application is the Flask application, running.
type application struct {
	*process
	secrets *secrets
	port    string
	logs    string // the directory of access.log and debug.log
}

// startApplication starts the application on a host's address, with clone flags for
// the namespaces that it is to be in.
func startApplication(t *testing.T, s *secrets, host string, cloneFlags uintptr) *application {
	t.Helper()
	interpreter, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(interpreter)
	need(t, "the Python environment (make deps)", err)
	dir := t.TempDir()
	planted, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, "app/app.py", host, write(t, dir, "secrets.json", string(planted)), dir)
	// The debug route shows the environment: one that is the same everywhere.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "SHLVL=1", "FLASK_ENV=production", "PYTHONDONTWRITEBYTECODE=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: cloneFlags}
	p := start(t, "application", cmd)
	port := p.expect(t, p.stdout, `listening on (\d+)`, 30*time.Second)[1]
	return &application{p, s, port, dir}
}

// lines returns the records of one of the application's logs.
func (a *application) lines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(a.logs, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}

// client calls the application as one of its users does.
type client struct {
	t       *testing.T
	base    string
	secrets *secrets
}

func (a *application) client(t *testing.T, host string) *client {
	return &client{t, "http://" + net.JoinHostPort(host, a.port), a.secrets}
}

// call makes one request over a connection of its own and checks the status.
func (c *client) call(method, path, token, body string, status int) []byte {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Close = true
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		c.t.Fatalf("%s %s: status %d, want %d (%v)", method, path, res.StatusCode, status, err)
	}
	return answer
}

// login returns the token that the application issues to a user.
func (c *client) login(prefix string, u user) string {
	c.t.Helper()
	form := fmt.Sprintf(`{"username":%q,"password":%q}`, u.Username, u.Password)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(c.call("POST", prefix+"/login", "", form, 200), &answer); err != nil {
		c.t.Fatalf("%s/login: %v", prefix, err)
	}
	c.secrets.plantToken(answer.Token)
	return answer.Token
}

// leaky calls every route that leaks and returns how many calls that took.
func (c *client) leaky() (calls int) {
	c.t.Helper()
	token := c.login("/leaky", c.secrets.Users[0])
	c.call("GET", "/leaky/profile/2", token, "", 200)
	c.call("GET", "/leaky/users", token, "", 200)
	c.call("GET", "/leaky/report", token, "", 500)
	c.call("GET", "/leaky/debug", token, "", 200)
	return 5
}

// fixed calls the twin of every route that leaks and returns how many calls that took.
func (c *client) fixed() (calls int) {
	c.t.Helper()
	token := c.login("/fixed", c.secrets.Users[0])
	c.call("GET", "/fixed/profile/1", token, "", 200)
	c.call("GET", "/fixed/users", token, "", 200)
	c.call("GET", "/fixed/report", token, "", 500)
	c.call("GET", "/fixed/debug", token, "", 404)
	return 5
}
