package capture

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// maxDrain bounds how long the end of a capture reads what came before it.
const maxDrain = time.Second

// errMoved says that the one interface is another by now: the sockets, which are
// bound to the old one, have to be opened again.
var errMoved = errors.New("the interface is another")

// capture runs the workers until ctx ends or something fails. It is the only
// goroutine that sees interfaces come and go.
func (s *Sniffer) capture(ctx context.Context, workers []*assembler) error {
	watch := newWatch(s.cfg.Interfaces)
	selected, err := firstSelection(s.cfg.Interfaces)
	if err != nil {
		watch.close()
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { watch.run(ctx, selected) })
	for {
		if err := s.untilSome(ctx, watch, &selected); err != nil {
			return err
		}
		live, err := s.open(&selected, workers)
		if err != nil {
			return err
		}
		err = live.run(ctx, watch, &selected)
		live.close()
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

// untilSome waits for the first interface to capture on.
func (s *Sniffer) untilSome(ctx context.Context, watch *watch, selected *selection) error {
	for len(selected.ifaces) == 0 {
		s.see(0)
		if !s.cfg.Stay && !slices.ContainsFunc(s.cfg.Interfaces, isPattern) {
			return s.Capturing()
		}
		s.log.Warn("waiting: there is no interface to capture on", "interfaces", s.cfg.Interfaces)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case *selected = <-watch.changes:
		}
	}
	return nil
}

// live is a capture on sockets that are open.
type live struct {
	*Sniffer
	group   *group
	names   *interfaceNames
	workers []*assembler
	meter   *meter
	sampler *sampler
	// sample is the one that workers look at.
	sample atomic.Pointer[sample]
}

func (s *Sniffer) open(selected *selection, workers []*assembler) (*live, error) {
	names := &interfaceNames{}
	names.set(selected.ifaces)
	group, err := openGroup(&s.cfg, len(workers), selected, names, s.log)
	if err != nil {
		return nil, s.fail(err)
	}
	for _, i := range selected.ifaces {
		s.log.Info("capturing", "interface", i.name, "filter", s.cfg.Filter, "workers", len(workers))
	}
	s.see(len(selected.ifaces))
	return &live{
		Sniffer: s, group: group, names: names, workers: workers,
		meter: newMeter(&s.cfg, len(workers)), sampler: newSampler(rand.Uint32()),
	}, nil
}

// run reads the sockets until ctx ends, one fails, the last interface is gone, or
// the sockets are bound to one that is.
func (l *live) run(ctx context.Context, watch *watch, selected *selection) error {
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error, len(l.workers))
	var wg sync.WaitGroup
	defer l.drain()
	defer wg.Wait()
	defer cancel()
	for i, a := range l.workers {
		wg.Go(func() {
			l.stepBack(i)
			failed <- a.take(ctx, &expiring{l.group.sources[i], a, &l.sample})
		})
	}
	tick := time.NewTicker(cmp.Or(l.cfg.second, countInterval))
	defer tick.Stop()
	for {
		select {
		case err := <-failed:
			return l.fail(err)
		case now := <-tick.C:
			if err := l.second(now, l.count(), selected); err != nil {
				return err
			}
		case now := <-watch.changes:
			l.tell(selected, &now)
			*selected = now
			if err := l.change(selected); err != nil {
				return err
			}
		}
	}
}

// stepBack lowers the priority of the calling worker's thread, which is its own from then
// on: it ends with the goroutine, so that nothing else runs on it, and its time is the
// worker's.
func (l *live) stepBack(worker int) {
	runtime.LockOSThread()
	l.meter.threads[worker].Store(int32(unix.Gettid()))
	if l.cfg.Nice == 0 {
		return
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, l.cfg.Nice); err != nil {
		l.log.Warn("a worker runs at normal priority", "nice", l.cfg.Nice, "error", err)
	}
}

