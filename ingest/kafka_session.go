package ingest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// session reads the partitions of one assignment: those of a generation of the
// group, or all without one. It owns one goroutine per partition.
type session struct {
	k       *Kafka
	handler Handler
	// commit stores offsets by topic and partition.
	commit  func(map[string]map[int]int64) error
	workers []*worker
	// starting counts the workers that have not found their first offset.
	starting atomic.Int64
	failed   chan error
	done     chan struct{}
}

// errLost says that the partitions belong to somebody else by now.
var errLost = errors.New("partitions were lost to another member")

func newSession(k *Kafka, h Handler, commit func(map[string]map[int]int64) error) *session {
	return &session{k: k, handler: h, commit: commit, failed: make(chan error, 1), done: make(chan struct{})}
}

// add makes the session read a partition from that offset on, or from start if
// it is noOffset.
func (s *session) add(tp topicPartition, offset int64, start Start) {
	s.workers = append(s.workers, newWorker(s.k, s.handler, tp, offset, start))
}

// positions returns how far each partition was handled.
func (s *session) positions() map[topicPartition]int64 {
	positions := map[topicPartition]int64{}
	for _, w := range s.workers {
		positions[w.tp] = w.handled.Load()
	}
	return positions
}

// forget removes the lag of the session's partitions.
func (s *session) forget() {
	for _, w := range s.workers {
		partition := strconv.Itoa(int(w.tp.partition))
		s.k.metrics.lagRecords.DeleteLabelValues(w.tp.topic, partition)
		s.k.metrics.lagSeconds.DeleteLabelValues(w.tp.topic, partition)
	}
}

// run reads until the context ends, a worker fails, partitions appear (grown
// holds all of them then) or, with StopAtEnd, all is read. It returns after the
// last commit and when every worker has ended.
func (s *session) run(ctx context.Context) (grown []topicPartition, err error) {
	work, stop := context.WithCancel(ctx)
	s.startWorkers(work)
	grown, err = s.supervise(ctx)
	stop()
	if !errors.Is(err, errLost) {
		err = errors.Join(err, s.drain(ctx))
	}
	<-s.done
	return grown, err
}

func (s *session) startWorkers(ctx context.Context) {
	var running sync.WaitGroup
	s.starting.Store(int64(len(s.workers)))
	if len(s.workers) == 0 {
		s.k.signalReady()
	}
	for _, w := range s.workers {
		running.Go(func() {
			if err := w.run(ctx, s.started); err != nil {
				select {
				case s.failed <- err:
				default: // one failure ends the session
				}
			}
		})
	}
	go func() {
		running.Wait()
		close(s.done)
	}()
}

// started notes that one more worker knows where to start.
func (s *session) started() {
	if s.starting.Add(-1) == 0 {
		s.k.signalReady()
	}
}

// supervise commits and looks for new partitions at their intervals until it is
// time to end.
func (s *session) supervise(ctx context.Context) (grown []topicPartition, err error) {
	commit := time.NewTicker(s.k.cfg.Timing.Commit)
	defer commit.Stop()
	metadata := time.NewTicker(s.k.cfg.Timing.Metadata)
	defer metadata.Stop()
	known, _ := s.k.partitions(ctx) // without an answer the first one later counts
	finished := s.done
	if !s.k.cfg.StopAtEnd {
		finished = nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil, nil
		case err := <-s.failed:
			return nil, err
		case <-finished:
			return nil, nil
		case <-commit.C:
			if err := s.settle(ctx); err != nil {
				return nil, err
			}
		case <-metadata.C:
			present, err := s.k.partitions(ctx)
			if err == nil && known != nil && len(present) > len(known) {
				return present, nil
			}
			if known == nil {
				known = present
			}
		}
	}
}

// drain waits a bounded time for the workers to finish the record they are at,
// then settles and commits what was handled.
func (s *session) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.k.cfg.Timing.Drain)
	defer cancel()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.k.log.Warn("drain time is over: records in hand will be read again")
	}
	return s.settle(ctx)
}

// settle waits until what was handled so far is settled, and commits it. It
// fails only if nothing can be committed any more.
func (s *session) settle(ctx context.Context) error {
	type step struct {
		w      *worker
		offset int64
	}
	var steps []step
	offsets := map[string]map[int]int64{}
	for _, w := range s.workers {
		offset := w.handled.Load()
		if offset <= w.committed.Load() {
			continue
		}
		steps = append(steps, step{w, offset})
		if offsets[w.tp.topic] == nil {
			offsets[w.tp.topic] = map[int]int64{}
		}
		offsets[w.tp.topic][int(w.tp.partition)] = offset
	}
	if len(steps) == 0 {
		return nil
	}
	if err := s.handler.Settle(ctx); err != nil {
		s.k.log.Warn("nothing committed: findings are not settled", "cause", err)
		return nil
	}
	switch err := s.commit(offsets); {
	case isLost(err):
		s.k.log.Warn("commit refused: partitions belong to another member now", "cause", err)
		return errLost
	case err != nil:
		s.k.log.Warn("commit failed and will be repeated", "cause", err)
		return nil
	}
	for _, step := range steps {
		step.w.committed.Store(step.offset)
	}
	return nil
}

// isLost says whether a commit was refused because the generation is over.
func isLost(err error) bool {
	return errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId) ||
		errors.Is(err, kafka.RebalanceInProgress) || errors.Is(err, kafka.FencedInstanceID)
}
