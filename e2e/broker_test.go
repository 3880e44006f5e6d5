//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kafkaJars is where make deps puts Apache Kafka.
const kafkaJars = root + "/.tools/kafka"

// clusterID is any 22 characters of base64url (Kafka's own tool makes random ones).
const clusterID = "leaktap-e2e-cluster-01"

// broker is Apache Kafka with one node.
type broker struct {
	*process
	address string
	client  *kgo.Client // for topics and records
}

// startBroker formats a node in a directory of the test's and starts it.
func startBroker(t *testing.T) *broker {
	t.Helper()
	address, config := brokerConfig(t)
	formatNode(t, config)
	p := startNode(t, "kafka", address, config)
	return &broker{p, address, newKafkaClient(t, address)}
}

// restart starts the node again, whose process has ended.
func (b *broker) restart(t *testing.T, name, config string) {
	t.Helper()
	b.process = startNode(t, name, b.address, config)
}

// jars returns the class path of Apache Kafka.
func jars(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(kafkaJars)
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(dir + "/kafka_*.jar"); len(found) == 0 {
		err = errors.New("no jar in .tools/kafka")
	}
	need(t, "Apache Kafka (make deps)", err)
	return filepath.Join(dir, "*")
}

// formatNode makes the directory that a configuration names, with Kafka's own program.
func formatNode(t *testing.T, config string, args ...string) {
	t.Helper()
	format := []string{"-cp", jars(t), "kafka.tools.StorageTool", "format", "-t", clusterID, "-c", config}
	must(t, tool(t, "java"), append(format, args...)...)
}

// startNode starts a node and waits until it accepts connections.
func startNode(t *testing.T, name, address, config string) *process {
	t.Helper()
	p := start(t, name, exec.Command(tool(t, "java"), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars(t), "kafka.Kafka", config))
	eventually(t, 60*time.Second, name+" accepts connections", func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	return p
}

// newKafkaClient returns a client for topics and records.
func newKafkaClient(t *testing.T, addresses ...string) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// brokerConfig writes the configuration of a node that is broker and controller.
func brokerConfig(t *testing.T) (address, file string) {
	t.Helper()
	address, controller := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	dir := t.TempDir()
	return address, write(t, dir, "kafka.properties", fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%[2]s
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=%[3]s/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`, address, controller, dir))
}

// topic makes a topic.
func (b *broker) topic(t *testing.T, name string, partitions int32) {
	t.Helper()
	b.replicated(t, name, partitions, 1)
}

// replicated makes a topic of which there are so many replicas.
func (b *broker) replicated(t *testing.T, name string, partitions int32, replicas int16) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, replicas
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(ctx, b.client)
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("make topic %s: %v", name, err)
	}
}

// place is where a record is.
type place struct {
	topic     string
	partition int32
	offset    int64
}

// produce writes records one after the other, over the partitions in turn, and
// returns where each is.
func (b *broker) produce(ctx context.Context, topic string, partitions int32, values []string) ([]place, error) {
	records := make([]*kgo.Record, len(values))
	for i, value := range values {
		records[i] = &kgo.Record{Topic: topic, Partition: int32(i) % partitions, Value: []byte(value)}
	}
	if err := b.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, fmt.Errorf("produce to %s: %w", topic, err)
	}
	places := make([]place, len(records))
	for i, r := range records {
		places[i] = place{topic, r.Partition, r.Offset}
	}
	return places, nil
}

// mustProduce produces or ends the test.
func (b *broker) mustProduce(t *testing.T, topic string, partitions int32, values []string) []place {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	places, err := b.produce(ctx, topic, partitions, values)
	if err != nil {
		t.Fatal(err)
	}
	return places
}

// committed returns the offsets that a group has committed on a topic, by partition.
func (b *broker) committed(t *testing.T, group, topic string) map[int32]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req := kmsg.NewPtrOffsetFetchRequest()
	asked := kmsg.NewOffsetFetchRequestGroup()
	req.Group, asked.Group = group, group
	req.Groups = append(req.Groups, asked)
	res, err := req.RequestWith(ctx, b.client)
	if err != nil {
		t.Fatalf("fetch offsets of %s: %v", group, err)
	}
	offsets := map[int32]int64{}
	for _, g := range res.Groups {
		for _, topics := range g.Topics {
			if topics.Topic != topic {
				continue
			}
			for _, p := range topics.Partitions {
				offsets[p.Partition] = max(p.Offset, 0)
			}
		}
	}
	return offsets
}
