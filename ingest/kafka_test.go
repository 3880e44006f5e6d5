package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leaktap/leaktap/classify"
)

func TestGroupResumesWithoutLossOrRepetition(t *testing.T) {
	_, addr := newCluster(t, 3)
	produce(t, addr, numbered(0, 300, 3)...)
	cfg := KafkaConfig{Brokers: []string{addr}, Group: "g"}
	first := newLedger()
	r := start(t, cfg, first)
	first.wait(t, "the first 300 records", first.all(0, 300))
	if err := r.stop(); err != nil {
		t.Fatalf("Run = %v", err)
	}
	if n, err := testutil.GatherAndCount(r.reg, "leaktap_kafka_lag_records"); err != nil || n != 0 {
		t.Errorf("%d lags are shown of partitions that were given up (%v)", n, err)
	}
	for p := range int32(3) {
		if got := committed(t, addr, p); got != 100 {
			t.Errorf("committed offset of partition %d is %d, want 100", p, got)
		}
	}
	produce(t, addr, numbered(300, 30, 3)...)
	second := newLedger()
	r = start(t, cfg, second)
	second.wait(t, "the records since", second.all(300, 330))
	if err := r.stop(); err != nil {
		t.Fatalf("Run = %v", err)
	}
	if len(second.seen) != 30 {
		t.Errorf("%d records were read after the restart, want the 30 new ones", len(second.seen))
	}
}

