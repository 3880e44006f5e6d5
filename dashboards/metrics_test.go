package dashboards

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// metrics is the list of DESIGN.md, with the labels of each metric; job and
// instance come from Prometheus.
func metrics() map[string][]string {
	exposure := []string{"rule", "category", "severity", "service", "route"}
	return map[string][]string{
		"leaktap_build_info":                            {"version"},
		"leaktap_records_total":                         {"source", "format", "outcome"},
		"leaktap_record_bytes_total":                    {"source"},
		"leaktap_uninspected_bytes_total":               {"source", "reason"},
		"leaktap_findings_total":                        exposure,
		"leaktap_exposure_first_seen_timestamp_seconds": exposure,
		"leaktap_exposure_last_seen_timestamp_seconds":  exposure,
		"leaktap_exposures":                             {"severity", "state"},
		"leaktap_tokens_exposed":                        {"state"},
		"leaktap_harvest_suspects":                      {"service"},
		"leaktap_window_tracked":                        {"kind"},
		"leaktap_window_evicted_total":                  {"kind"},
		"leaktap_classify_duration_seconds":             nil,
		"leaktap_kafka_lag_records":                     {"topic", "partition"},
		"leaktap_kafka_lag_seconds":                     {"topic", "partition"},
		"leaktap_kafka_skipped_offsets_total":           {"topic", "reason"},
		"leaktap_kafka_commit_age_seconds":              {"group"},
		"leaktap_kafka_rebalances_total":                {"group"},
		"leaktap_kafka_dead_letters_total":              {"outcome"},
		"leaktap_kafka_stalled_partitions":              {"group"},
		"leaktap_files_tailed":                          nil,
		"leaktap_file_lag_bytes":                        nil,
		"leaktap_file_losses_total":                     {"reason"},
		"leaktap_record_envelopes_total":                {"source", "envelope"},
		"leaktap_record_limits_total":                   {"source", "limit"},
		"leaktap_exchanges_filtered_total":              {"source"},
		"leaktap_capture_packets_total":                 nil,
		"leaktap_capture_dropped_packets_total":         {"reason"},
		"leaktap_capture_gap_bytes_total":               nil,
		"leaktap_capture_flows":                         {"state"},
		"leaktap_capture_received_packets_total":        nil,
		"leaktap_capture_ring_freezes_total":            nil,
		"leaktap_capture_truncated_packets_total":       nil,
		"leaktap_capture_overlap_conflicts_total":       nil,
		"leaktap_capture_interfaces":                    nil,
		"leaktap_capture_interface_changes_total":       {"change"},
		"leaktap_capture_sample_ratio":                  {"interfaces"},
		"leaktap_queue_fill_ratio":                      nil,
		"leaktap_notifications_total":                   {"sink"},
		"leaktap_notifications_failed_total":            {"sink"},
		"leaktap_spool_bytes":                           {"sink"},
		"leaktap_spool_dropped_total":                   {"sink", "reason"},
		"leaktap_spool_errors_total":                    {"sink"},
		"leaktap_config_last_reload_successful":         nil,
		"leaktap_label_overflow_total":                  nil,
	}
}

var (
	metricRE   = regexp.MustCompile(`\b(leaktap_[a-z_]+|kube_[a-z_]+|up|process_[a-z_]+|go_[a-z_]+)\b`)
	matcherRE  = regexp.MustCompile(`\b(leaktap_[a-z_]+)\{([^}]*)\}`)
	labelRE    = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	groupingRE = regexp.MustCompile(`(?:by|on)\s*\(([^)]*)\)`)
)

// kubeMetrics are those of kube-state-metrics, as its documentation lists them.
var kubeMetrics = map[string][]string{
	"kube_node_info":        {"node"},
	"kube_pod_info":         {"namespace", "pod", "node", "created_by_kind", "created_by_name"},
	"kube_pod_status_ready": {"namespace", "pod", "condition"},
}

// checkMetrics checks that an expression uses metrics and labels that exist.
func checkMetrics(t *testing.T, place, expr string) {
	t.Helper()
	known := metrics()
	maps.Copy(known, kubeMetrics)
	var labels []string
	for _, name := range metricsOf(expr) {
		of, ok := known[name]
		if !ok && strings.HasPrefix(name, "leaktap_") {
			t.Errorf("%s uses %s, which does not exist", place, name)
		}
		labels = append(labels, of...)
	}
	for _, m := range matcherRE.FindAllStringSubmatch(expr, -1) {
		for _, label := range labelRE.FindAllStringSubmatch(m[2], -1) {
			if !isLabel(label[1], known[baseName(m[1])]) {
				t.Errorf("%s: %s has no label %s", place, m[1], label[1])
			}
		}
	}
	for _, m := range groupingRE.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(m[1], ",") {
			if m[1] != "" && !isLabel(strings.TrimSpace(label), labels) {
				t.Errorf("%s groups by %s, which no metric in it has", place, label)
			}
		}
	}
}

func isLabel(name string, own []string) bool {
	return slices.Contains(own, name) || slices.Contains([]string{"job", "instance", "le"}, name)
}

// metricsOf returns the metrics that an expression uses.
func metricsOf(expr string) (names []string) {
	for _, m := range metricRE.FindAllString(expr, -1) {
		names = append(names, baseName(m))
	}
	return names
}

// baseName is the name of the histogram for its series.
func baseName(series string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(series, suffix); ok {
			return base
		}
	}
	return series
}

// TestCheckMetricsFindsMistakes tests the check itself.
func TestCheckMetricsFindsMistakes(t *testing.T) {
	for expr, want := range map[string][]string{
		"sum(leaktap_findings_total) / up":                  {"leaktap_findings_total", "up"},
		"rate(leaktap_classify_duration_seconds_count[5m])": {"leaktap_classify_duration_seconds"},
		"vector(1)": nil,
	} {
		if got := metricsOf(expr); !slices.Equal(got, want) {
			t.Errorf("metrics of %s are %v, want %v", expr, got, want)
		}
	}
	if isLabel("pod", metrics()["leaktap_findings_total"]) || !isLabel("route", metrics()["leaktap_findings_total"]) {
		t.Error("labels are not told apart")
	}
}
