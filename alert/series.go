package alert

import "github.com/leaktap/leaktap/classify"

// labels name an exposure to Prometheus and Alertmanager. Nothing of the agent
// (pod, node) is in them, so that many agents make one series and one alert.
type labels struct {
	rule, category, severity, service, route string
}

// overflow is the service and route of everything past the limit of series.
const overflow = "other"

// maxLabelBytes bounds the values that come from outside.
const maxLabelBytes = 256

func labelsOf(f *classify.Finding) labels {
	return labels{
		rule:     f.Rule.ID,
		category: string(f.Rule.Category),
		severity: f.Severity.String(),
		service:  labelValue(f.HTTP.Service),
		route:    labelValue(f.HTTP.Route),
	}
}

func labelValue(s string) string { return cut(Clean(s), maxLabelBytes) }

// folded is the label set that stands for l past the limit.
func (l labels) folded() labels {
	l.service, l.route = overflow, overflow
	return l
}

// capped holds one V for each label set, at most max of them; past that, label
// sets share the V of their folded form, of which there are no more than rules
// times severities. It is not safe for concurrent use.
type capped[V any] struct {
	max  int
	sets map[labels]V
}

func newCapped[V any](size int) *capped[V] {
	return &capped[V]{max: size, sets: map[labels]V{}}
}

// get returns the value of l, which create makes for a label set that is new, and
// whether l was folded.
func (c *capped[V]) get(l labels, create func(labels) V) (v V, fold bool) {
	if v, ok := c.sets[l]; ok {
		return v, false
	}
	if len(c.sets) >= c.max {
		l, fold = l.folded(), true
	}
	v, ok := c.sets[l]
	if !ok {
		v = create(l)
		c.sets[l] = v
	}
	return v, fold
}
