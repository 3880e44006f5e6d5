package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"github.com/leaktap/leaktap/classify"
)

// Handler takes the exchanges of Kafka records.
type Handler interface {
	// Handle takes one exchange, which is valid only during the call. It is
	// called from one goroutine per partition.
	Handle(x *classify.Exchange)
	// Settle returns when every finding of what was handled so far was accepted
	// by every sink, or its drop was counted. Nothing is committed if it fails.
	Settle(ctx context.Context) error
}

// KafkaConfig says what a [Kafka] reads and how. Brokers and Topics are needed.
type KafkaConfig struct {
	Config
	// Brokers are addresses HOST:PORT to start from.
	Brokers []string
	Topics  []string
	// Group is the consumer group. Without one all partitions are read and
	// nothing is committed.
	Group string
	// Start says where a partition without committed offset starts.
	Start Start
	// Readback, unless 0, is how far back each partition is read that a group assigns, whatever
	// is committed; nothing is committed then. It is for those whose state is made of the newest
	// records.
	Readback time.Duration
	// StopAtEnd ends Run when every partition was read to its end.
	StopAtEnd bool
	Access    KafkaAccess
	Timing    KafkaTiming
	// FetchBytes is how much one fetch asks for; 0 means 4 MiB. A larger record
	// is read all the same.
	FetchBytes int
}

// KafkaTiming holds the intervals of a [Kafka]; 0 means the default.
type KafkaTiming struct {
	// Commit is the interval between commits; default 1 s.
	Commit time.Duration
	// Drain bounds how long a rebalance or the end of Run waits for the handler
	// before the last commit; default 5 s, and less than Session.
	Drain time.Duration
	// Session is how long the group waits for a silent member; default 30 s.
	Session time.Duration
	// Heartbeat is the interval of signs of life; default 1 s. It bounds how
	// fast a rebalance is noticed.
	Heartbeat time.Duration
	// Wait is how long a fetch waits for records; default 2 s. Less makes a
	// busy host time out.
	Wait time.Duration
	// Metadata is the interval at which topics are looked up for new
	// partitions; default 30 s.
	Metadata time.Duration
	// Request bounds a request and a dial; default 10 s.
	Request time.Duration
}

func (t KafkaTiming) withDefaults() KafkaTiming {
	return KafkaTiming{
		Commit:    cmp.Or(t.Commit, time.Second),
		Drain:     cmp.Or(t.Drain, 5*time.Second),
		Session:   cmp.Or(t.Session, 30*time.Second),
		Heartbeat: cmp.Or(t.Heartbeat, time.Second),
		Wait:      cmp.Or(t.Wait, 2*time.Second),
		Metadata:  cmp.Or(t.Metadata, 30*time.Second),
		Request:   cmp.Or(t.Request, 10*time.Second),
	}
}

// Kafka reads topics at least once: an offset is committed only after the
// handler has settled the records before it, only by the member that owns the
// partition, and never backwards.
//
// Records of open and of aborted transactions are read as well: they are
// written down, and anybody who reads uncommitted sees them.
type Kafka struct {
	cfg     KafkaConfig
	metrics *metrics
	log     *slog.Logger
	ready   chan struct{}
	once    sync.Once
	dialer  *dialer
	client  *kafka.Client
}

// NewKafka checks the configuration; it does not connect. Messages of Kafka
// count as persisted unless Content says traffic. A nil registerer leaves the
// metrics unregistered.
func NewKafka(cfg KafkaConfig, reg prometheus.Registerer, log *slog.Logger) (*Kafka, error) {
	var err error
	if cfg.Config, err = cfg.withDefaults(); err != nil {
		return nil, err
	}
	if cfg.Content == ContentAuto {
		cfg.Content = ContentLog
	}
	cfg.Timing = cfg.Timing.withDefaults()
	cfg.FetchBytes = cmp.Or(cfg.FetchBytes, 4<<20)
	switch {
	case len(cfg.Brokers) == 0:
		return nil, errors.New("check Kafka source: no broker address")
	case len(cfg.Topics) == 0:
		return nil, errors.New("check Kafka source: no topic")
	case cfg.Timing.Drain >= cfg.Timing.Session:
		return nil, fmt.Errorf("check Kafka source: drain time %v is not below session time-out %v", cfg.Timing.Drain, cfg.Timing.Session)
	}
	dialer, err := newDialer(cfg)
	if err != nil {
		return nil, fmt.Errorf("check Kafka source: %w", err)
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Kafka{cfg: cfg, metrics: m, log: log, ready: make(chan struct{}), dialer: dialer}, nil
}

// Ready is closed when the first partitions are being read.
func (k *Kafka) Ready() <-chan struct{} { return k.ready }

// Run reads until the context is cancelled, or until the end with StopAtEnd,
// and returns nil then; it may be called once. It fails when it cannot start
// (no broker answers, a topic is missing, access is denied); later troubles of
// brokers are waited out.
func (k *Kafka) Run(ctx context.Context, h Handler) error {
	transport := k.dialer.transport(k.cfg.Topics)
	k.client = &kafka.Client{Addr: kafka.TCP(k.cfg.Brokers...), Transport: transport}
	defer k.dialer.closeAll()
	defer transport.CloseIdleConnections()
	partitions, err := k.partitions(ctx)
	switch {
	case err != nil:
	case k.cfg.Group != "":
		err = k.runGroup(ctx, h)
	default:
		err = k.runAlone(ctx, h, partitions)
	}
	return k.ending(ctx, err)
}

// ending makes the asked-for end of a run no error.
func (k *Kafka) ending(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return fmt.Errorf("read Kafka: %w", err)
}

// signalReady says that partitions are being read.
func (k *Kafka) signalReady() { k.once.Do(func() { close(k.ready) }) }

// runAlone reads all partitions without a group. Partitions that appear later
// are read from their start.
func (k *Kafka) runAlone(ctx context.Context, h Handler, partitions []topicPartition) error {
	positions := map[topicPartition]int64{}
	start := k.cfg.Start
	for ctx.Err() == nil {
		s := newSession(k, h, func(map[string]map[int]int64) error { return nil })
		for _, tp := range partitions {
			offset, known := positions[tp]
			if !known {
				offset = noOffset
			}
			s.add(tp, offset, start)
		}
		grown, err := s.run(ctx)
		if err != nil || grown == nil {
			return err
		}
		positions, partitions, start = s.positions(), grown, Start{}
	}
	return ctx.Err()
}
