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
	"github.com/leaktap/leaktap/kafkaconn"
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

// KafkaAccess says how brokers are reached and as whom.
type KafkaAccess = kafkaconn.Access

// KafkaConfig says what a [Kafka] reads and how. Brokers and Topics are needed.
type KafkaConfig struct {
	Config
	// Brokers are addresses HOST:PORT to start from.
	Brokers []string
	// Topics are names, or expressions between slashes (/^access-/), which take
	// topics in that come later, too.
	Topics []string
	// Exclude are names and expressions of topics that no expression takes in.
	Exclude []string
	// Partitions, unless nil, are the only ones read; a group chooses for itself.
	Partitions []int32
	// Group is the consumer group. Without one all partitions are read and
	// nothing is committed.
	Group string
	// Rack, unless empty, is where the agent is, as brokers name their racks: records are
	// fetched from a replica there if the cluster says so (KIP-392). Where reading has
	// an end, the leader is asked, since only it knows the end.
	Rack string
	// Start says where a partition without committed offset starts.
	Start Start
	// Readback, unless 0, is how far back each partition is read that a group assigns, whatever
	// is committed; nothing is committed then. It is for those whose state is made of the newest
	// records.
	Readback time.Duration
	// StopAtEnd ends Run when every partition was read to its end.
	StopAtEnd bool
	// Until, unless nil, says where reading ends, which ends Run; nothing is
	// committed then.
	Until *Start
	// DeadLetter, unless empty, is a topic to which records are copied, with all that
	// is in them, that could not be looked at in full.
	DeadLetter string
	Access     KafkaAccess
	Timing     KafkaTiming
	KafkaLimits
}

// KafkaLimits bound the memory of a [Kafka]; 0 means the default.
type KafkaLimits struct {
	// FetchBytes is how much one fetch asks for; default 4 MiB. A larger batch is
	// read all the same; of those over twice this size there is one at a time.
	FetchBytes int
	// MaxBatch is how large a batch may be, in bytes, as it is sent; default 128 MiB.
	// A larger one is passed over and counted.
	MaxBatch int
	// MaxUnpacked is how many bytes a batch may unpack to; default 256 MiB. It costs
	// time and no memory. The records behind it are passed over and counted.
	MaxUnpacked int
	// InFlight bounds the bytes that were fetched and not handled, in steps of
	// FetchBytes and beside the one large batch; default 64 MiB.
	InFlight int
}

// ends says whether reading comes to an end by itself.
func (c *KafkaConfig) ends() bool { return c.StopAtEnd || c.Until != nil }

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
	// Join is how long the beginning of a trace, or of a line that was cut, waits
	// for its rest; default 2 s.
	Join time.Duration
	// Stall is after what time a partition that does not move is reported; default
	// 1 min.
	Stall time.Duration
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
		Join:      cmp.Or(t.Join, 2*time.Second),
		Stall:     cmp.Or(t.Stall, time.Minute),
	}
}