func TestNothingIsCommittedUnlessSettled(t *testing.T) {
	_, addr := newCluster(t, 1)
	produce(t, addr, numbered(0, 10, 1)...)
	l := newLedger()
	l.onSettle = func() error { return errors.New("sink is down") }
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g"}, l)
	l.wait(t, "three attempts to settle", func() bool { return l.settled >= 3 && len(l.seen) == 10 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if got := committed(t, addr, 0); got != -1 {
		t.Fatalf("offset %d was committed although nothing was settled", got)
	}
	again := newLedger()
	start(t, KafkaConfig{Brokers: []string{addr}, Group: "g"}, again)
	again.wait(t, "the records once more", again.all(0, 10))
}

func TestCommitWaitsForSettle(t *testing.T) {
	_, addr := newCluster(t, 1)
	produce(t, addr, numbered(0, 5, 1)...)
	l := newLedger()
	inSettle, release := make(chan struct{}, 100), make(chan struct{})
	l.onSettle = func() error {
		inSettle <- struct{}{}
		<-release
		return nil
	}
	r := start(t, KafkaConfig{Brokers: []string{addr}, Group: "g"}, l)
	l.wait(t, "the records", l.all(0, 5))
	<-inSettle
	if got := committed(t, addr, 0); got != -1 {
		t.Errorf("offset %d was committed before Settle returned", got)
	}
	close(release)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if got := committed(t, addr, 0); got != 5 {
		t.Errorf("committed offset is %d, want 5", got)
	}
}

func TestRebalanceLosesNothingAndNeverCommitsBackwards(t *testing.T) {
	cluster, addr := newCluster(t, 4)
	watch := watchCommits(cluster)
	l := newLedger()
	cfg := KafkaConfig{Brokers: []string{addr}, Group: "g"}
	total := 0
	more := func(n int) {
		produce(t, addr, numbered(total, n, 4)...)
		total += n
	}
	one := start(t, cfg, l)
	one.waitReady(t)
	more(200)
	two := start(t, cfg, l) // joins while one is reading
	more(200)
	two.waitReady(t)
	more(200)
	l.wait(t, "everything with two members", l.all(0, total))
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	more(200)
	l.wait(t, "everything after one left", l.all(0, total))
	if err := two.stop(); err != nil {
		t.Fatal(err)
	}
	watch.mu.Lock()
	defer watch.mu.Unlock()
	if len(watch.back) > 0 {
		t.Errorf("commits moved back: %v", watch.back)
	}
	for p := range int32(4) {
		if got := committed(t, addr, p); got != int64(total/4) {
			t.Errorf("committed offset of partition %d is %d, want %d", p, got, total/4)
		}
	}
}

func TestTailFromEachStart(t *testing.T) {
	_, addr := newCluster(t, 1)
	base := time.Now().Add(-10 * time.Hour).Truncate(time.Millisecond)
	var records []*kgo.Record
	for i := range 10 {
		records = append(records, &kgo.Record{Value: fmt.Appendf(nil, "r %d", i), Timestamp: base.Add(time.Duration(i) * time.Hour)})
	}
	for _, record := range records { // one batch each: brokers seek by batch
		produce(t, addr, record)
	}
	for _, test := range []struct {
		start string
		first int
	}{
		{"earliest", 0},
		{"", 0},
		{"latest", 10},
		{"-3", 7},
		{"-99", 0},
		{"4", 4},
		{"99", 10},
		{"-150m", 8},
		{base.Add(5 * time.Hour).UTC().Format(time.RFC3339Nano), 5},
		{fmt.Sprintf("s@%d", base.Add(6*time.Hour).UnixMilli()), 6},
		{"2999-01-01T00:00:00Z", 10},
	} {
		t.Run(test.start, func(t *testing.T) {
			from, err := ParseStart(test.start, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			l := newLedger()
			r := start(t, KafkaConfig{Brokers: []string{addr}, Start: from, StopAtEnd: true}, l)
			if err := r.end(t); err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := test.first; i < 10; i++ {
				want = append(want, fmt.Sprintf("logs/0/%d/0 r %d", i, i))
			}
			if diff := cmp.Diff(want, l.places); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTailCommitsNothingAndSeesNewPartitions(t *testing.T) {
	cluster, addr := newCluster(t, 1)
	commits := watchCommits(cluster)
	l := newLedger()
	latest, err := ParseStart("latest", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	produce(t, addr, numbered(0, 5, 1)...)
	r := start(t, KafkaConfig{Brokers: []string{addr}, Start: latest}, l)
	r.waitReady(t)
	produce(t, addr, numbered(5, 5, 1)...)
	l.wait(t, "records since the start", l.all(5, 10))
	growTopic(t, addr, 2)
	produce(t, addr, &kgo.Record{Partition: 1, Value: []byte("r 10")})
	l.wait(t, "a record of the new partition", l.all(5, 11))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if len(l.seen) != 6 || len(commits.last) != 0 {
		t.Errorf("seen %v, commits %v; want r 5 to r 10 once and no commit", l.seen, commits.last)
	}
}

func TestPoisonRecordsAreCountedAndPassed(t *testing.T) {
	_, addr := newCluster(t, 1)
	produce(t, addr,
		&kgo.Record{Value: nil, Key: []byte("gone")},
		&kgo.Record{Value: []byte{}},
		&kgo.Record{Value: []byte("poison")},
		&kgo.Record{Value: []byte(strings.Repeat("x", 200))},
		&kgo.Record{Value: []byte(`{"method":"GET","path":"/a","status":200`)},
		&kgo.Record{Value: []byte("last"), Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "authorization", Value: []byte("Bearer T")}}},
	)
	l := newLedger()
	l.onHandle = func(x *classify.Exchange) {
		if string(x.Record) == "poison" {
			panic("a detector's mistake with a secret in it")
		}
	}
	var mu sync.Mutex
	uninspected := map[string]int64{}
	cfg := KafkaConfig{Brokers: []string{addr}, StopAtEnd: true}
	cfg.MaxRecord = 100
	cfg.Uninspected = func(_ classify.SourceKind, reason string, bytes int64) {
		mu.Lock()
		defer mu.Unlock()
		uninspected[reason] += bytes
	}
	r := start(t, cfg, l)
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"logs/0/0/65536 key: gone\n",
		"logs/0/3/0 " + strings.Repeat("x", 100),
		`logs/0/4/0 {"method":"GET","path":"/a","status":200`,
		"logs/0/5/65536 key: k\nauthorization: Bearer T\n",
		"logs/0/5/0 last", // the line waits for the rest of a trace
	}
	if diff := cmp.Diff(want, l.places); diff != "" {
		t.Errorf("exchanges differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{UninspectedPanic: 6, UninspectedLimit: 100}, uninspected); diff != "" {
		t.Errorf("uninspected bytes differ (-want +got):\n%s", diff)
	}
	expected := `
# HELP leaktap_records_total Records read, by kind of source, by format and by what became of them.
# TYPE leaktap_records_total counter
leaktap_records_total{format="json",outcome="exchange",source="kafka"} 1
leaktap_records_total{format="none",outcome="empty",source="kafka"} 1
leaktap_records_total{format="none",outcome="failed",source="kafka"} 1
leaktap_records_total{format="none",outcome="tombstone",source="kafka"} 1
leaktap_records_total{format="text",outcome="log",source="kafka"} 2
# HELP leaktap_kafka_lag_records Records of the partition that were not handled yet.
# TYPE leaktap_kafka_lag_records gauge
leaktap_kafka_lag_records{partition="0",topic="logs"} 0
`
	if err := testutil.GatherAndCompare(r.reg, strings.NewReader(expected), "leaktap_records_total", "leaktap_kafka_lag_records"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(r.reg); err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	_, addr := newCluster(t, 1)
	for _, test := range []struct {
		name string
		cfg  KafkaConfig
		want []string
	}{
		{"misspelt topic", KafkaConfig{Brokers: []string{addr}, Topics: []string{"lgos"}}, []string{`topic "lgos" does not exist`, "did you mean logs?"}},
		{"missing topic", KafkaConfig{Brokers: []string{addr}, Topics: []string{"audit-trail"}}, []string{`topic "audit-trail" does not exist: there are logs`}},
		{"missing topic in a group", KafkaConfig{Brokers: []string{addr}, Topics: []string{"lgos"}, Group: "g"}, []string{"did you mean logs?"}},
		{"unreachable broker in a group", KafkaConfig{Brokers: []string{"127.0.0.1:1"}, Group: "g"}, []string{"127.0.0.1:1", "connection refused"}},
		{"unreachable broker", KafkaConfig{Brokers: []string{"127.0.0.1:1"}}, []string{"127.0.0.1:1", "connection refused"}},
		{"TLS to a plain port", KafkaConfig{Brokers: []string{addr}, Access: KafkaAccess{TLS: true}}, []string{"start TLS with broker " + addr}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := start(t, test.cfg, newLedger()).end(t)
			if err == nil {
				t.Fatal("Run did not fail")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestOffsetsDeletedByRetentionAreCounted(t *testing.T) {
	_, addr := newCluster(t, 1)
	produce(t, addr, numbered(0, 10, 1)...)
	l := newLedger()
	cfg := KafkaConfig{Brokers: []string{addr}, Group: "g"}
	r := start(t, cfg, l)
	l.wait(t, "the records", l.all(0, 10))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	produce(t, addr, numbered(10, 10, 1)...)
	deleteRecords(t, addr, 15)
	l = newLedger()
	r = start(t, cfg, l)
	l.wait(t, "the records kept", l.all(15, 20))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if len(l.seen) != 5 {
		t.Errorf("seen %v, want r 15 to r 19", slices.Sorted(slices.Values(keysOf(l.seen))))
	}
	expected := `
# HELP leaktap_kafka_skipped_offsets_total Offsets that were passed over without their records being seen.
# TYPE leaktap_kafka_skipped_offsets_total counter
leaktap_kafka_skipped_offsets_total{reason="retention",topic="logs"} 5
`
	if err := testutil.GatherAndCompare(r.reg, strings.NewReader(expected), "leaktap_kafka_skipped_offsets_total"); err != nil {
		t.Error(err)
	}
}
