package ingest

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestUndecodableBatchIsPassedAndCounted(t *testing.T) {
	begin := time.Now()
	for name, test := range map[string]struct {
		batch  []byte
		reason string
	}{
		"checksum": {flip(encodeBatch(0, nil, "a", "b", "c", "d")), skippedUnreadable},
		"packed with nonsense": {encodeBatch(0, func(b *kmsg.RecordBatch) {
			b.Attributes = 4
		}, "a", "b", "c", "d"), skippedUnreadable},
		"unknown compression": {encodeBatch(0, func(b *kmsg.RecordBatch) { b.Attributes = 7 }, "a", "b", "c", "d"), skippedUnreadable},
		"fewer records than told": {encodeBatch(0, func(b *kmsg.RecordBatch) {
			b.NumRecords, b.LastOffsetDelta, b.Records = 4, 3, nil
		}), skippedUnreadable},
		"record longer than batch": {encodeBatch(0, func(b *kmsg.RecordBatch) {
			b.NumRecords, b.LastOffsetDelta, b.Records = 4, 3, []byte{0xfe, 0x7f, 0, 0}
		}), skippedUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			l, k := runScripted(t, func(offset int64) (part kmsg.FetchResponseTopicPartition, err error) {
				if offset < 4 {
					part.RecordBatches = append(test.batch, xs(4).RecordBatches...)
					return part, nil
				}
				return xs(offset), nil
			})
			if got := skippedOffsets(k, test.reason); got != 4 || len(l.places) != 6 {
				t.Errorf("skipped %v offsets and read %v, want 4 and the 6 others", got, l.places)
			}
		})
	}
	within(t, begin, 5*time.Second, "passing five batches")
}

// TestAnswersThatWereNotAskedFor tells of a partition twice, and of one that nobody
// asked for: each record is handled once.
func TestAnswersThatWereNotAskedFor(t *testing.T) {
	l, _ := runScripted(t, func(offset int64) (part kmsg.FetchResponseTopicPartition, err error) {
		part = xs(offset)
		part.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: twice}}
		return part, nil
	})
	if len(l.places) != end {
		t.Errorf("read %d records, want %d once each", len(l.places), end)
	}
}

// flip changes the last byte.
func flip(b []byte) []byte {
	b[len(b)-1] ^= 1
	return b
}

func TestAnswerWithoutProgressIsPassed(t *testing.T) {
	l, k := runScripted(t, func(offset int64) (part kmsg.FetchResponseTopicPartition, err error) {
		if offset < 2 {
			return part, nil
		}
		return xs(offset - 1), nil // the batch starts before the offset asked for
	})
	if got := skippedOffsets(k, skippedUnreadable); got != 2 || len(l.places) != 8 {
		t.Errorf("skipped %v offsets and read %v, want 2 and the 8 others once", got, l.places)
	}
}

func TestBrokerThatCannotReadABlockIsPassed(t *testing.T) {
	l, k := runScripted(t, func(offset int64) (part kmsg.FetchResponseTopicPartition, err error) {
		if offset < 1 {
			part.ErrorCode = int16(kafka.InvalidMessage)
			return part, nil
		}
		return xs(offset), nil
	})
	if got := skippedOffsets(k, skippedUnreadable); got != 1 || len(l.places) != 9 {
		t.Errorf("skipped %v offsets and read %v, want 1 and the 9 others", got, l.places)
	}
}

func TestTroubleOfTheNetworkSkipsNothing(t *testing.T) {
	troubles := []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, &net.OpError{Op: "read", Err: errors.New("reset")},
		kafka.NotLeaderForPartition, fetch.NewError(protocol.NewErrNoLeader("logs", 0)),
		fetch.NewError(protocol.NewErrNoTopic("logs")), context.DeadlineExceeded,
	}
	tries := 0
	l, k := runScripted(t, func(offset int64) (part kmsg.FetchResponseTopicPartition, err error) {
		if tries++; tries < 5 {
			return part, troubles[tries]
		}
		if tries == 6 {
			part.ErrorCode = int16(kafka.NotLeaderForPartition)
			return part, nil
		}
		return xs(offset), nil
	})
	if got := skippedOffsets(k, skippedUnreadable); got != 0 || len(l.places) != end {
		t.Errorf("skipped %v offsets and read %d records, want none and all", got, len(l.places))
	}
}

func TestControlRecordsAreSteppedPast(t *testing.T) {
	_, addr := newCluster(t, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("logs"), kgo.TransactionalID("tx"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		record := numbered(i, 1, 1)[0]
		if err := client.ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	l := newLedger()
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g", StopAtEnd: true}, l)
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	if want := []string{"logs/0/0/0 r 0"}; !slices.Equal(l.places, want) {
		t.Errorf("read %v, want %v: the second transaction was aborted", l.places, want)
	}
	if got := skippedOffsets(r.Kafka, skippedAborted); got != 1 {
		t.Errorf("%v records of aborted transactions were counted, want 1", got)
	}
	if got := committed(t, addr, 0); got != 4 {
		t.Errorf("committed offset is %d, want 4, behind the last marker", got)
	}
}

func TestAlike(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"api-logs", "api_logs", true},
		{"api-logs", "API.LOGS", true},
		{"api-logs", "api-lgos", true},
		{"api-logs", "logs", true},
		{"api-logs", "audit", false},
		{"x", "", true}, // one letter apart
	} {
		if got := alike(test.a, test.b); got != test.want {
			t.Errorf("alike(%q, %q) = %v", test.a, test.b, got)
		}
	}
}
