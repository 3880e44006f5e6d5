package policy

import (
	"maps"
	"slices"
	"strings"
)

// place is a place between two segments of the paths that were seen.
type place struct {
	words map[string]*place
	param *place
	// open says that the words were too many to be names: new ones are parameters.
	open   bool
	seen   int
	routes map[string]*learned // by method
}

// next returns the place behind a word or parameter.
func (p *place) next(part string) *place {
	if next := p.words[part]; next != nil {
		return next
	}
	if p.open || strings.IndexByte(part, '{') >= 0 || part == "…" || isSlug(part) {
		if p.param == nil {
			p.param = &place{}
		}
		return p.param
	}
	if p.words == nil {
		p.words = map[string]*place{}
	}
	next := &place{}
	p.words[part] = next
	if len(p.words) >= learnWords {
		p.openUp()
		if p.words[part] == nil {
			return p.param
		}
	}
	return next
}

// isSlug says whether a segment is a title made into a part of a path: words of an API have
// two hyphens at most.
func isSlug(part string) bool { return strings.Count(part, "-") >= 3 }

// openUp makes words that are rare the values of a parameter, because there are too many
// to remember.
func (p *place) openUp() {
	p.open = true
	for word, next := range p.words {
		if p.isRare(next) {
			p.fold(word)
		}
	}
	if len(p.words) >= learnWords { // all of them are frequent
		clear(p.words)
	}
}

// isRare says whether a word stands in too few of the paths to be a name for sure.
func (p *place) isRare(next *place) bool { return next.seen < 10 || next.seen < p.seen/100 }

// fold makes a word a value of the parameter.
func (p *place) fold(word string) {
	next := p.words[word]
	delete(p.words, word)
	if p.param == nil {
		p.param = &place{}
	}
	p.param.merge(next)
}

// merge adds to a place what was seen in another.
func (p *place) merge(from *place) {
	p.seen += from.seen
	p.open = p.open || from.open
	for word, next := range from.words {
		p.next(word).merge(next)
	}
	if from.param != nil {
		p.next("{id}").merge(from.param)
	}
	for method, r := range from.routes {
		if p.routes == nil {
			p.routes = map[string]*learned{}
		}
		into := p.routes[method]
		if into == nil {
			p.routes[method] = r
			continue
		}
		into.responses, into.json, into.overflow = into.responses+r.responses, into.json+r.json, into.overflow+r.overflow
		for name, f := range r.fields {
			name = into.inMaps(name)
			if have := into.fields[name]; have != nil {
				have.count += f.count
			} else {
				into.fields[name] = f
			}
		}
	}
}

// settle looks for words that are values: many rare ones, behind which the same is
// answered. /posts/how-to-cook is one beside other titles; /posts/drafts, which is frequent
// or answers otherwise, is none.
func (p *place) settle() {
	var groups [][]string
	for _, word := range slices.Sorted(maps.Keys(p.words)) {
		next := p.words[word]
		if !p.isRare(next) {
			continue
		}
		i := slices.IndexFunc(groups, func(g []string) bool { return alike(p.words[g[0]], next) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], word)
	}
	for _, g := range groups {
		if len(g) < learnFew {
			continue
		}
		for _, word := range g {
			p.fold(word)
		}
	}
	for _, next := range p.words {
		next.settle()
	}
	if p.param != nil {
		p.param.settle()
	}
}

// alike says whether two places answer to the same methods with mostly the same fields.
func alike(a, b *place) bool {
	if len(a.routes) != len(b.routes) {
		return false
	}
	for method, r := range a.routes {
		other := b.routes[method]
		if other == nil {
			return false
		}
		both := 0
		for name := range r.fields {
			if other.fields[name] != nil {
				both++
			}
		}
		if all := len(r.fields) + len(other.fields) - both; 2*both < all {
			return false
		}
	}
	return len(a.routes) > 0 || sharesWord(a, b)
}

// sharesWord says whether the same word stands behind two places.
func sharesWord(a, b *place) bool {
	for word := range a.words {
		if b.words[word] != nil {
			return true
		}
	}
	return false
}

// count returns the number of routes at a place and behind it.
func (p *place) count() int {
	n := len(p.routes)
	for _, next := range p.words {
		n += next.count()
	}
	if p.param != nil {
		n += p.param.count()
	}
	return n
}
