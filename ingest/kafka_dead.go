package ingest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// deadLetters copies records that could not be looked at in full to a topic, with
// everything that is in them: only who asks for it gets it. Of a batch that nobody
// can decode there is no record to copy, and none of a line that was held back to be
// joined.
type deadLetters struct {
	k      *Kafka
	writer *kafka.Writer
}

// What became of a copy: the values of the label "outcome".
const (
	deadCopied = "copied"
	deadFailed = "failed"
)

// openDeadLetters returns nil without a topic.
func (k *Kafka) openDeadLetters() *deadLetters {
	if k.cfg.DeadLetter == "" {
		return nil
	}
	k.log.Warn("records that cannot be looked at are copied as they are, with whatever secrets they hold", "dead_letter_topic", k.cfg.DeadLetter)
	return &deadLetters{k, &kafka.Writer{
		Addr: kafka.TCP(k.cfg.Brokers...), Topic: k.cfg.DeadLetter,
		Transport: k.dialer.Transport([]string{k.cfg.DeadLetter}), Balancer: &kafka.Murmur2Balancer{},
		RequiredAcks: kafka.RequireAll, BatchSize: 1, BatchTimeout: time.Millisecond, BatchBytes: 1 << 30,
		MaxAttempts: 2, WriteTimeout: k.cfg.Timing.Request, ReadTimeout: k.cfg.Timing.Request,
	}}
}

func (d *deadLetters) close() {
	if d == nil {
		return
	}
	_ = d.writer.Close() // every write was waited for
	d.writer.Transport.(*kafka.Transport).CloseIdleConnections()
}

// copy writes one record, with where it was and why it is here, and waits for it. A
// copy that fails is counted, and the partition goes on.
func (d *deadLetters) copy(ctx context.Context, w *worker, r *kafkaRecord) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.k.cfg.Timing.Request)
	defer cancel()
	message := kafka.Message{Key: bytes.Clone(r.key), Value: bytes.Clone(r.value), Time: time.UnixMilli(r.ms)}
	c := cursor{b: r.headers}
	for range r.count {
		name, value := c.bytes(), c.bytes()
		if c.bad {
			break
		}
		message.Headers = append(message.Headers, kafka.Header{Key: string(name), Value: bytes.Clone(value)})
	}
	for _, h := range [][2]string{
		{"leaktap-reason", w.noted},
		{"leaktap-topic", w.tp.topic},
		{"leaktap-partition", strconv.Itoa(int(w.tp.partition))},
		{"leaktap-offset", strconv.FormatInt(r.offset, 10)},
	} {
		message.Headers = append(message.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
	}
	outcome := deadCopied
	if err := d.writer.WriteMessages(ctx, message); err != nil {
		outcome = deadFailed
		d.k.log.Warn("bad record was not copied", "topic", w.tp.topic, "partition", w.tp.partition, "offset", r.offset, "cause", err)
	}
	d.k.metrics.deadLetters.WithLabelValues(outcome).Inc()
}

// note takes what the decoding says about a record, and remembers that the present one
// is to be copied.
func (w *worker) note(what string) {
	offset := w.decoding.src.Offset
	w.complain(what, offset, nil)
	if offset == w.current && what != outcomeEmpty && what != outcomeTombstone && what != LimitRedecided {
		w.noted = what
	}
}

// checkDeadLetter refuses a topic that is read: its records would go round.
func (c *KafkaConfig) checkDeadLetter(topics *topicSet) error {
	if c.DeadLetter == "" {
		return nil
	}
	for _, name := range topics.names {
		if name == c.DeadLetter {
			return fmt.Errorf("the dead-letter topic %q is one of the topics that are read", name)
		}
	}
	if topics.matches(c.DeadLetter, false) {
		return fmt.Errorf("the dead-letter topic %q is taken in by an expression of the topics that are read: exclude it", c.DeadLetter)
	}
	return nil
}
