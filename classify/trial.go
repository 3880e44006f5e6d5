package classify

import (
	"bytes"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// Most documents hold a place or two at which no rule matches after all: the id
// of an order, a version, an address of nobody. A trial asks the rules about each
// place before the document is walked: without tokens, frames and pointers. Where no rule
// answers the document is quiet and is not walked; where one may, the walk decides.
//
// What a trial relies on: a string without a backslash holds no quote, so that the
// quotes around a byte are its ends, and it stands in the bytes as it is. A place in a string
// with one is for the walk, and so is a document that is broken, since it is looked at as
// running text, too. In a document that is still escaped a backslash stands before
// each quote.

// trial is the state of a trial.
type trial struct {
	// on makes report note that a rule has answered, and nothing else.
	on, heard bool
	// str and number are the values that were looked at last.
	str, number triedValue
	// run is that of the pairs in the string.
	run run
	// escaped says that the document is still escaped.
	escaped bool
	// asked counts the questions to rules that are asked so often only.
	asked int
}

// triedValue is a value with its name and the name's class. It is kept for the next
// place, so that many places in one value cost no more than its length.
type triedValue struct {
	Span
	key   []byte
	class string
}

// quiet says whether no rule matches anywhere in a document. If one may, the places
// found last are left in the list, and those before need no look.
func (c *Classifier) quiet(p *places) bool {
	if p.all {
		return false
	}
	c.trial = trial{on: true, escaped: p.escaped}
	quiet, found := true, false
	for quiet && p.next() {
		found = found || len(p.list) > 0
		quiet = !p.escapes && (!p.broken || !found) && !c.anyMatch(p)
	}
	c.trial.on, c.at = false, valueAt{}
	if !quiet {
		p.sort()
	}
	return quiet
}

// quietAround is quiet for a document in which values are mapped elsewhere.
func (c *Classifier) quietAround(p *places, doc []byte, mapped []Span) bool {
	p.stopAt(mapped, doc)
	for c.quietPart(p) {
		if len(mapped) == 0 {
			return true
		}
		p.skip(behindSpan(doc, mapped[0]))
		mapped = mapped[1:]
		p.stopAt(mapped, doc)
	}
	return false
}

// quietPart is quiet for what stands between two mapped values: mostly the same as in the record before.
func (c *Classifier) quietPart(p *places) bool {
	part := Header{Value: p.text[min(p.pos, len(p.text)):]}
	if len(part.Value) == 0 || part.Value[0] != ',' && part.Value[0] != '{' && part.Value[0] != '}' { // what is before may belong to it
		return c.quiet(p)
	}
	known := c.known.part(&part)
	if known != nil && known.holds(&part) && !p.all {
		return true
	}
	questions := c.budget.questions
	quiet := c.quiet(p)
	if known != nil && quiet && !p.broken && c.budget.questions == questions {
		known.fill(&part)
	}
	return quiet
}

// anyMatch tries the places of the window.
func (c *Classifier) anyMatch(p *places) bool {
	for i := range p.list {
		switch place := &p.list[i]; {
		case place.field != 0:
			if place.quoted {
				c.tryPair(p.text, place)
			} else {
				c.tryMember(p.text, place.at)
			}
		case place.anchor != nil:
			c.tryAnchor(p.text, place)
		default:
			c.tryDigits(p.text, place)
		}
		if c.trial.heard {
			return true
		}
	}
	return false
}

// tryPair reads a sign as one in the text of the string around it.
func (c *Classifier) tryPair(doc []byte, p *place) {
	in := c.stringAround(doc, p.at).Span
	text := doc[in.Start:in.End]
	if name, lo, hi := pairAt(text, p.at-in.Start, &c.trial.run); hi > lo && len(name) >= minPairName {
		c.trial.heard = c.trial.heard || doc[p.at] == '=' && isQuoted(text[lo:hi])
		c.offerField(p.field, name, text, lo, hi, String)
	}
}

// tryMember reads a sign as the colon of a member.
func (c *Classifier) tryMember(doc []byte, sign int) {
	key := memberBefore(doc, sign)
	id := c.names.lookup(key)
	i := c.valueStart(doc, sign+1)
	if id == 0 || doc[sign] != ':' || i == len(doc) {
		return
	}
	switch doc[i] {
	case '[', '\\':
		c.trial.heard = true
	case '{':
		c.at = valueAt{doc, Span{i, i}}
		c.offerField(id, key, nil, 0, 0, Container)
	case '"':
		c.tryValue(id, key, doc, Span{i + 1, c.stringEnd(doc, i+1)}, String)
	case 't', 'f':
		c.tryValue(id, key, doc, Span{i, i + 1}, Bool)
	case 'n':
	default:
		c.tryValue(id, key, doc, Span{i, numberEnd(doc, i)}, Number)
	}
}

// valueStart returns the offset of the value behind a colon; of its quote, if it is a
// string.
func (c *Classifier) valueStart(doc []byte, i int) int {
	for i < len(doc) && (doc[i] <= ' ' || doc[i] == ',' || doc[i] == ':') {
		i++
	}
	if c.trial.escaped && i+1 < len(doc) && doc[i] == '\\' && doc[i+1] == '"' {
		i++
	}
	return i
}

// tryValue asks about the value of a member.
func (c *Classifier) tryValue(id uint16, key, doc []byte, in Span, kind ValueKind) {
	c.at = valueAt{doc, in}
	text := doc[in.Start:in.End]
	c.trial.heard = c.trial.heard || bytes.IndexByte(text, '\\') >= 0
	c.offerField(id, key, text, 0, len(text), kind)
}

// stringEnd returns the end of the string that starts at offset i.
func (c *Classifier) stringEnd(doc []byte, i int) int {
	end := bytes.IndexByte(doc[i:], '"')
	if end < 0 {
		return len(doc)
	}
	if c.trial.escaped && end > 0 && doc[i+end-1] == '\\' {
		end--
	}
	return i + end
}

func numberEnd(doc []byte, i int) int {
	for i < len(doc) && jsonscan.InRun(doc[i]) && doc[i] != '\\' {
		i++
	}
	return i
}

// stringAround returns the bytes between the quotes around offset i, as a value.
func (c *Classifier) stringAround(doc []byte, i int) *triedValue {
	v := &c.trial.str
	if i >= v.Start && i < v.End {
		return v
	}
	start := bytes.LastIndexByte(doc[:i], '"') + 1
	before := start - 1
	if c.trial.escaped {
		before--
	}
	c.named(v, doc, Span{start, c.stringEnd(doc, i)}, before)
	if isMemberName(doc, v.End) { // the walk looks at long names as at values
		v.key = doc[v.Start:v.End]
		v.class = c.e.fields.classes[c.names.lookup(v.key)]
	}
	c.trial.heard = c.trial.heard || bytes.IndexByte(doc[v.Start:v.End], '\\') >= 0 || !c.trial.escaped && before > 0 && doc[before-1] == '\\'
	return v
}

// isMemberName says whether a colon follows the string that ends at an offset.
func isMemberName(doc []byte, end int) bool {
	if end < len(doc) && doc[end] == '\\' {
		end++
	}
	for end++; end < len(doc) && jsonscan.IsSpace(doc[end]); {
		end++
	}
	return end < len(doc) && doc[end] == ':'
}

// numberAround returns the bytes between the delimiters around offset i, as a value.
func (c *Classifier) numberAround(doc []byte, i int) *triedValue {
	v := &c.trial.number
	if i >= v.Start && i < v.End {
		return v
	}
	start := i
	for start > 0 && jsonscan.InRun(doc[start-1]) {
		start--
	}
	c.trial.heard = c.trial.heard || bytes.IndexByte(doc[start:i], '\\') >= 0
	return c.named(v, doc, Span{start, numberEnd(doc, i)}, start)
}

// named fills in the name of a value before which the bytes up to an offset stand.
func (c *Classifier) named(v *triedValue, doc []byte, span Span, before int) *triedValue {
	v.Span, v.key, c.trial.run = span, nil, run{}
	for before > 0 && jsonscan.IsSpace(doc[before-1]) {
		before--
	}
	if before > 0 && doc[before-1] == ':' {
		v.key = memberBefore(doc, before-1)
	}
	v.class = c.e.fields.classes[c.names.lookup(v.key)]
	return v
}

// valueAround returns the value that a place is in.
func (c *Classifier) valueAround(doc []byte, p *place) (*triedValue, ValueKind) {
	if p.quoted {
		return c.stringAround(doc, p.at), String
	}
	return c.numberAround(doc, p.at), Number
}

// tryAnchor asks the rules that want an anchor.
func (c *Classifier) tryAnchor(doc []byte, p *place) {
	value, kind := c.valueAround(doc, p)
	lo, hi := value.Start, value.End
	c.at = valueAt{doc, value.Span}
	c.cand.Key, c.cand.Field = value.key, value.class
	for _, n := range c.e.byAnchor[p.anchor.id] {
		if n == openLayer {
			of, _ := p.anchor.starts()
			_, encoded := encodedRun(doc[:hi], p.at)
			c.trial.heard = c.trial.heard || encoded || of == partsCoding
			continue
		}
		c.cand.Anchor = p.anchor.text
		if p.at >= lo && p.end <= hi {
			c.offer(n, doc[lo:hi], p.at-lo, p.end-lo, kind)
		}
	}
}

// tryDigits asks the rules that want digits about a run in a string or in a number.
func (c *Classifier) tryDigits(doc []byte, p *place) {
	value, kind := c.valueAround(doc, p)
	c.tryRun(doc, p, value, kind)
}

// tryRun asks about a run of digits in a value.
func (c *Classifier) tryRun(doc []byte, p *place, value *triedValue, kind ValueKind) {
	lo, hi := value.Start, value.End
	in := place{at: p.at - lo, end: min(p.end, hi) - lo, digits: p.digits}
	if in.at < 0 || in.end <= in.at {
		return
	}
	c.at = valueAt{doc, value.Span}
	c.cand.Key, c.cand.Field = value.key, value.class
	c.offerDigits(&in, doc[lo:hi], kind)
}
