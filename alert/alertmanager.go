package alert

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// AlertmanagerConfig says where alerts are sent; a zero field means its default.
type AlertmanagerConfig struct {
	// AllowLinkLocal lets requests go to link-local addresses.
	AllowLinkLocal bool
	// URLs are the base URLs of all members of the cluster: alerts go to each of
	// them, as Alertmanager asks for, and never through a load balancer.
	URLs []string
	// MinSeverity is the least severity that raises an alert, low by default.
	// Info never does.
	MinSeverity classify.Severity
	// Resend is how often firing alerts are sent again, 1 min by default:
	// Alertmanager keeps them in memory only.
	Resend time.Duration
	// ResolveAfter is how long an alert goes on without a finding, 1 h by default.
	ResolveAfter time.Duration
	// SettleTimeout is how long Settle waits for the first Alertmanager to take an
	// alert, 30 s by default. Sending goes on after it.
	SettleTimeout time.Duration
	// Timeout bounds one request, 10 s by default.
	Timeout time.Duration
	// Batch is how many alerts one request holds at most, 64 by default.
	Batch int
	// MaxAlerts is how many label sets are held, 10,000 by default. Past it
	// service and route become "other".
	MaxAlerts int
	// ExternalURL is where the findings page is reached; alerts link to it.
	ExternalURL string
	// RunbookURL is linked from every alert.
	RunbookURL string
}

// Alertmanager is a sink that keeps every member of an Alertmanager cluster told
// of the alerts, through its API v2: at once when an alert begins, again and again
// while it lasts, and when it is resolved. An alert's end is its newest finding
// plus ResolveAfter, so it also resolves when the agent is gone; or when all that it
// stands for was accepted. An Alertmanager that is away is tried until it is back.
type Alertmanager struct {
	config AlertmanagerConfig
	counts deliveries
	alerts *alerts
	peers  []*peer
}

// errUntaken is why a finding was given up.
var errUntaken = errors.New("no Alertmanager took the alert in time")

// NewAlertmanager returns a sender, or an error if a URL is none.
func NewAlertmanager(c AlertmanagerConfig, m *Metrics, log *slog.Logger) (*Alertmanager, error) {
	c.MinSeverity = max(c.MinSeverity, classify.Low)
	c.Resend = cmp.Or(c.Resend, time.Minute)
	c.ResolveAfter = cmp.Or(c.ResolveAfter, time.Hour)
	c.SettleTimeout = cmp.Or(c.SettleTimeout, 30*time.Second)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.Batch = cmp.Or(c.Batch, 64)
	a := &Alertmanager{config: c, counts: m.deliveries("alertmanager")}
	a.alerts = &alerts{
		peers:        len(c.URLs),
		resolveAfter: c.ResolveAfter,
		external:     strings.TrimSuffix(c.ExternalURL, "/"),
		runbook:      c.RunbookURL,
		sets:         newCapped[*firing](cmp.Or(c.MaxAlerts, 10_000)),
		seen:         newRecent(),
	}
	if len(c.URLs) == 0 {
		return nil, errors.New("configure alertmanager: no URL is given")
	}
	for i, raw := range c.URLs {
		u, err := parseEndpoint(raw)
		if err != nil {
			return nil, fmt.Errorf("configure alertmanager %d: %w", i+1, err)
		}
		a.peers = append(a.peers, &peer{
			index: i, url: u.JoinPath("api/v2/alerts").String(), batch: c.Batch,
			alerts: a.alerts, counts: a.counts, poster: newPoster(c.Timeout, c.AllowLinkLocal),
			log:  log.With("sink", "alertmanager", "host", u.Host),
			wake: make(chan struct{}, 1),
		})
	}
	return a, nil
}

// Accept adds f to its alert, if it is severe enough.
func (a *Alertmanager) Accept(f *classify.Finding) {
	if f.Severity < a.config.MinSeverity {
		return
	}
	due, ok := a.alerts.accept(f, time.Now())
	if !ok {
		a.counts.count(1, errDropped)
	}
	if due {
		a.wake()
	}
}

// Accepted resolves the alert of an exposure that somebody has accepted, at once, unless it
// stands for others, too.
func (a *Alertmanager) Accepted(fingerprint string) {
	if a.alerts.without(fingerprint, time.Now()) {
		a.wake()
	}
}

