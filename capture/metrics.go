package capture

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

// metrics are shared by all sniffers and file readers of one registry.
type metrics struct {
	packets, kernelDrops, undecodable, gapBytes prometheus.Counter
	received, freezes, truncated, overlaps      prometheus.Counter
	// bytes are those handed on, in the metric that package ingest counts the
	// bytes of records in: to users both are input.
	bytes prometheus.Counter
	// httpFlows and otherFlows count the connections that carry HTTP and those
	// that do not, or not yet, or no longer.
	httpFlows, otherFlows prometheus.Gauge
	// interfaces are those captured on, the counters how they came and went.
	interfaces                      prometheus.Gauge
	interfacesFound, interfacesLost prometheus.Counter
	// sampleRatio is the share of connections that is looked at, of a sniffer alone.
	sampleRatio prometheus.Gauge
}

// newMetrics registers the capture metrics, or finds those that another source
// has registered. A nil reg keeps them out of any registry.
func newMetrics(reg prometheus.Registerer, source classify.SourceKind) (metrics, error) {
	packets, err1 := register(reg, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "leaktap_capture_packets_total",
		Help: "Packets read from interfaces and capture files.",
	}))
	dropped, err2 := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leaktap_capture_dropped_packets_total",
		Help: "Packets that were not taken apart, by reason: kernel (no room in the receive buffer), undecodable.",
	}, []string{"reason"}))
	gapBytes, err3 := register(reg, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "leaktap_capture_gap_bytes_total",
		Help: "Bytes of TCP payload that were sent but not captured.",
	}))
	flows, err4 := register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "leaktap_capture_flows",
		Help: "TCP connections followed at the moment, by state: http, other.",
	}, []string{"state"}))
	bytes, err5 := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leaktap_record_bytes_total",
		Help: "Bytes of the records read, decompressed, and of captured exchanges.",
	}, []string{"source"}))
	m := metrics{
		packets:     packets,
		kernelDrops: dropped.WithLabelValues("kernel"),
		undecodable: dropped.WithLabelValues("undecodable"),
		gapBytes:    gapBytes,
		httpFlows:   flows.WithLabelValues("http"),
		otherFlows:  flows.WithLabelValues("other"),
		bytes:       bytes.WithLabelValues(string(source)),
	}
	if err := errors.Join(err1, err2, err3, err4, err5, m.registerMore(reg), m.registerInterfaces(reg)); err != nil {
		return metrics{}, fmt.Errorf("register capture metrics: %w", err)
	}
	return m, nil
}

// registerMore registers the counters of packets that are no loss.
func (m *metrics) registerMore(reg prometheus.Registerer) error {
	var errs []error
	for _, c := range []struct {
		to         *prometheus.Counter
		name, help string
	}{
		{&m.received, "received_packets", "Packets that the kernel's filter took on interfaces, those dropped among them."},
		{&m.freezes, "ring_freezes", "How often the kernel stopped capturing because its ring was full."},
		{&m.truncated, "truncated_packets", "Packets of which only the beginning was captured."},
		{&m.overlaps, "overlap_conflicts", "TCP segments that contradict what was sent before in their place."},
	} {
		var err error
		*c.to, err = register(reg, prometheus.NewCounter(prometheus.CounterOpts{Name: "leaktap_capture_" + c.name + "_total", Help: c.help}))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// registerInterfaces registers what tells of interfaces.
func (m *metrics) registerInterfaces(reg prometheus.Registerer) error {
	interfaces, err1 := register(reg, prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "leaktap_capture_interfaces",
		Help: "Network interfaces that are captured on at the moment.",
	}))
	changes, err2 := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leaktap_capture_interface_changes_total",
		Help: "Network interfaces that came and went during the capture, by change: found, lost.",
	}, []string{"change"}))
	m.interfaces, m.interfacesFound, m.interfacesLost = interfaces, changes.WithLabelValues("found"), changes.WithLabelValues("lost")
	return errors.Join(err1, err2)
}

// watchSample registers how many connections the sniffer of those interfaces looks at.
func (m *metrics) watchSample(reg prometheus.Registerer, interfaces string) error {
	ratios, err := register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "leaktap_capture_sample_ratio",
		Help: "Share of connections that are looked at, by the interfaces of the source: 1 unless capture samples.",
	}, []string{"interfaces"}))
	if err != nil {
		return fmt.Errorf("register capture metrics: %w", err)
	}
	m.sampleRatio = ratios.WithLabelValues(interfaces)
	m.sampleRatio.Set(1)
	return nil
}

func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	if reg == nil {
		return c, nil
	}
	err := reg.Register(c)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, same := already.ExistingCollector.(C); same {
			return existing, nil
		}
	}
	return c, err
}
