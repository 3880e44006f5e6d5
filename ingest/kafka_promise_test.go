package ingest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leaktap/leaktap/classify"
)

// What ingest promises of Kafka, and the tests that hold it to that:
//
//  1. At least once: TestNothingIsCommittedUnlessSettled, TestCommitWaitsForSettle,
//     TestWhatIsHeldBackIsNotCommitted; e2e TestKillLosesNothing.
//  2. One alert per exposure, a replay repeats ids: TestReplayRepeatsCoordinates;
//     e2e TestKillLosesNothing.
//  3. A rebalance drains, commits, releases, and no offset moves back:
//     TestRebalanceLosesNothingAndNeverCommitsBackwards.
//  4. The committed offset is the contiguous watermark:
//     TestCommittedOffsetIsTheWatermark, TestWhatIsHeldBackIsNotCommitted.
//  5. A poison record is counted and passed: TestPoison, TestPoisonOfKafka,
//     TestUndecodableBatchIsPassedAndCounted, TestBombsTakeLittleMemory.
//  6. Bounds and backpressure: TestBackpressureKeepsTheGroup.
//  7. Lag, skips, rebalances, commit age, stalls: TestStalledPartitionIsReported,
//     TestOffsetsDeletedByRetentionAreCounted.
//  8. Headers and keys are scanned, a bounded replay commits nothing and ends:
//     TestPoisonRecordsAreCountedAndPassed, TestBoundedReplay.
//  9. Authentication, secrets re-read: TestSASL, TestTLS, TestSecretsAreReadAnew,
//     TestOAuthBearer. MSK IAM is not there.
// 10. Restarts, new leaders, topics made anew: TestLeaderMoves,
//     TestTopicIsDeletedAndMadeAnew; e2e TestBrokerRestarts.

// TestReplayRepeatsCoordinates reads twice, in other batches and with other joins:
// what findings are numbered by is the same.
func TestReplayRepeatsCoordinates(t *testing.T) {
	_, addr := newCluster(t, 1)
	for i := range 20 {
		produce(t, addr, &kgo.Record{Value: fmt.Appendf(nil, "line %d", i), Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}})
	}
	var runs [2][]string
	for i := range runs {
		l := newLedger()
		cfg := KafkaConfig{Brokers: []string{addr}, StopAtEnd: true}
		cfg.FetchBytes = []int{100, 0}[i]
		if err := start(t, cfg, l).end(t); err != nil {
			t.Fatal(err)
		}
		slices.Sort(l.places)
		runs[i] = l.places
	}
	if len(runs[0]) != 40 || !slices.Equal(runs[0], runs[1]) {
		t.Errorf("first %q, then %q", runs[0], runs[1])
	}
}

