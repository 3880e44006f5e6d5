package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/kafkaconn"
)

// KafkaConfig says to which topic findings are written; a zero field means its
// default. Brokers and Topic are needed.
type KafkaConfig struct {
	Brokers []string
	Topic   string
	Access  kafkaconn.Access

	// Timeout bounds one request, 10 s by default.
	Timeout time.Duration
	// GiveUp bounds the tries of one batch, 30 s by default. After a batch was given
	// up, the next ones are tried once each until one goes through.
	GiveUp time.Duration
	// Queue is how many findings wait, 10,000 by default.
	Queue int
}

// Kafka is a sink that writes findings to a topic: the finding's JSON under its
// fingerprint as key, so that all findings of an exposure are in one partition, in
// order, and a compacted topic keeps the last of each. The header "id" is the
// finding's id: a replay repeats it. A batch is acknowledged by all replicas in sync
// before it counts as delivered; one that was refused, or could not be delivered
// within GiveUp, is dropped and counted.
type Kafka struct {
	*queue
	config KafkaConfig
	writer *kafka.Writer
	down   bool // the last batch was given up
}

// NewKafka checks the configuration and the files that it names; it does not
// connect.
func NewKafka(c KafkaConfig, m *Metrics, log *slog.Logger) (*Kafka, error) {
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.GiveUp = cmp.Or(c.GiveUp, 30*time.Second)
	transport, err := c.transport()
	if err != nil {
		return nil, fmt.Errorf("configure Kafka sink: %w", err)
	}
	k := &Kafka{config: c, writer: &kafka.Writer{
		Addr: kafka.TCP(c.Brokers...), Topic: c.Topic, Transport: transport,
		Balancer: &kafka.Murmur2Balancer{}, RequiredAcks: kafka.RequireAll, MaxAttempts: 1,
		BatchSize: kafkaBatch, BatchTimeout: time.Millisecond, WriteTimeout: c.Timeout, ReadTimeout: c.Timeout,
	}}
	k.queue = newQueue("kafka", cmp.Or(c.Queue, 10_000), kafkaBatch, m, log, k.send)
	return k, nil
}

// transport returns what reaches the brokers, or an error if the configuration or a file
// that it names is wrong. It does not connect.
func (c KafkaConfig) transport() (*kafka.Transport, error) {
	if len(c.Brokers) == 0 || c.Topic == "" {
		return nil, errors.New("want brokers and a topic")
	}
	dialer, err := kafkaconn.NewDialer(c.Access, c.Brokers, c.Timeout)
	if err != nil {
		return nil, err
	}
	return dialer.Transport([]string{c.Topic}), nil
}

// kafkaBatch is how many findings one request holds at most.
const kafkaBatch = 500

// Run writes findings until ctx ends, then flushes for at most 5 s.
func (k *Kafka) Run(ctx context.Context) error {
	defer k.writer.Transport.(*kafka.Transport).CloseIdleConnections()
	err := k.queue.Run(ctx)
	return errors.Join(err, k.writer.Close())
}

// send writes one batch, what is left of it again and again if need be. It is called
// by Run's goroutine only.
func (k *Kafka) send(ctx context.Context, batch []*classify.Finding) error {
	messages := make([]kafka.Message, 0, len(batch))
	for _, f := range batch {
		line, err := jsonLine(f)
		if err != nil {
			return err
		}
		messages = append(messages, kafka.Message{
			Key: []byte(f.Fingerprint), Value: line[:len(line)-1],
			Headers: []kafka.Header{{Key: "id", Value: []byte(f.ID)}},
		})
	}
	tries, cancel := context.WithTimeout(ctx, k.config.GiveUp)
	defer cancel()
	var pause backoff
	for {
		err := k.writer.WriteMessages(tries, messages...)
		if err == nil {
			k.down = false
			return nil
		}
		var refused bool
		messages, refused = unwritten(messages, err)
		if !refused && !k.down {
			pause.wait(tries)
		}
		if refused || k.down || tries.Err() != nil {
			k.down = !refused
			return fmt.Errorf("write findings to topic %s: %w", k.config.Topic, k.explain(err))
		}
	}
}

// unwritten returns the messages that were not acknowledged, and whether there is no
// use in trying again.
func unwritten(messages []kafka.Message, err error) (rest []kafka.Message, refused bool) {
	each, ok := errors.AsType[kafka.WriteErrors](err)
	if !ok || len(each) != len(messages) {
		return messages, isRefused(err)
	}
	for i, err := range each {
		if err != nil {
			rest = append(rest, messages[i])
			refused = refused || isRefused(err)
		}
	}
	return rest, refused
}

// isRefused says whether the same request will be refused again.
func isRefused(err error) bool {
	for _, refusal := range [...]kafka.Error{
		kafka.SASLAuthenticationFailed, kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.MessageSizeTooLarge, kafka.InvalidRecord, kafka.UnsupportedSASLMechanism,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// explain says what the user may have done wrong.
func (k *Kafka) explain(err error) error {
	if each, ok := errors.AsType[kafka.WriteErrors](err); ok {
		for _, e := range each {
			if e != nil {
				err = e
				break
			}
		}
	}
	hint := k.config.Access.Hint(err)
	switch {
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		hint = "the user lacks an ACL: Write and Describe on the topic"
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		hint = "the topic does not exist"
	}
	if hint == "" {
		return err
	}
	return fmt.Errorf("%s: %w", hint, err)
}
