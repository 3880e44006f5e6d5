package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/internal/metricstest"
)

// patience bounds every wait of the tests.
const patience = 20 * time.Second

// moved finds metrics that no test moves.
var moved metricstest.Watch

// shared is the registry of all that newTestDecoding decodes.
var shared = moved.Registry()

func TestMain(m *testing.M) { goleak.VerifyTestMain(metricstest.Main{M: m, Watch: &moved}) }

// newCluster starts a broker with the topic "logs" and stops it after the test.
func newCluster(t *testing.T, partitions int32, opts ...kfake.Opt) (*kfake.Cluster, string) {
	t.Helper()
	opts = append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(partitions, "logs")}, opts...)
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster, cluster.ListenAddrs()[0]
}

// produce writes records to their partitions of "logs" and waits for the acks.
func produce(t *testing.T, addr string, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("logs"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// numbered returns n records "r FROM" … spread over the partitions.
func numbered(from, n int, partitions int32) (records []*kgo.Record) {
	for i := from; i < from+n; i++ {
		records = append(records, &kgo.Record{Partition: int32(i) % partitions, Value: fmt.Appendf(nil, "r %d", i)})
	}
	return records
}

// ledger is a handler that notes what it was given.
type ledger struct {
	mu      sync.Mutex
	seen    map[string]int
	places  []string
	settled int
	changed chan struct{}
	// onHandle and onSettle, unless nil, stand in the way.
	onHandle func(*classify.Exchange)
	onSettle func() error
}

func newLedger() *ledger {
	return &ledger{seen: map[string]int{}, changed: make(chan struct{}, 1)}
}

func (l *ledger) Handle(x *classify.Exchange) {
	if l.onHandle != nil {
		l.onHandle(x)
	}
	l.mu.Lock()
	l.seen[string(x.Record)]++
	l.places = append(l.places, fmt.Sprintf("%s/%d/%d/%d %s", x.Source.Name, x.Source.Partition, x.Source.Offset, x.Source.Index, x.Record))
	l.mu.Unlock()
	l.signal()
}

func (l *ledger) Settle(context.Context) error {
	l.mu.Lock()
	l.settled++
	l.mu.Unlock()
	l.signal()
	if l.onSettle != nil {
		return l.onSettle()
	}
	return nil
}

func (l *ledger) signal() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// wait waits until the condition on the ledger, which is locked, holds.
func (l *ledger) wait(t *testing.T, what string, condition func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		ok := condition()
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-l.changed:
		case <-timeout:
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("waited in vain for %s: seen %v, settled %d", what, l.seen, l.settled)
		}
	}
}

// running is a Kafka source under way.
type running struct {
	*Kafka
	reg  *metricstest.Registry
	stop func() error
	done chan error
}

// fast is a timing for tests.
func fast() KafkaTiming {
	return KafkaTiming{
		Commit: 20 * time.Millisecond, Heartbeat: 50 * time.Millisecond, Wait: 200 * time.Millisecond,
		Session: 6 * time.Second, Drain: 2 * time.Second, Request: 3 * time.Second, Metadata: 100 * time.Millisecond,
		Join: 100 * time.Millisecond,
	}
}

// start runs a source until the test's end or stop.
func start(t *testing.T, cfg KafkaConfig, h Handler) *running {
	t.Helper()
	if cfg.Timing == (KafkaTiming{}) {
		cfg.Timing = fast()
	}
	if cfg.Topics == nil {
		cfg.Topics = []string{"logs"}
	}
	reg := moved.Registry()
	k, err := NewKafka(cfg, reg, newTestLog(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{Kafka: k, reg: reg, done: make(chan error, 1)}
	go func() { r.done <- k.Run(ctx, h) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return r.end(t)
	})
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// end waits for Run's return.
func (r *running) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(patience):
		t.Error("Run does not return")
		return errors.New("timeout")
	}
}

func (r *running) waitReady(t *testing.T) {
	t.Helper()
	select {
	case <-r.Ready():
	case err := <-r.done:
		t.Fatalf("Run ended before it was ready: %v", err)
	case <-time.After(patience):
		t.Fatal("source does not get ready")
	}
}

// all is the condition that records r from … to-1 were seen. The ledger is locked.
func (l *ledger) all(from, to int) func() bool {
	return func() bool {
		for i := from; i < to; i++ {
			if l.seen[fmt.Sprintf("r %d", i)] == 0 {
				return false
			}
		}
		return true
	}
}

// committed asks the broker for the group g's offset of a partition; -1 is none.
func committed(t *testing.T, addr string, partition int32) int64 {
	t.Helper()
	const group = "g"
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := kmsg.NewOffsetFetchRequestTopic()
	topic.Topic, topic.Partitions = "logs", []int32{partition}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.Topics = group, []kmsg.OffsetFetchRequestTopic{topic}
	groupReq := kmsg.NewOffsetFetchRequestGroup()
	groupTopic := kmsg.NewOffsetFetchRequestGroupTopic()
	groupTopic.Topic, groupTopic.Partitions = "logs", []int32{partition}
	groupReq.Group, groupReq.Topics = group, []kmsg.OffsetFetchRequestGroupTopic{groupTopic}
	req.Groups = []kmsg.OffsetFetchRequestGroup{groupReq}
	res, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range res.Groups {
		return g.Topics[0].Partitions[0].Offset
	}
	return res.Topics[0].Partitions[0].Offset
}

// commits watches every commit that reaches the broker.
type commits struct {
	mu   sync.Mutex
	last map[int32]int64
	back []string
}

func watchCommits(c *kfake.Cluster) *commits {
	w := &commits{last: map[int32]int64{}}
	c.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, topic := range req.(*kmsg.OffsetCommitRequest).Topics {
			for _, p := range topic.Partitions {
				if last := w.last[p.Partition]; p.Offset < last {
					w.back = append(w.back, fmt.Sprintf("partition %d from %d to %d", p.Partition, last, p.Offset))
				}
				w.last[p.Partition] = p.Offset
			}
		}
		return nil, nil, false
	})
	return w
}

// growTopic gives "logs" more partitions.
func growTopic(t *testing.T, addr string, partitions int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = "logs", partitions
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics, req.TimeoutMillis = []kmsg.CreatePartitionsRequestTopic{topic}, 1000
	res, err := req.RequestWith(t.Context(), client)
	if err != nil || res.Topics[0].ErrorCode != 0 {
		t.Fatalf("grow topic: %v %+v", err, res)
	}
}

// deleteRecords makes the broker forget what is before the offset.
func deleteRecords(t *testing.T, addr string, before int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Offset = before
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = "logs", []kmsg.DeleteRecordsRequestTopicPartition{p}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics, req.TimeoutMillis = []kmsg.DeleteRecordsRequestTopic{topic}, 1000
	res, err := req.RequestWith(t.Context(), client)
	if err != nil || res.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatalf("delete records: %v %+v", err, res)
	}
}

// at is the offset committed last of partition 0, 0 for none.
func (w *commits) at() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[0]
}

// eventually waits until a condition outside of the ledger holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// countRequests counts requests that reach the broker.
func countRequests(c *kfake.Cluster, n *atomic.Int64) func(kmsg.Request) (kmsg.Response, error, bool) {
	return func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		n.Add(1)
		return nil, nil, false
	}
}
