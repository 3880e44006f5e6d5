package policy

import (
	"errors"
	"regexp"
	"strings"
)

// A mask says who may get a field: everybody, callers with the scope of a bit, nobody.
const (
	everybody uint64 = 1
	denied    uint64 = 1 << 63
)

// shape is what may stand at a place of a response, compiled: members by name, and what
// holds for every other member or item. Shapes of schemas may be cyclic.
type shape struct {
	members  map[string]*shape
	table    table[*shape] // of members, once they are all there
	patterns []pattern
	// other is for the items of a list and for members that no name or pattern is for.
	other *shape
	// self says who may get a plain value here, below who may get whatever is here.
	self, below uint64
	// writeOnly says that a contract has the value in requests only.
	writeOnly bool
}

// pattern is a shape for members whose names match an expression.
type pattern struct {
	re    *regexp.Regexp
	shape *shape
}

// member returns the shape of a member, nil if there is none.
func (s *shape) member(name []byte) *shape {
	if s == nil {
		return nil
	}
	if m, ok := s.table.get(name); ok {
		return m
	}
	for i := range s.patterns {
		if s.patterns[i].re.Match(name) {
			return s.patterns[i].shape
		}
	}
	return s.other
}

// item returns the shape of the items of a list.
func (s *shape) item() *shape {
	if s == nil {
		return nil
	}
	return s.other
}

// maxShapes bounds the shapes of one route, or of one OpenAPI document.
const maxShapes = 200_000

var errTooLarge = errors.New("there are too many shapes: write fewer pointers with *")

// pointers enters the entries of a route's lists: pointers into a tree of shapes.
type pointers struct {
	// names are entries that are no pointers.
	names map[string]uint64
	root  *shape
	count int
}

// add enters a pointer; whoever the mask names may get what it leads to.
func (p *pointers) add(pointer string, mask uint64) {
	if p.root == nil {
		p.root = &shape{}
	}
	at := p.root
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next := &at.other
		if name != "*" {
			if at.members == nil {
				at.members = map[string]*shape{}
			}
			name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
			found := at.members[name]
			next = &found
			if found == nil {
				found = &shape{}
				at.members[name] = found
			}
		}
		if *next == nil {
			*next = &shape{}
		}
		at = *next
	}
	at.self |= mask
	at.below |= mask
}

// settle makes each named member hold what * beside it leads to, too, so that one step
// answers for both.
func (p *pointers) settle(s *shape) error {
	if p.count++; p.count > maxShapes {
		return errTooLarge
	}
	for _, m := range s.members {
		if s.other != nil {
			if err := p.merge(m, s.other); err != nil {
				return err
			}
		}
		if err := p.settle(m); err != nil {
			return err
		}
	}
	s.table = newTable(s.members)
	if s.other != nil {
		return p.settle(s.other)
	}
	return nil
}

// merge adds to a shape what another holds.
func (p *pointers) merge(into, from *shape) error {
	if p.count++; p.count > maxShapes {
		return errTooLarge
	}
	into.self |= from.self
	into.below |= from.below
	for name, m := range from.members {
		if into.members == nil {
			into.members = map[string]*shape{}
		}
		if into.members[name] == nil {
			into.members[name] = &shape{}
		}
		if err := p.merge(into.members[name], m); err != nil {
			return err
		}
	}
	if from.other == nil {
		return nil
	}
	if into.other == nil {
		into.other = &shape{}
	}
	return p.merge(into.other, from.other)
}
