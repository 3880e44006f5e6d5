package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"
)

// coverageTimeout bounds how long an agent may take to tell its metrics.
const coverageTimeout = 15 * time.Second

// maxMetrics bounds the bytes of an agent's metrics.
const maxMetrics = 64 << 20

func (a *app) reportCoverageCommand() *cobra.Command {
	from, format := "", "text"
	c := &cobra.Command{
		Use: "coverage", Short: "Report what share of its input an agent has inspected", Args: cobra.NoArgs,
		Long: `Coverage reads the metrics of a running agent and tells for each source how many
bytes came in, what share was inspected, and why the rest was not.`,
		Example: "  leaktap report coverage\n  leaktap report coverage --from http://10.1.2.3:9464/metrics -o csv",
		RunE:    func(c *cobra.Command, _ []string) error { return a.reportCoverage(c.Context(), from, format) },
	}
	c.Flags().StringVar(&from, "from", "http://"+defaultListen+"/metrics", "where the agent serves its metrics")
	c.Flags().StringVarP(&format, "output", "o", "text", "text, jsonl or csv")
	return c
}

func (a *app) reportCoverage(ctx context.Context, from, format string) error {
	write, err := tableWriter(format)
	if err != nil {
		return usage(err)
	}
	families, err := fetchMetrics(ctx, from)
	if err != nil {
		return incomplete(err)
	}
	t := coverageReport(families)
	return write(a.out, &t)
}

// fetchMetrics reads the metrics of an agent (Prometheus text format 0.0.4).
func fetchMetrics(ctx context.Context, from string) (map[string]*dto.MetricFamily, error) {
	ctx, cancel := context.WithTimeout(ctx, coverageTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read metrics of %s: answered %s", from, res.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(res.Body, maxMetrics))
	if err != nil {
		return nil, fmt.Errorf("read metrics of %s: %w", from, err)
	}
	if families["leaktap_build_info"] == nil {
		return nil, errors.New("read metrics: there is no agent of leaktap at " + from)
	}
	return families, nil
}

// coverageRow is what one source has given.
type coverageRow struct {
	Source      string             `json:"source"`
	Records     float64            `json:"records"`
	Failed      float64            `json:"failed"`
	Bytes       float64            `json:"bytes"` // inspected and not
	Uninspected map[string]float64 `json:"uninspected"`
}

func (r *coverageRow) missed() (n float64) {
	for _, bytes := range r.Uninspected {
		n += bytes
	}
	return n
}

// share is the part that was inspected, in percent.
func (r *coverageRow) share() float64 {
	if r.Bytes == 0 {
		return 100
	}
	return 100 * (r.Bytes - r.missed()) / r.Bytes
}

// coverageReport gathers the metrics of input by source.
func coverageReport(families map[string]*dto.MetricFamily) table {
	rows := map[string]*coverageRow{}
	each := func(name string, f func(r *coverageRow, labels map[string]string, value float64)) {
		for _, m := range families[name].GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			source := labels["source"]
			if rows[source] == nil {
				rows[source] = &coverageRow{Source: source, Uninspected: map[string]float64{}}
			}
			f(rows[source], labels, m.GetCounter().GetValue())
		}
	}
	each("leaktap_record_bytes_total", func(r *coverageRow, _ map[string]string, n float64) { r.Bytes += n })
	each("leaktap_records_total", func(r *coverageRow, labels map[string]string, n float64) {
		r.Records += n
		if labels["outcome"] == "failed" {
			r.Failed += n
		}
	})
	each("leaktap_uninspected_bytes_total", func(r *coverageRow, labels map[string]string, n float64) {
		if n > 0 {
			r.Uninspected[labels["reason"]] += n
		}
		if r.Source == "interface" { // its bytes are those that were handed on
			r.Bytes += n
		}
	})
	t := table{columns: []string{"SOURCE", "COVERAGE", "RECORDS", "FAILED", "INPUT", "NOT INSPECTED"}, nothing: "nothing came in so far"}
	var list []*coverageRow
	for _, r := range rows {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *coverageRow) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Source, b.Source))
	})
	for _, r := range list {
		t.entries = append(t.entries, r)
		t.rows = append(t.rows, []string{
			r.Source, fmt.Sprintf("%.1f %%", r.share()), fmt.Sprintf("%.0f", r.Records), fmt.Sprintf("%.0f", r.Failed), size(int64(r.Bytes)), r.reasons(),
		})
	}
	return t
}

// reasons tells why bytes were not inspected, the most first.
func (r *coverageRow) reasons() string {
	var names []string
	for name := range r.Uninspected {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Uninspected[b], r.Uninspected[a]), strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = name + " " + size(int64(r.Uninspected[name]))
	}
	return cmp.Or(strings.Join(names, ", "), "-")
}
