package page

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// listing is what the address of the list of findings asks for: filters, an order, a page.
type listing struct {
	Severity, State, Category, Service, Rule, Text string
	Sort                                           string
	Number                                         int
}

// perPage is how many exposures one page lists.
const perPage = 100

// maxFilter bounds the bytes of one filter.
const maxFilter = 256

// anyState is the filter that leaves no state out; without one, what is accepted is.
const anyState = "any"

// sorts are the orders of exposures; the first is the usual one.
func sorts() []string {
	return []string{"severity", "last", "first", "count", "principals", "rule", "route"}
}

func readListing(query url.Values) listing {
	text := func(name string) string {
		value := strings.TrimSpace(query.Get(name))
		return value[:min(len(value), maxFilter)]
	}
	l := listing{
		Severity: text("severity"), State: text("state"), Category: text("category"), Service: text("service"), Rule: text("rule"),
		Text: text("q"), Sort: text("sort"),
	}
	if !slices.Contains(sorts(), l.Sort) {
		l.Sort = sorts()[0]
	}
	l.Number, _ = strconv.Atoi(query.Get("page"))
	l.Number = max(l.Number, 1)
	return l
}

// Filtered says whether the list may leave something out.
func (l listing) Filtered() bool {
	return l.Severity != "" || l.State != "" || l.Category != "" || l.Service != "" || l.Rule != "" || l.Text != ""
}

// Page is the address of another page of the list.
func (l listing) Page(number int) string {
	l.Number = number
	return l.address()
}

// By is the address of the list in another order.
func (l listing) By(sort string) string {
	l.Sort, l.Number = sort, 1
	return l.address()
}

func (l listing) address() string {
	query := url.Values{}
	for name, value := range map[string]string{
		"severity": l.Severity, "state": l.State, "category": l.Category, "service": l.Service, "rule": l.Rule, "q": l.Text,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if l.Sort != sorts()[0] {
		query.Set("sort", l.Sort)
	}
	if l.Number > 1 {
		query.Set("page", strconv.Itoa(l.Number))
	}
	if len(query) == 0 {
		return "/"
	}
	return "/?" + query.Encode()
}

// apply filters and sorts a list of exposures.
func (l listing) apply(list []alert.Exposure) []alert.Exposure {
	list = slices.DeleteFunc(list, func(x alert.Exposure) bool { return !l.matches(&x) })
	alert.SortExposures(list)
	if order := l.order(); order != nil {
		slices.SortStableFunc(list, order)
	}
	return list
}

// matches says whether an exposure passes the filters. Severity is the least one.
func (l listing) matches(x *alert.Exposure) bool {
	var least classify.Severity
	if least.UnmarshalText([]byte(l.Severity)) == nil && x.Severity < least {
		return false
	}
	switch l.State {
	case anyState:
	case "":
		if x.State == alert.StateAccepted {
			return false
		}
	case string(x.State):
	default:
		return false
	}
	f := x.Sample
	for _, pair := range [][2]string{
		{l.Category, string(f.Rule.Category)}, {l.Service, serviceOf(f)}, {l.Rule, f.Rule.ID},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	if l.Text == "" {
		return true
	}
	all := strings.Join([]string{f.Rule.ID, f.Rule.Title, f.HTTP.Service, f.HTTP.Host, f.HTTP.Method + " " + f.HTTP.Route, f.Pointer, f.Source.Name, x.Fingerprint}, "\n")
	return strings.Contains(strings.ToLower(all), strings.ToLower(l.Text))
}

// serviceOf names who answered, or where it was written down.
func serviceOf(f *classify.Finding) string {
	return cmp.Or(f.HTTP.Service, f.HTTP.Host, f.Source.Name)
}

// order is nil for the usual order, which is also that of equals.
func (l listing) order() func(a, b alert.Exposure) int {
	switch l.Sort {
	case "last":
		return func(a, b alert.Exposure) int { return b.LastSeen.Compare(a.LastSeen) }
	case "first":
		return func(a, b alert.Exposure) int { return a.FirstSeen.Compare(b.FirstSeen) }
	case "count":
		return func(a, b alert.Exposure) int { return cmp.Compare(b.Count, a.Count) }
	case "principals":
		return func(a, b alert.Exposure) int { return cmp.Compare(b.Principals, a.Principals) }
	case "rule":
		return func(a, b alert.Exposure) int { return strings.Compare(a.Sample.Rule.ID, b.Sample.Rule.ID) }
	case "route":
		return func(a, b alert.Exposure) int {
			return cmp.Or(strings.Compare(serviceOf(a.Sample), serviceOf(b.Sample)), strings.Compare(a.Sample.HTTP.Route, b.Sample.HTTP.Route))
		}
	}
	return nil
}

// choices are what the filters can be set to: the values that exposures have.
type choices struct{ Severities, States, Categories, Services, Rules []string }

// maxChoices bounds the values of one filter; others can be searched for.
const maxChoices = 200

func choicesOf(list []alert.Exposure) choices {
	c := choices{}
	for s := classify.Critical; s >= classify.Info; s-- {
		c.Severities = append(c.Severities, s.String())
	}
	for _, s := range alert.States() {
		c.States = append(c.States, string(s))
	}
	categories, services, rules := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range list {
		f := list[i].Sample
		categories[string(f.Rule.Category)], services[serviceOf(f)], rules[f.Rule.ID] = true, true, true
	}
	first := func(values map[string]bool) []string {
		sorted := slices.Sorted(maps.Keys(values))
		return sorted[:min(len(sorted), maxChoices)]
	}
	c.Categories, c.Services, c.Rules = first(categories), first(services), first(rules)
	return c
}
