package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leaktap/leaktap/classify"
)

// TestDeadLetters copies bad records, whole and with their places, and no others.
func TestDeadLetters(t *testing.T) {
	_, addr := newCluster(t, 1, kfake.SeedTopics(1, "dead"))
	large := `{"n":"` + strings.Repeat("x", 200) + `"}`
	produce(t, addr,
		&kgo.Record{Value: []byte(`{"n":0}`)}, &kgo.Record{Value: nil}, &kgo.Record{Value: []byte{}},
		&kgo.Record{Value: []byte(large), Key: []byte("k"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}},
		&kgo.Record{Value: []byte(`{"poison":1}`)},
		&kgo.Record{Value: []byte(`{"n":1}`)},
	)
	l := newLedger()
	l.onHandle = func(x *classify.Exchange) {
		if strings.Contains(string(x.Record), "poison") {
			panic("mistake")
		}
	}
	cfg := KafkaConfig{Brokers: []string{addr}, StopAtEnd: true, DeadLetter: "dead"}
	cfg.MaxRecord = 100
	r := start(t, cfg, l)
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics("dead"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var got []*kgo.Record
	for len(got) < 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.Empty() {
			break
		}
		got = append(got, fetches.Records()...)
	}
	if len(got) != 2 || string(got[0].Value) != large || string(got[0].Key) != "k" || string(got[1].Value) != `{"poison":1}` {
		t.Fatalf("copied %v, want the large record and the poisoned one", got)
	}
	headers := map[string]string{}
	for _, h := range got[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	if headers["h"] != "v" || headers["leaktap-offset"] != "3" || headers["leaktap-topic"] != "logs" || headers["leaktap-reason"] == "" {
		t.Errorf("headers %v", headers)
	}
	if n := testutil.ToFloat64(r.metrics.deadLetters.WithLabelValues(deadCopied)); n != 2 {
		t.Errorf("%v copies were counted, want 2", n)
	}
}

// TestDeadLettersThatFail are counted, and the partition goes on.
func TestDeadLettersThatFail(t *testing.T) {
	_, addr := newCluster(t, 1)
	produce(t, addr, &kgo.Record{Value: []byte(`{"n":"` + strings.Repeat("x", 200) + `"}`)}, &kgo.Record{Value: []byte(`{"n":1}`)})
	l := newLedger()
	cfg := KafkaConfig{Brokers: []string{addr}, StopAtEnd: true, DeadLetter: "missing"}
	cfg.MaxRecord = 100
	r := start(t, cfg, l)
	if err := r.end(t); err != nil || l.seen[`{"n":1}`] != 1 {
		t.Errorf("Run = %v, seen %v; want the record behind the bad one", err, l.seen)
	}
	if n := testutil.ToFloat64(r.metrics.deadLetters.WithLabelValues(deadFailed)); n != 1 {
		t.Errorf("%v failed copies were counted, want 1", n)
	}
}

func TestDeadLettersDoNotGoRound(t *testing.T) {
	for _, topics := range [][]string{{"dead"}, {"/^de/"}} {
		_, err := NewKafka(KafkaConfig{Brokers: []string{"b"}, Topics: topics, DeadLetter: "dead"}, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "dead-letter topic") {
			t.Errorf("NewKafka = %v for topics %q", err, topics)
		}
	}
	_, err := NewKafka(KafkaConfig{Brokers: []string{"b"}, Topics: []string{"/^de/"}, Exclude: []string{"dead"}, DeadLetter: "dead"}, nil, nil)
	if err != nil {
		t.Errorf("NewKafka = %v for a topic that is excluded", err)
	}
}