// TestCommittedOffsetIsTheWatermark commits up to the record in hand, however many
// come behind it, and nothing past it.
func TestCommittedOffsetIsTheWatermark(t *testing.T) {
	cluster, addr := newCluster(t, 1)
	watch := watchCommits(cluster)
	l := newLedger()
	release := make(chan struct{})
	l.onHandle = func(x *classify.Exchange) {
		if x.Source.Offset == 5 {
			<-release
		}
	}
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g"}, l)
	for i := range 10 {
		produce(t, addr, &kgo.Record{Value: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	eventually(t, "the commit before the record in hand", func() bool { return watch.at() == 5 })
	time.Sleep(3 * fast().Commit) // for a commit that must not come
	if got := watch.at(); got != 5 {
		t.Errorf("offset %d was committed while record 5 was in hand", got)
	}
	close(release)
	eventually(t, "the last commit", func() bool { return watch.at() == 10 })
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// TestBackpressureKeepsTheGroup holds the handler up for longer than the session:
// no more is fetched than the bound, and the group does not give the member up.
func TestBackpressureKeepsTheGroup(t *testing.T) {
	cluster, addr := newCluster(t, 1)
	for i := range 60 {
		pad := make([]byte, 5_000)
		_, _ = rand.Read(pad) // never fails; what is random is not packed
		produce(t, addr, &kgo.Record{Value: fmt.Appendf(nil, `{"n":%d,"pad":"%x"}`, i, pad)})
	}
	var fetches atomic.Int64
	cluster.ControlKey(1, countRequests(cluster, &fetches))
	l := newLedger()
	release := make(chan struct{})
	l.onHandle = func(x *classify.Exchange) {
		<-release
		if x.Source.Offset == 50 { // there is a lag
			moved.Look(t)
		}
	}
	timing := fast()
	timing.Session, timing.Drain = 6*time.Second, time.Second
	cfg := KafkaConfig{Brokers: []string{addr}, Group: "g", Timing: timing}
	cfg.FetchBytes, cfg.InFlight = 50_000, 100_000
	r := start(t, cfg, l)
	eventually(t, "fetches up to the bound", func() bool { return len(r.buffers.places) == 2 })
	time.Sleep(timing.Session + time.Second) // past the session, in which nothing is handled
	if n := fetches.Load(); n > 6 {
		t.Errorf("%d fetches were made while two answers are all that may be held", n)
	}
	close(release)
	l.wait(t, "all records", func() bool { return len(l.seen) == 60 })
	if got := testutil.ToFloat64(r.metrics.rebalances.WithLabelValues("g")); got != 1 {
		t.Errorf("the group was joined %v times, want once", got)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// TestConnectionsArePerBroker reads 200 partitions of one broker.
func TestConnectionsArePerBroker(t *testing.T) {
	var accepted atomic.Int64
	listen := kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return &countingListener{l, &accepted}, err
	})
	_, addr := newCluster(t, 200, listen)
	produce(t, addr, numbered(0, 1000, 200)...)
	before := accepted.Load()
	l := newLedger()
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g"}, l)
	l.wait(t, "all records", l.all(0, 1000))
	produce(t, addr, numbered(1000, 1000, 200)...)
	l.wait(t, "all further records", l.all(1000, 2000))
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	// One each for metadata, fetches and offsets; two for the group. A client that
	// produces has some of its own.
	if n := accepted.Load() - before; n > 12 {
		t.Errorf("%d connections were made for 200 partitions of one broker", n)
	} else {
		t.Logf("%d connections", n)
	}
}

type countingListener struct {
	net.Listener
	accepted *atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

func TestStalledPartitionIsReported(t *testing.T) {
	_, addr := newCluster(t, 1)
	produce(t, addr, &kgo.Record{Value: []byte(`{"n":0}`)}, &kgo.Record{Value: []byte(`{"n":1}`)})
	l := newLedger()
	release := make(chan struct{})
	l.onHandle = func(*classify.Exchange) { <-release }
	l.onSettle = func() error { return context.DeadlineExceeded }
	timing := fast()
	timing.Stall = 100 * time.Millisecond
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g", Timing: timing}, l)
	eventually(t, "the stall", func() bool { return testutil.ToFloat64(r.metrics.stalled.WithLabelValues("g")) == 1 })
	moved.Look(t)
	close(release)
	eventually(t, "its end", func() bool { return testutil.ToFloat64(r.metrics.stalled.WithLabelValues("g")) == 0 })
	eventually(t, "the age of what is not committed", func() bool { return testutil.ToFloat64(r.metrics.commitAge.WithLabelValues("g")) > 0.05 })
	moved.Look(t)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// TestBoundedReplay reads between two offsets or times, commits nothing, and ends.
func TestBoundedReplay(t *testing.T) {
	cluster, addr := newCluster(t, 2)
	watch := watchCommits(cluster)
	produce(t, addr, numbered(0, 40, 2)...)
	for _, test := range []struct {
		from, to string
		want     int
	}{{"5", "9", 8}, {"earliest", "latest", 40}, {"10", "10", 0}, {"12", "3", 0}, {"15", "99", 10}, {"-3", "latest", 6}} {
		from, err := ParseStart(test.from, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		to, err := ParseStart(test.to, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		l := newLedger()
		r := start(t, KafkaConfig{Brokers: []string{addr}, Start: from, Until: &to}, l)
		if err := r.end(t); err != nil || len(l.seen) != test.want {
			t.Errorf("from %s to %s: %d records (%v), want %d", test.from, test.to, len(l.seen), err, test.want)
		}
	}
	if len(watch.last) > 0 {
		t.Errorf("offsets were committed: %v", watch.last)
	}
	to := Start{}
	if _, err := NewKafka(KafkaConfig{Brokers: []string{addr}, Topics: []string{"logs"}, Group: "g", Until: &to}, nil, nil); err == nil {
		t.Error("a bounded replay took a group")
	}
}

func TestChosenPartitions(t *testing.T) {
	_, addr := newCluster(t, 4)
	produce(t, addr, numbered(0, 40, 4)...)
	l := newLedger()
	if err := start(t, KafkaConfig{Brokers: []string{addr}, Partitions: []int32{1, 3}, StopAtEnd: true}, l).end(t); err != nil {
		t.Fatal(err)
	}
	if len(l.seen) != 20 || l.seen["r 1"] != 1 || l.seen["r 3"] != 1 {
		t.Errorf("seen %v, want the 20 records of partitions 1 and 3", l.seen)
	}
	err := start(t, KafkaConfig{Brokers: []string{addr}, Partitions: []int32{9}, StopAtEnd: true}, newLedger()).end(t)
	if err == nil || !strings.Contains(err.Error(), `topic "logs" has no partition 9`) {
		t.Errorf("Run = %v for a partition that is not there", err)
	}
}

// TestTopicsByExpression takes topics in that match, also those that come later, and
// leaves out what is excluded, with a group and without.
func TestTopicsByExpression(t *testing.T) {
	for _, group := range []string{"", "g"} {
		t.Run("group "+group, func(t *testing.T) {
			cluster, addr := newCluster(t, 1, kfake.SeedTopics(1, "access-a", "access-noise", "other"))
			write := func(topic, value string) {
				t.Helper()
				client, err := kgo.NewClient(kgo.SeedBrokers(addr))
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			write("access-a", "r 0")
			write("access-noise", "noise")
			write("other", "noise")
			l := newLedger()
			r := start(t, KafkaConfig{
				Brokers: []string{addr}, Group: group, Topics: []string{"/^access-/", "logs"}, Exclude: []string{"access-noise"},
			}, l)
			l.wait(t, "the record of the first topic", l.all(0, 1))
			if err := cluster.CreateTopic("access-b", 1, nil); err != nil {
				t.Fatal(err)
			}
			write("access-b", "r 1")
			write("logs", "r 2")
			l.wait(t, "the record of the new topic", l.all(0, 3))
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			if l.seen["noise"] > 0 {
				t.Error("a topic was read that no expression takes in, or that is excluded")
			}
		})
	}
	if _, err := NewKafka(KafkaConfig{Brokers: []string{"b"}, Topics: []string{"/(/"}}, nil, nil); err == nil || !strings.Contains(err.Error(), "topic /(/") {
		t.Errorf("NewKafka = %v for an expression that is none", err)
	}
}

func TestLeaderMoves(t *testing.T) {
	cluster, addr := newCluster(t, 6, kfake.NumBrokers(3))
	l := newLedger()
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g"}, l)
	for i := range 5 {
		produce(t, addr, numbered(i*60, 60, 6)...)
		cluster.ShufflePartitionLeaders()
	}
	l.wait(t, "everything, whoever leads", l.all(0, 300))
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestTopicIsDeletedAndMadeAnew(t *testing.T) {
	for _, group := range []string{"", "g"} {
		t.Run("group "+group, func(t *testing.T) {
			cluster, addr := newCluster(t, 2)
			produce(t, addr, numbered(0, 40, 2)...)
			l := newLedger()
			r := start(t, KafkaConfig{Brokers: []string{addr}, Group: group}, l)
			l.wait(t, "the records of the first topic", l.all(0, 40))
			if err := cluster.DeleteTopic("logs"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond) // some look-ups without the topic
			if err := cluster.CreateTopic("logs", 2, nil); err != nil {
				t.Fatal(err)
			}
			produce(t, addr, numbered(40, 10, 2)...)
			l.wait(t, "the records of the second topic", l.all(0, 50))
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRecreatedTopicThatHasMoreRecords makes a topic anew with more records than were
// read of the old one: the offset reached is one of the new topic, too, and says nothing.
func TestRecreatedTopicThatHasMoreRecords(t *testing.T) {
	for name, test := range map[string]struct {
		group   string
		restart bool
	}{"alone": {}, "in a group": {group: "g"}, "in a group that was away": {group: "g", restart: true}} {
		t.Run(name, func(t *testing.T) {
			cluster, addr := newCluster(t, 2)
			produce(t, addr, numbered(0, 20, 2)...)
			l := newLedger()
			cfg := KafkaConfig{Brokers: []string{addr}, Group: test.group, Timing: fast()}
			if !test.restart {
				cfg.Timing.Metadata = time.Second // nobody sees that the topic is away
			}
			r := start(t, cfg, l)
			l.wait(t, "the records of the first topic", l.all(0, 20))
			if test.restart {
				if err := r.stop(); err != nil {
					t.Fatal(err)
				}
			}
			if err := cluster.DeleteTopic("logs"); err != nil {
				t.Fatal(err)
			}
			if err := cluster.CreateTopic("logs", 2, nil); err != nil {
				t.Fatal(err)
			}
			produce(t, addr, numbered(20, 400, 2)...)
			if test.restart {
				r = start(t, cfg, l)
			}
			l.wait(t, "the records of the second topic", l.all(0, 420))
			if !test.restart { // the broker forgets the offsets of a group that is away
				eventually(t, "both partitions to be counted", func() bool { return skippedOffsets(r.Kafka, skippedRecreated) == 2 })
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			produce(t, addr, numbered(420, 2, 2)...)
			if test.group != "" {
				again := newLedger()
				r := start(t, cfg, again)
				again.wait(t, "the records since", again.all(420, 422))
				if skippedOffsets(r.Kafka, skippedRecreated) != 0 {
					t.Error("the topic was taken for another once more")
				}
			}
		})
	}
}

// FuzzIdentities reads answers that a broker did not write.
func FuzzIdentities(f *testing.F) {
	res := kmsg.NewPtrMetadataResponse()
	res.Version = identityVersion
	broker, topic, partition := kmsg.NewMetadataResponseBroker(), kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
	broker.Host, topic.Topic, topic.TopicID = "b", new("logs"), [16]byte{7}
	partition.Replicas = []int32{1, 2}
	topic.Partitions = append(topic.Partitions, partition)
	res.Brokers, res.Topics = append(res.Brokers, broker), append(res.Topics, topic)
	whole := res.AppendTo([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0})
	binary.BigEndian.PutUint32(whole, uint32(len(whole)-4))
	if ids, err := readIdentities(bytes.NewReader(whole)); err != nil || ids["logs"] != (topicID{7}) {
		f.Errorf("ids %v, %v", ids, err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 {
			binary.BigEndian.PutUint32(data, uint32(len(data)-4))
		}
		if ids, err := readIdentities(bytes.NewReader(data)); err == nil && len(ids) > len(data) {
			t.Fatal("more ids than bytes")
		}
	})
}