// wake has every Alertmanager told of what is new.
func (a *Alertmanager) wake() {
	for _, p := range a.peers {
		select {
		case p.wake <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Settle waits until the alerts of all findings accepted before it were taken by
// an Alertmanager each, or were refused or not taken within SettleTimeout, which
// is counted. It returns an error only when ctx ends first.
func (a *Alertmanager) Settle(ctx context.Context) error {
	for _, w := range a.alerts.waiting() {
		timer := time.NewTimer(time.Until(w.since.Add(a.config.SettleTimeout)))
		select {
		case <-w.done:
		case <-timer.C:
			a.giveUp(w)
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("settle alertmanager: %w", ctx.Err())
		}
		timer.Stop()
	}
	return nil
}

func (a *Alertmanager) giveUp(w waiting) {
	if a.alerts.giveUp(w.firing) {
		a.counts.count(1, errUntaken)
	}
}

// Run sends alerts until ctx ends, then sends what is new for at most 5 s. Each
// Alertmanager has a goroutine, so that none waits for another. It returns nil.
func (a *Alertmanager) Run(ctx context.Context) error {
	work, cancel := outlive(ctx, flushGrace)
	defer cancel()
	var running sync.WaitGroup
	for _, p := range a.peers {
		running.Go(func() { p.run(ctx, work, a.config.Resend) })
	}
	<-ctx.Done()
	a.alerts.close()
	running.Wait()
	for _, w := range a.alerts.waiting() {
		a.giveUp(w)
	}
	return nil
}

// peer is one Alertmanager.
type peer struct {
	index  int
	url    string
	batch  int
	alerts *alerts
	counts deliveries
	poster *poster
	log    *slog.Logger
	wake   chan struct{}
	pause  backoff
}

// run sends new alerts as they come and all of them at each interval until ctx
// ends, then new ones until work ends.
func (p *peer) run(ctx, work context.Context, interval time.Duration) {
	defer p.poster.close()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-p.wake:
			p.push(ctx, work, false)
		case <-tick.C:
			p.push(ctx, work, true)
		case <-ctx.Done():
			p.push(ctx, work, false)
			return
		}
	}
}

// push sends what is pending until the Alertmanager took it. Once ctx has ended it
// insists, until work ends, only on alerts that no other Alertmanager took either.
func (p *peer) push(ctx, work context.Context, all bool) {
	for {
		err := p.send(work, p.alerts.pending(p.index, all, time.Now()))
		p.report(err)
		switch {
		case err == nil:
			p.pause.reset()
			return
		case ctx.Err() == nil:
			p.pause.wait(ctx)
		case work.Err() != nil || len(p.alerts.waiting()) == 0:
			return
		default:
			p.pause.wait(work)
		}
	}
}

// report logs when an Alertmanager goes away and when it is back.
func (p *peer) report(err error) {
	wasAway := p.pause != backoff{}
	switch {
	case err != nil && !wasAway:
		p.log.Warn("alertmanager takes no alerts", "cause", err)
	case err == nil && wasAway:
		p.log.Info("alertmanager is back")
	}
}

// send posts a list of alerts in batches.
func (p *peer) send(ctx context.Context, list []outgoing) error {
	for len(list) > 0 {
		batch := list[:min(p.batch, len(list))]
		list = list[len(batch):]
		err := p.post(ctx, batch)
		if malformed(err) {
			err = p.sendSingly(ctx, batch)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sendSingly finds out which alerts of a batch are malformed: Alertmanager answers
// 400 for the whole batch although it stored the others. One that refuses all of
// several is itself at fault, and is tried again later.
func (p *peer) sendSingly(ctx context.Context, batch []outgoing) error {
	var bad []*firing
	var last error
	for i, out := range batch {
		err := p.post(ctx, batch[i:i+1])
		if err != nil && !malformed(err) {
			return err
		}
		if err != nil {
			bad, last = append(bad, out.firing), err
		}
	}
	if len(bad) == len(batch) && len(bad) > 1 {
		return last
	}
	for _, a := range bad {
		p.alerts.refuse(a)
		p.log.Warn("alert refused", "rule", a.labels.rule, "cause", last)
	}
	return nil
}

// post sends one batch and notes what was taken. A batch with a malformed alert is
// not counted: each of its alerts will be.
func (p *peer) post(ctx context.Context, batch []outgoing) error {
	wire := make([]wireAlert, len(batch))
	for i := range batch {
		wire[i] = batch[i].wire
	}
	body, err := json.Marshal(wire)
	if err == nil {
		err = p.poster.post(ctx, p.url, body, nil)
	}
	if len(batch) == 1 || !malformed(err) {
		p.counts.count(len(batch), err)
	}
	if err == nil {
		p.alerts.took(p.index, batch)
	}
	return err
}

func malformed(err error) bool {
	status, ok := errors.AsType[*statusError](err)
	return ok && status.code == http.StatusBadRequest
}
