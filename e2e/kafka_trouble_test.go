//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// prove ends a test that takes minutes unless it is asked for.
func prove(t *testing.T) {
	t.Helper()
	if os.Getenv("LEAKTAP_PROVE") != "1" {
		t.Skip("did not run: it takes minutes (LEAKTAP_PROVE=1)")
	}
}

// leakAt makes a record that leaks, known by its number.
func leakAt(s *secrets, n int) string {
	return fmt.Sprintf("2026-11-23 10:00:00,000 DEBUG accounts.auth user %d has hash %s", n, s.Users[n%len(s.Users)].PasswordHash)
}

// foundAt returns the places at which there are findings, and how often the findings of
// a place were written at most.
func foundAt(t *testing.T, file string) (found map[place]bool, most int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	list, _ := parseFindings(string(text))
	found = map[place]bool{}
	times := map[string]int{}
	for _, f := range list {
		found[place{f.Source.Name, f.Source.Partition, f.Source.Offset}] = true
		times[f.ID]++
		most = max(most, times[f.ID])
	}
	return found, most
}

// waitFound waits until every place has a finding.
func waitFound(t *testing.T, file string, places []place, limit time.Duration, what string) {
	t.Helper()
	poll(t, 100*time.Millisecond, limit, what, func() error {
		found, _ := foundAt(t, file)
		missing := 0
		for _, p := range places {
			if !found[p] {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d are missing", missing, len(places))
		}
		return nil
	})
}

// TestBrokerRestarts goes on, without a restart of the agent, after the broker was
// restarted and after the topic was deleted and made again.
func TestBrokerRestarts(t *testing.T) {
	address, config := brokerConfig(t)
	formatNode(t, config)
	kafka := &broker{startNode(t, "kafka", address, config), address, newKafkaClient(t, address)}
	const topic = "restarts"
	kafka.topic(t, topic, 2)
	s := newSecrets()
	out := filepath.Join(t.TempDir(), "findings.jsonl")
	a := startAgent(t, "run", "run", "--config", runConfig{brokers: address, topics: []string{topic}, findings: out}.file(t))
	batch := func(from, n int) (values []string) {
		for i := from; i < from+n; i++ {
			values = append(values, leakAt(s, i))
		}
		return values
	}
	waitFound(t, out, kafka.mustProduce(t, topic, 2, batch(0, 50)), 30*time.Second, "findings before the restart")

	kafka.signal(syscall.SIGTERM)
	kafka.exit(t, 60*time.Second)
	kafka.restart(t, "kafka-again", config)
	begin := time.Now()
	places := kafka.mustProduce(t, topic, 2, batch(50, 50))
	waitFound(t, out, places, 60*time.Second, "findings after the restart")
	t.Logf("all was found %v after the broker was back", time.Since(begin).Round(100*time.Millisecond))

	req := kmsg.NewPtrDeleteTopicsRequest()
	name, entry := topic, kmsg.NewDeleteTopicsRequestTopic()
	entry.Topic = &name
	req.Topics, req.TopicNames = append(req.Topics, entry), []string{topic}
	if _, err := req.RequestWith(context.Background(), kafka.client); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "topic is made again", func() error {
		create := kmsg.NewPtrCreateTopicsRequest()
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = topic, 2, 1
		create.Topics = append(create.Topics, t)
		res, err := create.RequestWith(context.Background(), kafka.client)
		if err == nil && res.Topics[0].ErrorCode != 0 {
			err = fmt.Errorf("error %d", res.Topics[0].ErrorCode)
		}
		return err
	})
	before, _ := foundAt(t, out)
	client := newKafkaClient(t, address) // the old one remembers the old topic
	kafka.client = client
	kafka.mustProduce(t, topic, 2, batch(100, 400)) // more than before: offsets that were never read
	eventually(t, 60*time.Second, "findings of the new topic", func() error {
		found, _ := foundAt(t, out)
		if n := len(found) - len(before); n < 300 { // 100 places are those of the old topic
			return fmt.Errorf("%d findings at new places", n)
		}
		return nil
	})
	a.terminate(t)
}

