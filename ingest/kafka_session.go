package ingest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// session reads the partitions of one assignment: those of a generation of the
// group, or all without one. It owns a goroutine for each partition, which handles
// records, one for each broker that leads some, which fetches them, and one that
// keeps track of who leads what.
type session struct {
	k       *Kafka
	handler Handler
	// commit stores offsets by topic and partition.
	commit  func(map[string]map[int]int64) error
	workers []*worker
	byName  map[topicPartition]*worker

	// mu guards every worker's route and the pullers.
	mu      sync.Mutex
	pullers map[int32]*puller
	// reroute asks for the leaders to be looked up.
	reroute chan struct{}

	failed  chan error
	done    chan struct{} // closed when every worker has ended
	running sync.WaitGroup
	// uncommitted is when something was first seen that is not committed.
	uncommitted time.Time
}

// errLost says that the partitions belong to somebody else by now.
var errLost = errors.New("partitions were lost to another member")

func newSession(k *Kafka, h Handler, commit func(map[string]map[int]int64) error) *session {
	return &session{
		k: k, handler: h, commit: commit, byName: map[topicPartition]*worker{}, pullers: map[int32]*puller{},
		reroute: make(chan struct{}, 1), failed: make(chan error, 1), done: make(chan struct{}),
	}
}

// add makes the session read a partition from that offset on, or from start if
// it is noOffset.
func (s *session) add(tp topicPartition, offset int64, start Start) {
	w := newWorker(s.k, s.handler, tp, offset, start)
	s.workers = append(s.workers, w)
	s.byName[tp] = w
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
	s.k.metrics.stalled.WithLabelValues(s.k.cfg.Group).Set(0)
	s.k.metrics.commitAge.WithLabelValues(s.k.cfg.Group).Set(0)
}

// run reads until the context ends, a worker fails, other partitions are there than
// before (present holds all of them then) or, with an end asked for, all is read.
// It returns after the last commit and when every goroutine has ended.
func (s *session) run(ctx context.Context) (present []topicPartition, err error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	s.startWorkers(work)
	s.running.Go(func() { s.keepRouting(work) })
	present, err = s.supervise(ctx)
	stop()
	if !errors.Is(err, errLost) {
		err = errors.Join(err, s.drain(ctx))
	}
	<-s.done
	s.running.Wait()
	return present, err
}

func (s *session) startWorkers(ctx context.Context) {
	var workers sync.WaitGroup
	for _, w := range s.workers {
		workers.Go(func() { w.run(ctx, func() { s.took(w) }) })
	}
	go func() {
		workers.Wait()
		close(s.done)
	}()
}

// fail ends the session with an error; the first one counts.
func (s *session) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// supervise commits and looks for other partitions at their intervals until it is
// time to end.
func (s *session) supervise(ctx context.Context) (present []topicPartition, err error) {
	commit := time.NewTicker(s.k.cfg.Timing.Commit)
	defer commit.Stop()
	metadata := time.NewTicker(s.k.cfg.Timing.Metadata)
	defer metadata.Stop()
	finished := s.done
	if !s.k.cfg.ends() {
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
			s.watch(time.Now())
			if err := s.settle(ctx); err != nil {
				return nil, err
			}
		case <-metadata.C:
			if present := s.k.changed(ctx); present != nil {
				return present, nil
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
		s.uncommitted = time.Time{}
		return nil
	}
	if s.uncommitted.IsZero() {
		s.uncommitted = time.Now()
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
	s.uncommitted = time.Time{}
	return nil
}

// isLost says whether a commit was refused because the generation is over.
func isLost(err error) bool {
	return errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId) ||
		errors.Is(err, kafka.RebalanceInProgress) || errors.Is(err, kafka.FencedInstanceID)
}

// watch tells how old what is not committed is, and which partitions stand still
// although there are records.
func (s *session) watch(now time.Time) {
	age := 0.0
	if !s.uncommitted.IsZero() {
		age = now.Sub(s.uncommitted).Seconds()
	}
	s.k.metrics.commitAge.WithLabelValues(s.k.cfg.Group).Set(age)
	stalled := 0
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		r := &w.route
		handled := w.handled.Load()
		if handled != r.watched || handled >= r.high || r.moved.IsZero() {
			r.watched, r.moved, r.told = handled, now, false
			continue
		}
		if now.Sub(r.moved) < s.k.cfg.Timing.Stall {
			continue
		}
		stalled++
		if !r.told {
			r.told = true
			s.k.log.Warn("partition stands still although there are records", "topic", w.tp.topic,
				"partition", w.tp.partition, "offset", handled, "end", r.high, "for", now.Sub(r.moved).Round(time.Second))
		}
	}
	s.k.metrics.stalled.WithLabelValues(s.k.cfg.Group).Set(float64(stalled))
}
