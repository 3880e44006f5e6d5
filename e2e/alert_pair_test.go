//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// member is one Alertmanager of a cluster, which a test ends and starts again.
type member struct {
	*server
	name, address string
	args          []string
	hook          *receiver
}

// newPair returns two Alertmanagers that are not running and know each other.
func newPair(t *testing.T) [2]*member {
	t.Helper()
	cluster := [2]string{fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	var pair [2]*member
	for i := range pair {
		hook := startReceiver(t)
		config := alertmanagerConfig(t, hook.URL)
		pair[i] = &member{
			name: fmt.Sprintf("alertmanager-%d", i), address: fmt.Sprintf("127.0.0.1:%d", freePort(t)), hook: hook,
			args: []string{
				"--config.file=" + config, "--storage.path=" + filepath.Join(filepath.Dir(config), "data"),
				"--cluster.listen-address=" + cluster[i], "--cluster.advertise-address=" + cluster[i], "--cluster.peer=" + cluster[1-i],
				"--cluster.settle-timeout=1s", "--cluster.peer-timeout=1s",
			},
		}
	}
	return pair
}

// start starts the member; life tells its journals apart.
func (m *member) start(t *testing.T, life int) {
	t.Helper()
	m.server = startServerAt(t, m.address, fmt.Sprintf("%s-%d", m.name, life), "prometheus-alertmanager", m.args...)
}

// waitForPeers waits until the member sees so many in its cluster, itself among them.
func (m *member) waitForPeers(t *testing.T, n int) {
	t.Helper()
	type status struct{ Cluster struct{ Peers []struct{} } }
	eventually(t, 60*time.Second, m.name+" sees its peers", func() error {
		got, err := getJSON[status](m.url + "/api/v2/status")
		if err == nil && len(got.Cluster.Peers) != n {
			err = fmt.Errorf("%d peers", len(got.Cluster.Peers))
		}
		return err
	})
}

// services are those that the member holds alerts of leaktap for.
func (m *member) services(t *testing.T) string {
	t.Helper()
	seen := map[string]bool{}
	for _, labels := range m.alerts(t) {
		seen[labels["service"]] = true
	}
	var list []string
	for _, s := range []string{"first", "second"} {
		if seen[s] {
			list = append(list, s)
		}
	}
	return strings.Join(list, " ")
}

func (m *member) waitForServices(t *testing.T, want string) {
	t.Helper()
	eventually(t, 60*time.Second, fmt.Sprintf("%s holds alerts for %q", m.name, want), func() error {
		if got := m.services(t); got != want {
			return fmt.Errorf("it holds those for %q", got)
		}
		return nil
	})
}

// TestAlertmanagerPairWithOneDead has two Alertmanagers in a cluster, one of which dies, comes
// back, and then the other. Alerts are not among what a cluster shares: each member has them from
// leaktap, at once, or again when it is back, with the end of what has ended meanwhile.
func TestAlertmanagerPairWithOneDead(t *testing.T) {
	pair := newPair(t)
	one, two := pair[0], pair[1]
	one.start(t, 1)
	two.start(t, 1)
	one.waitForPeers(t, 2)
	two.waitForPeers(t, 2)
	two.kill()

	kafka := startBroker(t)
	const topic = "pair"
	kafka.topic(t, topic, 1)
	config := runConfig{
		brokers: kafka.address, topics: []string{topic}, findings: filepath.Join(t.TempDir(), "findings.jsonl"), alertmanager: one.url,
	}.file(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Replace(string(text), fmt.Sprintf("urls: [%q]", one.url), fmt.Sprintf("urls: [%q, %q], resolve_after: 30s", one.url, two.url), 1)
	a := startAgent(t, "run", "run", "--config", write(t, t.TempDir(), "leaktap.yaml", both))
	s := newSecrets()
	leak := func(service string) {
		kafka.mustProduce(t, topic, 1, []string{strings.Replace(leakyRecord(s), `"accounts"`, fmt.Sprintf("%q", service), 1)})
	}

	leak("first")
	one.waitForServices(t, "first")
	eventually(t, 10*time.Second, "a living member is enough to commit", func() error {
		if total(kafka.committed(t, "e2e", topic)) != 1 {
			return errors.New("the offset is not committed")
		}
		return nil
	})
	two.start(t, 2)
	two.waitForServices(t, "first")

	one.kill()
	leak("first") // so that it does not end before the other begins
	leak("second")
	two.waitForServices(t, "first second")
	one.start(t, 2)
	one.waitForServices(t, "first second")

	for _, m := range pair {
		m.waitForServices(t, "")
	}
	// One of a cluster tells people, the other only if that one did not.
	eventually(t, 30*time.Second, "people are told of the end", func() error {
		told := one.hook.received() + two.hook.received()
		for _, service := range []string{"first", "second"} {
			if !resolved(told, service) {
				return fmt.Errorf("the alert for %s is not resolved", service)
			}
		}
		return nil
	})
	a.terminate(t)
}

// resolved says whether a notification tells of the end of a service's alert.
func resolved(bodies, service string) bool {
	for body := range strings.Lines(bodies) {
		if strings.Contains(body, `"status":"resolved"`) && strings.Contains(body, fmt.Sprintf(`"service":%q`, service)) {
			return true
		}
	}
	return false
}
