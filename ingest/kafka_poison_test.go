package ingest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leaktap/leaktap/classify"
)

// poison is a bad batch, its offsets 0 to last.
type poison struct {
	batch []byte
	last  int64
	// counted is the metric that has to count it, and how often.
	counted string
	// kind and offset are what the log has to say; no kind for what is only counted.
	kind   string
	offset int64
	// answer changes the broker's answer, limits the source.
	answer func(*kmsg.FetchResponseTopicPartition)
	limits KafkaLimits
}

// one is a batch of one record with that value.
func one(value []byte, counted, kind string) poison {
	return poison{batch: encodeBatch(0, nil, string(value)), counted: counted + " 1", kind: kind}
}

// packedBatch is a batch whose records are packed.
func packedBatch(t testing.TB, codec compress.Compression, n int32, records []byte) []byte {
	return encodeBatch(0, func(b *kmsg.RecordBatch) {
		b.Attributes, b.NumRecords, b.LastOffsetDelta, b.Records = int16(codec), n, n-1, packed(t, codec, records)
	}, "x")
}

// poisons are the kinds of bad records that there are.
func poisons(t testing.TB) map[string]poison {
	const (
		limit   = `leaktap_record_limits_total{limit="%s",source="kafka"}`
		record  = `leaktap_records_total{format="none",outcome="%s",source="kafka"}`
		skipped = `leaktap_kafka_skipped_offsets_total{reason="%s",topic="logs"}`
	)
	gz := gzipped(t, bytes.Repeat([]byte("line of text\n"), 1000))
	text := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	var lines, zeros []byte
	for i := range int32(100) {
		lines = appendRecord(lines, i, nil, fmt.Appendf(nil, "%d %s", i, text))
	}
	for i := range int32(300) {
		zeros = appendRecord(zeros, i, nil, make([]byte, 1<<20))
	}
	cutGzip := encodeBatch(0, func(b *kmsg.RecordBatch) {
		b.Attributes, b.NumRecords, b.LastOffsetDelta = 1, 100, 99
		b.Records = packed(t, compress.Gzip, lines)
		b.Records = b.Records[:len(b.Records)/2]
	}, "x")
	headers := make([]kmsg.Header, 10_000)
	for i := range headers {
		headers[i] = kmsg.Header{Key: fmt.Sprintf("h%d", i), Value: []byte("v")}
	}
	control := func(b *kmsg.RecordBatch) {
		b.Attributes, b.ProducerID = attributeControl|attributeTransactional, 9
		b.Records = appendRecord(nil, 0, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0})
	}
	return map[string]poison{
		"empty": one(nil, fmt.Sprintf(record, outcomeEmpty), outcomeEmpty),
		"null": {
			batch:   encodeBatch(0, func(b *kmsg.RecordBatch) { b.Records = appendRecord(nil, 0, nil, nil) }, "x"),
			counted: fmt.Sprintf(record, outcomeTombstone) + " 1", kind: outcomeTombstone,
		},
		"bad block":      {batch: flip(encodeBatch(0, nil, "a", "b")), last: 1, counted: fmt.Sprintf(skipped, skippedUnreadable) + " 2", kind: "unreadable batch"},
		"truncated gzip": one(gz[:len(gz)/2], fmt.Sprintf(limit, LimitBroken), LimitBroken),
		"batch of truncated gzip": {
			batch: cutGzip, last: 99, kind: "unreadable batch", offset: 50,
			counted: fmt.Sprintf(skipped, skippedUnreadable) + " 50",
		},
		"invalid JSON": one([]byte(`{"a":{"b":[1,}`), fmt.Sprintf(limit, LimitInvalid), LimitInvalid),
		"100 MB":       one(bytes.Repeat([]byte("x"), 100_000_000), fmt.Sprintf(limit, LimitRecord), LimitRecord),
		"10,000 headers": {batch: encodeBatch(0, func(b *kmsg.RecordBatch) {
			b.Records = appendRecord(nil, 0, nil, []byte(`{"n":1}`), headers...)
		}, "x"), counted: `leaktap_records_total{format="json",outcome="log",source="kafka"} 1`},
		"control batch": {batch: encodeBatch(0, control, "x"), counted: fmt.Sprintf(record, outcomeControl) + " 1"},
		"aborted transaction": {
			batch: encodeBatch(0, func(b *kmsg.RecordBatch) { b.Attributes, b.ProducerID = attributeTransactional, 9 }, "a", "b"),
			last:  1, counted: fmt.Sprintf(skipped, skippedAborted) + " 2", kind: "aborted transaction",
			answer: func(p *kmsg.FetchResponseTopicPartition) {
				p.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 9, FirstOffset: 0}}
			},
		},
		"bomb in a value": one(zstandard(t, make([]byte, 400<<20)), fmt.Sprintf(limit, LimitBomb), LimitBomb),
		"bomb of one record": {
			batch:   packedBatch(t, compress.Zstd, 1, appendRecord(nil, 0, nil, make([]byte, 400<<20))),
			counted: fmt.Sprintf(limit, LimitRecord) + " 1", kind: LimitRecord,
		},
		"bomb of many records": {
			batch: packedBatch(t, compress.Zstd, 300, zeros), last: 299, limits: KafkaLimits{MaxUnpacked: 10 << 20},
			counted: fmt.Sprintf(skipped, skippedBomb) + " 291", kind: "bomb batch", offset: 9,
		},
		"over the limit as sent": {
			batch: encodeBatch(0, nil, strings.Repeat("x", 2<<20), "b"), last: 1, limits: KafkaLimits{MaxBatch: 1 << 20, FetchBytes: 64 << 10},
			counted: fmt.Sprintf(skipped, skippedLarge) + " 2", kind: "large batch",
		},
	}
}

