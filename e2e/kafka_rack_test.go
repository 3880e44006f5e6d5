//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestReplicaNear reads from the replica in its rack, and from the leader again when
// that broker dies.
func TestReplicaNear(t *testing.T) {
	nodes, kafka := startCluster(t)
	const topic = "near"
	eventually(t, 60*time.Second, "topic with three replicas", func() error {
		req := kmsg.NewPtrCreateTopicsRequest()
		topicReq := kmsg.NewCreateTopicsRequestTopic()
		topicReq.Topic, topicReq.NumPartitions, topicReq.ReplicationFactor = topic, 1, 3
		req.Topics = append(req.Topics, topicReq)
		res, err := req.RequestWith(context.Background(), kafka.client)
		if err == nil {
			err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
		}
		return err
	})
	leader := leaderOf(t, kafka, topic)
	near := leader%3 + 1
	s := newSecrets()
	a := startAgent(t, "tail", "tail", "-b", kafka.address, "-t", topic, "-o", "earliest", "-J",
		"-X", fmt.Sprintf("client.rack=rack-%d", near), "--listen", "127.0.0.1:0")
	found := func(offset int64) string { return fmt.Sprintf(`"partition":0,"offset":%d`, offset) }
	if offset := kafka.mustProduce(t, topic, 1, []string{leakAt(s, 1)})[0].offset; offset != 0 {
		t.Fatalf("the first record is at %d", offset)
	}
	a.expect(t, a.stderr, fmt.Sprintf(`msg="partition is fetched from a replica near" topic=near partition=0 broker=%d`, near), 20*time.Second)
	at := kafka.mustProduce(t, topic, 1, []string{leakAt(s, 2)})[0]
	a.expect(t, a.stdout, found(at.offset), 20*time.Second)

	nodes[near-1].kill()
	begin := time.Now()
	at = kafka.mustProduce(t, topic, 1, []string{leakAt(s, 3)})[0]
	a.expect(t, a.stdout, found(at.offset), 60*time.Second)
	t.Logf("found %v after the replica died", time.Since(begin).Round(100*time.Millisecond))
	a.terminate(t)
}

// leaderOf returns the node that leads partition 0 of a topic.
func leaderOf(t *testing.T, kafka *broker, topic string) (leader int32) {
	t.Helper()
	eventually(t, 30*time.Second, "leader of "+topic, func() error {
		req := kmsg.NewPtrMetadataRequest()
		asked := kmsg.NewMetadataRequestTopic()
		asked.Topic = new(topic)
		req.Topics = append(req.Topics, asked)
		res, err := req.RequestWith(context.Background(), kafka.client)
		if err != nil {
			return err
		}
		if len(res.Topics[0].Partitions) == 0 || len(res.Topics[0].Partitions[0].ISR) < 3 {
			return fmt.Errorf("replicas are not in sync: %+v", res.Topics[0])
		}
		leader = res.Topics[0].Partitions[0].Leader
		return nil
	})
	return leader
}
