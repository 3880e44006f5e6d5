package ingest

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Why parts of files were not read: the values of the label "reason".
const (
	lossTruncated = "truncated" // cut before it was read to its end
	lossFull      = "limit"     // more files than may be open
)

// fileMetrics are those of followed files.
type fileMetrics struct {
	tailed, lag prometheus.Gauge
	losses      *prometheus.CounterVec
}

func newFileMetrics(reg prometheus.Registerer) (*fileMetrics, error) {
	m := &fileMetrics{
		tailed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "leaktap_files_tailed",
			Help: "Files that are open and read as they grow.",
		}),
		lag: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "leaktap_file_lag_bytes",
			Help: "Bytes of followed files that were not read yet.",
		}),
		losses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leaktap_file_losses_total",
			Help: "Files that were not read, or cut before they were read to their end, by reason.",
		}, []string{"reason"}),
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(register(reg, &m.tailed), register(reg, &m.lag), register(reg, &m.losses))
}