// TestPoisonOfKafka has each kind of bad record and a good one behind it: it is
// counted, the log says where it is, and the good one comes within a second, at the
// third try if the machine is busy.
func TestPoisonOfKafka(t *testing.T) {
	for name, p := range poisons(t) {
		t.Run(name, func(t *testing.T) {
			took := time.Hour
			for range 3 {
				if took = min(took, p.read(t)); took < slower*time.Second {
					return
				}
			}
			t.Errorf("the record behind it came after %v, want it within a second", took)
		})
	}
}

// read reads the bad batch and a record behind it, and says how long that took.
func (p *poison) read(t *testing.T) time.Duration {
	var log bytes.Buffer
	reg := prometheus.NewPedanticRegistry()
	k := newScripted(t, KafkaConfig{KafkaLimits: p.limits}, reg, slog.New(slog.NewTextHandler(&log, nil)))
	l := newLedger()
	begin := time.Now()
	runScriptedOn(t, k, l, func(offset int64) (part kmsg.FetchResponseTopicPartition, err error) {
		part.HighWatermark, part.LastStableOffset = p.last+2, p.last+2
		if part.RecordBatches = p.batch; offset > p.last {
			part.RecordBatches = encodeBatch(p.last+1, nil, "good")
		}
		if p.answer != nil {
			p.answer(&part)
		}
		return part, nil
	})
	took := time.Since(begin)
	if n := l.seen["good"]; n != 1 {
		t.Errorf("the record behind it was read %d times", n)
	}
	if got := gathered(t, reg); !slices.Contains(got, p.counted) {
		t.Errorf("%s was not counted; there are\n%s", p.counted, strings.Join(got, "\n"))
	}
	where := fmt.Sprintf(" topic=logs partition=0 offset=%d ", p.offset)
	kind := "kind=" + p.kind
	if strings.Contains(p.kind, " ") {
		kind = fmt.Sprintf("kind=%q", p.kind)
	}
	if p.kind != "" && !strings.Contains(log.String(), kind+where) {
		t.Errorf("the log does not say %s%s:\n%s", kind, where, &log)
	}
	if p.kind == "" && log.Len() > 0 {
		t.Errorf("the log says\n%s", &log)
	}
	return took
}

// gathered lists counters with their labels and values.
func gathered(t *testing.T, reg *prometheus.Registry) (list []string) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			list = append(list, fmt.Sprintf("%s{%s} %v", family.GetName(), strings.Join(labels, ","), m.GetCounter().GetValue()))
		}
	}
	return list
}

// handling is a handler that settles at once.
type handling func(*classify.Exchange)

func (h handling) Handle(x *classify.Exchange)  { h(x) }
func (h handling) Settle(context.Context) error { return nil }

// heap is how much memory is in use, in bytes.
func heap() int64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	return int64(now.HeapAlloc)
}

// TestLargeBatchesOfSmallRecords reads 50 MiB in one batch, as it is sent or unpacked,
// in each of two partitions: nothing is lost, and the heap holds one batch at a time.
func TestLargeBatchesOfSmallRecords(t *testing.T) {
	const size = 1 << 10
	total := 50 << 20
	if slower > 1 { // large all the same
		total = 12 << 20
	}
	for name, test := range map[string]struct {
		codec kgo.CompressionCodec
		limit int
	}{
		"as sent": {kgo.NoCompression(), 4*total + 10<<20}, // three of the cluster's answers are in this process, too
		"zstd":    {kgo.ZstdCompression(), 24 << 20},
		"gzip":    {kgo.GzipCompression(), 24 << 20},
		"lz4":     {kgo.Lz4Compression(), 34 << 20},

		"snappy in one block": {kgo.SnappyCompression(), total + 14<<20},
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := newCluster(t, 2, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "209715200"}))
			produceLarge(t, addr, test.codec, 2*total/size, size)
			// The producer's memory goes, the cluster's stays.
			eventually(t, "less than 130 MiB of heap", func() bool { return heap() < 130<<20 })
			before := heap()
			var peak, n atomic.Int64
			r := start(t, KafkaConfig{Brokers: []string{addr}, StopAtEnd: true}, handling(func(*classify.Exchange) {
				if n.Add(1)%5000 == 0 {
					peak.Store(max(peak.Load(), heap()))
				}
			}))
			if err := r.end(t); err != nil {
				t.Fatal(err)
			}
			if n.Load() != int64(2*total/size) {
				t.Errorf("%d records were read, want %d", n.Load(), 2*total/size)
			}
			grown := peak.Load() - before
			t.Logf("%d MiB of the heap were in use", grown>>20)
			if slower == 1 && grown > int64(test.limit) { // the race detector keeps more
				t.Errorf("%d MiB of the heap were in use, want %d at most", grown>>20, test.limit>>20)
			}
		})
	}
}

// produceLarge writes so many records of that size in one batch for each of two
// partitions.
func produceLarge(t *testing.T, addr string, codec kgo.CompressionCodec, n, size int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("logs"), kgo.ProducerBatchMaxBytes(100<<20),
		kgo.ProducerBatchCompression(codec), kgo.BrokerMaxWriteBytes(200<<20), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(n), kgo.ManualFlushing())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	line := strings.Repeat("0123456789abcdef", size/16-1)
	for i := range n {
		client.Produce(t.Context(), &kgo.Record{Partition: int32(i % 2), Value: fmt.Appendf(nil, "%d %s", i, line)}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
