package alert

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leaktap/leaktap/classify"
)

func observation(caller, client uint64) *classify.Observation {
	return &classify.Observation{
		Time: epoch(), HTTP: classify.HTTP{Method: "GET", Status: 200, Route: "/a/{id}"},
		Caller: classify.Caller{ID: caller, Client: client}, Answer: classify.Answer{Private: true, Values: []uint64{7}},
	}
}

// TestObservationsMeet checks that the observations of one caller, and those of one address,
// are in one partition each, and that each message says whose it is.
func TestObservationsMeet(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(8, "observations"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	m, reg := testMetrics()
	o, err := NewObservations(ObservationsConfig{Kafka: KafkaConfig{Brokers: cluster.ListenAddrs(), Topic: "observations"}}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, o)
	for n := range uint64(100) {
		o.Observe(observation(n%5+1, n%7+1))
	}
	o.Observe(observation(9, 9)) // nobody but an address
	settle(t, o)
	stop()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("observations"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	partitions, messages := map[[2]uint64]int32{}, 0
	for messages < 186 { // of 100, 15 have the same hash for caller and address, and give one
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			messages++
			var seen classify.Observation
			if err := json.Unmarshal(r.Value, &seen); err != nil {
				t.Fatal(err)
			}
			whose := [2]uint64{uint64(seen.Part), seen.Caller.ID}
			if seen.Part == classify.PartClient {
				whose[1] = seen.Caller.Client
			}
			if before, ok := partitions[whose]; ok && before != r.Partition {
				t.Errorf("%v is in partitions %d and %d", whose, before, r.Partition)
			}
			partitions[whose] = r.Partition
		})
	}
	if n := value(t, reg, "leaktap_notifications_total", "sink", "observations"); n != float64(messages) {
		t.Errorf("%v messages counted, %d sent", n, messages)
	}
}

// TestObservationsAreBounded checks that what finds no place is dropped and counted, and that
// brokers that are away hold nobody up for longer than he waits.
func TestObservationsAreBounded(t *testing.T) {
	m, reg := testMetrics()
	o, err := NewObservations(ObservationsConfig{Kafka: KafkaConfig{Brokers: []string{"127.0.0.1:1"}, Topic: "t"}, Waiting: 10, Interval: time.Hour}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(15) {
		o.Observe(observation(n+1, 0))
	}
	if n := value(t, reg, "leaktap_notifications_failed_total", "sink", "observations"); n != 5 {
		t.Errorf("%v drops counted, want 5", n)
	}
	if fill := value(t, reg, "leaktap_queue_fill_ratio"); fill != 1 {
		t.Errorf("the queue is %v full, want 1", fill)
	}
	if _, err := NewObservations(ObservationsConfig{Kafka: KafkaConfig{Topic: "t"}}, m, quiet()); err == nil {
		t.Error("no brokers are no error")
	}
}
