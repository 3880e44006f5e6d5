package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

const (
	// patience is how long a live source waits for a packet: after it the end of
	// the context is noticed and silent connections expire.
	patience = 200 * time.Millisecond
	// countInterval is how often the kernel is asked for its drops.
	countInterval = time.Second
)

// ErrNoInterface says that no interface is left to capture on, or that there was
// none to begin with.
var ErrNoInterface = errors.New("the interface went down or vanished")

// Sniffer makes exchanges of what passes network interfaces.
type Sniffer struct {
	cfg   Config
	cov   *coverage
	log   *slog.Logger
	ready chan struct{}
	once  sync.Once
	// interfaces is on how many it captures at the moment.
	interfaces atomic.Int64
}

// NewSniffer returns a sniffer that does nothing until Run. It fails if
// cfg.Interfaces names none, if cfg.Filter is no filter (with a [*FilterError]),
// if a number is out of its range, or if the metrics cannot be registered.
func NewSniffer(cfg Config, reg prometheus.Registerer, log *slog.Logger) (*Sniffer, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cov, err := newCoverage(reg, classify.SourceInterface)
	if err != nil {
		return nil, err
	}
	if err := cov.metrics.watchSample(reg, strings.Join(cfg.Interfaces, ",")); err != nil {
		return nil, err
	}
	return &Sniffer{cfg: cfg, cov: cov, log: log, ready: make(chan struct{})}, nil
}

// Run captures until ctx ends, which is no error, until the last interface is
// gone, unless cfg.Stay is set, or until the capture fails. It calls handle with
// each exchange, from cfg.Workers goroutines at once; the bytes in it are valid
// until handle returns, and packets that come meanwhile wait in the kernel. At
// the end unfinished exchanges are handed on as truncated. Run may be called once.
func (s *Sniffer) Run(ctx context.Context, handle func(*classify.Exchange)) error {
	n := s.cfg.workers()
	origin := classify.Source{Kind: classify.SourceInterface, Name: strings.Join(s.cfg.Interfaces, ",")}
	limits := s.cfg.Limits.dividedBy(n)
	workers := make([]*assembler, n)
	for i := range workers {
		// The kernel filters; the assembler need not.
		workers[i] = newAssembler(newTable(origin, limits, s.cov, handle), "")
		workers[i].table.services = s.cfg.Services
	}
	err := s.capture(ctx, workers)
	s.see(0)
	for _, a := range workers {
		a.close()
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Ready is closed when packets are being captured.
func (s *Sniffer) Ready() <-chan struct{} { return s.ready }

// Capturing returns an error that says why no packets are captured at the
// moment, nil if they are.
func (s *Sniffer) Capturing() error {
	if s.interfaces.Load() == 0 {
		return s.fail(ErrNoInterface)
	}
	return nil
}

// fail names the interfaces in an error.
func (s *Sniffer) fail(err error) error {
	return fmt.Errorf("capture on interface %s: %w", strings.Join(s.cfg.Interfaces, ", "), err)
}

// Stats returns what was seen so far; it may be called at any time.
func (s *Sniffer) Stats() Stats { return s.cov.stats() }

// see notes on how many interfaces it captures.
func (s *Sniffer) see(interfaces int) {
	before := s.interfaces.Swap(int64(interfaces))
	s.cov.metrics.interfaces.Add(float64(int64(interfaces) - before))
	if interfaces > 0 {
		s.once.Do(func() { close(s.ready) })
	}
}
