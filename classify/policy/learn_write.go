package policy

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// baselineWriter writes a baseline in YAML.
type baselineWriter struct{ b bytes.Buffer }

func (w *baselineWriter) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format+"\n", args...)
}

// place writes the routes of a place and behind it, sorted.
func (w *baselineWriter) place(p *place, path string) {
	for _, method := range slices.Sorted(maps.Keys(p.routes)) {
		w.route(method, max(path, "/"), p.routes[method])
	}
	for _, word := range slices.Sorted(maps.Keys(p.words)) {
		w.place(p.words[word], path+"/"+word)
	}
	if p.param != nil {
		w.place(p.param, path+"/{id}")
	}
}

func (w *baselineWriter) route(method, path string, r *learned) {
	w.line("  - match: %s # %s", quote(method+" "+path), plural(r.responses, "response"))
	if r.json == 0 {
		w.line("    # no JSON: fields are not judged")
		return
	}
	if len(r.fields) == 0 {
		w.line("    allow: []")
		return
	}
	w.line("    allow:")
	if fields := slices.Sorted(maps.Keys(r.fields)); fit(fields) {
		for _, name := range fields {
			w.line("      - %s # %s", quote(name), share(r.fields[name].count, r.json))
		}
	} else {
		for _, name := range heads(fields) {
			w.line("      - %s # and all in it: there is too much under names that are values", quote(name))
		}
	}
	if r.overflow > 0 {
		w.line("      # %d more values than there was room for", r.overflow)
	}
}

// fit says whether a route with these fields can be compiled.
func fit(fields []string) bool {
	p := pointers{root: &shape{}}
	for _, name := range fields {
		p.add(name, everybody)
	}
	return p.settle(p.root) == nil
}

// heads returns the first steps of pointers.
func heads(pointers []string) (list []string) {
	for _, p := range pointers {
		head, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
		if n := len(list); n == 0 || list[n-1] != "/"+head {
			list = append(list, "/"+head)
		}
	}
	return list
}

// share writes a part of a whole; less than all of it is never 100 %.
func share(part, whole int) string {
	percent := 100 * part / max(whole, 1)
	if percent == 0 {
		return "< 1 %"
	}
	return strconv.Itoa(percent) + " %"
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// optional writes a further member of a flow mapping, "" for an empty one.
func optional(key, value string) string {
	if value == "" {
		return ""
	}
	return ", " + key + ": " + quote(value)
}

// quote writes text as a scalar that means just it, in quotes unless it needs none.
func quote(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/_-.*~ ", r)
	})
	if plain && (s[0] == '/' || s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z') && !strings.HasSuffix(s, " ") {
		return s
	}
	return strconv.Quote(s)
}
