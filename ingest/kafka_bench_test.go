package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sys/unix"

	"github.com/leaktap/leaktap/classify"
)

// The benchmark's topics: their records are of 1.3 KB each.
const (
	benchRecords    = 300_000
	benchPartitions = 4
)

// BenchmarkConsume compares what it costs to read a topic once, without looking at
// the records, in MB (of values) per second of this process's CPU time. It needs a
// broker: LEAKTAP_BENCH_BROKER=HOST:PORT go test -run '^$' -bench Consume ./ingest.
// Topics that are not there are made.
func BenchmarkConsume(b *testing.B) {
	broker := os.Getenv("LEAKTAP_BENCH_BROKER")
	if broker == "" {
		b.Skip("set LEAKTAP_BENCH_BROKER to the address of a Kafka broker")
	}
	for _, codec := range []string{"none", "zstd", "gzip", "snappy", "lz4"} {
		topic := "leaktap-bench-" + codec
		fillTopic(b, broker, topic, codec)
		for _, client := range []struct {
			name    string
			consume func(b *testing.B, broker, topic string) (bytes int64)
		}{{"leaktap", consumeLeaktap}, {"franz-go", consumeFranz}, {"kafka.Reader", consumeReader}} {
			b.Run(codec+"/"+client.name, func(b *testing.B) {
				b.ReportAllocs()
				var total int64
				before := cpuSeconds(b)
				for b.Loop() {
					total += client.consume(b, broker, topic)
				}
				b.ReportMetric(float64(total)/1e6/(cpuSeconds(b)-before), "MB/cpu-s")
			})
		}
	}
}

// cpuSeconds is the CPU time of this process so far.
func cpuSeconds(b *testing.B) float64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// fillTopic makes a topic and its records unless it is there.
func fillTopic(b *testing.B, broker, topic, codec string) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "zstd": kgo.ZstdCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(),
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ProducerBatchCompression(codecs[codec]), kgo.DefaultProduceTopic(topic))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, benchPartitions, 1
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(context.Background(), client)
	if err != nil {
		b.Fatal(err)
	}
	switch err := kerr.ErrorForCode(res.Topics[0].ErrorCode); {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return
	case err != nil:
		b.Fatal(err)
	}
	for i := range benchRecords {
		client.Produce(context.Background(), &kgo.Record{Value: benchRecord(i)}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// benchRecord is an exchange as gateways write it, of 1.3 KB.
func benchRecord(i int) []byte {
	return fmt.Appendf(nil, `{"time":"2026-11-23T10:00:00.%06dZ","method":"GET","path":"/api/orders/%d","status":200,"request":{"headers":{"user-agent":"curl/8.%d","x-request-id":"%016x"}},"response":{"body":"%s"}}`,
		i%1_000_000, i, i%20, uint64(i)*0x9e3779b97f4a7c15, strings.Repeat(fmt.Sprintf(`{\"sku\":\"%x\",\"count\":%d},`, uint64(i)*0x9e3779b97f4a7c15, i%7), 26))
}

// nothing counts the bytes of records, where a pipeline would classify them.
type nothing struct{ bytes atomic.Int64 }

func (n *nothing) Handle(x *classify.Exchange)  { n.bytes.Add(int64(len(x.Record))) }
func (n *nothing) Settle(context.Context) error { return nil }

// consumeLeaktap reads as the agent does, down to the record; the decoders are those
// of another benchmark.
func consumeLeaktap(b *testing.B, broker, topic string) int64 {
	k, err := NewKafka(KafkaConfig{Brokers: []string{broker}, Topics: []string{topic}, StopAtEnd: true},
		nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	var total atomic.Int64
	k.raw = func(value []byte) { total.Add(int64(len(value))) }
	if err := k.Run(context.Background(), &nothing{}); err != nil {
		b.Fatal(err)
	}
	return total.Load()
}

func consumeFranz(b *testing.B, broker, topic string) (total int64) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for n := 0; n < benchRecords; {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			b.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n++
			total += int64(len(r.Value))
		})
	}
	return total
}

func consumeReader(b *testing.B, broker, topic string) (total int64) {
	for p := range benchPartitions {
		conn, err := kafka.DialLeader(context.Background(), "tcp", broker, topic, p)
		if err != nil {
			b.Fatal(err)
		}
		last, err := conn.ReadLastOffset()
		if err != nil {
			b.Fatal(err)
		}
		_ = conn.Close() // it was only asked
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{broker}, Topic: topic, Partition: p, MaxBytes: 4 << 20, MaxWait: 100 * time.Millisecond})
		for offset := int64(0); offset < last; {
			m, err := r.ReadMessage(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			offset = m.Offset + 1
			total += int64(len(m.Value))
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	return total
}

// TestBenchRecordIsAsLargeAsItSays holds the size that the figures are told for.
func TestBenchRecordIsAsLargeAsItSays(t *testing.T) {
	if n := len(benchRecord(123_456)); n < 1_200 || n > 1_400 || !bytes.HasPrefix(benchRecord(1), []byte(`{"time"`)) {
		t.Errorf("a record has %d bytes, want about 1,300", n)
	}
}
