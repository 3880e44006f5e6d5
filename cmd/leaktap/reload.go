package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// watchInterval is how often the files of a configuration are looked at for changes: their
// contents, because those of a ConfigMap change by links.
const watchInterval = 5 * time.Second

// reloader runs a daemon and puts another configuration in the place of the present one: when
// it is told to by SIGHUP or by POST /-/reload, and when a file of it changes. A configuration
// that is wrong changes nothing.
type reloader struct {
	app  *app
	file string
	// requests are those of the server, answered with what is wrong.
	requests chan chan error
	interval time.Duration
	// aggregate makes the daemon an aggregator.
	aggregate bool
	// tried is what the files held when they were read last.
	tried [sha256.Size]byte
}

// running is an agent with its configuration.
type running struct {
	agent  *agent
	config *config
}

func (a *app) newReloader(file string) *reloader {
	return &reloader{app: a, file: file, requests: make(chan chan error), interval: watchInterval}
}

// run runs the daemon until ctx ends or it fails.
func (r *reloader) run(ctx context.Context) error {
	agent, c, err := r.app.agentFrom(r.file, nil, r.aggregate)
	if err != nil {
		return usage(err)
	}
	now := &running{agent, c}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for first := true; now != nil; first = false {
		now.agent.reload = r.request
		if err := now.agent.serveConfigured(now.config); err != nil {
			if first {
				return usage(err)
			}
			return incomplete(err)
		}
		if now, err = r.until(ctx, now, signals); err != nil {
			return incomplete(err)
		}
	}
	return nil
}

// until runs an agent until another is to take its place, which it returns; nil when ctx has
// ended.
func (r *reloader) until(ctx context.Context, now *running, signals <-chan os.Signal) (next *running, err error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- now.agent.run(running) }()
	r.tried = now.config.sum()
	tick := time.NewTicker(r.interval)
	defer tick.Stop()
	for next == nil {
		select {
		case err := <-ended:
			return nil, err
		case <-signals:
			next, _ = r.try(now, "SIGHUP")
		case answer := <-r.requests:
			next, err = r.try(now, "request")
			answer <- err
		case <-tick.C:
			if now.config.sum() != r.tried {
				next, _ = r.try(now, "change of a file")
			}
		}
	}
	stop()
	return next, <-ended
}

// try reads the configuration. What is wrong is logged, and returned.
func (r *reloader) try(now *running, cause string) (*running, error) {
	r.tried = now.config.sum()
	agent, c, err := r.app.agentFrom(r.file, now.agent, r.aggregate)
	now.agent.metrics.reloaded(err == nil)
	if err != nil {
		now.agent.inForce.refused(now.agent.now(), cause, err)
		r.app.log.Error("configuration not reloaded: the one before stays", "by", cause, "cause", err)
		return nil, err
	}
	r.app.log.Info("configuration reloaded", "by", cause, "config", r.file)
	return &running{agent, c}, nil
}

// errNotRunning is the answer to a request that comes while one agent gives way to another.
var errNotRunning = errors.New("the agent is starting or stopping: try again")

// requestTimeout bounds how long a request waits for its turn.
const requestTimeout = 10 * time.Second

// request asks for a reload and returns what is wrong with the configuration.
func (r *reloader) request(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer := make(chan error, 1)
	select {
	case r.requests <- answer:
		return <-answer
	case <-ctx.Done():
		return errNotRunning
	}
}

// maxWatched bounds the bytes of a file that are looked at for changes.
const maxWatched = 16 << 20

// sum is the hash of the files of a configuration; those that cannot be read count as such.
func (c *config) sum() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, name := range c.files() {
		fmt.Fprintf(h, "\x00%s\x00", name)
		f, err := os.Open(name)
		if err != nil {
			fmt.Fprint(h, err)
			continue
		}
		_, _ = io.Copy(h, io.LimitReader(f, maxWatched)) // what cannot be read is told when it is loaded
		_ = f.Close()
	}
	h.Sum(sum[:0])
	return sum
}

// files are the files that the configuration names, its own first.
func (c *config) files() []string {
	files := append([]string{c.file, c.Classify.KeyFile, c.Policy.File, c.Policy.Baseline, c.HTTP.WebConfigFile, c.HTTP.UsersFile}, c.Policy.OpenAPI...)
	files = append(files, c.Rules.Files...)
	if s := c.Sinks.Webhook; s != nil {
		files = append(files, s.SecretFile, s.TemplateFile)
	}
	for _, access := range c.accesses() {
		files = append(files, access.files()...)
	}
	for _, s := range c.Sources {
		if s.Interface != nil {
			files = append(files, s.Interface.ServicesFile)
		}
	}
	kept := files[:0]
	for _, name := range files {
		if name != "" {
			kept = append(kept, name)
		}
	}
	return kept
}
