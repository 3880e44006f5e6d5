package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/alert/login"
	"github.com/leaktap/leaktap/alert/page"
	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/ingest"
)

// agent is a running leaktap: sources feed the pipeline, the pipeline feeds
// sinks, a server shows both. It owns every goroutine; run waits for all of
// them.
type agent struct {
	log     *slog.Logger
	metrics *metrics
	*detection
	now      func() time.Time
	ledger   *alert.Ledger
	findings *alert.Metrics
	sinks    []sink
	runners  []runner // sinks that deliver from a goroutine of their own
	sources  []source
	server   *server
	ready    readiness
	history  history
	pipeline *pipeline
	// ignoring is nil where nothing is accepted.
	ignoring *ignoring
	continuity
}

// continuity is what an agent that takes the place of another goes by.
type continuity struct {
	// reload asks for another configuration; nil where there is none.
	reload       func(ctx context.Context) error
	ledgerConfig ledgerConfig
	// handler takes records in the place of the pipeline, unless it is nil.
	handler func(p *pipeline) ingest.Handler
	// observations takes what is to be joined with that of other agents; nil for none.
	observations *alert.Observations
	// randomKey says that the digest key lasts as long as the process.
	randomKey bool
	// guard knows who has logged in to the page; nil where nobody can.
	guard *login.Guard
	// inForce is the configuration that the page shows; nil for none.
	inForce *inForce
}

// runner blocks until its context ends. Its error names what failed.
type runner func(ctx context.Context) error

// source feeds the pipeline until its context ends, or until its end.
type source func(ctx context.Context, p *pipeline) error

// newAgent returns an agent without sources and with the sinks that every agent
// has: ledger and metrics.
func newAgent(log *slog.Logger, d *detection, now func() time.Time, ledger *alert.Ledger) *agent {
	a := &agent{log: log, detection: d, now: now, ledger: ledger, metrics: newMetrics(version())}
	a.metrics.watchWindows(d.windows)
	a.findings = alert.NewMetrics(a.metrics.registry, a.ledger, alert.MetricsConfig{})
	a.sinks = []sink{a.ledger, a.findings}
	a.runners = []runner{a.saveLedger}
	return a
}

// ledgerInterval is how often a ledger is written to its file, beside each time that offsets
// are committed.
const ledgerInterval = 5 * time.Second

// saveLedger writes the ledger from time to time.
func (a *agent) saveLedger(ctx context.Context) error {
	tick := time.NewTicker(ledgerInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_ = a.ledger.Settle(ctx) // it logs its errors and has none
		}
	}
}

// randomDigestKey is nil for no agent.
func (a *agent) randomDigestKey() []byte {
	if a == nil {
		return nil
	}
	return a.random
}

// ledgerFor returns the agent's ledger if it is the one that is asked for, or opens that.
func (a *agent) ledgerFor(c ledgerConfig, d *detection, log *slog.Logger) (*alert.Ledger, error) {
	if a != nil && a.ledgerConfig == c {
		return a.ledger, nil
	}
	return openLedger(c.Path, c.limits(), d, log)
}

// addIdle adds a source that gives nothing, so that an agent runs that is not to look.
func (a *agent) addIdle() {
	ready := make(chan struct{})
	close(ready)
	a.addSource("idle", ready, func(ctx context.Context, _ *pipeline) error {
		<-ctx.Done()
		return nil
	})
}

// openLedger returns a ledger that is kept in a file, or in memory if path is empty.
func openLedger(path string, c alert.LedgerConfig, d *detection, log *slog.Logger) (*alert.Ledger, error) {
	if path == "" {
		return alert.NewLedger(c), nil
	}
	return alert.OpenLedger(path, c, d.rule, log)
}

// agentWith returns an agent that writes to what the flags of a verb name; live
// text shows exposures as they come.
func (a *app) agentWith(d *detecting, o *outputs, live bool) (*agent, *output, error) {
	now, err := d.clock()
	if err != nil {
		return nil, nil, usage(err)
	}
	detection, err := d.detection(classify.Limits{}, a.log)
	if err != nil {
		return nil, nil, usage(err)
	}
	ledger, err := openLedger(o.ledger, alert.LedgerConfig{}, detection, a.log)
	if err != nil {
		return nil, nil, usage(err)
	}
	agent := newAgent(a.log, detection, now, ledger)
	agent.randomKey = d.keyFile == ""
	agent.inForce = &inForce{shown: page.Configuration{Loaded: time.Now(), Settings: a.options()}}
	if agent.ignoring, err = readIgnoreFile(o.ignoreFile, detection.rules, now, a.log); err != nil {
		return nil, nil, usage(err)
	}
	out, err := o.open(a, agent.findings, live)
	if err != nil {
		return nil, nil, err
	}
	agent.sinks = append(agent.sinks, out.sinks...)
	return agent, out, nil
}

// addSink adds a sink, and its goroutine if it has one.
func (a *agent) addSink(s sink) {
	a.sinks = append(a.sinks, s)
	if r, ok := s.(interface {
		Run(ctx context.Context) error
	}); ok {
		a.runners = append(a.runners, r.Run)
	}
}

