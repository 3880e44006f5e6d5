package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"github.com/leaktap/leaktap/kafkaconn"
)

// joinBackoff is the wait after an attempt to join that failed. kafka-go's
// default of 5 s delays the first join on a fresh broker.
const joinBackoff = 500 * time.Millisecond

// runGroups reads as a member of the group; when the topics change it joins anew.
func (k *Kafka) runGroups(ctx context.Context, h Handler) error {
	for {
		for len(k.known) == 0 { // an expression, and no topic yet
			k.signalReady()
			if wait(ctx, k.cfg.Timing.Metadata); ctx.Err() != nil {
				return ctx.Err()
			}
			k.changed(ctx)
		}
		err := k.runGroup(ctx, h, topicsOf(k.known))
		if !errors.Is(err, errTopics) {
			return err
		}
	}
}

// runGroup reads as a member of the group. Of kafka-go it uses only the
// membership: kafka.Reader commits for partitions that it lost in a rebalance,
// which moves the group back.
func (k *Kafka) runGroup(ctx context.Context, h Handler, topics []string) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: k.cfg.Group, Brokers: k.cfg.Brokers, Topics: topics,
		Dialer:            k.dialer.Kafka(),
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
	for tries := 1; ; tries++ {
		generation, err := group.Next(run)
		switch {
		case run.Err() != nil:
			// Close ends the generation, waits for its last commit, and leaves.
			return errors.Join(unlessFinished(context.Cause(run)), group.Close())
		case kafkaconn.Denied(err), err != nil && tries >= startAttempts && !k.isReady() && k.hint(err) != "":
			return errors.Join(k.explain("join group "+k.cfg.Group, err), group.Close())
		case err != nil:
			k.log.Warn("group not joined yet", "group", k.cfg.Group, "cause", err)
			if changed := k.changed(run); changed != nil && !slices.Equal(topicsOf(changed), topics) {
				return errors.Join(errTopics, group.Close())
			}
			continue
		}
		k.metrics.rebalances.WithLabelValues(k.cfg.Group).Inc()
		k.log.Info("joined group", "group", k.cfg.Group, "generation", generation.ID, "partitions", owned(generation))
		generation.Start(func(ctx context.Context) {
			k.member(ctx, h, generation, topics, stop)
		})
	}
}

// errFinished is the cause of an end that StopAtEnd asked for, errTopics that of
// joining anew since the topics are others.
var (
	errFinished = errors.New("read to the end")
	errTopics   = errors.New("the topics are others now")
)

func unlessFinished(cause error) error {
	if errors.Is(cause, errFinished) {
		return nil
	}
	return cause
}

// member reads the generation's partitions until it ends, which returning makes
// it do. When all reading is over it calls stop and stays, so that the group is
// not joined again in between.
func (k *Kafka) member(ctx context.Context, h Handler, g *kafka.Generation, topics []string, stop context.CancelCauseFunc) {
	k.identifyAll(ctx, topics)
	commit, recreated := k.committer(g), k.recreated(ctx, g)
	if k.cfg.Readback > 0 {
		commit = func(map[string]map[int]int64) error { return nil }
	}
	s := newSession(k, h, commit)
	for topic, partitions := range g.Assignments {
		for _, p := range partitions {
			tp := topicPartition{topic, int32(p.ID)}
			// A negative offset means that none is committed.
			offset, start := max(p.Offset, noOffset), k.startOf(tp)
			if recreated[tp] {
				k.noteRecreated(tp, offset)
				offset = noOffset
			}
			if k.cfg.Readback > 0 {
				offset, start = noOffset, Start{kind: startTime, at: time.Now().Add(-k.cfg.Readback)}
			}
			s.add(tp, offset, start)
		}
	}
	defer s.forget() // the lag is another member's from now on
	switch present, err := s.run(ctx); {
	case present != nil && !slices.Equal(topicsOf(present), topics):
		stop(errTopics)
	case ctx.Err() != nil || present != nil || errors.Is(err, errLost):
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
