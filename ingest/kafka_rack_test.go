package ingest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// racks is a cluster of a leader, broker 1, and a replica in the rack "near", broker 2,
// which fails from the offset half on.
type racks struct {
	mu     sync.Mutex
	served map[int32]int // batches by broker
}

const half = end / 2

func (c *racks) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	switch r := req.(type) {
	case *metadata.Request:
		return &metadata.Response{
			Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: "b", Port: 9092}, {NodeID: 2, Host: "b", Port: 9093}},
			Topics:  []metadata.ResponseTopic{{Name: "logs", Partitions: []metadata.ResponsePartition{{LeaderID: 1}}}},
		}, nil
	case *routed:
		if _, ok := r.Message.(*listoffsets.Request); ok {
			return scripted(nil).RoundTrip(ctx, addr, req)
		}
	case *fetching:
		return scripted(func(offset int64) (kmsg.FetchResponseTopicPartition, error) {
			return c.answer(r.broker, r.Message.(*fetch.Request).RackID, offset), nil
		}).RoundTrip(ctx, addr, req)
	}
	return nil, errors.New("unexpected request")
}

// answer is what a broker says about the partition.
func (c *racks) answer(broker int32, rack string, offset int64) kmsg.FetchResponseTopicPartition {
	part := kmsg.NewFetchResponseTopicPartition()
	switch {
	case broker == 1 && rack == "near":
		part.PreferredReadReplica = 2
	case broker == 2 && offset >= half:
		part.ErrorCode = int16(kafka.NotLeaderForPartition)
	case offset < end:
		part.RecordBatches = encodeBatch(offset, nil, "x")
		c.mu.Lock()
		defer c.mu.Unlock()
		c.served[broker]++
	}
	return part
}

// TestReplicaInTheRackIsAsked follows the leader's advice, and goes back to the leader
// when the replica fails. Where reading has an end only the leader is asked.
func TestReplicaInTheRackIsAsked(t *testing.T) {
	for name, test := range map[string]struct {
		rack   string
		ends   bool
		leader int
	}{"in the rack": {"near", false, end - half}, "in another rack": {"far", false, end}, "no rack": {"", false, end}, "to the end": {"near", true, end}} {
		t.Run(name, func(t *testing.T) {
			k := newScripted(t, KafkaConfig{Rack: test.rack}, nil, newTestLog(t))
			k.cfg.StopAtEnd = test.ends
			cluster := &racks{served: map[int32]int{}}
			k.client = &kafka.Client{Addr: kafka.TCP("b:9092"), Transport: cluster}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			l := newLedger()
			session := newSession(k, l, func(map[string]map[int]int64) error { return nil })
			session.add(topicPartition{"logs", 0}, 0, Start{})
			done := make(chan error, 1)
			go func() {
				_, err := session.run(ctx)
				done <- err
			}()
			l.wait(t, "all records", func() bool { return l.seen["x"] == end })
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if got := cluster.served; got[1] != test.leader || got[2] != end-test.leader {
				t.Errorf("batches by broker: %v, want %d of the leader's", got, test.leader)
			}
		})
	}
}
