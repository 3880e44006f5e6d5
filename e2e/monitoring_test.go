//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// receiver is a webhook that keeps what it gets.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	bodies  []string
	headers []http.Header
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startReceiverAt(t, l)
}

// startReceiverAt starts a receiver on a listener.
func startReceiverAt(t *testing.T, l net.Listener) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies, r.headers = append(r.bodies, string(body)), append(r.headers, req.Header)
	}))
	r.Listener = l
	r.Start()
	t.Cleanup(r.Close)
	return r
}

// received returns the bodies so far.
func (r *receiver) received() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.bodies, "\n")
}

// header returns that of the first request.
func (r *receiver) header(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.headers) == 0 {
		return ""
	}
	return r.headers[0].Get(name)
}

// server is a program with an HTTP API.
type server struct {
	*process
	url string
}

// startServer starts a program that serves on a free port and waits until it is ready.
func startServer(t *testing.T, program string, args ...string) *server {
	t.Helper()
	return startServerAt(t, fmt.Sprintf("127.0.0.1:%d", freePort(t)), program, program, args...)
}

// startServerAt starts a program under a name of its own, at an address.
func startServerAt(t *testing.T, address, name, program string, args ...string) *server {
	t.Helper()
	p := start(t, name, exec.Command(tool(t, program), append(args, "--web.listen-address="+address)...))
	s := &server{p, "http://" + address}
	eventually(t, 30*time.Second, name+" is ready", func() error {
		_, err := get(s.url + "/-/ready")
		return err
	})
	return s
}

// startAlertmanager starts Alertmanager, which tells the webhook of every alert.
func startAlertmanager(t *testing.T, webhook string) *server {
	t.Helper()
	config := alertmanagerConfig(t, webhook)
	return startServer(t, "prometheus-alertmanager", "--config.file="+config,
		"--storage.path="+filepath.Join(filepath.Dir(config), "data"), "--cluster.listen-address=")
}

// alertmanagerConfig writes a configuration, in a directory of its own, with which the webhook is
// told of every alert.
func alertmanagerConfig(t *testing.T, webhook string) string {
	t.Helper()
	return write(t, t.TempDir(), "alertmanager.yml", fmt.Sprintf(`route: {receiver: test, group_by: ['...'], group_wait: 0s, group_interval: 1s}
receivers:
  - name: test
    webhook_configs: [{url: %q}]
`, webhook))
}

// startPrometheus starts Prometheus with leaktap's rules. It scrapes the agent every
// second and sends alerts to an Alertmanager.
func startPrometheus(t *testing.T, agent, alertmanager string) *server {
	t.Helper()
	rules, err := filepath.Abs(root + "/dashboards/rules/leaktap.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := write(t, dir, "prometheus.yml", fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
alerting:
  alertmanagers: [{static_configs: [{targets: [%q]}]}]
scrape_configs:
  - {job_name: leaktap, static_configs: [{targets: [%q]}]}
`, rules, hostOf(alertmanager), hostOf(agent)))
	// Prometheus finds its Alertmanagers 5 s after its start; an alert before that is
	// sent again after the delay, a minute by default.
	return startServer(t, "prometheus", "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--rules.alert.resend-delay=1s")
}

func hostOf(url string) string { return strings.TrimPrefix(url, "http://") }
