//go:build e2e

package e2e

import (
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
)

// TestSpoolLosesNothing has no receiver for the webhook while records flow and the agent ends
// three times by kill -9. All offsets are committed during the outage; when the receiver is
// there, every leak comes.
func TestSpoolLosesNothing(t *testing.T) {
	kafka := startBroker(t)
	const topic, partitions, batch, batches = "spooled", 4, 30, 30
	kafka.topic(t, topic, partitions)
	s := newSecrets()
	dir := t.TempDir()
	spool := filepath.Join(dir, "spool")
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	config := runConfig{brokers: kafka.address, topics: []string{topic}, findings: filepath.Join(dir, "findings.jsonl"), webhook: "http://" + address + "/hook"}.file(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	config = write(t, dir, "leaktap.yaml", string(text)+fmt.Sprintf("  spool: {dir: %q}\n", spool))
	outputs := pile{}
	planted := map[place]bool{}
	records := 0
	for round := range 3 {
		a := startAgent(t, fmt.Sprintf("run-%d", round+1), "run", "--config", config)
		for range batches {
			values := make([]string, batch)
			for i := range values {
				values[i] = recordOf(s, i)
			}
			for i, at := range kafka.mustProduce(t, topic, partitions, values) {
				records++
				if i%3 == 0 {
					planted[at] = true
				}
			}
		}
		// The first dies at once, the others when they have committed something of theirs.
		poll(t, time.Millisecond, 60*time.Second, "moment to kill", func() error {
			if total(kafka.committed(t, "e2e", topic)) <= int64(round*batch*batches) && round > 0 {
				return errors.New("nothing is committed")
			}
			return nil
		})
		a.signal(syscall.SIGKILL)
		a.exit(t, 10*time.Second)
		outputs.keepProcess(a.process)
	}
	a := startAgent(t, "run-last", "run", "--config", config)
	eventually(t, 60*time.Second, "everything is committed during the outage", func() error {
		if sum := total(kafka.committed(t, "e2e", topic)); sum < int64(records) {
			return fmt.Errorf("%d of %d records", sum, records)
		}
		return nil
	})
	if a.metric("leaktap_spool_bytes") == 0 {
		t.Error("leaktap_spool_bytes does not tell of the spool")
	}
	a.signal(syscall.SIGKILL)
	a.exit(t, 10*time.Second)
	files, err := filepath.Glob(filepath.Join(spool, "webhook", "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the spool has files %v (%v)", files, err)
	}
	for _, file := range files {
		outputs.keepFile(t, file) // no plaintext in it
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := startReceiverAt(t, l)
	a = startAgent(t, "run-receiver", "run", "--config", config)
	found := map[place]bool{}
	eventually(t, 60*time.Second, "every leak has come", func() error {
		for body := range strings.Lines(r.received()) {
			var batch struct{ Findings []finding }
			if err := json.Unmarshal([]byte(body), &batch); err != nil {
				return err
			}
			for _, f := range batch.Findings {
				found[place{f.Source.Name, f.Source.Partition, f.Source.Offset}] = true
			}
		}
		missing := 0
		for at := range planted {
			if !found[at] {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d leaks are missing", missing, len(planted))
		}
		return nil
	})
	if n := a.metric("leaktap_spool_dropped_total"); n > 4 { // a torn end for each kill
		t.Errorf("%v findings were dropped", n)
	}
	a.terminate(t)
	outputs.keep("webhook", r.received())
	outputs.search(t, s)
	t.Logf("%d records, %d leaks, 4 kills: all came", records, len(planted))
}