// TestTerminatedAgentRepeatsNothing ends the agent in order while records flow: it
// leaves the group at once, and what follows it loses nothing and repeats nothing.
func TestTerminatedAgentRepeatsNothing(t *testing.T) {
	kafka := startBroker(t)
	const topic, partitions, rounds = "terminated", 4, 60
	kafka.topic(t, topic, partitions)
	s := newSecrets()
	out := filepath.Join(t.TempDir(), "findings.jsonl")
	config := runConfig{brokers: kafka.address, topics: []string{topic}, findings: out}.file(t)
	var places []place
	var mu sync.Mutex
	done := make(chan error, 1)
	go func() {
		for i := range rounds {
			values := make([]string, 50)
			for j := range values {
				values[j] = leakAt(s, i*50+j)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			got, err := kafka.produce(ctx, topic, partitions, values)
			cancel()
			if err != nil {
				done <- err
				return
			}
			mu.Lock()
			places = append(places, got...)
			mu.Unlock()
			time.Sleep(100 * time.Millisecond) // records flow for some seconds
		}
		done <- nil
	}()
	for round := range 3 {
		a := startAgent(t, fmt.Sprintf("run-%d", round+1), "run", "--config", config)
		eventually(t, 30*time.Second, "findings", func() error {
			if found, _ := foundAt(t, out); len(found) <= round*200 {
				return errors.New("too few yet")
			}
			return nil
		})
		begin := time.Now()
		a.terminate(t) // within 10 s
		t.Logf("ended %v after SIGTERM", time.Since(begin).Round(10*time.Millisecond))
		if n := members(t, kafka); n != 0 {
			t.Errorf("the group has %d members after the agent ended, want none", n)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	a := startAgent(t, "run-last", "run", "--config", config)
	waitFound(t, out, places, 60*time.Second, "everything is found")
	a.terminate(t)
	if _, most := foundAt(t, out); most != 1 {
		t.Errorf("a finding was written %d times, want once", most)
	}
}

// members is how many members the group e2e has.
func members(t *testing.T, kafka *broker) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{"e2e"}
	res, err := req.RequestWith(ctx, kafka.client)
	if err != nil {
		t.Fatal(err)
	}
	return len(res.Groups[0].Members)
}

// startCluster starts three nodes, each broker and controller, with everything on all
// of them.
func startCluster(t *testing.T) (nodes [3]*process, kafka *broker) {
	t.Helper()
	var addresses, voters []string
	for id := range nodes {
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", freePort(t)))
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", id+1, freePort(t)))
	}
	var configs []string
	for id := range nodes {
		dir := t.TempDir()
		_, controller, _ := strings.Cut(voters[id], "@")
		config := write(t, dir, "kafka.properties", fmt.Sprintf(`process.roles=broker,controller
node.id=%d
controller.quorum.voters=%s
listeners=PLAINTEXT://%[3]s,CONTROLLER://%[4]s
advertised.listeners=PLAINTEXT://%[3]s
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=%[5]s/log
auto.create.topics.enable=false
broker.session.timeout.ms=6000
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.rack=rack-%[1]d
replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector
`, id+1, strings.Join(voters, ","), addresses[id], controller, dir))
		formatNode(t, config)
		configs = append(configs, config)
	}
	var starting sync.WaitGroup
	for id := range nodes {
		starting.Go(func() { nodes[id] = startNode(t, fmt.Sprintf("kafka-%d", id+1), addresses[id], configs[id]) })
	}
	starting.Wait()
	return nodes, &broker{nodes[0], strings.Join(addresses, ","), newKafkaClient(t, addresses...)}
}

// waitForBrokers waits until a cluster has so many brokers.
func waitForBrokers(t *testing.T, kafka *broker, n int) {
	t.Helper()
	eventually(t, 60*time.Second, "cluster has its brokers", func() error {
		meta, err := kmsg.NewPtrMetadataRequest().RequestWith(context.Background(), kafka.client)
		if err == nil && len(meta.Brokers) < n {
			err = fmt.Errorf("%d of %d brokers", len(meta.Brokers), n)
		}
		return err
	})
}

// TestBrokerIsKilledInACluster ends one of three nodes with kill -9, with records
// under way: nothing is lost, and no record that was acknowledged waits for 15 s.
func TestBrokerIsKilledInACluster(t *testing.T) {
	prove(t)
	nodes, kafka := startCluster(t)
	const topic, partitions = "replicated", 6
	waitForBrokers(t, kafka, len(nodes))
	kafka.replicated(t, topic, partitions, 3)
	s := newSecrets()
	out := filepath.Join(t.TempDir(), "findings.jsonl")
	a := startAgent(t, "run", "run", "--config", runConfig{brokers: kafka.address, topics: []string{topic}, findings: out}.file(t))
	var mu sync.Mutex
	acked := map[place]time.Time{}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- nil
				return
			case <-time.After(50 * time.Millisecond):
			}
			ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
			values := make([]string, partitions)
			for i := range values {
				values[i] = leakAt(s, n*partitions+i)
			}
			places, err := kafka.produce(ctx, topic, partitions, values)
			cancel()
			if err != nil {
				done <- err
				return
			}
			mu.Lock()
			for _, p := range places {
				acked[p] = time.Now()
			}
			mu.Unlock()
		}
	}()
	time.Sleep(5 * time.Second) // records flow
	victim := rand.IntN(3)
	nodes[victim].kill()
	longest := time.Duration(0)
	seen := map[place]bool{}
	watch := func(limit time.Duration) {
		for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			found, _ := foundAt(t, out)
			mu.Lock()
			for p, at := range acked {
				if !seen[p] {
					longest = max(longest, time.Since(at))
				}
				seen[p] = seen[p] || found[p]
			}
			mu.Unlock()
		}
	}
	watch(40 * time.Second)
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	watch(5 * time.Second)
	lost := 0
	for p := range acked {
		if !seen[p] {
			lost++
		}
	}
	t.Logf("node %d killed: %d records, %d lost, the longest wait from ack to finding was %v", victim+1, len(acked), lost, longest.Round(100*time.Millisecond))
	if lost > 0 || longest > 15*time.Second {
		t.Errorf("%d records lost, longest gap %v; want none and less than 15 s", lost, longest)
	}
	a.terminate(t)
}