// second chooses the connections to look at by what the last second cost.
func (l *live) second(now time.Time, kernel kernelStats, selected *selection) error {
	if l.cfg.Whole {
		return nil
	}
	cost, ok, err := l.meter.look(now, kernel)
	if err != nil && !l.meter.warned {
		l.log.Warn("the cost of capturing is not known: only drops say when it is too much", "error", err)
		l.meter.warned = true
	}
	if !ok {
		return nil
	}
	changed, cause := l.sampler.second(&cost)
	if !changed {
		return nil
	}
	wanted := l.sampler.sample()
	l.group.sample = wanted
	if err := l.group.update(selected); err != nil {
		return l.fail(err)
	}
	if before := l.sample.Swap(wanted); before.every() != wanted.every() {
		l.tellSample(wanted, cause)
	}
	return nil
}

// tellSample logs and counts that more or fewer connections are looked at.
func (l *live) tellSample(s *sample, cause string) {
	l.cov.sample(s.every())
	switch {
	case cause != "":
		l.log.Warn("sampling: only some connections are looked at, whole", "one_in", s.every(), "because", cause)
	case s.every() > 1:
		l.log.Info("sampling: more connections are looked at", "one_in", s.every())
	default:
		l.log.Info("sampling ended: all connections are looked at")
	}
}

// drain stops the capture and reads what came before, for a while at most.
func (l *live) drain() {
	l.group.stop()
	time.Sleep(2 * blockTimeout * time.Millisecond) // by then the kernel has handed over its blocks
	end := time.Now().Add(maxDrain)
	var wg sync.WaitGroup
	for i, a := range l.workers {
		wg.Go(func() {
			for time.Now().Before(end) {
				p, err := l.group.sources[i].waiting()
				if p == nil || err != nil || a.packet(p) != nil {
					return
				}
			}
		})
	}
	wg.Wait()
}

// change captures on other interfaces.
func (l *live) change(selected *selection) error {
	if len(selected.ifaces) == 0 {
		l.see(0)
	}
	if len(selected.ifaces) == 0 && !l.cfg.Stay && !slices.ContainsFunc(l.cfg.Interfaces, isPattern) {
		return l.Capturing()
	}
	if bound := selected.bound(l.cfg.Interfaces); bound != l.group.bound && len(selected.ifaces) > 0 {
		return errMoved
	}
	l.names.set(selected.ifaces)
	if err := l.group.update(selected); err != nil {
		return l.fail(err)
	}
	l.see(len(selected.ifaces))
	return nil
}

// tell logs and counts which interfaces came and went.
func (l *live) tell(before, now *selection) {
	for _, i := range before.ifaces {
		if !slices.Contains(now.ifaces, i) {
			l.log.Warn("interface went down or vanished", "interface", i.name)
			l.cov.metrics.interfacesLost.Inc()
		}
	}
	for _, i := range now.ifaces {
		if !slices.Contains(before.ifaces, i) {
			l.log.Info("capturing", "interface", i.name, "filter", l.cfg.Filter)
			l.cov.metrics.interfacesFound.Inc()
		}
	}
	if now.left > before.left {
		l.log.Error("too many interfaces: not captured on all", "limit", maxSelected, "left_out", now.left)
	}
}

// count asks the kernel what it counted since the last time.
func (l *live) count() kernelStats {
	stats, err := l.group.stats()
	if err != nil {
		l.log.Warn("drops are not known", "error", err)
	}
	l.cov.kernel(stats)
	return stats
}

// close counts for the last time and closes the sockets.
func (l *live) close() {
	l.count()
	l.cov.sample(1)
	l.group.close()
}

// expiring lets connections end when no packet does it: those that are silent, and those
// that are not looked at any longer.
type expiring struct {
	packetSource
	worker *assembler
	sample *atomic.Pointer[sample]
}

// next implements packetSource.
func (e *expiring) next() (*packet, error) {
	p, err := e.packetSource.next()
	if wanted := e.sample.Load(); wanted != e.worker.sample {
		e.worker.narrow(wanted)
	}
	if p == nil {
		e.worker.table.expire(time.Now())
	}
	return p, err
}