// Kafka reads topics at least once: an offset is committed only after the
// handler has settled the records before it, only by the member that owns the
// partition, and never backwards.
//
// Records of aborted transactions are counted and not read, those of open ones wait
// for its end. A batch that cannot be decoded is counted with its place and passed.
type Kafka struct {
	cfg     KafkaConfig
	topics  topicSet
	metrics *metrics
	log     *slog.Logger
	ready   chan struct{}
	once    sync.Once
	dialer  *kafkaconn.Dialer
	client  *kafka.Client
	buffers *bufferPool
	dead    *deadLetters
	// known are the partitions there are, atStart those that were there at first.
	known   []topicPartition
	atStart map[topicPartition]bool
	// ids are those of the topics, where the cluster has some.
	ids map[string]topicID
	// raw, unless nil, takes values instead of the decoders: for measurements.
	raw func(value []byte)
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
	cfg.MaxBatch = cmp.Or(cfg.MaxBatch, 128<<20)
	cfg.MaxUnpacked = cmp.Or(cfg.MaxUnpacked, 256<<20)
	cfg.InFlight = cmp.Or(cfg.InFlight, 64<<20)
	topics, err := newTopicSet(cfg.Topics, cfg.Exclude)
	if err != nil {
		return nil, fmt.Errorf("check Kafka source: %w", err)
	}
	if err := cfg.check(&topics); err != nil {
		return nil, fmt.Errorf("check Kafka source: %w", err)
	}
	// A dial ends before the request that needs it, so that its error is told.
	dialer, err := kafkaconn.NewDialer(cfg.Access, cfg.Brokers, cfg.Timing.Request/2)
	if err != nil {
		return nil, fmt.Errorf("check Kafka source: %w", err)
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Kafka{
		cfg: cfg, topics: topics, metrics: m, log: log, ready: make(chan struct{}), dialer: dialer,
		buffers: newBufferPool(cfg.FetchBytes, cfg.InFlight), atStart: map[topicPartition]bool{},
	}, nil
}

// check says what does not go together.
func (c *KafkaConfig) check(topics *topicSet) error {
	switch {
	case len(c.Brokers) == 0:
		return errors.New("no broker address")
	case len(c.Topics) == 0:
		return errors.New("no topic")
	case c.checkDeadLetter(topics) != nil:
		return c.checkDeadLetter(topics)
	case c.Partitions != nil && c.Group != "":
		return errors.New("a list of partitions and a group exclude each other")
	case c.Until != nil && c.Group != "":
		return errors.New("a bounded replay commits nothing: leave the group out")
	case min(c.FetchBytes, c.MaxBatch, c.MaxUnpacked, c.InFlight) < 0 || max(c.FetchBytes, c.MaxBatch, c.MaxUnpacked) > 1<<30:
		return errors.New("a limit is negative or over 1 GiB")
	case c.Timing.Drain >= c.Timing.Session:
		return fmt.Errorf("drain time %v is not below session time-out %v", c.Timing.Drain, c.Timing.Session)
	}
	return nil
}

// Ready is closed when the first partitions are being read.
func (k *Kafka) Ready() <-chan struct{} { return k.ready }

// Run reads until the context is cancelled, or until the end with StopAtEnd,
// and returns nil then; it may be called once. It fails when it cannot start
// (no broker answers, a topic is missing, access is denied); later troubles of
// brokers are waited out.
func (k *Kafka) Run(ctx context.Context, h Handler) error {
	transport := k.dialer.Transport(k.topics.asked())
	k.client = &kafka.Client{Addr: kafka.TCP(k.cfg.Brokers...), Transport: transport}
	defer k.dialer.CloseAll()
	defer transport.CloseIdleConnections()
	k.dead = k.openDeadLetters()
	defer k.dead.close()
	partitions, err := k.partitions(ctx)
	for _, tp := range partitions {
		k.atStart[tp] = true
	}
	k.known = partitions
	if err == nil {
		k.identifyAll(ctx, topicsOf(partitions))
	}
	switch {
	case err != nil:
	case k.cfg.Group != "":
		err = k.runGroups(ctx, h)
	default:
		err = k.runAlone(ctx, h)
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

func (k *Kafka) isReady() bool {
	select {
	case <-k.ready:
		return true
	default:
		return false
	}
}

// runAlone reads all partitions without a group. Partitions that appear later
// are read from their start.
func (k *Kafka) runAlone(ctx context.Context, h Handler) error {
	positions := map[topicPartition]int64{}
	for ctx.Err() == nil {
		ids := k.ids
		s := newSession(k, h, func(map[string]map[int]int64) error { return nil })
		for _, tp := range k.known {
			offset, known := positions[tp]
			if !known {
				offset = noOffset
			}
			s.add(tp, offset, k.startOf(tp))
		}
		present, err := s.run(ctx)
		if err != nil || present == nil {
			return err
		}
		positions = s.positions()
		for tp, offset := range positions {
			if before, known := ids[tp.topic]; known && k.ids[tp.topic] != before {
				k.noteRecreated(tp, offset)
				delete(positions, tp)
			}
		}
	}
	return ctx.Err()
}
