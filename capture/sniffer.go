package capture

import (
	"context"
	"errors"
	"log/slog"
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

// Sniffer makes exchanges of what passes a network interface.
type Sniffer struct {
	cfg   Config
	cov   *coverage
	log   *slog.Logger
	ready chan struct{}
}

// NewSniffer returns a sniffer that does nothing until Run. It fails if there
// is no cfg.Interface, if cfg.Filter is none (with a [*FilterError]) or if the
// metrics cannot be registered.
func NewSniffer(cfg Config, reg prometheus.Registerer, log *slog.Logger) (*Sniffer, error) {
	if cfg.Interface == "" {
		return nil, errors.New("sniff: no interface given")
	}
	if err := CheckFilter(cfg.Filter); err != nil {
		return nil, err
	}
	cov, err := newCoverage(reg, classify.SourceInterface)
	if err != nil {
		return nil, err
	}
	return &Sniffer{cfg: cfg, cov: cov, log: log, ready: make(chan struct{})}, nil
}

// Run captures until ctx ends, which is no error, or the interface fails. It
// calls handle with each exchange; the bytes in it are valid until handle
// returns, and packets that come meanwhile wait in the kernel. At the end
// unfinished exchanges are handed on as truncated. Run may be called once.
func (s *Sniffer) Run(ctx context.Context, handle func(*classify.Exchange)) error {
	sock, err := openSocket(s.cfg)
	if err != nil {
		return err
	}
	defer sock.close()
	origin := classify.Source{Kind: classify.SourceInterface, Name: s.cfg.Interface}
	t := newTable(origin, s.cfg.Limits.withDefaults(), s.cov, handle)
	live := &liveSource{socket: sock, table: t, cov: s.cov}
	defer live.count()
	s.log.Info("capturing", "interface", s.cfg.Interface, "filter", s.cfg.Filter)
	close(s.ready)
	// The kernel filters; the assembler need not.
	err = newAssembler(t, "").run(ctx, live)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Ready is closed when packets are being captured.
func (s *Sniffer) Ready() <-chan struct{} { return s.ready }

// Stats returns what was seen so far; it may be called at any time.
func (s *Sniffer) Stats() Stats { return s.cov.stats() }

// liveSource reads a socket, counts its drops and lets connections expire when
// no packet does it.
type liveSource struct {
	*socket
	table   *table
	cov     *coverage
	counted time.Time
}

// next implements packetSource.
func (l *liveSource) next() (*packet, error) {
	p, err := l.socket.next()
	now := time.Now()
	if p == nil {
		l.table.expire(now)
	} else {
		p.time = now
	}
	if now.Sub(l.counted) >= countInterval {
		l.counted = now
		l.count()
	}
	return p, err
}

// count asks the kernel how many packets it has dropped since the last time.
func (l *liveSource) count() { l.cov.drop(l.drops()) }
