package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"github.com/leaktap/leaktap/kafkaconn"
)

// KafkaUse is what is done with topics.
type KafkaUse int

// The uses.
const (
	ReadTopics KafkaUse = iota
	WriteTopics
)

// KafkaCheck is one thing that [CheckKafka] looked at. A warning is an Err that does not
// keep anything from starting.
type KafkaCheck struct {
	What    string
	Err     error
	Warning bool
}

// The operations of an ACL, by the number of their bit (Kafka's AclOperation).
const (
	operationRead  = 3
	operationWrite = 4
)

// CheckKafka reaches a cluster as a source (ReadTopics) or a sink (WriteTopics) would. It
// connects to each broker that is named, looks up the topics, and asks what the user may do
// with them and with the group. It fetches, commits and produces nothing. Each request takes
// cfg.Timing.Request at most.
func CheckKafka(ctx context.Context, cfg KafkaConfig, use KafkaUse) []KafkaCheck {
	k, err := NewKafka(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return []KafkaCheck{{What: "configuration", Err: err}}
	}
	c := &kafkaChecker{Kafka: k}
	transport := k.dialer.Transport(k.topics.asked())
	k.client = &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport}
	defer k.dialer.CloseAll()
	defer transport.CloseIdleConnections()
	if c.connect(ctx); c.reached == 0 {
		return c.checks
	}
	c.lookUpTopics(ctx, use)
	if cfg.Group != "" {
		c.add("group "+cfg.Group+": may be read", c.group(ctx))
	}
	if cfg.DeadLetter != "" {
		c.add("topic "+cfg.DeadLetter+": may be written", c.rights(ctx, []string{cfg.DeadLetter}, WriteTopics))
	}
	return c.checks
}

// kafkaChecker gathers checks.
type kafkaChecker struct {
	*Kafka
	checks  []KafkaCheck
	reached int
}

func (c *kafkaChecker) add(what string, err error) {
	_, untold := errors.AsType[*untoldError](err)
	c.checks = append(c.checks, KafkaCheck{what, err, untold})
}

// untoldError says that a broker does not tell what a user may do.
type untoldError struct{ of string }

// Error says what cannot be known.
func (e *untoldError) Error() string {
	return "the broker is too old to tell what the user may do with " + e.of + " (Kafka 2.3 does)"
}

// connect connects to each broker. That one of several is away is a warning: the others tell
// where the partitions are.
func (c *kafkaChecker) connect(ctx context.Context) {
	errs := make([]error, len(c.cfg.Brokers))
	var greeting sync.WaitGroup
	for i, address := range c.cfg.Brokers {
		greeting.Go(func() { errs[i] = c.greet(ctx, address) })
	}
	greeting.Wait()
	for i, address := range c.cfg.Brokers {
		if errs[i] == nil {
			c.reached++
		}
		c.add("broker "+address+": connects", errs[i])
	}
	for i := range c.checks {
		c.checks[i].Warning = c.reached > 0 && !kafkaconn.Denied(c.checks[i].Err)
	}
}

// greet connects to a broker, authenticates and asks what it can do. It is called for all at once.
func (c *kafkaChecker) greet(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timing.Request)
	defer cancel()
	conn, err := c.dialer.Kafka().DialContext(ctx, "tcp", address)
	if err != nil {
		return c.explained(err)
	}
	defer func() { _ = conn.Close() }() // nothing was written that could be lost
	if err := conn.SetDeadline(time.Now().Add(c.cfg.Timing.Request)); err != nil {
		return err
	}
	_, err = conn.ApiVersions()
	return c.explained(err)
}

// explained adds what may be behind an error.
func (c *kafkaChecker) explained(err error) error {
	if dial, ok := errors.AsType[*kafkaconn.DialError](err); ok {
		err = dial // kafka-go says it twice more
	}
	if hint := c.hint(err); err != nil && hint != "" {
		return fmt.Errorf("%s: %w", hint, err)
	}
	return err
}