// addKafka adds a source of topics.
func (a *agent) addKafka(cfg ingest.KafkaConfig) error {
	cfg.Uninspected = a.metrics.skip
	if a.handler != nil { // records are taken as they are, those of a window again
		cfg.Format, cfg.Readback = "text", readback
	}
	k, err := ingest.NewKafka(cfg, a.metrics.registry, a.log)
	if err != nil {
		return err
	}
	a.addSource("kafka", k.Ready(), func(ctx context.Context, p *pipeline) error {
		if a.handler != nil {
			return k.Run(ctx, a.handler(p))
		}
		return k.Run(ctx, p)
	})
	return nil
}

// addSniffer adds a network interface; stats tells what it saw.
func (a *agent) addSniffer(cfg capture.Config) (stats func() capture.Stats, err error) {
	s, err := capture.NewSniffer(cfg, a.metrics.registry, a.log)
	if err != nil {
		return nil, err
	}
	a.metrics.watchCapture(s.Stats)
	a.addSource(strings.Join(cfg.Interfaces, ","), s.Ready(), func(ctx context.Context, p *pipeline) error { return s.Run(ctx, p.Handle) })
	a.ready[len(a.ready)-1].working = s.Capturing
	a.runners = append(a.runners, func(ctx context.Context) error { return cfg.Services.Run(ctx, a.log) })
	return s.Stats, nil
}

func (a *agent) addSource(name string, ready <-chan struct{}, run source) {
	a.sources = append(a.sources, run)
	a.ready = append(a.ready, sourceState{name: name, ready: ready})
}

// serve binds the server and sets what it shows.
func (a *agent) serve(c *httpConfig) error {
	s, err := newServer(c.Listen, c.WebConfigFile, a.log)
	if err != nil {
		return err
	}
	a.server = s
	a.admit(c.users)
	findings := page.Config{
		Exposures: a.ledger, Rules: a.rules, Status: a.status, Configuration: a.inForce.of, Login: a.guard, RequireLogin: c.RequireLogin, Log: a.log,
	}
	if a.ledger.Kept() {
		findings.Acceptances = acceptances{a.ledger, a.sinks}
	}
	a.runners = append(a.runners, a.keepHistory)
	s.handle(a.metrics.handler(), findings, a.ready.check, a.reload)
	return nil
}

// status is the rows of the pipeline page: the digest key, then the metrics.
func (a *agent) status() []page.Row {
	key := page.Row{Name: "digest key", Value: a.engine.KeyID(), Note: "Digests match across agents with the same key."}
	if a.randomKey {
		key.Note = "Random, made at the start: digests will not match elsewhere or after a restart. See leaktap key new."
	}
	return append([]page.Row{key}, a.metrics.status(&a.history)...)
}

// settleTimeout bounds how long the end of an agent waits for its sinks.
const settleTimeout = 10 * time.Second

// run runs until ctx ends, every source has ended, or one of them fails.
func (a *agent) run(ctx context.Context) error {
	a.pipeline = newPipeline(a.detection, a.now, a.log, a.metrics, a.sinks...)
	a.pipeline.ledger, a.pipeline.ignoring, a.pipeline.observations = a.ledger, a.ignoring, a.observations
	sinkCtx, stopSinks := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSinks()
	sinks := start(sinkCtx, a.runners)
	sourceCtx, stopSources := context.WithCancel(ctx)
	defer stopSources()
	work := make([]runner, 0, len(a.sources))
	for _, s := range a.sources {
		work = append(work, func(ctx context.Context) error { return s(ctx, a.pipeline) })
	}
	sources := start(sourceCtx, work)
	serverCtx, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServer()
	var serve []runner
	if a.server != nil {
		serve = []runner{a.server.run}
	}
	servers := start(serverCtx, serve)
	err := waitFirst(stopSources, sources, sinks, servers)

	settleCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	err = errors.Join(err, a.pipeline.Settle(settleCtx))
	stopSinks()
	err = errors.Join(err, sinks.wait())
	stopServer()
	return errors.Join(err, servers.wait())
}

// group is goroutines that were started together.
type group struct {
	wg   sync.WaitGroup
	done chan struct{} // closed when all have ended
	fail chan struct{} // closed when one has failed
	once sync.Once
	mu   sync.Mutex
	errs []error
}

// start runs each runner in a goroutine.
func start(ctx context.Context, list []runner) *group {
	g := &group{done: make(chan struct{}), fail: make(chan struct{})}
	for _, r := range list {
		g.wg.Go(func() {
			if err := r(ctx); err != nil {
				g.mu.Lock()
				g.errs = append(g.errs, err)
				g.mu.Unlock()
				g.once.Do(func() { close(g.fail) })
			}
		})
	}
	go func() {
		g.wg.Wait()
		close(g.done)
	}()
	return g
}

// wait returns the errors of all, when all have ended.
func (g *group) wait() error {
	<-g.done
	return errors.Join(g.errs...)
}

// waitFirst waits until the sources have ended, or one of them, a sink or the
// server has failed: an agent whose findings reach nobody would only seem to
// work. Then it stops the sources and waits for them.
func waitFirst(stop func(), sources, sinks, servers *group) error {
	select {
	case <-sources.done:
	case <-sources.fail:
	case <-sinks.fail:
	case <-servers.fail:
	}
	stop()
	return sources.wait()
}
