//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outage is records that flow while the receiver of a sink is away, and the agents that read them.
type outage struct {
	kafka   *broker
	config  string
	spool   string // the sink's folder
	secrets *secrets
	outputs pile
	// planted are the places of the records that leak.
	planted map[place]bool
	records int64
}

// outageTopic has the records.
const (
	outageTopic      = "spooled"
	outagePartitions = 4
)

// newOutage starts a broker, and writes a configuration with a spool. sinks are lines of YAML.
func newOutage(t *testing.T, c runConfig, sink, sinks string) *outage {
	t.Helper()
	dir := t.TempDir()
	o := &outage{kafka: startBroker(t), spool: filepath.Join(dir, "spool", sink), secrets: newSecrets(), outputs: pile{}, planted: map[place]bool{}}
	o.kafka.topic(t, outageTopic, outagePartitions)
	c.brokers, c.topics, c.findings = o.kafka.address, []string{outageTopic}, filepath.Join(dir, "findings.jsonl")
	text, err := os.ReadFile(c.file(t))
	if err != nil {
		t.Fatal(err)
	}
	o.config = write(t, dir, "leaktap.yaml", string(text)+sinks+fmt.Sprintf("  spool: {dir: %q}\n", filepath.Dir(o.spool)))
	return o
}

func (o *outage) start(t *testing.T, name string) *agent {
	t.Helper()
	return startAgent(t, name, "run", "--config", o.config)
}

// write writes records; each third leaks.
func (o *outage) write(t *testing.T, batches int) {
	t.Helper()
	for range batches {
		values := make([]string, 30)
		for i := range values {
			values[i] = recordOf(o.secrets, i)
		}
		for i, at := range o.kafka.mustProduce(t, outageTopic, outagePartitions, values) {
			o.records++
			if i%3 == 0 {
				o.planted[at] = true
			}
		}
	}
}

// committed wants more than a number of records to be committed.
func (o *outage) committed(t *testing.T, more int64) error {
	t.Helper()
	if sum := total(o.kafka.committed(t, "e2e", outageTopic)); sum <= more {
		return fmt.Errorf("%d of %d records are committed", sum, o.records)
	}
	return nil
}

// kill kills an agent with -9.
func (o *outage) kill(t *testing.T, a *agent) {
	t.Helper()
	a.signal(syscall.SIGKILL)
	a.exit(t, 10*time.Second)
	o.outputs.keepProcess(a.process)
}

// flow starts agents that are killed while records flow, the first at once, the others when they
// have committed something of theirs. The last one reads all, and is killed, too.
func (o *outage) flow(t *testing.T, agents int) {
	t.Helper()
	for round := range agents {
		a := o.start(t, fmt.Sprintf("run-%d", round+1))
		before := o.records
		o.write(t, 30)
		poll(t, time.Millisecond, 60*time.Second, "moment to kill", func() error {
			if round == 0 {
				return nil
			}
			return o.committed(t, before)
		})
		o.kill(t, a)
	}
	a := o.start(t, "run-last")
	eventually(t, 60*time.Second, "everything is committed during the outage", func() error { return o.committed(t, o.records-1) })
	if a.metric("leaktap_spool_bytes") == 0 {
		t.Error("leaktap_spool_bytes does not tell of the spool")
	}
	o.kill(t, a)
	files, err := filepath.Glob(filepath.Join(o.spool, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the spool has files %v (%v)", files, err)
	}
	for _, file := range files {
		o.outputs.keepFile(t, file) // no plaintext in it
	}
}

// missing says how many leaks are not among findings.
func (o *outage) missing(list []finding) error {
	found := map[place]bool{}
	for _, f := range list {
		found[place{f.Source.Name, f.Source.Partition, f.Source.Offset}] = true
	}
	missing := 0
	for at := range o.planted {
		if !found[at] {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d leaks are missing", missing, len(o.planted))
	}
	return nil
}

// TestSpoolLosesNothing has no receiver for the webhook while records flow and the agent ends
// four times by kill -9. All offsets are committed during the outage; when the receiver is
// there, every leak comes.
func TestSpoolLosesNothing(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	o := newOutage(t, runConfig{webhook: "http://" + address + "/hook"}, "webhook", "")
	o.flow(t, 3)
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := startReceiverAt(t, l)
	a := o.start(t, "run-receiver")
	eventually(t, 60*time.Second, "every leak has come", func() error {
		var all []finding
		for body := range strings.Lines(r.received()) {
			var batch struct{ Findings []finding }
			if err := json.Unmarshal([]byte(body), &batch); err != nil {
				return err
			}
			all = append(all, batch.Findings...)
		}
		return o.missing(all)
	})
	if n := a.metric("leaktap_spool_dropped_total"); n > 4 { // a torn end for each kill
		t.Errorf("%v findings were dropped", n)
	}
	a.terminate(t)
	o.outputs.keep("webhook", r.received())
	o.outputs.search(t, o.secrets)
	t.Logf("%d records, %d leaks, 4 kills: all came", o.records, len(o.planted))
}

// sent is a finding as a topic holds it.
type sent struct {
	finding
	key, id, text string
}

// sentTo reads all of a topic.
func sentTo(t *testing.T, kafka *broker, topic string) (list []sent) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.address), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		fetched := client.PollFetches(ctx)
		cancel()
		if fetched.NumRecords() == 0 {
			return list
		}
		fetched.EachRecord(func(r *kgo.Record) {
			one := sent{key: string(r.Key), text: string(r.Value)}
			for _, h := range r.Headers {
				if h.Key == "id" {
					one.id = string(h.Value)
				}
			}
			if err := json.Unmarshal(r.Value, &one.finding); err != nil {
				t.Fatalf("%s holds what is no finding: %v", topic, err)
			}
			list = append(list, one)
		})
	}
}

