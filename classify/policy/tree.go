package policy

import (
	"bytes"
	"slices"
)

// kind is the kind of a node.
type kind uint8

const (
	null kind = iota
	mapping
	list
	text
	number
	boolean
)

// String names the kind as people who write YAML know it.
func (k kind) String() string {
	return [...]string{"nothing", "a mapping", "a list", "text", "a number", "true or false"}[k]
}

// node is a value of a document, YAML or JSON, with its place. Aliases of YAML share
// nodes, so that a document of aliases takes no more memory than its bytes.
type node struct {
	kind         kind
	text         string // of scalars, as written
	members      []member
	index        map[string]int // of large mappings
	items        []*node
	line, column int
}

// member is a key with its value.
type member struct {
	key          string
	line, column int
	value        *node
}

// The limits of a document.
const (
	maxDocument = 64 << 20
	maxNodes    = 2 << 20
	maxDepth    = 200
)

// maxFlow bounds the documents that start as JSON does, are none, and may be YAML.
const maxFlow = 1 << 20

// manyMembers is the size from which a mapping has an index.
const manyMembers = 16

// get returns the value of a key, nil if there is none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return n.members[i].value
		}
		return nil
	}
	for i := range n.members {
		if n.members[i].key == key {
			return n.members[i].value
		}
	}
	return nil
}

// put adds a member; it says what is wrong with a key that is there already.
func (n *node) put(m member) *Problem {
	if n.get(m.key) != nil {
		return &Problem{Line: m.line, Column: m.column, Key: m.key, Text: "the key is there already"}
	}
	n.members = append(n.members, m)
	switch {
	case n.index != nil:
		n.index[m.key] = len(n.members) - 1
	case len(n.members) == manyMembers:
		n.index = make(map[string]int, 2*manyMembers)
		for i := range n.members {
			n.index[n.members[i].key] = i
		}
	}
	return nil
}

// isTrue says whether a node is the boolean true.
func (n *node) isTrue() bool { return n != nil && n.kind == boolean && n.text == "true" }

// isFalse says whether a node is the boolean false.
func (n *node) isFalse() bool { return n != nil && n.kind == boolean && n.text == "false" }

// parse reads a document: JSON if it starts as an object does, else YAML 1.2, of which JSON
// is nearly a part; but JSON is read much quicker as what it is.
func parse(doc []byte) (*node, error) {
	if len(doc) > maxDocument {
		return nil, &Problem{Line: 1, Column: 1, Text: "the document is larger than 64 MiB"}
	}
	doc = bytes.TrimPrefix(doc, []byte("\xEF\xBB\xBF"))
	trimmed := bytes.TrimLeft(doc, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return parseYAML(doc)
	}
	n, err := parseJSON(doc)
	if err == nil || len(doc) > maxFlow {
		return n, err
	}
	if flow, failed := parseYAML(doc); failed == nil { // {match: GET /x}
		return flow, nil
	}
	return nil, err
}

// lines tells lines and columns of offsets.
type lines []int

// newLines notes where the lines of a document start.
func newLines(doc []byte) lines {
	starts := lines{0}
	for i, c := range doc {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// at returns line and column of an offset, from 1.
func (l lines) at(offset int) (line, column int) {
	i, found := slices.BinarySearch(l, offset)
	if !found {
		i--
	}
	return i + 1, offset - l[i] + 1
}
