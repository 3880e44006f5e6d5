//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	harvestAgents = 4
	harvestReads  = 320 // each agent sees 80, which is no harvest
)

// TestAggregatorsOnACluster spreads a harvest over four agents on three nodes. Aggregators
// are killed while it goes on, and others are added: what is left of them finds it, once.
func TestAggregatorsOnACluster(t *testing.T) {
	_, kafka := startCluster(t)
	waitForBrokers(t, kafka, 3)
	kafka.replicated(t, "traffic", harvestAgents, 3)
	kafka.replicated(t, "observations", 6, 3)
	kafka.replicated(t, "findings", 6, 3)
	h := &harvesting{
		t: t, kafka: kafka, dir: t.TempDir(), start: time.Now().Add(-harvestReads * 20 * time.Second),
		brokers: "'" + strings.ReplaceAll(kafka.address, ",", "', '") + "'",
	}
	h.key = write(t, h.dir, "key", strings.TrimSpace(run(t, "", "key", "new").stdout)+"\n")
	for n := range harvestAgents {
		h.agents = append(h.agents, h.agent(n))
	}

	first, second := h.aggregator("first"), h.aggregator("second")
	h.haveAll(first, second)
	h.read(0, harvestReads/4)
	first.kill() // a caller's partition belongs to one of the two
	h.haveAll(second)
	third := h.aggregator("third")
	h.haveAll(second, third)
	second.kill()
	h.haveAll(third)
	h.read(harvestReads/4, harvestReads/2)
	fourth := h.aggregator("fourth")
	h.haveAll(third, fourth)
	h.read(harvestReads/2, harvestReads)

	eventually(t, 30*time.Second, "the harvest is found", func() error {
		if len(h.harvests("third", "fourth")) == 0 {
			return errors.New("no finding yet")
		}
		return nil
	})
	third.terminate(t)
	h.haveAll(fourth)
	h.read(harvestReads, harvestReads+harvestAgents) // so that all that was read back is judged
	ids := map[string]bool{}
	for _, f := range h.harvests("first", "second", "third", "fourth") {
		ids[f.ID+" "+f.Fingerprint] = true
	}
	if len(ids) != 1 {
		t.Errorf("the harvest was found as %v, want one id with one fingerprint", ids)
	}
	for n := range harvestAgents {
		if alone := h.harvests(agentName(n)); len(alone) > 0 {
			t.Errorf("agent %d alone found %d harvests: the test shows nothing", n, len(alone))
		}
	}
}

// harvesting is four agents and their aggregators.
type harvesting struct {
	t            *testing.T
	kafka        *broker
	dir          string
	key, brokers string
	start        time.Time
	agents       []*agent
}

func agentName(n int) string { return fmt.Sprintf("agent-%d", n) }

func (h *harvesting) findings(name string) string { return filepath.Join(h.dir, name+".jsonl") }

// agent starts an agent that reads its share of the traffic.
func (h *harvesting) agent(n int) *agent {
	h.t.Helper()
	name := agentName(n)
	config := write(h.t, h.dir, name+".yaml", fmt.Sprintf(`sources:
  - kafka: {brokers: [%[1]s], topics: [traffic], group: agents, start: earliest}
classify: {key_file: %[2]q}
http: {listen: 127.0.0.1:0}
sinks:
  jsonl: {path: %[3]q}
  observations: {brokers: [%[1]s], topic: observations}
  kafka: {brokers: [%[1]s], topic: findings}
`, h.brokers, h.key, h.findings(name)))
	return startAgent(h.t, name, "run", "--config", config)
}

// aggregator starts an aggregator, whose death the group notices soon.
func (h *harvesting) aggregator(name string) *agent {
	h.t.Helper()
	config := write(h.t, h.dir, name+".yaml", fmt.Sprintf(`sources:
  - kafka: {brokers: [%s], topics: [observations, findings], group: aggregators, session_timeout: 6s}
classify: {key_file: %q}
http: {listen: 127.0.0.1:0}
sinks:
  jsonl: {path: %q}
`, h.brokers, h.key, h.findings(name)))
	return startAgent(h.t, name, "aggregate", "--config", config)
}

// haveAll waits until these aggregators have all partitions between them, and each has some.
func (h *harvesting) haveAll(list ...*agent) {
	h.t.Helper()
	const partitions = 12
	eventually(h.t, 60*time.Second, "aggregators have all partitions", func() error {
		sum, shares := 0, ""
		for _, a := range list {
			joined := strings.Split(a.stderr.text(), `msg="joined group"`)
			last := joined[len(joined)-1]
			_, share, _ := strings.Cut(last, "partitions=")
			n, _ := strconv.Atoi(strings.Fields(share + " 0")[0])
			if shares += fmt.Sprintf(" %s has %d", a.name, n); n == 0 {
				return fmt.Errorf("of %d:%s", partitions, shares)
			}
			sum += n
		}
		if sum != partitions {
			return fmt.Errorf("of %d:%s", partitions, shares)
		}
		return nil
	})
}

// read sends what one caller reads, in turn to all agents, and waits until they have seen it.
func (h *harvesting) read(from, to int) {
	h.t.Helper()
	var records []string
	for n := from; n < to; n++ {
		id := int(uint32(n+1)*2654435761) % 100_000_000
		records = append(records, fmt.Sprintf(`{"timestamp":%q,"request_method":"GET","host":"api.shop.test","request_uri":"/api/profile/%d","status":200,`+
			`"request_headers":{"Authorization":"Bearer %s"},"response_headers":{"Content-Type":"application/json"},`+
			`"response_body":"{\"id\":%d,\"email\":\"user.%d@mailbox.org\",\"phone\":\"+49 30 90%06d\"}","remote_addr":"192.0.2.%d"}`,
			h.start.Add(time.Duration(n)*20*time.Second).UTC().Format(time.RFC3339), id, strings.Repeat("k7Q2", 10), id, n, n, n%200))
	}
	h.kafka.mustProduce(h.t, "traffic", harvestAgents, records)
	eventually(h.t, 60*time.Second, "agents have committed what they read", func() error {
		if sum := total(h.kafka.committed(h.t, "agents", "traffic")); sum < int64(to) {
			return fmt.Errorf("%d of %d records", sum, to)
		}
		return nil
	})
}

// harvests returns the harvests that were found.
func (h *harvesting) harvests(names ...string) (list []finding) {
	h.t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(h.findings(name))
		if err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		found, _ := parseFindings(string(text))
		for _, f := range found {
			if f.Rule == "harvest" {
				list = append(list, f)
			}
		}
	}
	return list
}