// TestKafkaSinkSpools kills the broker of the Kafka sink while records flow, and the agent while
// that is away and again while the spool empties. Every leak comes to the topic; what comes
// again has the same id, key and place.
func TestKafkaSinkSpools(t *testing.T) {
	const topic = "findings"
	address, config := brokerConfig(t)
	formatNode(t, config)
	sink := &broker{startNode(t, "sink", address, config), address, newKafkaClient(t, address)}
	sink.topic(t, topic, 2)
	o := newOutage(t, runConfig{}, "kafka", fmt.Sprintf("  kafka: {brokers: [%q], topic: %s, timeout: 2s}\n", address, topic))
	a := o.start(t, "run-before")
	o.write(t, 5)
	eventually(t, 60*time.Second, "the first leaks have come", func() error { return o.missing(findingsOf(sentTo(t, sink, topic))) })

	sink.signal(syscall.SIGKILL)
	sink.exit(t, 10*time.Second)
	o.write(t, 5)
	eventually(t, 60*time.Second, "the outage is seen", func() error {
		if a.metric("leaktap_spool_bytes") == 0 {
			return errors.New("the spool is empty")
		}
		return nil
	})
	o.kill(t, a)
	o.flow(t, 2)

	sink.restart(t, "sink-again", config)
	a = o.start(t, "run-emptying")
	poll(t, 10*time.Millisecond, 60*time.Second, "the spool empties", func() error {
		if a.metric(`leaktap_notifications_total{sink="kafka"}`) == 0 {
			return errors.New("nothing is delivered")
		}
		return nil
	})
	o.kill(t, a)
	a = o.start(t, "run-after")
	eventually(t, 90*time.Second, "every leak has come", func() error { return o.missing(findingsOf(sentTo(t, sink, topic))) })
	if n := a.metric("leaktap_spool_dropped_total"); n > 5 { // a torn end for each kill
		t.Errorf("%v findings were dropped", n)
	}
	a.terminate(t)
	all := sentTo(t, sink, topic)
	repeats := sameWhenRepeated(t, all)
	for _, f := range all {
		o.outputs.keep("topic", f.text)
	}
	o.outputs.search(t, o.secrets)
	t.Logf("%d records, %d leaks, 5 kills of the agent and one of the broker: all came, %d again", o.records, len(o.planted), repeats)
}

func findingsOf(list []sent) (all []finding) {
	for _, one := range list {
		all = append(all, one.finding)
	}
	return all
}

// sameWhenRepeated checks that findings with one id are one finding, and that each has its
// fingerprint as key; it counts those that came again.
func sameWhenRepeated(t *testing.T, list []sent) (repeats int) {
	t.Helper()
	first := map[string]sent{}
	for _, one := range list {
		if one.id == "" || one.key != one.Fingerprint || one.key == "" {
			t.Fatalf("a finding has the id %q, the key %q and the fingerprint %q", one.id, one.key, one.Fingerprint)
		}
		before, known := first[one.id]
		if known {
			repeats++
			if before.key != one.key || before.Source != one.Source || before.Pointer != one.Pointer {
				t.Errorf("%s is two findings:\n%s\n%s", one.id, before.text, one.text)
			}
		}
		first[one.id] = one
	}
	return repeats
}
