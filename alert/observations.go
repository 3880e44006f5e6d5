package alert

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leaktap/leaktap/classify"
)

// ObservationsConfig says to which topic observations go; a zero field means its default.
type ObservationsConfig struct {
	// Kafka says where the topic is; its GiveUp and Queue are not looked at.
	Kafka KafkaConfig
	// Waiting is how many messages wait at most, 50,000 by default; more are dropped and
	// counted.
	Waiting int
	// Interval is how often they are sent, 1 s by default.
	Interval time.Duration
}

// Observations writes what exchanges tell of callers and addresses to a topic, so that all
// of one caller meet in one partition: those for the windows of a caller have the hash of the
// caller as their key, those for the windows of an address that of the address. They hold no
// plaintext. It is safe for concurrent use.
type Observations struct {
	config ObservationsConfig
	writer *kafka.Writer
	counts deliveries
	log    *slog.Logger

	mu      sync.Mutex
	waiting []kafka.Message
	sending sync.Mutex
}

// NewObservations returns a writer, or an error if a broker or the topic is missing or a
// file that the configuration names is wrong. It does not connect.
func NewObservations(c ObservationsConfig, m *Metrics, log *slog.Logger) (*Observations, error) {
	c.Kafka.Timeout = cmp.Or(c.Kafka.Timeout, 10*time.Second)
	transport, err := c.Kafka.transport()
	if err != nil {
		return nil, fmt.Errorf("configure observations: %w", err)
	}
	c.Waiting = cmp.Or(c.Waiting, 50_000)
	c.Interval = cmp.Or(c.Interval, time.Second)
	o := &Observations{config: c, counts: m.deliveries("observations"), log: log}
	o.writer = &kafka.Writer{
		Addr: kafka.TCP(c.Kafka.Brokers...), Topic: c.Kafka.Topic, Transport: transport, Balancer: &kafka.Hash{},
		RequiredAcks: kafka.RequireAll, BatchTimeout: 10 * time.Millisecond, BatchSize: 1000, Compression: kafka.Zstd,
		MaxAttempts: 5, WriteTimeout: c.Kafka.Timeout, ReadTimeout: c.Kafka.Timeout,
	}
	m.WatchQueue(o.fill)
	return o, nil
}

func (o *Observations) fill() float64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return float64(len(o.waiting)) / float64(o.config.Waiting)
}

// Observe takes an observation for the windows of its caller and of its address.
func (o *Observations) Observe(seen *classify.Observation) {
	copied := *seen
	if id := seen.Caller.ID; id != 0 {
		copied.Part = classify.PartCaller
		o.add(&copied, id)
	}
	if client := seen.Caller.Client; client != 0 && client != seen.Caller.ID {
		copied.Part = classify.PartClient
		o.add(&copied, client)
	}
}

func (o *Observations) add(seen *classify.Observation, key uint64) {
	value, err := seen.AppendJSON(nil)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil && len(o.waiting) >= o.config.Waiting {
		err = errDropped
	}
	if err != nil {
		o.counts.count(1, err)
		return
	}
	o.waiting = append(o.waiting, kafka.Message{Key: binary.BigEndian.AppendUint64(nil, key), Value: value})
}

// Run sends what waits until ctx ends, then flushes for at most flushGrace.
func (o *Observations) Run(ctx context.Context) error {
	tick := time.NewTicker(o.config.Interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			_ = o.send(ctx) // it is logged and counted
		case <-ctx.Done():
		}
	}
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushGrace)
	defer cancel()
	_ = o.send(work)
	defer o.writer.Transport.(*kafka.Transport).CloseIdleConnections()
	if err := o.writer.Close(); err != nil {
		return fmt.Errorf("close observations: %w", err)
	}
	return nil
}

// Accept takes no findings: they go to a topic of their own.
func (o *Observations) Accept(*classify.Finding) {}

// Settle sends what waits. It returns an error if ctx ends first.
func (o *Observations) Settle(ctx context.Context) error {
	if err := o.send(ctx); err != nil && ctx.Err() != nil {
		return fmt.Errorf("settle observations: %w", ctx.Err())
	}
	return nil
}

// send sends what waits. What cannot be sent is dropped and counted: the brokers have been
// asked again and again.
func (o *Observations) send(ctx context.Context) error {
	o.sending.Lock()
	defer o.sending.Unlock()
	o.mu.Lock()
	batch := o.waiting
	o.waiting = nil
	o.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	err := o.writer.WriteMessages(ctx, batch...)
	o.counts.count(len(batch), err)
	if err != nil {
		o.log.Warn("observations dropped", "topic", o.config.Kafka.Topic, "count", len(batch), "cause", err)
	}
	return err
}
