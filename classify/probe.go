package classify

import "bytes"

// The probe answers for a whole JSON document, in three plain passes over its
// bytes, whether any rule could match in it. Most documents are quiet, and need
// no walk: no tokens, no frames, no pointers. Where the probe is not sure it
// says loud, and the walk decides.
//
// What it relies on: without a backslash in the document no string holds a
// quote, so that the quotes around a byte are the ends of its value, and each
// value stands in the bytes as it is. Since a document may be broken, and is
// looked at as running text then, candidates are judged in that way too.

// loud says whether a JSON document has to be walked.
func (c *Classifier) loud(doc []byte) bool {
	if c.probe.off || bytes.IndexByte(doc, '\\') >= 0 {
		return true
	}
	p := &c.probe
	*p = probe{on: true, doc: doc, anchored: p.anchored}
	c.probeSigns(doc)
	if !p.heard {
		c.e.anchors.scan(doc, p.anchored)
	}
	if !p.heard && c.e.minRun > 0 {
		c.cand.Key, c.cand.Field = nil, ""
		c.digitRuns(doc, Number)
	}
	p.on, p.doc = false, nil
	clear(c.misses)
	return p.heard
}

// probe is the state of a probe.
type probe struct {
	// on makes report note that something was heard, and nothing else.
	on, heard bool
	doc       []byte
	// value is the string that was looked at last.
	value Span
	// key and class are the name before it, once known.
	key   []byte
	class string
	known bool
	run   run
	// anchored is the classifier's anchorInDocument, made once.
	anchored func(*anchor, int)
	// off makes every document loud; tests compare with it.
	off bool
}

// probeSigns looks at each name: a member's before a colon, and one in running
// text before a colon or an equals sign.
func (c *Classifier) probeSigns(doc []byte) {
	for i := nextSign(doc, 0); i < len(doc) && !c.probe.heard; i = nextSign(doc, i+1) {
		lo, hi := nameBefore(doc, i)
		id := c.e.fields.lookup(doc[lo:hi])
		if id != 0 {
			c.probePair(id, doc[lo:hi], i)
		}
		if doc[i] != ':' {
			continue
		}
		key := memberBefore(doc, i)
		if len(key) != hi-lo { // it holds more than letters, digits and the like
			id = c.e.fields.lookup(key)
		}
		if id != 0 {
			c.probeMember(doc, id, key, i+1)
		}
	}
}

// memberBefore returns the name in quotes before a colon, or nil.
func memberBefore(doc []byte, colon int) []byte {
	hi := colon
	for hi > 0 && (doc[hi-1] == ' ' || doc[hi-1] == '\n' || doc[hi-1] == '\r' || doc[hi-1] == '\t') {
		hi--
	}
	if hi == 0 || doc[hi-1] != '"' {
		return nil
	}
	hi--
	from := max(0, hi-maxFieldName-1)
	if n := bytes.LastIndexByte(doc[from:hi], '"'); n >= 0 {
		return doc[from+n+1 : hi]
	}
	return nil
}

// probePair looks at a name and a value in running text: in that of the string
// around the sign, and in the document as a whole.
func (c *Classifier) probePair(id uint16, name []byte, sign int) {
	doc, in := c.probe.doc, c.valueAround(c.probe.doc, sign)
	lo, hi := c.probe.run.valueBehind(doc, sign+1)
	if end := min(hi, in.End); end > lo {
		c.offerField(id, name, doc[in.Start:in.End], lo-in.Start, end-in.Start, String)
	}
	if hi > lo {
		c.offerField(id, name, doc, lo, hi, String)
	}
}

// probeMember looks at the value behind a telling name.
func (c *Classifier) probeMember(doc []byte, id uint16, key []byte, i int) {
	for i < len(doc) && (doc[i] <= ' ' || doc[i] == ',' || doc[i] == ':') {
		i++
	}
	if i == len(doc) {
		return
	}
	if len(c.e.byField[id]) == 0 { // what stands under it is judged by other rules, which ask for the name
		c.probe.heard = true
		return
	}
	switch doc[i] {
	case '{', '[':
		c.probe.heard = true
	case '"':
		end := bytes.IndexByte(doc[i+1:], '"')
		if end < 0 {
			end = len(doc) - i - 1
		}
		text := doc[i+1 : i+1+end]
		c.offerField(id, key, text, 0, len(text), String)
	case 't', 'f':
		c.offerField(id, key, doc[i:i+1], 0, 1, Bool)
	case 'n':
	default:
		end := i
		for end < len(doc) && !isDelimiter(doc[end]) {
			end++
		}
		c.offerField(id, key, doc[i:end], 0, end-i, Number)
	}
}

// valueAround returns the bytes between the quotes around offset i. It keeps
// them for the next offset, so that many candidates in one long string cost no
// more than its length.
func (c *Classifier) valueAround(doc []byte, i int) Span {
	if i >= c.probe.value.Start && i < c.probe.value.End {
		return c.probe.value
	}
	start := bytes.LastIndexByte(doc[:i], '"') + 1
	end := bytes.IndexByte(doc[i:], '"')
	if end < 0 {
		end = len(doc) - i
	}
	c.probe.value, c.probe.known = Span{start, i + end}, false
	return c.probe.value
}

// anchorInDocument asks the rules that want an anchor found in a document.
func (c *Classifier) anchorInDocument(a *anchor, at int) {
	doc := c.probe.doc
	if c.probe.heard {
		return
	}
	value := c.valueAround(doc, at)
	if p := &c.probe; !p.known {
		p.key, p.class = c.keyBefore(doc, value.Start)
		p.known = true
	}
	c.cand.Key, c.cand.Field = c.probe.key, c.probe.class
	for _, n := range c.e.byAnchor[a.id] {
		if n == openLayer {
			c.probe.heard = c.probe.heard || at == value.Start && isEncoded(doc[value.Start:value.End])
			continue
		}
		c.cand.Anchor = a.text
		c.offer(n, doc, at, at+len(a.text), Text)
		if at+len(a.text) <= value.End {
			c.offer(n, doc[value.Start:value.End], at-value.Start, at-value.Start+len(a.text), String)
		}
	}
}

// keyBefore returns the name before the value whose quote is before start, and
// its class; nil where the value stands in a list.
func (c *Classifier) keyBefore(doc []byte, start int) (key []byte, class string) {
	i := start - 2 // before the quote
	for i >= 0 && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\r' || doc[i] == '\t') {
		i--
	}
	if i < 0 || doc[i] != ':' {
		return nil, ""
	}
	lo, hi := nameBefore(doc, i)
	return doc[lo:hi], c.e.fields.classes[c.e.fields.lookup(doc[lo:hi])]
}