// lookUpTopics looks the topics up and asks what the user may do with them.
func (c *kafkaChecker) lookUpTopics(ctx context.Context, use KafkaUse) {
	what := "topics " + strings.Join(c.cfg.Topics, ", ")
	partitions, err := c.partitions(ctx)
	if err != nil {
		c.add(what+": exist", err)
		return
	}
	names := topicsOf(partitions)
	if len(names) == 0 {
		c.checks = append(c.checks, KafkaCheck{what + ": exist", errors.New("no topic matches at present: topics that come later are read"), true})
		return
	}
	c.add(fmt.Sprintf("topics %s: exist, %d partitions", listed(names), len(partitions)), nil)
	doing := "read"
	if use == WriteTopics {
		doing = "written"
	}
	c.add("topics "+listed(names)+": may be "+doing, c.rights(ctx, names, use))
}

// rights asks what the user may do with topics.
func (c *kafkaChecker) rights(ctx context.Context, names []string, use KafkaUse) error {
	request := &metadata.Request{TopicNames: names, IncludeTopicAuthorizedOperations: true}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timing.Request)
	defer cancel()
	res, err := c.client.Transport.RoundTrip(ctx, c.client.Addr, &sealing{routed{Message: request, broker: -1}})
	if err != nil {
		return c.explained(err)
	}
	answer, _ := res.(sealed)
	described, ok := answer.Message.(*metadata.Response)
	if !ok {
		return errors.New("the broker did not describe it")
	}
	operation, name := operationRead, "Read"
	if use == WriteTopics {
		operation, name = operationWrite, "Write"
	}
	for _, t := range described.Topics {
		if t.ErrorCode != 0 {
			return c.explained(fmt.Errorf("look up topic %s: %w", t.Name, kafka.Error(t.ErrorCode)))
		}
		if err := allowed(t.TopicAuthorizedOperations, operation, name, "the topic "+t.Name); err != nil {
			return err
		}
	}
	return nil
}

// sealing hands an answer on in a wrapper: kafka-go's transport takes one about topics for the
// answer to a request of its own.
type sealing struct{ routed }

type sealed struct{ protocol.Message }

// RawExchange implements [protocol.RawExchanger].
func (s *sealing) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	answer, err := s.routed.RawExchange(rw)
	return sealed{answer}, err
}

// group asks what the user may do with the group, which need not exist. A broker that has
// just begun to look after it is asked again.
func (c *kafkaChecker) group(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timing.Request)
	defer cancel()
	for {
		operations, err := c.describeGroup(ctx)
		settling := errors.Is(err, kafka.NotCoordinatorForGroup) || errors.Is(err, kafka.GroupCoordinatorNotAvailable) || errors.Is(err, kafka.GroupLoadInProgress)
		switch {
		case settling && ctx.Err() == nil:
			wait(ctx, settleInterval)
		case err != nil:
			return c.explained(err)
		default:
			return allowed(operations, operationRead, "Read", "the group "+c.cfg.Group)
		}
	}
}

// settleInterval is how long a broker is left alone that does not know its groups yet.
const settleInterval = 200 * time.Millisecond

func (c *kafkaChecker) describeGroup(ctx context.Context) (operations int32, err error) {
	res, err := c.client.Transport.RoundTrip(ctx, c.client.Addr, &describegroups.Request{Groups: []string{c.cfg.Group}, IncludeAuthorizedOperations: true})
	if err != nil {
		return 0, err
	}
	described, ok := res.(*describegroups.Response)
	if !ok || len(described.Groups) == 0 {
		return 0, errors.New("the broker did not describe it")
	}
	if g := described.Groups[0]; g.ErrorCode != 0 {
		return 0, kafka.Error(g.ErrorCode)
	}
	return described.Groups[0].AuthorizedOperations, nil
}

// untold is what a broker answers that does not tell operations; one that does not know the
// question leaves 0.
const untold = -1 << 31

// allowed says what the user lacks.
func allowed(operations int32, operation int, name, of string) error {
	if operations == untold || operations == 0 {
		return &untoldError{of}
	}
	if operations&(1<<operation) == 0 {
		return fmt.Errorf("the user lacks an ACL: %s on %s", name, of)
	}
	return nil
}
