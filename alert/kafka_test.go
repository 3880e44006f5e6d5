package alert

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/kafkaconn"
)

// newBroker starts a broker with the topic "findings" for the test.
func newBroker(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	cluster, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.SeedTopics(3, "findings"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// topicRecords returns what is in the topic.
func topicRecords(t *testing.T, addr string) (records []*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics("findings"), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		fetches := client.PollFetches(ctx)
		cancel()
		if fetches.Empty() {
			return records
		}
		records = append(records, fetches.Records()...)
	}
}

// TestKafkaKeysByFingerprint puts the findings of an exposure into one partition, in
// order, with their ids.
func TestKafkaKeysByFingerprint(t *testing.T) {
	m, _ := testMetrics()
	addr := newBroker(t)
	s, err := NewKafka(KafkaConfig{Brokers: []string{addr}, Topic: "findings"}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	for n := range 30 {
		s.Accept(finding(n, func(f *classify.Finding) { f.Fingerprint = []string{"one", "two", "three"}[n%3] }))
	}
	settle(t, s)
	partitions, count := map[string]int32{}, map[string]int{}
	for _, r := range topicRecords(t, addr) {
		key := string(r.Key)
		if p, ok := partitions[key]; ok && p != r.Partition {
			t.Errorf("fingerprint %s is in partitions %d and %d", key, p, r.Partition)
		}
		partitions[key] = r.Partition
		count[key]++
		var got struct{ ID, Fingerprint string }
		if err := json.Unmarshal(r.Value, &got); err != nil || got.Fingerprint != key {
			t.Errorf("value %s under key %s: %v", r.Value, key, err)
		}
		if len(r.Headers) != 1 || r.Headers[0].Key != "id" || string(r.Headers[0].Value) != got.ID || got.ID == "" {
			t.Errorf("headers %v, want the id %q", r.Headers, got.ID)
		}
	}
	if count["one"] != 10 || count["two"] != 10 || count["three"] != 10 {
		t.Errorf("findings by key: %v, want 10 of each", count)
	}
}

// TestKafkaTriesAgain delivers what the broker refused at first, once.
func TestKafkaTriesAgain(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "findings"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	fails := 2
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if fails == 0 {
			return nil, nil, false
		}
		fails--
		produce := req.(*kmsg.ProduceRequest)
		res := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			out := kmsg.NewProduceResponseTopic()
			out.Topic, out.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				answer := kmsg.NewProduceResponseTopicPartition()
				answer.Partition, answer.ErrorCode = p.Partition, 19 // not enough replicas
				out.Partitions = append(out.Partitions, answer)
			}
			res.Topics = append(res.Topics, out)
		}
		return res, nil, true
	})
	m, reg := testMetrics()
	s, err := NewKafka(KafkaConfig{Brokers: cluster.ListenAddrs(), Topic: "findings"}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	s.Accept(finding(7))
	settle(t, s)
	if got := topicRecords(t, cluster.ListenAddrs()[0]); len(got) != 1 || sum(t, reg, "leaktap_notifications_failed_total") != 0 {
		t.Errorf("%d records are in the topic, %v failures, want 1 and none", len(got), sum(t, reg, "leaktap_notifications_failed_total"))
	}
}

// TestKafkaGivesUp counts what cannot be delivered, and does not wait as long again.
func TestKafkaGivesUp(t *testing.T) {
	m, reg := testMetrics()
	s, err := NewKafka(KafkaConfig{Brokers: []string{"127.0.0.1:1"}, Topic: "findings", GiveUp: 50 * time.Millisecond}, m, quiet())
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	for n := range 2 {
		s.Accept(finding(n))
		settle(t, s)
	}
	if got := sum(t, reg, "leaktap_notifications_failed_total"); got != 2 {
		t.Errorf("%v failures counted, want 2", got)
	}
}

// TestKafkaAuthenticates reads the password when it connects, from a file that may
// have changed since.
func TestKafkaAuthenticates(t *testing.T) {
	addr := newBroker(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "right"), kfake.Superuser("SCRAM-SHA-512", "u", "right"))
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			password := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(password, []byte("wrong\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			m, reg := testMetrics()
			s, err := NewKafka(KafkaConfig{
				Brokers: []string{addr}, Topic: "findings", Access: kafkaconn.Access{Mechanism: mechanism, User: "u", PasswordFile: password}, GiveUp: time.Second,
			}, m, quiet())
			if err != nil {
				t.Fatal(err)
			}
			start(t, s)
			s.Accept(finding(0))
			settle(t, s)
			if got := sum(t, reg, "leaktap_notifications_failed_total"); got != 1 {
				t.Fatalf("%v failures counted with a wrong password, want 1", got)
			}
			if err := os.WriteFile(password, []byte("right\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(20 * time.Second)
			for sum(t, reg, "leaktap_notifications_total") == sum(t, reg, "leaktap_notifications_failed_total") {
				if time.Now().After(deadline) {
					t.Fatal("the right password was not taken")
				}
				s.Accept(finding(1))
				settle(t, s)
			}
		})
	}
}

func TestNewKafkaRefuses(t *testing.T) {
	m, _ := testMetrics()
	good := KafkaConfig{Brokers: []string{"b:9092"}, Topic: "t"}
	for want, edit := range map[string]func(*KafkaConfig){
		"want brokers and a topic": func(c *KafkaConfig) { c.Topic = "" },
		"unknown SASL mechanism":   func(c *KafkaConfig) { c.Access.Mechanism = "MD5" },
		"read token file":          func(c *KafkaConfig) { c.Access = kafkaconn.Access{Mechanism: "OAUTHBEARER", TokenFile: "missing"} },
		"want one token":           func(c *KafkaConfig) { c.Access = kafkaconn.Access{Mechanism: "OAUTHBEARER", TokenFile: os.DevNull} },
		"read CA file":             func(c *KafkaConfig) { c.Access = kafkaconn.Access{TLS: true, CAFile: "missing"} },
		"read client certificate":  func(c *KafkaConfig) { c.Access = kafkaconn.Access{TLS: true, CertFile: "missing"} },
	} {
		c := good
		edit(&c)
		if _, err := NewKafka(c, m, quiet()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewKafka = %v, want %q", err, want)
		}
	}
}
