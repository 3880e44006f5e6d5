package ingest

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

// metrics are the counters and gauges of all sources that share a registry.
type metrics struct {
	records     *prometheus.CounterVec
	bytes       *prometheus.CounterVec
	lagRecords  *prometheus.GaugeVec
	lagSeconds  *prometheus.GaugeVec
	skipped     *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
	rebalances  *prometheus.CounterVec
	commitAge   *prometheus.GaugeVec
	stalled     *prometheus.GaugeVec
	envelopes   *prometheus.CounterVec
	limits      *prometheus.CounterVec
	filtered    *prometheus.CounterVec
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
		deadLetters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_kafka_dead_letters_total",
			Help: "Bad records that were to be copied to the dead-letter topic, by what became of the copy.",
		}, []string{"outcome"}),
		rebalances: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_kafka_rebalances_total",
			Help: "Times that the consumer group was joined, at first and after each rebalance.",
		}, []string{"group"}),
		commitAge: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "leaktap_kafka_commit_age_seconds",
			Help: "How long records were handled without a commit that took, 0 when all is committed.",
		}, []string{"group"}),
		stalled: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "leaktap_kafka_stalled_partitions",
			Help: "Partitions that have records and did not move for a minute.",
		}, []string{"group"}),
		envelopes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_record_envelopes_total",
			Help: "Envelopes that were taken off records, by kind.",
		}, []string{"source", "envelope"}),
		limits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_record_limits_total",
			Help: "Limits that were reached while records were decoded.",
		}, []string{"source", "limit"}),
		filtered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_exchanges_filtered_total",
			Help: "Exchanges that the source's expression left out.",
		}, []string{"source"}),
	}
	if reg == nil {
		return m, nil
	}
	err := errors.Join(
		register(reg, &m.records), register(reg, &m.bytes), register(reg, &m.lagRecords),
		register(reg, &m.lagSeconds), register(reg, &m.skipped),
		register(reg, &m.deadLetters), register(reg, &m.rebalances), register(reg, &m.commitAge), register(reg, &m.stalled),
		register(reg, &m.envelopes), register(reg, &m.limits), register(reg, &m.filtered))
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
	// note, unless nil, is told about bad records.
	note  func(what string)
	stats Stats
	// records saves the look-up by labels for every record. There are as many as
	// formats and outcomes that were seen, and the last ones are found first.
	records   []*recordCount
	envelopes map[string]prometheus.Counter
	bytes     prometheus.Counter
}

func newTally(m *metrics, cfg Config) *tally {
	return &tally{
		metrics: m,
		tell:    cfg.Uninspected,
		stats: Stats{
			Records: map[RecordKey]int64{}, Uninspected: map[string]int64{},
			Envelopes: map[string]int64{}, Limits: map[string]int64{},
		},
		envelopes: map[string]prometheus.Counter{},
	}
}

// recordCount counts the records of one format and outcome.
type recordCount struct {
	key     RecordKey
	counter prometheus.Counter
	n       int64
}

// record counts one record of that many bytes.
func (t *tally) record(kind classify.SourceKind, format, outcome string, size int) {
	c := t.count(RecordKey{format, outcome})
	if c.counter == nil {
		c.counter = t.metrics.records.WithLabelValues(string(kind), format, outcome)
		t.bytes = t.metrics.bytes.WithLabelValues(string(kind))
	}
	c.counter.Inc()
	c.n++
	switch outcome {
	case outcomeLog, outcomeExchange, outcomeControl:
	default:
		if t.note != nil {
			t.note(outcome)
		}
	}
	t.bytes.Add(float64(size))
	t.stats.Bytes += int64(size)
}

// count finds the count of a key and moves it to the front.
func (t *tally) count(key RecordKey) *recordCount {
	for i, c := range t.records {
		if c.key == key {
			t.records[0], t.records[i] = c, t.records[0]
			return c
		}
	}
	c := &recordCount{key: key}
	t.records = append(t.records, c)
	return c
}

// result returns what was counted.
func (t *tally) result() Stats {
	for _, c := range t.records {
		t.stats.Records[c.key] = c.n
	}
	return t.stats
}

// uninspected counts bytes that nobody looked at.
func (t *tally) uninspected(kind classify.SourceKind, reason string, bytes int64) {
	if bytes == 0 {
		return
	}
	t.stats.Uninspected[reason] += bytes
	t.tell(kind, reason, bytes)
}

// cut counts a record of which so many bytes are past the limit.
func (t *tally) cut(kind classify.SourceKind, bytes int64) {
	if bytes > 0 {
		t.uninspected(kind, UninspectedLimit, bytes)
		t.limit(kind, LimitRecord)
	}
}

// envelope counts an envelope that was taken off.
func (t *tally) envelope(kind classify.SourceKind, name string) {
	counter := t.envelopes[name]
	if counter == nil {
		counter = t.metrics.envelopes.WithLabelValues(string(kind), name)
		t.envelopes[name] = counter
	}
	counter.Inc()
	t.stats.Envelopes[name]++
}

// limit counts a limit that was reached.
func (t *tally) limit(kind classify.SourceKind, name string) {
	t.metrics.limits.WithLabelValues(string(kind), name).Inc()
	t.stats.Limits[name]++
	if t.note != nil {
		t.note(name)
	}
}

// filter counts an exchange that was left out, with the size of its record.
func (t *tally) filter(kind classify.SourceKind, size int) {
	t.uninspected(kind, UninspectedFiltered, int64(size))
	t.metrics.filtered.WithLabelValues(string(kind)).Inc()
	t.stats.Filtered++
}
