package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/leaktap/leaktap/kafkaconn"
)

// routed is a request for one broker, which kafka-go's transport would split by
// partition or answer from its cache. A negative broker is any of them.
type routed struct {
	protocol.Message
	broker  int32
	version int16
}

// Broker says where the request goes.
func (r *routed) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	if r.broker < 0 {
		return protocol.Broker{ID: -1}, nil
	}
	b, ok := cluster.Brokers[r.broker]
	if !ok {
		return protocol.Broker{ID: -1}, kafka.BrokerNotAvailable
	}
	return b, nil
}

// Required takes the exchange over from kafka-go, and the version agreed on.
func (r *routed) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[r.ApiKey()]
	return true
}

// RawExchange sends the request and reads the answer.
func (r *routed) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if err := protocol.WriteRequest(rw, r.version, 1, kafkaconn.ClientID, r.Message); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	_, answer, err := protocol.ReadResponse(rw, r.ApiKey(), r.version)
	return answer, err
}

// ask sends one request to a broker and returns its answer.
func ask[T protocol.Message](ctx context.Context, k *Kafka, broker int32, request protocol.Message) (answer T, err error) {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timing.Request)
	defer cancel()
	res, err := k.client.Transport.RoundTrip(ctx, k.client.Addr, &routed{Message: request, broker: broker})
	if err != nil {
		return answer, err
	}
	answer, ok := res.(T)
	if !ok {
		return answer, errors.New("unexpected kind of answer")
	}
	return answer, nil
}

// leaders returns the broker that leads each partition of the topics, as far as is
// known: a partition without a leader is left out.
func (k *Kafka) leaders(ctx context.Context, topics []string) (map[topicPartition]int32, error) {
	ctx, cancel := context.WithTimeout(ctx, k.cfg.Timing.Request)
	defer cancel()
	meta, err := k.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return nil, err
	}
	known := map[int]bool{}
	for _, b := range meta.Brokers {
		known[b.ID] = true
	}
	leaders := map[topicPartition]int32{}
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			if known[p.Leader.ID] && p.Leader.Host != "" {
				leaders[topicPartition{t.Name, int32(p.ID)}] = int32(p.Leader.ID)
			}
		}
	}
	return leaders, nil
}

// topicsOf returns the topics of partitions, each once.
func topicsOf(list []topicPartition) []string {
	topics := map[string]bool{}
	for _, tp := range list {
		topics[tp.topic] = true
	}
	return slices.Sorted(maps.Keys(topics))
}
