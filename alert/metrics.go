package alert

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/alert/spool"
	"github.com/leaktap/leaktap/classify"
)

// MetricsConfig bounds the metrics; a zero field means its default.
type MetricsConfig struct {
	// MaxSeries is how many label sets each vector holds, 2,000 by default. Past
	// it service and route become "other".
	MaxSeries int
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Metrics is a sink that counts findings for Prometheus, and the place where the
// other sinks count their deliveries. It is safe for concurrent use.
type Metrics struct {
	now      func() time.Time
	vectors  vectors
	overflow prometheus.Counter
	sent     *prometheus.CounterVec
	failed   *prometheus.CounterVec

	spoolDropped, spoolErrors *prometheus.CounterVec

	mu     sync.Mutex
	series *capped[series]
	seen   recent
	queues []func() float64
	spools map[string]*spool.Spool // by sink
}

// vectors are the metrics that carry the labels of an exposure.
type vectors struct {
	findings    *prometheus.CounterVec
	first, last *prometheus.GaugeVec
}

// series is what one label set has of each vector.
type series struct {
	findings prometheus.Counter
	last     prometheus.Gauge
}

// NewMetrics registers the metrics of findings, sinks and ledger with reg. It
// panics, as prometheus.MustRegister does, if they are registered already.
func NewMetrics(reg prometheus.Registerer, ledger *Ledger, c MetricsConfig) *Metrics {
	names := []string{"rule", "category", "severity", "service", "route"}
	m := &Metrics{
		now:    c.Now,
		series: newCapped[series](cmp.Or(c.MaxSeries, 2_000)),
		seen:   newRecent(),
		vectors: vectors{
			findings: counterVec("findings_total", "Findings, each counted once however often its record is read.", names...),
			first: gaugeVec("exposure_first_seen_timestamp_seconds",
				"Unix time at which this agent took the first finding of these labels.", names...),
			last: gaugeVec("exposure_last_seen_timestamp_seconds",
				"Unix time at which this agent took the newest finding of these labels.", names...),
		},
		overflow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leaktap_label_overflow_total",
			Help: "Findings counted under service and route \"other\" because the limit of series was reached.",
		}),
		sent:   counterVec("notifications_total", "Notifications that a sink tried to deliver.", "sink"),
		failed: counterVec("notifications_failed_total", "Notifications that were not delivered or were dropped.", "sink"),
	}
	m.spools = map[string]*spool.Spool{}
	m.spoolDropped = counterVec("spool_dropped_total", "Findings that were dropped from a sink's spool.", "sink", "reason")
	m.spoolErrors = counterVec("spool_errors_total", "Times that a spool's disk took nothing.", "sink")
	if m.now == nil {
		m.now = time.Now
	}
	queueFill := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "leaktap_queue_fill_ratio", Help: "How full the fullest queue is, from 0 to 1.",
	}, m.queueFill)
	reg.MustRegister(m.vectors.findings, m.vectors.first, m.vectors.last, m.overflow, m.sent, m.failed,
		m.spoolDropped, m.spoolErrors, newSpoolCollector(m), queueFill, newLedgerCollector(ledger))
	return m
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leaktap_" + name, Help: help}, labels)
}

func gaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "leaktap_" + name, Help: help}, labels)
}

// Accept counts f, unless a finding with its id was counted before.
func (m *Metrics) Accept(f *classify.Finding) {
	now := float64(m.now().UnixMilli()) / 1e3
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.seen.first(f.ID) {
		return
	}
	s, folded := m.series.get(labelsOf(f), func(l labels) series {
		values := []string{l.rule, l.category, l.severity, l.service, l.route}
		m.vectors.first.WithLabelValues(values...).Set(now)
		return series{
			findings: m.vectors.findings.WithLabelValues(values...),
			last:     m.vectors.last.WithLabelValues(values...),
		}
	})
	s.count(f.ID)
	s.last.Set(now)
	if folded {
		m.overflow.Inc()
	}
}

// count counts a finding, with its id as exemplar. An id that came from a topic may be anything:
// then there is none.
func (s series) count(id string) {
	const maxID = 64 // an exemplar has 128 characters, its names included (OpenMetrics 1.0)
	adder, ok := s.findings.(prometheus.ExemplarAdder)
	if !ok || len(id) > maxID || !strings.HasPrefix(id, "lt-") || strings.Trim(id, "lt-0123456789abcdef") != "" {
		s.findings.Inc()
		return
	}
	adder.AddWithExemplar(1, prometheus.Labels{"finding": id})
}

// Settle returns at once: what was accepted was counted.
func (m *Metrics) Settle(context.Context) error { return nil }

// WatchQueue makes fill, a function that is safe for concurrent use and returns
// how full a queue is (0 to 1), part of leaktap_queue_fill_ratio.
func (m *Metrics) WatchQueue(fill func() float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queues = append(m.queues, fill)
}

func (m *Metrics) queueFill() (fullest float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fill := range m.queues {
		fullest = max(fullest, fill())
	}
	return fullest
}

// deliveries counts the notifications of one sink.
type deliveries struct{ sent, failed prometheus.Counter }

// deliveries returns the counters of a sink, which exist from then on.
func (m *Metrics) deliveries(sink string) deliveries {
	return deliveries{m.sent.WithLabelValues(sink), m.failed.WithLabelValues(sink)}
}

// count notes n tries that ended with err.
func (d deliveries) count(n int, err error) {
	d.sent.Add(float64(n))
	if err != nil {
		d.failed.Add(float64(n))
	}
}

// ledgerCollector shows at scrape time what a ledger holds.
type ledgerCollector struct {
	ledger                      *Ledger
	exposures, tokens, suspects *prometheus.Desc
}

func newLedgerCollector(l *Ledger) *ledgerCollector {
	return &ledgerCollector{
		l,
		prometheus.NewDesc("leaktap_exposures", "Exposures that the ledger holds.", []string{"severity", "state"}, nil),
		prometheus.NewDesc("leaktap_tokens_exposed", "Distinct tokens that were exposed.", []string{"state"}, nil),
		prometheus.NewDesc("leaktap_harvest_suspects", "Callers who gather data or go through objects one by one, by service.", []string{"service"}, nil),
	}
}

// Describe sends the descriptions of the gauges.
func (c *ledgerCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.exposures
	ch <- c.tokens
	ch <- c.suspects
}

// Collect sends a gauge for every severity and state, zeros too: a series that is
// always there makes no gaps in graphs and alerts.
func (c *ledgerCollector) Collect(ch chan<- prometheus.Metric) {
	t := c.ledger.tally()
	for severity := classify.Info; severity <= classify.Critical; severity++ {
		for _, state := range States() {
			n := float64(t.exposures[exposureClass{severity, state}])
			ch <- prometheus.MustNewConstMetric(c.exposures, prometheus.GaugeValue, n, severity.String(), string(state))
		}
	}
	for _, state := range []string{tokenLive, tokenExpired, tokenUnknown} {
		ch <- prometheus.MustNewConstMetric(c.tokens, prometheus.GaugeValue, float64(t.tokens[state]), state)
	}
	for service, n := range t.suspects {
		ch <- prometheus.MustNewConstMetric(c.suspects, prometheus.GaugeValue, float64(n), service)
	}
}
