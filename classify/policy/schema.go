package policy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxParts bounds the schemas that are joined to one, references and combinations
	// followed, and maxWork those of a document: schemas that redefine each other's members
	// in circles have more combinations than anybody can count.
	maxParts = 200
	maxWork  = 500_000
	// maxPatterns bounds the expressions of a document.
	maxPatterns = 5_000
	// maxPath bounds the path of keys that a problem tells.
	maxPath = 400
	// maxReferences bounds a chain of references.
	maxReferences = 100
)

// task is a shape whose members are to be made, with the parts of its schema.
type task struct {
	shape *shape
	parts []part
	key   string
}

// part is a schema that describes a value together with others.
type part struct {
	n *node
	// option says that it is one of several that need not hold (oneOf, anyOf).
	option bool
}

// schema compiles a schema; the work on what is inside is done in a loop, because schemas
// may refer to themselves.
func (c *compiler) schema(n *node, key string) *shape {
	if n == nil {
		return nil
	}
	s := c.join([]part{{n: n}}, key)
	for len(c.todo) > 0 && c.failed == nil {
		t := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		c.fill(t)
	}
	return s
}

// join returns the shape of a value that several schemas describe.
func (c *compiler) join(schemas []part, key string) *shape {
	if len(key) > maxPath {
		key = key[:maxPath/2] + "…"
	}
	var parts []part
	before := c.tooMuch
	for _, p := range schemas {
		parts = c.flatten(parts, p, key, 0)
	}
	if c.failed != nil {
		return &shape{}
	}
	if c.tooMuch > before {
		return &shape{self: everybody, below: everybody}
	}
	name := c.nameOf(parts)
	if s := c.shapes[name]; s != nil {
		return s
	}
	s := &shape{self: everybody}
	s.writeOnly = slices.ContainsFunc(parts, func(p part) bool { return !p.option && p.n.get("writeOnly").isTrue() })
	c.shapes[name] = s
	if len(c.shapes) > maxShapes {
		c.work = maxWork // what follows passes
	}
	c.todo = append(c.todo, task{s, parts, key})
	return s
}

