package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/leaktap/leaktap/kafkaconn"
)

// route is where and from whom a partition is fetched.
type route struct {
	// next is the offset to fetch next, noOffset while it is not known; until is
	// where reading ends, noOffset for nowhere.
	next, until int64
	// leader is the broker to ask: the partition's leader, or the replica near.
	leader int32
	near   replica
	// flying says that it is part of a request, queued counts what its worker has
	// not taken yet, over that its feed was closed.
	flying, over bool
	queued       int
	// large says that the batch at next has to be asked for by itself.
	large bool
	// notBefore is when it may be fetched again after trouble; stalls counts the
	// answers in a row without progress.
	notBefore time.Time
	stalls    int
	// high is the offset behind the last record there is.
	high int64
	// watched is the offset handled at the time moved; told that the stall was logged.
	watched int64
	moved   time.Time
	told    bool
}

// keepRouting looks up who leads what and starts pullers, until the context ends.
func (s *session) keepRouting(ctx context.Context) {
	tick := time.NewTicker(routing)
	defer tick.Stop()
	for {
		s.assign(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.reroute:
			wait(ctx, firstBackoff)
		}
	}
}

// wait waits so long, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// assign gives every partition to the puller of its leader.
func (s *session) assign(ctx context.Context) {
	list := make([]topicPartition, 0, len(s.workers))
	for _, w := range s.workers {
		list = append(list, w.tp)
	}
	leaders, err := s.k.leaders(ctx, topicsOf(list))
	if err != nil || ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		leader, ok := leaders[w.tp]
		if !ok || w.route.flying {
			continue
		}
		if w.route.near.broker != noLeader {
			leader = w.route.near.broker
		}
		w.route.leader = leader
		p := s.pullers[leader]
		if p == nil {
			p = &puller{s: s, broker: leader, wake: make(chan struct{}, 1)}
			s.pullers[leader] = p
			s.running.Go(func() { p.run(ctx) })
		}
	}
	for _, p := range s.pullers {
		p.poke()
	}
}

// startAttempts is how often what a source needs at its start is tried.
const startAttempts = 5

// begin finds the offsets at which partitions start that have none, and where
// reading ends. A broker that cannot be reached then is an error at the start of a
// source, since waiting would look like a partition without records.
func (s *session) begin(ctx context.Context) error {
	for i := 1; ctx.Err() == nil; i++ {
		err := s.place(ctx)
		if err == nil {
			s.k.signalReady()
			return nil
		}
		if ctx.Err() == nil && (kafkaconn.Denied(err) || i >= startAttempts && !s.k.isReady()) {
			return s.k.explain("find where to start", err)
		}
		wait(ctx, backoffAfter(i))
	}
	return nil
}

// place resolves starts and ends.
func (s *session) place(ctx context.Context) error {
	starts, ends := map[topicPartition]Start{}, map[topicPartition]Start{}
	for _, w := range s.workers {
		if w.route.next == noOffset {
			starts[w.tp] = w.start
		}
		if s.k.cfg.Until != nil && w.route.until == noOffset {
			ends[w.tp] = *s.k.cfg.Until
		}
	}
	found, err := s.k.resolve(ctx, starts)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	until, err := s.k.resolve(ctx, ends)
	if err != nil {
		return fmt.Errorf("end: %w", err)
	}
	for tp, offset := range found {
		w := s.byName[tp]
		w.route.next = offset
		w.handled.Store(offset)
	}
	for tp, offset := range until {
		w := s.byName[tp]
		w.route.until = offset
		if w.route.next >= offset {
			w.route.over = true
			close(w.feed)
		}
	}
	return nil
}