// TestTwoAgentsAreKilled ends one of two agents with kill -9, fifty times, over 100,000
// records.
func TestTwoAgentsAreKilled(t *testing.T) {
	prove(t)
	const kills = 50
	kafka := startBroker(t)
	kafka.topic(t, killTopic, killPartitions)
	s := newSecrets()
	l := &ledger{file: filepath.Join(t.TempDir(), "findings.jsonl"), planted: map[place]bool{}}
	config := runConfig{brokers: kafka.address, topics: []string{killTopic}, findings: l.file}.file(t)
	agents := [2]*agent{}
	for i := range agents {
		agents[i] = startAgent(t, fmt.Sprintf("run-%d", i), "run", "--config", config)
	}
	begin := time.Now()
	for k := range kills {
		if err := <-l.produce(kafka, s); err != nil {
			t.Fatal(err)
		}
		produced := l.produce(kafka, s)
		time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
		victim := agents[k%2]
		victim.signal(syscall.SIGKILL)
		victim.exit(t, 10*time.Second)
		if err := <-produced; err != nil {
			t.Fatal(err)
		}
		if k%10 == 9 {
			l.check(t, kafka, fmt.Sprintf("kill %d", k+1), kills)
		}
		agents[k%2] = startAgent(t, fmt.Sprintf("run-%d-%d", k%2, k), "run", "--config", config)
	}
	eventually(t, 120*time.Second, "everything is committed", func() error {
		if sum := total(kafka.committed(t, "e2e", killTopic)); sum < l.records {
			return fmt.Errorf("%d of %d records", sum, l.records)
		}
		return nil
	})
	for _, a := range agents {
		a.terminate(t)
	}
	l.check(t, kafka, "the end", kills)
	t.Logf("%d kills over %d records in %v", kills, l.records, time.Since(begin).Round(time.Second))
}

// TestFilesSurviveKills follows a file that is written to and rotated while the agent
// is ended with kill -9: no line is lost.
func TestFilesSurviveKills(t *testing.T) {
	s := newSecrets()
	dir := t.TempDir()
	out, log := filepath.Join(dir, "findings.jsonl"), filepath.Join(dir, "app.log")
	config := write(t, dir, "leaktap.yaml", fmt.Sprintf(`sources:
  - files: {paths: [%q], state: %q}
http: {listen: 127.0.0.1:0}
sinks:
  jsonl: {path: %q}
`, filepath.Join(dir, "*.log"), filepath.Join(dir, "state.json"), out))
	const kills, lines = 4, 1_000
	for k := range kills {
		a := startAgent(t, fmt.Sprintf("run-%d", k), "run", "--config", config)
		file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		killAt := rand.IntN(lines)
		for i := range lines {
			fmt.Fprintf(file, "line-%d-%d %s\n", k, i, leakAt(s, i))
			if i == killAt {
				time.Sleep(time.Duration(rand.IntN(1200)) * time.Millisecond)
				a.signal(syscall.SIGKILL)
				a.exit(t, 10*time.Second)
			}
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(log, filepath.Join(dir, fmt.Sprintf("old-%d.log", k))); err != nil {
			t.Fatal(err)
		}
	}
	a := startAgent(t, "run-last", "run", "--config", config)
	eventually(t, 30*time.Second, "every line is found", func() error {
		text, err := os.ReadFile(out)
		if err != nil {
			return err
		}
		list, _ := parseFindings(string(text))
		ids := map[string]bool{}
		for _, f := range list {
			ids[f.ID] = true
		}
		if len(ids) < kills*lines {
			return fmt.Errorf("%d of %d findings", len(ids), kills*lines)
		}
		return nil
	})
	a.terminate(t)
}
