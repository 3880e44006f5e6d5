package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Change is a difference between two policies.
type Change struct {
	// Added says that the new policy has it and the old one does not; else it is the other
	// way round.
	Added bool `json:"added"`
	// Kind is route, field, denied, scope, max_items, accept or known.
	Kind  string `json:"kind"`
	Route string `json:"route"`
	// What is the field, scope or rule; empty for a route.
	What string `json:"what,omitempty"`
}

// Diff tells what two policies do not share, by route.
func Diff(before, after *File) []Change {
	a, b := facts(before), facts(after)
	var list []Change
	for c := range a {
		if !b[c] && (c.Kind == "route" || a[Change{Kind: "route", Route: c.Route}] == b[Change{Kind: "route", Route: c.Route}]) {
			list = append(list, c)
		}
	}
	for c := range b {
		if !a[c] {
			c.Added = true
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(x, y Change) int {
		return cmp.Or(strings.Compare(x.Route, y.Route), rank(x)-rank(y), strings.Compare(x.Kind, y.Kind), strings.Compare(x.What, y.What))
	})
	return list
}

// rank puts routes before what is in them.
func rank(c Change) int {
	if c.Kind == "route" {
		return 0
	}
	return 1
}

// facts lists what a policy says, each as an addition would be.
func facts(f *File) map[Change]bool {
	all := map[Change]bool{}
	for i := range f.Routes {
		r := &f.Routes[i]
		name := routeName(r)
		add := func(kind, what string) { all[Change{Kind: kind, Route: name, What: what}] = true }
		add("route", "")
		for _, e := range r.Allow {
			add("field", e)
		}
		for _, e := range r.Deny {
			add("denied", e)
		}
		for _, s := range r.Scopes {
			for _, e := range s.Allow {
				add("scope", s.Name+" "+e)
			}
		}
		if r.MaxItems > 0 {
			add("max_items", strconv.Itoa(r.MaxItems))
		}
	}
	for _, a := range f.Accept {
		all[Change{Kind: "accept", Route: strings.TrimSpace(a.Method + " " + cmp.Or(a.Path, "*")), What: strings.TrimSpace(a.Rule + " " + a.Pointer)}] = true
	}
	for _, k := range f.Known {
		all[Change{Kind: "known", Route: k.Route, What: strings.TrimSpace(k.Rule + " " + k.Where + " " + k.Pointer)}] = true
	}
	return all
}

func routeName(r *Route) string {
	name := strings.TrimSpace(r.Method + " " + r.Path)
	if r.Host != "" {
		name += " host=" + r.Host
	}
	if r.Service != "" {
		name += " service=" + r.Service
	}
	return name
}
