package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// twice is a producer whose transaction makes the script answer more than was asked.
const twice = 4711

// end is the high watermark of the scripted partition.
const end = 10

// scripted is a cluster of one broker and one partition that answers fetches by a
// function of the offset.
type scripted func(offset int64) (part kmsg.FetchResponseTopicPartition, err error)

func (s scripted) RoundTrip(_ context.Context, _ net.Addr, req kafka.Request) (kafka.Response, error) {
	switch r := req.(type) {
	case *metadata.Request:
		return &metadata.Response{
			Brokers: []metadata.ResponseBroker{{NodeID: 1, Host: "b", Port: 9092}},
			Topics:  []metadata.ResponseTopic{{Name: "logs", Partitions: []metadata.ResponsePartition{{LeaderID: 1}}}},
		}, nil
	case *routed:
		if _, ok := r.Message.(*listoffsets.Request); ok {
			return &listoffsets.Response{Topics: []listoffsets.ResponseTopic{{
				Topic: "logs", Partitions: []listoffsets.ResponsePartition{{Offset: 0}},
			}}}, nil
		}
	case *fetching:
		part, err := s(r.Message.(*fetch.Request).Topics[0].Partitions[0].FetchOffset)
		if err != nil {
			return nil, err
		}
		r.version = 11
		return r.RawExchange(&deadEnd{Reader: bytes.NewReader(encodeFetch(part))})
	}
	return nil, errors.New("unexpected request")
}

// deadEnd is a connection to nobody.
type deadEnd struct{ io.Reader }

func (*deadEnd) Write(b []byte) (int, error) { return len(b), nil }

// encodeFetch writes an answer as a broker does.
func encodeFetch(part kmsg.FetchResponseTopicPartition) []byte {
	if part.HighWatermark == 0 {
		part.HighWatermark, part.LastStableOffset = end, end
	}
	topic := kmsg.NewFetchResponseTopic()
	topic.Topic, topic.Partitions = "logs", []kmsg.FetchResponseTopicPartition{part}
	if len(part.AbortedTransactions) > 0 && part.AbortedTransactions[0].ProducerID == twice {
		other := part
		other.Partition = 7
		topic.Partitions = append(topic.Partitions, part, other)
	}
	res := kmsg.NewPtrFetchResponse()
	res.Version, res.Topics = 11, []kmsg.FetchResponseTopic{topic}
	body := res.AppendTo([]byte{0, 0, 0, 0, 0, 0, 0, 1})
	binary.BigEndian.PutUint32(body, uint32(len(body)-4))
	return body
}

// encodeBatch writes a batch with a value at each of the offsets, which follow
// each other from the first on; edit may change it before its checksum is made.
func encodeBatch(base int64, edit func(*kmsg.RecordBatch), values ...string) []byte {
	b := kmsg.RecordBatch{
		FirstOffset: base, PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(len(values) - 1),
		FirstTimestamp: 1_000, MaxTimestamp: 2_000, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(values)),
	}
	for i, value := range values {
		b.Records = appendRecord(b.Records, int32(i), nil, []byte(value))
	}
	if edit != nil {
		edit(&b)
	}
	b.Length = int32(49 + len(b.Records))
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// appendRecord appends a record with its length before it.
func appendRecord(b []byte, delta int32, key, value []byte, headers ...kmsg.Header) []byte {
	r := kmsg.Record{OffsetDelta: delta, Key: key, Value: value, Headers: headers}
	body := r.AppendTo(nil)[1:] // behind the length 0
	return append(binary.AppendVarint(b, int64(len(body))), body...)
}

// xs is a partition's records from an offset to its end, in one batch.
func xs(from int64) (part kmsg.FetchResponseTopicPartition) {
	values := make([]string, max(end-from, 0))
	for i := range values {
		values[i] = "x"
	}
	if len(values) > 0 {
		part.RecordBatches = encodeBatch(from, nil, values...)
	}
	return part
}

// runScripted reads the scripted partition from its start to its end.
func runScripted(t *testing.T, s scripted) (l *ledger, k *Kafka) {
	t.Helper()
	l, k = newLedger(), newScripted(t, KafkaConfig{}, nil, newTestLog(t))
	runScriptedOn(t, k, l, s)
	return l, k
}

// newScripted makes a source of the scripted partition.
func newScripted(t *testing.T, cfg KafkaConfig, reg prometheus.Registerer, log *slog.Logger) *Kafka {
	t.Helper()
	cfg.Brokers, cfg.Topics, cfg.StopAtEnd, cfg.Timing = []string{"b:9092"}, []string{"logs"}, true, fast()
	k, err := NewKafka(cfg, reg, log)
	if err != nil {
		t.Fatal(err)
	}
	k.known = []topicPartition{{"logs", 0}}
	return k
}

// runScriptedOn reads the partition with a source that was made for it.
func runScriptedOn(t *testing.T, k *Kafka, l *ledger, s scripted) {
	t.Helper()
	k.client = &kafka.Client{Addr: kafka.TCP("b:9092"), Transport: s}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	session := newSession(k, l, func(map[string]map[int]int64) error { return nil })
	session.add(topicPartition{"logs", 0}, 0, Start{})
	if _, err := session.run(ctx); err != nil || ctx.Err() != nil {
		t.Fatalf("run = %v, context %v", err, ctx.Err())
	}
}

// skippedOffsets is the counter of a reason.
func skippedOffsets(k *Kafka, reason string) float64 {
	return testutil.ToFloat64(k.metrics.skipped.WithLabelValues("logs", reason))
}

// within fails the test if something took longer.
func within(t *testing.T, begin time.Time, limit time.Duration, what string) {
	t.Helper()
	if took := time.Since(begin); took > limit {
		t.Errorf("%s took %v, more than %v", what, took, limit)
	}
}