// nameOf is the same for the same schemas.
func (c *compiler) nameOf(parts []part) string {
	ids := make([]string, len(parts))
	for i, p := range parts {
		id, ok := c.ids[p.n]
		if !ok {
			id = len(c.ids)
			c.ids[p.n] = id
		}
		ids[i] = strconv.Itoa(id)
		if p.option {
			ids[i] += "?"
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// flatten adds a schema and those that it is combined of, each once.
func (c *compiler) flatten(parts []part, p part, key string, depth int) []part {
	n := c.resolve(p.n, key)
	if n == nil || c.failed != nil {
		return parts
	}
	if slices.ContainsFunc(parts, func(o part) bool { return o.n == n && (o.option == p.option || !o.option) }) {
		return parts
	}
	if c.work++; len(parts) >= maxParts || c.work > maxWork || depth > maxReferences {
		if c.tooMuch == 0 {
			c.note(n, key, "the schemas are combined in too many ways: what is below here passes, and in other places like it")
		}
		c.tooMuch++
		return parts
	}
	parts = append(parts, part{n, p.option})
	if p.n.get("$ref") != nil && len(p.n.members) > 1 { // 3.1: what stands beside a reference counts
		parts = c.flatten(parts, part{c.beside(p.n), p.option}, key, depth+1)
	}
	return c.combined(parts, part{n, p.option}, key, depth+1)
}

// combined adds the schemas that a schema is combined of.
func (c *compiler) combined(parts []part, p part, key string, depth int) []part {
	for _, word := range []string{"allOf", "oneOf", "anyOf"} {
		list := p.n.get(word)
		if list == nil {
			continue
		}
		for i, item := range list.items {
			parts = c.flatten(parts, part{item, p.option || word != "allOf"}, key+"."+word+"["+strconv.Itoa(i)+"]", depth)
		}
	}
	for _, word := range []string{"then", "else"} {
		if item := p.n.get(word); item != nil {
			parts = c.flatten(parts, part{item, true}, key+"."+word, depth)
		}
	}
	if dependent := p.n.get("dependentSchemas"); dependent != nil {
		for _, m := range dependent.members {
			parts = c.flatten(parts, part{m.value, true}, key+".dependentSchemas."+m.key, depth)
		}
	}
	return parts
}

// beside is what stands beside a reference.
func (c *compiler) beside(n *node) *node {
	rest := c.besides[n]
	if rest == nil {
		rest = &node{kind: mapping, line: n.line, column: n.column}
		for _, m := range n.members {
			if m.key != "$ref" {
				rest.members = append(rest.members, m)
			}
		}
		c.besides[n] = rest
	}
	return rest
}

// fill makes what is inside a shape.
func (c *compiler) fill(t task) {
	members, patterns := map[string][]part{}, map[string][]part{}
	var other []part
	open := isOpen(t.parts)
	for _, p := range t.parts {
		collect(members, p.n.get("properties"))
		collect(patterns, p.n.get("patternProperties"))
		for _, word := range []string{"additionalProperties", "unevaluatedProperties", "unevaluatedItems"} {
			switch v := p.n.get(word); {
			case v.isTrue(), v != nil && v.kind == mapping && len(v.members) == 0:
				open = true
			case v != nil && v.kind == mapping:
				other = append(other, part{n: v})
			}
		}
		other = append(other, items(p.n)...)
	}
	if open {
		t.shape.below = everybody
	}
	t.shape.members = make(map[string]*shape, len(members))
	for name, schemas := range members {
		t.shape.members[name] = c.join(schemas, t.key+".properties."+name)
	}
	t.shape.table = newTable(t.shape.members)
	for expression, schemas := range patterns {
		c.pattern(t, expression, schemas)
	}
	if len(other) > 0 {
		t.shape.other = c.join(other, t.key)
	}
}

// items are the schemas of a list's items.
func items(n *node) (parts []part) {
	for _, word := range []string{"items", "contains"} {
		if v := n.get(word); v != nil && v.kind == mapping {
			parts = append(parts, part{n: v})
		}
	}
	if v := n.get("prefixItems"); v != nil {
		for _, item := range v.items {
			parts = append(parts, part{n: item})
		}
	}
	return parts
}

// pattern adds the shape of members whose names match an expression of ECMA-262, most of
// which RE2 reads as well.
func (c *compiler) pattern(t task, expression string, schemas []part) {
	s := c.join(schemas, t.key+".patternProperties")
	re, err := regexp.Compile(expression)
	if c.patterns++; err != nil || c.patterns > maxPatterns {
		c.note(schemas[0].n, t.key+".patternProperties", "the expression cannot be judged: names that no other schema describes pass")
		t.shape.below = everybody
		return
	}
	t.shape.patterns = append(t.shape.patterns, pattern{re, s})
}

// collect adds the members of properties to those of other parts.
func collect(into map[string][]part, n *node) {
	if n == nil {
		return
	}
	for _, m := range n.members {
		into[m.key] = append(into[m.key], part{n: m.value})
	}
}

// isOpen says whether schemas leave open what is inside of a value: none describes it, or
// an option does not. A schema that is a mere type of a scalar describes enough.
func isOpen(parts []part) bool {
	described := false
	for _, p := range parts {
		inside := describes(p.n)
		described = described || inside
		if p.option && !inside && !isScalar(p.n) && !isOnlyWords(p.n) {
			return true
		}
	}
	return !described && !slices.ContainsFunc(parts, func(p part) bool { return isScalar(p.n) || p.n.isFalse() })
}

// describes says whether a schema tells what is inside of a value, by itself or by those it
// is combined of.
func describes(n *node) bool {
	for _, word := range []string{
		"properties", "patternProperties", "items", "prefixItems", "contains", "allOf", "oneOf", "anyOf", "$ref", "then", "else", "dependentSchemas",
	} {
		if n.get(word) != nil {
			return true
		}
	}
	for _, word := range []string{"additionalProperties", "unevaluatedProperties"} {
		if n.get(word) != nil {
			return true
		}
	}
	return false
}

// isScalar says whether a schema is one of plain values only.
func isScalar(n *node) bool {
	if n.get("enum") != nil || n.get("const") != nil {
		return true
	}
	t := n.get("type")
	if t == nil {
		return false
	}
	if t.kind != list {
		return t.text != "object" && t.text != "array"
	}
	return !slices.ContainsFunc(t.items, func(i *node) bool { return i.text == "object" || i.text == "array" })
}

// isOnlyWords says whether a schema restricts nothing but which names are needed, or
// describes in prose: as an option it opens nothing.
func isOnlyWords(n *node) bool {
	return n.kind == mapping && len(n.members) > 0 && !slices.ContainsFunc(n.members, func(m member) bool {
		return m.key != "required" && m.key != "not" && m.key != "description" && m.key != "title"
	})
}

// resolve follows references, of which only those into the same document are allowed.
func (c *compiler) resolve(n *node, key string) *node {
	for range maxReferences {
		if n == nil || n.kind != mapping {
			return n
		}
		ref := n.get("$ref")
		if ref == nil || ref.kind != text {
			if d := n.get("$dynamicRef"); d != nil {
				c.note(d, key, "$dynamicRef is not followed: everything below passes")
			}
			return n
		}
		target := c.target(ref, key)
		if target == nil {
			return nil
		}
		n = target
	}
	c.fail(n, key, "the references lead in a circle")
	return nil
}

// target returns what a reference leads to (RFC 6901, section 6).
func (c *compiler) target(ref *node, key string) *node {
	pointer, local := strings.CutPrefix(ref.text, "#")
	switch {
	case !local:
		c.fail(ref, key+".$ref", "the reference leads to another document, and none is fetched: bundle them to one")
		return nil
	case pointer == "":
		return c.root
	case pointer[0] != '/':
		c.fail(ref, key+".$ref", "references by anchor are not read: write the pointer")
		return nil
	}
	at := c.root
	for name := range strings.SplitSeq(pointer[1:], "/") {
		name = unescapeName(name)
		switch i, err := strconv.Atoi(name); {
		case at.kind == list && err == nil && i >= 0 && i < len(at.items):
			at = at.items[i]
		default:
			at = at.get(name)
		}
		if at == nil {
			c.fail(ref, key+".$ref", "the reference %q leads nowhere: there is no %q", ref.text, name)
			return nil
		}
	}
	return at
}

// unescapeName reads a reference token in a URI fragment.
func unescapeName(name string) string {
	if strings.IndexByte(name, '%') >= 0 {
		var b strings.Builder
		for i := 0; i < len(name); i++ {
			if name[i] == '%' && i+2 < len(name) {
				if v, err := strconv.ParseUint(name[i+1:i+3], 16, 8); err == nil {
					b.WriteByte(byte(v))
					i += 2
					continue
				}
			}
			b.WriteByte(name[i])
		}
		name = b.String()
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
}
