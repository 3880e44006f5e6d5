package ingest

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kgo"
)

// scripted is a transport that answers fetches by a function of the offset.
type scripted func(offset int64) (records []int64, err error)

// end is the high watermark of the scripted partition.
const end = 10

func (s scripted) RoundTrip(_ context.Context, _ net.Addr, req kafka.Request) (kafka.Response, error) {
	request, ok := req.(*fetch.Request)
	if !ok {
		return nil, errors.New("unexpected request")
	}
	offsets, err := s(request.Topics[0].Partitions[0].FetchOffset)
	if err != nil {
		return nil, err
	}
	var records []kafka.Record
	for _, offset := range offsets {
		records = append(records, kafka.Record{Offset: offset, Value: protocol.NewBytes([]byte("x"))})
	}
	answer := fetch.ResponsePartition{HighWatermark: end}
	answer.RecordSet.Records = kafka.NewRecordReader(records...)
	return &fetch.Response{Topics: []fetch.ResponseTopic{{Topic: "logs", Partitions: []fetch.ResponsePartition{answer}}}}, nil
}

// runScripted reads the scripted partition from its start to its end.
func runScripted(t *testing.T, s scripted) (l *ledger, skipped float64) {
	t.Helper()
	k, err := NewKafka(KafkaConfig{Brokers: []string{"b"}, Topics: []string{"logs"}, StopAtEnd: true, Timing: fast()},
		nil, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	k.client = &kafka.Client{Addr: kafka.TCP("b"), Transport: s}
	l = newLedger()
	w := newWorker(k, l, topicPartition{"logs", 0}, 0, Start{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.run(ctx, func() {}); err != nil || ctx.Err() != nil {
		t.Fatalf("run = %v, context %v", err, ctx.Err())
	}
	return l, testutil.ToFloat64(k.metrics.skipped.WithLabelValues("logs", skippedUnreadable))
}

func rest(from int64) (offsets []int64) {
	for ; from < end; from++ {
		offsets = append(offsets, from)
	}
	return offsets
}

func TestUndecodableBatchIsPassedAndCounted(t *testing.T) {
	begin := time.Now()
	l, skipped := runScripted(t, func(offset int64) ([]int64, error) {
		if offset < 4 { // the batch 0-3 is broken
			return nil, errors.New("crc32 checksum mismatch")
		}
		return rest(offset), nil
	})
	if skipped != 4 || len(l.places) != 6 {
		t.Errorf("skipped %v offsets and read %v, want 4 and the 6 others", skipped, l.places)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the next record came after %v", took)
	}
}

func TestAnswerWithoutProgressIsPassed(t *testing.T) {
	l, skipped := runScripted(t, func(offset int64) ([]int64, error) {
		if offset < 2 { // a batch that compaction has emptied
			return nil, nil
		}
		return rest(offset - 1), nil // the batch starts before the offset asked for
	})
	if skipped != 2 || len(l.places) != 8 {
		t.Errorf("skipped %v offsets and read %v, want 2 and the 8 others once", skipped, l.places)
	}
}

func TestTroubleOfTheNetworkSkipsNothing(t *testing.T) {
	troubles := []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, &net.OpError{Op: "read", Err: errors.New("reset")},
		kafka.NotLeaderForPartition, fetch.NewError(protocol.NewErrNoLeader("logs", 0)),
		fetch.NewError(protocol.NewErrNoTopic("logs")), context.DeadlineExceeded,
	}
	for _, trouble := range troubles {
		if !isTransient(trouble) {
			t.Errorf("%v counts as a broken batch", trouble)
		}
	}
	tries := 0
	l, skipped := runScripted(t, func(offset int64) ([]int64, error) {
		if tries++; tries < 5 {
			return nil, troubles[tries]
		}
		return rest(offset), nil
	})
	if skipped != 0 || len(l.places) != end {
		t.Errorf("skipped %v offsets and read %d records, want none and all", skipped, len(l.places))
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
	if want := []string{"logs/0/0/0 r 0", "logs/0/2/0 r 1"}; !slices.Equal(l.places, want) {
		t.Errorf("read %v, want %v", l.places, want)
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
