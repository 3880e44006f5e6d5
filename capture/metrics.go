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
	// bytes are those handed on, in the metric that package ingest counts the
	// bytes of records in: to users both are input.
	bytes prometheus.Counter
	// httpFlows and otherFlows count the connections that carry HTTP and those
	// that do not, or not yet, or no longer.
	httpFlows, otherFlows prometheus.Gauge
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
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return metrics{}, fmt.Errorf("register capture metrics: %w", err)
	}
	return metrics{
		packets:     packets,
		kernelDrops: dropped.WithLabelValues("kernel"),
		undecodable: dropped.WithLabelValues("undecodable"),
		gapBytes:    gapBytes,
		httpFlows:   flows.WithLabelValues("http"),
		otherFlows:  flows.WithLabelValues("other"),
		bytes:       bytes.WithLabelValues(string(source)),
	}, nil
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
