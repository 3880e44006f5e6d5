//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestLargeOnARealBroker has a record of 100 MB and a batch of 50 MiB of ordinary
// records, as a broker sends them whose limits were raised. What follows the record is
// found within a second, nothing of the batch is lost, and the agent's memory is bounded.
func TestLargeOnARealBroker(t *testing.T) {
	address, config := brokerConfig(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	config = write(t, t.TempDir(), "large.properties", string(text)+"message.max.bytes=104000000\n")
	formatNode(t, config)
	kafka := &broker{startNode(t, "kafka", address, config), address, newKafkaClient(t, address)}
	const topic, records = "large", 50_000
	kafka.topic(t, topic, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(104_000_000),
		kgo.BrokerMaxWriteBytes(110<<20), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(records), kgo.ManualFlushing())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	out := filepath.Join(t.TempDir(), "findings.jsonl")
	a := startAgent(t, "run", "run", "--config", runConfig{brokers: address, topics: []string{topic}, findings: out}.file(t))
	s := newSecrets()
	produce := func(values ...string) []place {
		t.Helper()
		var batch []*kgo.Record
		for _, value := range values {
			batch = append(batch, &kgo.Record{Value: []byte(value)})
			client.Produce(context.Background(), batch[len(batch)-1], nil)
		}
		if err := client.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		return []place{{topic, 0, batch[0].Offset}, {topic, 0, batch[len(batch)-1].Offset}}
	}

	large := strings.Repeat("nothing to see in this line of text. ", 100_000_000/37)
	took := time.Hour
	for try := 0; try < 3 && took > time.Second; try++ { // the cores are shared with the broker
		at := produce(large)[0]
		begin := time.Now()
		// No line of text, which would wait for the rest of its trace.
		waitFound(t, out, produce(strings.TrimSpace(good))[:1], 60*time.Second, "finding behind the large record")
		took = min(took, time.Since(begin))
		if try == 0 { // the log has one line in 10 s
			a.expect(t, a.stderr, fmt.Sprintf(`kind=record topic=large partition=0 offset=%d `, at.offset), time.Second)
		}
		t.Logf("found after %v", time.Since(begin))
	}
	t.Logf("the record behind 100 MB was found after %v", took)
	if took > time.Second {
		t.Errorf("the record behind 100 MB was found after %v, want a second at most", took)
	}
	if n := a.metric("leaktap_record_limits_total"); n < 1 {
		t.Error("the large record was not counted")
	}

	values := make([]string, records)
	for i := range values {
		values[i] = fmt.Sprintf("%d %s", i, strings.Repeat("ordinary text ", 73))
	}
	values[0], values[records-1] = leakAt(s, 1), leakAt(s, 2)
	seen := a.metric("leaktap_records_total")
	waitFound(t, out, produce(values...), 60*time.Second, "findings at both ends of the large batch")
	if n := a.metric("leaktap_records_total") - seen; n != records {
		t.Errorf("%v records of the batch were looked at, want %d", n, records)
	}
	peak := peakMemory(t, a.process)
	t.Logf("the agent needed %d MiB at most", peak>>20)
	if peak > 512<<20 {
		t.Errorf("the agent needed %d MiB, want 512 at most", peak>>20)
	}
	a.terminate(t)
}

// peakMemory is the most memory that a process had, in bytes.
func peakMemory(t *testing.T, p *process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatal("the peak of the memory is not told")
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
