package main

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/leaktap/leaktap/alert/page"
	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
)

// metrics are those of the agent itself; sources and sinks have their own. A
// nil *metrics counts nothing.
type metrics struct {
	registry    *prometheus.Registry
	classified  prometheus.Histogram
	uninspected *coverage
	reload      prometheus.Gauge
	reloadOnce  sync.Once
	silenced    *prometheus.CounterVec
	unjudged    prometheus.Counter
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		classified: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:                            "leaktap_classify_duration_seconds",
			Help:                            "Time to classify one exchange.",
			NativeHistogramBucketFactor:     1.2,
			NativeHistogramMaxBucketNumber:  80,
			NativeHistogramMinResetDuration: time.Hour,
		}),
		uninspected: &coverage{
			desc: prometheus.NewDesc("leaktap_uninspected_bytes_total",
				"Bytes that were not inspected, by reason.", []string{"source", "reason"}, nil),
			counts: map[skipped]int64{},
		},
		silenced: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_silenced_findings_total", Help: "Findings that the policy silenced, by its verdict, or that somebody has accepted.",
		}, []string{"verdict"}),
		unjudged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "leaktap_unjudged_responses_total", Help: "Responses of routes that the policy describes which it could not judge.",
		}),
	}
	for _, verdict := range []string{classify.VerdictAllowed, classify.VerdictAccepted, classify.VerdictKnown} {
		m.silenced.WithLabelValues(verdict)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "leaktap_build_info", Help: "Version of the agent; the value is always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.reload = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "leaktap_config_last_reload_successful", Help: "1 if the configuration was right when it was read last, 0 if the one before had to stay.",
	})
	m.registry.MustRegister(m.classified, m.uninspected, m.silenced, m.unjudged, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe counts a classification.
func (m *metrics) observe(kind classify.SourceKind, in classify.Inspection, took time.Duration) {
	if m == nil {
		return
	}
	m.classified.Observe(took.Seconds())
	m.unjudged.Add(float64(in.Unjudged))
	if in.Silenced != (classify.Silenced{}) {
		m.silenced.WithLabelValues(classify.VerdictAllowed).Add(float64(in.Silenced.Allowed))
		m.silenced.WithLabelValues(classify.VerdictAccepted).Add(float64(in.Silenced.Accepted))
		m.silenced.WithLabelValues(classify.VerdictKnown).Add(float64(in.Silenced.Known))
	}
	if in.LayerLimit > 0 {
		m.skip(kind, "layer-limit", in.LayerLimit)
	}
	if in.TimeLimit > 0 {
		m.skip(kind, "time-limit", in.TimeLimit)
	}
	if in.DroppedCandidates > 0 { // places, each of a byte at least
		m.skip(kind, "miss-limit", in.DroppedCandidates)
	}
}

// accepted counts a finding that somebody has accepted.
func (m *metrics) accepted() {
	if m != nil {
		m.silenced.WithLabelValues(classify.VerdictAccepted).Inc()
	}
}

// skip counts bytes that were not inspected.
func (m *metrics) skip(kind classify.SourceKind, reason string, bytes int64) {
	if m != nil {
		m.uninspected.add(kind, reason, bytes)
	}
}

// watchCapture exports what a sniffer did not inspect.
func (m *metrics) watchCapture(stats func() capture.Stats) {
	if m != nil {
		m.uninspected.watch(stats)
	}
}

// reloaded exports whether the configuration was right when it was read last. Verbs without
// one export nothing.
func (m *metrics) reloaded(ok bool) {
	if m == nil {
		return
	}
	m.reloadOnce.Do(func() { m.registry.MustRegister(m.reload) })
	m.reload.Set(0)
	if ok {
		m.reload.Set(1)
	}
}

// watchWindows exports how much windows follow.
func (m *metrics) watchWindows(w *windows) {
	if m != nil && w != nil {
		m.registry.MustRegister(newWindowCollector(w))
	}
}

// handler serves the metrics.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// maxStatusRows bounds the rows of the pipeline page.
const maxStatusRows = 200

// quantities are the agent's own metrics, without those of findings, which have a page of
// their own.
func (m *metrics) quantities() ([]quantity, error) {
	families, err := m.registry.Gather()
	if err != nil {
		return nil, err
	}
	var list []quantity
	for _, f := range families {
		name, ours := strings.CutPrefix(f.GetName(), "leaktap_")
		if !ours || strings.HasPrefix(name, "findings") || strings.HasPrefix(name, "exposure") || f.GetType() == dto.MetricType_HISTOGRAM {
			continue
		}
		for _, metric := range f.GetMetric() {
			if len(list) == maxStatusRows {
				return list, nil
			}
			value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			list = append(list, quantity{name + labels(metric), f.GetHelp(), value, f.GetType() == dto.MetricType_COUNTER})
		}
	}
	return list, nil
}

// status shows them, with how they went.
func (m *metrics) status(h *history) []page.Row {
	list, err := m.quantities()
	if err != nil {
		return []page.Row{{Name: "metrics", Value: "not to be had", Note: err.Error()}}
	}
	rows := make([]page.Row, 0, len(list)+1)
	for _, q := range list {
		rows = append(rows, page.Row{Name: q.name, Value: strconv.FormatFloat(q.value, 'f', -1, 64), Note: q.note, Course: h.course(q)})
	}
	return rows
}

// labels writes the labels of a metric behind its name.
func labels(metric *dto.Metric) string {
	var parts []string
	for _, l := range metric.GetLabel() {
		parts = append(parts, l.GetName()+"="+l.GetValue())
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// coverage collects uninspected bytes: those that were counted here, and those
// that sniffers count for themselves.
type coverage struct {
	desc *prometheus.Desc

	mu       sync.Mutex
	counts   map[skipped]int64
	captures []func() capture.Stats
}

type skipped struct {
	kind   classify.SourceKind
	reason string
}

func (c *coverage) add(kind classify.SourceKind, reason string, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[skipped{kind, reason}] += bytes
}

func (c *coverage) watch(stats func() capture.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.captures = append(c.captures, stats)
}

// Describe sends the one description.
func (c *coverage) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect sends a counter for each source and reason.
func (c *coverage) Collect(ch chan<- prometheus.Metric) {
	for key, n := range c.totals() {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(n), string(key.kind), key.reason)
	}
}

func (c *coverage) totals() map[skipped]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := map[skipped]int64{}
	for key, n := range c.counts {
		total[key] += n
	}
	for _, stats := range c.captures {
		for reason, n := range stats().Uninspected {
			total[skipped{classify.SourceInterface, reason.String()}] += n
		}
	}
	return total
}

// windowCollector shows at scrape time what windows follow and gave up.
type windowCollector struct {
	windows          *windows
	tracked, evicted *prometheus.Desc
}

func newWindowCollector(w *windows) *windowCollector {
	return &windowCollector{
		w,
		prometheus.NewDesc("leaktap_window_tracked", "Callers, kinds of objects and private objects that are followed over many exchanges.", []string{"kind"}, nil),
		prometheus.NewDesc("leaktap_window_evicted_total", "What was followed and made room for others, the least suspicious first.", []string{"kind"}, nil),
	}
}

// Describe sends the descriptions of both metrics.
func (c *windowCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.tracked
	ch <- c.evicted
}

// Collect sends both metrics for each kind.
func (c *windowCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.windows.stats()
	for _, k := range []struct {
		kind    string
		tracked int
		evicted int64
	}{{"caller", s.Callers, s.EvictedCallers}, {"family", s.Families, s.EvictedFamilies}, {"object", s.Objects, s.EvictedObjects}} {
		ch <- prometheus.MustNewConstMetric(c.tracked, prometheus.GaugeValue, float64(k.tracked), k.kind)
		ch <- prometheus.MustNewConstMetric(c.evicted, prometheus.CounterValue, float64(k.evicted), k.kind)
	}
}
