package page

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// routeRow is what is exposed at a route of a service.
type routeRow struct {
	Service, Method, Route string
	Worst                  classify.Severity
	Open, Accepted, Gone   int
	Principals             int
	Fields                 []fieldRow
}

// fieldRow is an exposed place of a route.
type fieldRow struct {
	Severity                    classify.Severity
	Where, Pointer, Rule, Print string
	State                       alert.State
}

// maxRoutes and maxFields bound what the page of routes lists.
const (
	maxRoutes = 300
	maxFields = 50
)

// routesOf gathers exposures by their routes, the worst first.
func routesOf(list []alert.Exposure) []routeRow {
	type key struct{ service, method, route string }
	rows := map[key]*routeRow{}
	alert.SortExposures(list)
	for i := range list {
		x, f := &list[i], list[i].Sample
		k := key{serviceOf(f), f.HTTP.Method, f.HTTP.Route}
		row := rows[k]
		if row == nil {
			row = &routeRow{Service: k.service, Method: k.method, Route: k.route}
			rows[k] = row
		}
		row.add(x)
	}
	all := make([]routeRow, 0, len(rows))
	for _, row := range rows {
		all = append(all, *row)
	}
	slices.SortFunc(all, func(a, b routeRow) int {
		return cmp.Or(cmp.Compare(b.Worst, a.Worst), cmp.Compare(b.Open, a.Open), strings.Compare(a.Service, b.Service),
			strings.Compare(a.Route, b.Route), strings.Compare(a.Method, b.Method))
	})
	return all
}

func (r *routeRow) add(x *alert.Exposure) {
	switch {
	case x.State.Open():
		r.Open++
		r.Worst = max(r.Worst, x.Severity)
	case x.State == alert.StateAccepted:
		r.Accepted++
	default:
		r.Gone++
	}
	r.Principals = max(r.Principals, x.Principals)
	if len(r.Fields) < maxFields {
		f := x.Sample
		r.Fields = append(r.Fields, fieldRow{x.Severity, f.Where.String(), f.Pointer, f.Rule.ID, x.Fingerprint, x.State})
	}
}
