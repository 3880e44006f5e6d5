package policy

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// maxTemplate bounds the segments of a path.
const maxTemplate = 32

// segment is one part of a template between slashes: a word, a parameter, or a parameter
// with a word before or behind it ({name}.json).
type segment struct {
	prefix, suffix string
	param          bool
}

// checkTemplate says what is wrong with a template, "" for nothing.
func checkTemplate(path string) string {
	if strings.ContainsAny(path, "?# ") {
		return "a template has no query, fragment or space"
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) > maxTemplate {
		return "the template has too many segments"
	}
	for i, part := range parts {
		open, closed := strings.Count(part, "{"), strings.Count(part, "}")
		switch {
		case open != closed, open > 0 && strings.IndexByte(part, '}') < strings.IndexByte(part, '{'):
			return "a brace in the template is not closed"
		case open > 1:
			return "want one parameter in a segment"
		case part == "**" && i < len(parts)-1:
			return "** stands for the rest of a path, and something stands behind it"
		}
	}
	return ""
}

// segmentsOf splits a template. A parameter is {name}, or :name or * as a whole segment.
func segmentsOf(path string) []segment {
	var list []segment
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			list = append(list, segmentOf(part))
		}
	}
	return list
}

func segmentOf(part string) segment {
	if part == "*" || len(part) > 1 && part[0] == ':' && !strings.ContainsAny(part[1:], ":{}") {
		return segment{param: true}
	}
	open := strings.IndexByte(part, '{')
	closed := strings.LastIndexByte(part, '}')
	if open < 0 || closed < open {
		return segment{prefix: part}
	}
	return segment{part[:open], part[closed+1:], true}
}

// shapeOf is a template without the names of its parameters: two of the same shape match
// the same paths.
func shapeOf(path string) string {
	var b strings.Builder
	for _, s := range segmentsOf(path) {
		b.WriteByte('/')
		b.WriteString(s.prefix)
		if s.param {
			b.WriteString("{}")
			b.WriteString(s.suffix)
		}
	}
	return b.String()
}

// matches says whether a segment of a path is one of the template.
func (s *segment) matches(part []byte) bool {
	if !s.param {
		return string(part) == s.prefix
	}
	return len(part) > len(s.prefix)+len(s.suffix) && bytes.HasPrefix(part, []byte(s.prefix)) && bytes.HasSuffix(part, []byte(s.suffix))
}

// router finds the routes that a path belongs to, of which there are several where hosts or
// services tell them apart. It is immutable once built.
type router struct{ root stop }

// stop is a place between two segments.
type stop struct {
	words  map[string]*stop
	params []param // with more around them first
	routes []*route
	rest   []*route // that end in **
}

type param struct {
	segment
	next *stop
}

// add enters a route under its template.
func (r *router) add(template string, route *route) {
	at := &r.root
	for _, s := range segmentsOf(template) {
		if s.prefix == "**" && !s.param {
			at.rest = append(at.rest, route)
			return
		}
		at = at.step(s)
	}
	at.routes = append(at.routes, route)
}

func (s *stop) step(seg segment) *stop {
	if !seg.param {
		if s.words == nil {
			s.words = map[string]*stop{}
		}
		if s.words[seg.prefix] == nil {
			s.words[seg.prefix] = &stop{}
		}
		return s.words[seg.prefix]
	}
	at := len(s.params)
	for i := range s.params {
		p := &s.params[i]
		if p.segment == seg {
			return p.next
		}
		if at == len(s.params) && len(p.prefix)+len(p.suffix) < len(seg.prefix)+len(seg.suffix) {
			at = i
		}
	}
	next := &stop{}
	s.params = slices.Insert(s.params, at, param{seg, next})
	return next
}

// find returns the first route for a path that fits the exchange, words before parameters
// (OpenAPI 3.1, section 4.8.8.2), nil if there is none. Any route fits no exchange.
func (s *stop) find(path []byte, room int, x *classify.Exchange) *route {
	for len(path) > 0 && path[0] == '/' {
		path = path[1:]
	}
	if len(path) == 0 {
		if found := pick(s.routes, x); found != nil {
			return found
		}
		return pick(s.rest, x)
	}
	if room > 0 {
		part, rest := path, path[len(path):]
		if i := bytes.IndexByte(path, '/'); i >= 0 {
			part, rest = path[:i], path[i:]
		}
		if found := s.follow(part, rest, room-1, x); found != nil {
			return found
		}
	}
	return pick(s.rest, x)
}

func (s *stop) follow(part, rest []byte, room int, x *classify.Exchange) *route {
	if next := s.words[string(part)]; next != nil {
		if found := next.find(rest, room, x); found != nil {
			return found
		}
	}
	for i := range s.params {
		if p := &s.params[i]; p.matches(part) {
			if found := p.next.find(rest, room, x); found != nil {
				return found
			}
		}
	}
	return nil
}

func pick(routes []*route, x *classify.Exchange) *route {
	for _, r := range routes {
		if x == nil || r.fits(x) {
			return r
		}
	}
	return nil
}

// nearby says whether a path belongs to what the routes describe: it leads as far as they do
// from their first words on, or its first word is one of theirs. Before that come words that
// all of them share, as /api/v1.
func (r *router) nearby(path []byte) bool {
	at := &r.root
	for range maxTemplate {
		for len(path) > 0 && path[0] == '/' {
			path = path[1:]
		}
		if len(path) == 0 {
			return false
		}
		part := path
		if i := bytes.IndexByte(path, '/'); i >= 0 {
			part = path[:i]
		}
		next := at.words[string(part)]
		if next == nil {
			return at != &r.root && len(at.words) > 1
		}
		if len(at.words) > 1 {
			return true
		}
		at, path = next, path[len(part):]
	}
	return false
}
