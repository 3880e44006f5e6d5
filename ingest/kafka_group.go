package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// joinBackoff is the wait after an attempt to join that failed. kafka-go's
// default of 5 s delays the first join on a fresh broker.
const joinBackoff = 500 * time.Millisecond

// runGroup reads as a member of the group. Of kafka-go it uses only the
// membership: kafka.Reader commits for partitions that it lost in a rebalance,
// which moves the group back.
func (k *Kafka) runGroup(ctx context.Context, h Handler) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: k.cfg.Group, Brokers: k.cfg.Brokers, Topics: k.cfg.Topics,
		Dialer:            k.dialer.kafka(),
		HeartbeatInterval: k.cfg.Timing.Heartbeat,
		SessionTimeout:    k.cfg.Timing.Session,
		RebalanceTimeout:  k.cfg.Timing.Session,
		JoinGroupBackoff:  joinBackoff,
		Timeout:           k.cfg.Timing.Request,
	})
	if err != nil {
		return fmt.Errorf("join group %s: %w", k.cfg.Group, err)
	}
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for {
		generation, err := group.Next(run)
		switch {
		case run.Err() != nil:
			// Close ends the generation, waits for its last commit, and leaves.
			return errors.Join(unlessFinished(context.Cause(run)), group.Close())
		case isDenied(err):
			return errors.Join(k.explain("join group "+k.cfg.Group, err), group.Close())
		case err != nil:
			k.log.Warn("group not joined yet", "group", k.cfg.Group, "cause", err)
			continue
		}
		k.log.Info("joined group", "group", k.cfg.Group, "generation", generation.ID, "partitions", owned(generation))
		generation.Start(func(ctx context.Context) {
			k.member(ctx, h, generation, stop)
		})
	}
}

// errFinished is the cause of an end that StopAtEnd asked for.
var errFinished = errors.New("read to the end")

func unlessFinished(cause error) error {
	if errors.Is(cause, errFinished) {
		return nil
	}
	return cause
}

// member reads the generation's partitions until it ends, which returning makes
// it do. When all reading is over it calls stop and stays, so that the group is
// not joined again in between.
func (k *Kafka) member(ctx context.Context, h Handler, g *kafka.Generation, stop context.CancelCauseFunc) {
	commit := g.CommitOffsets
	if k.cfg.Readback > 0 {
		commit = func(map[string]map[int]int64) error { return nil }
	}
	s := newSession(k, h, commit)
	for topic, partitions := range g.Assignments {
		for _, p := range partitions {
			// A negative offset means that none is committed.
			offset, start := max(p.Offset, noOffset), k.cfg.Start
			if k.cfg.Readback > 0 {
				offset, start = noOffset, Start{kind: startTime, at: time.Now().Add(-k.cfg.Readback)}
			}
			s.add(topicPartition{topic, int32(p.ID)}, offset, start)
		}
	}
	defer s.forget() // the lag is another member's from now on
	switch grown, err := s.run(ctx); {
	case ctx.Err() != nil || grown != nil || errors.Is(err, errLost):
		return
	case err != nil:
		stop(err)
	default:
		stop(errFinished)
	}
	<-ctx.Done()
}

// owned returns how many partitions the generation assigns to this member.
func owned(g *kafka.Generation) (n int) {
	for _, partitions := range g.Assignments {
		n += len(partitions)
	}
	return n
}
