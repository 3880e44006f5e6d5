package classify

import "bytes"

// Most documents hold a place or two at which no rule matches after all: the id
// of an order, a version, an address of nobody. A trial asks the rules about each
// place before the document is walked: without tokens, frames and pointers. Where no rule
// answers the document is quiet and is not walked; where one may, the walk decides.
//
// What a trial relies on: without a backslash in the document no string holds a
// quote, so that the quotes around a byte are the ends of its value, and each
// value stands in the bytes as it is. Since it does not know whether the byte is in a string
// or between two, and since a document may be broken and is looked at as
// running text then, each place is tried in every way that it can be read. In a document
// that is still escaped a backslash stands before each quote, and a value with another
// one in it is for the walk.

// trial is the state of a trial.
type trial struct {
	// on makes report note that a rule has answered, and nothing else.
	on, heard bool
	// str and number are the values that were looked at last.
	str, number triedValue
	run         run
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
	quiet := true
	for quiet && p.next() {
		quiet = !p.escapes && !c.anyMatch(p)
	}
	c.trial.on, c.at = false, valueAt{}
	return quiet
}

// anyMatch tries the places of the window, and drops those before the first that
// a rule may match at.
func (c *Classifier) anyMatch(p *places) bool {
	for i := range p.list {
		switch place := &p.list[i]; {
		case place.field != 0:
			if !c.tryMember(p.text, place.at) {
				c.tryPair(p.text, place.at)
			}
		case place.anchor != nil:
			c.tryAnchor(p.text, place)
		default:
			c.tryDigits(p.text, place)
		}
		if c.trial.heard {
			p.passed = i
			return true
		}
	}
	return false
}

// tryPair reads a sign as one in running text: in that of the string around it,
// and in the document as a whole.
func (c *Classifier) tryPair(doc []byte, sign int) {
	name, lo, hi := pairAt(doc, sign, &c.trial.run)
	id := c.names.lookup(name)
	if id == 0 || len(name) < minPairName {
		return
	}
	in := c.stringAround(doc, sign).Span
	if end := min(hi, in.End); end > lo && lo >= in.Start {
		c.offerField(id, name, doc[in.Start:in.End], lo-in.Start, end-in.Start, String)
	}
	if hi > lo {
		c.offerField(id, name, doc, lo, hi, String)
	}
}

// tryMember reads a sign as the colon of a member. It says whether it can be nothing
// else: quotes stand around it.
func (c *Classifier) tryMember(doc []byte, sign int) (sure bool) {
	key := memberBefore(doc, sign)
	id := c.names.lookup(key)
	if id == 0 || doc[sign] != ':' {
		return false
	}
	i := c.valueStart(doc, sign+1)
	if i == len(doc) {
		return false
	}
	switch doc[i] {
	case '{', '[', '\\':
		c.trial.heard = true
	case '"':
		c.tryValue(id, key, doc, Span{i + 1, c.stringEnd(doc, i+1)}, String)
	case 't', 'f':
		c.tryValue(id, key, doc, Span{i, i + 1}, Bool)
	case 'n':
	default:
		c.tryValue(id, key, doc, Span{i, numberEnd(doc, i)}, Number)
	}
	return doc[sign-1] == '"' && doc[i] == '"'
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
	c.trial.heard = c.trial.heard || c.trial.escaped && bytes.IndexByte(text, '\\') >= 0
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
	for i < len(doc) && !isDelimiter(doc[i]) {
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
	return c.named(v, doc, Span{start, c.stringEnd(doc, i)}, before)
}

// numberAround returns the bytes between the delimiters around offset i, as a value.
func (c *Classifier) numberAround(doc []byte, i int) *triedValue {
	v := &c.trial.number
	if i >= v.Start && i < v.End {
		return v
	}
	start := i
	for start > 0 && !isDelimiter(doc[start-1]) && doc[start-1] != ':' {
		start--
	}
	return c.named(v, doc, Span{start, numberEnd(doc, i)}, start)
}

// named fills in the name of a value before which the bytes up to an offset stand.
func (c *Classifier) named(v *triedValue, doc []byte, span Span, before int) *triedValue {
	v.Span, v.key = span, nil
	for before > 0 && isSpace(doc[before-1]) {
		before--
	}
	if before > 0 && doc[before-1] == ':' {
		v.key = memberBefore(doc, before-1)
	}
	v.class = c.e.fields.classes[c.names.lookup(v.key)]
	c.trial.heard = c.trial.heard || c.trial.escaped && bytes.IndexByte(doc[span.Start:span.End], '\\') >= 0
	return v
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }

// tryAnchor asks the rules that want an anchor.
func (c *Classifier) tryAnchor(doc []byte, p *place) {
	value := c.stringAround(doc, p.at)
	lo, hi := value.Start, value.End
	c.at = valueAt{doc, value.Span}
	c.cand.Key, c.cand.Field = value.key, value.class
	for _, n := range c.e.byAnchor[p.anchor.id] {
		if n == openLayer {
			c.trial.heard = c.trial.heard || p.at == lo && isEncoded(doc[lo:hi])
			continue
		}
		c.cand.Anchor = p.anchor.text
		c.offer(n, doc, p.at, p.end, Text)
		if p.end <= hi {
			c.offer(n, doc[lo:hi], p.at-lo, p.end-lo, String)
		}
	}
}

// tryDigits asks the rules that want digits about a run in a string, in a number, and
// in running text.
func (c *Classifier) tryDigits(doc []byte, p *place) {
	c.tryRun(doc, p, c.stringAround(doc, p.at), String)
	c.tryRun(doc, p, c.numberAround(doc, p.at), Number)
	c.cand.Key, c.cand.Field = nil, ""
	c.offerDigits(p, doc, Text)
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
