package ingest

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

// metrics are the counters and gauges of all sources that share a registry.
type metrics struct {
	records    *prometheus.CounterVec
	bytes      *prometheus.CounterVec
	lagRecords *prometheus.GaugeVec
	lagSeconds *prometheus.GaugeVec
	skipped    *prometheus.CounterVec
}

// newMetrics registers the metrics; sources of one registry share them. A nil
// registerer is allowed and registers nothing.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_records_total",
			Help: "Records read, by kind of source, by format and by what became of them.",
		}, []string{"source", "format", "outcome"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_record_bytes_total",
			Help: "Bytes of the records read, decompressed, and of captured exchanges.",
		}, []string{"source"}),
		lagRecords: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "leaktap_kafka_lag_records",
			Help: "Records of the partition that were not handled yet.",
		}, []string{"topic", "partition"}),
		lagSeconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "leaktap_kafka_lag_seconds",
			Help: "Age of the last record handled, 0 when the partition is at its end.",
		}, []string{"topic", "partition"}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_kafka_skipped_offsets_total",
			Help: "Offsets that were passed over without their records being seen.",
		}, []string{"topic", "reason"}),
	}
	if reg == nil {
		return m, nil
	}
	err := errors.Join(
		register(reg, &m.records), register(reg, &m.bytes), register(reg, &m.lagRecords),
		register(reg, &m.lagSeconds), register(reg, &m.skipped))
	return m, err
}

// register adds the collector, or replaces it by the one that another source
// has registered already.
func register[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	err := reg.Register(*c)
	if known, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		*c, ok = known.ExistingCollector.(C)
		if ok {
			return nil
		}
	}
	return err
}

// tally counts the records of one stream or partition, in the metrics and in
// its own Stats. It is used by one goroutine at a time.
type tally struct {
	metrics *metrics
	tell    func(kind classify.SourceKind, reason string, bytes int64)
	stats   Stats
	// counters saves the look-up by labels for every record.
	counters map[RecordKey]prometheus.Counter
	bytes    prometheus.Counter
}

func newTally(m *metrics, cfg Config) *tally {
	return &tally{
		metrics:  m,
		tell:     cfg.Uninspected,
		stats:    Stats{Records: map[RecordKey]int64{}, Uninspected: map[string]int64{}},
		counters: map[RecordKey]prometheus.Counter{},
	}
}

// record counts one record of that many bytes.
func (t *tally) record(kind classify.SourceKind, format, outcome string, size int) {
	key := RecordKey{format, outcome}
	counter := t.counters[key]
	if counter == nil {
		counter = t.metrics.records.WithLabelValues(string(kind), format, outcome)
		t.counters[key] = counter
		t.bytes = t.metrics.bytes.WithLabelValues(string(kind))
	}
	counter.Inc()
	t.bytes.Add(float64(size))
	t.stats.Records[key]++
	t.stats.Bytes += int64(size)
}

// uninspected counts bytes that nobody looked at.
func (t *tally) uninspected(kind classify.SourceKind, reason string, bytes int64) {
	if bytes == 0 {
		return
	}
	t.stats.Uninspected[reason] += bytes
	t.tell(kind, reason, bytes)
}
