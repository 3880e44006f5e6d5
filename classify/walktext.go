package classify

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// walkText looks at running text as a whole, in clear and percent-encoded.
func (c *Classifier) walkText(text []byte) {
	c.running(text, Text)
	if hasEscapedSign(text) {
		c.again("#url", len(text), func() { c.inner(unescaped(text), Text) })
	}
}

// again looks at a text in another way, in a layer of its own: what was reported of it is not
// reported again.
func (c *Classifier) again(layer string, size int, look func()) {
	if !c.openLayer(layer, size) {
		return
	}
	before := c.walk.rescanning
	c.walk.rescanning = true
	look()
	c.walk.rescanning = before
	c.closeLayer()
}

// walkTextPart looks at a part of a text and reports places in the whole.
func (c *Classifier) walkTextPart(text []byte, start, end int) {
	if end-start < 3 {
		return
	}
	n := len(c.view.Findings)
	c.walkText(text[start:end])
	for _, f := range c.view.Findings[n:] {
		if f.Evidence.Span != nil {
			f.Evidence.Span.Start += start
			f.Evidence.Span.End += start
		}
	}
}

// leaf looks at a named value that is no JSON: a header, a parameter. The
// frames name its pointer.
func (c *Classifier) leaf(name, text []byte) {
	id := c.names.lookup(name)
	c.frames = append(c.frames, frame{key: name, near: name, field: id})
	if len(name) >= minSecretName {
		c.secretName(name)
	}
	if id != 0 && len(text) > 0 {
		c.offerField(id, name, text, 0, len(text), String)
	}
	c.inner(text, Text)
	c.frames = c.frames[:len(c.frames)-1]
}

func (c *Classifier) walkHeaders(where Where, headers []Header) {
	if len(headers) == 0 {
		return
	}
	c.begin(where)
	for i := range headers {
		h := &headers[i]
		c.out.Bytes += int64(len(h.Name) + len(h.Value))
		quiet := c.known.entry(h)
		if quiet != nil && quiet.holds(h) {
			continue
		}
		questions, steps := c.budget.questions, c.steps
		c.walkHeader(h)
		if quiet != nil && c.budget.questions == questions && c.steps == steps {
			quiet.fill(h)
		}
	}
}

// walkHeader looks at a header under its lower-case name.
func (c *Classifier) walkHeader(h *Header) {
	mark := len(c.arena)
	for _, b := range h.Name {
		c.arena = append(c.arena, lowerASCII[b])
	}
	c.leaf(c.arena[mark:], h.Value)
	c.arena = c.arena[:mark]
}

// walkTarget looks at the path as text and at the parameters as named values.
func (c *Classifier) walkTarget(target []byte) {
	if len(target) == 0 {
		return
	}
	c.begin(InURL)
	c.out.Bytes += int64(len(target))
	rest := target
	query := []byte(nil)
	if i := bytes.IndexAny(target, "?#"); i >= 0 {
		rest, query = target[:i], target[i+1:]
	}
	c.leafText("/path", unquote(rest))
	c.frames = append(c.frames, frame{layer: "/query"})
	c.walkForm(query)
	c.frames = c.frames[:0]
}

// leafText looks at a text under a pointer of its own.
func (c *Classifier) leafText(at string, text []byte) {
	c.frames = append(c.frames, frame{layer: at})
	c.scan(text, Text, false)
	c.settle()
	c.frames = c.frames[:len(c.frames)-1]
}

// unnamed stands for the name of a value that has none.
var unnamed = []byte("*")

// walkForm looks at name=value&name=value, percent-encoded (WHATWG URL,
// section 5).
func (c *Classifier) walkForm(form []byte) {
	for len(form) > 0 {
		pair := form
		if i := bytes.IndexAny(form, "&#"); i >= 0 {
			pair, form = form[:i], form[i+1:]
		} else {
			form = nil
		}
		name, value, named := bytes.Cut(pair, []byte("="))
		if !named { // a value without a name
			name, value = unnamed, pair
		}
		c.leaf(unquote(name), unquote(value))
	}
}

// unquote decodes percent-encoding and leaves what is none as it is.
func unquote(b []byte) []byte {
	if bytes.IndexByte(b, '%') < 0 && bytes.IndexByte(b, '+') < 0 {
		return b
	}
	out, err := url.QueryUnescape(string(b))
	if err != nil {
		return b
	}
	return []byte(out)
}

// isForm says whether a body that says nothing of its type looks like a form.
func isForm(body []byte) bool {
	eq := bytes.IndexByte(body, '=')
	return eq > 0 && eq < maxFormName && bytes.IndexByte(body, ' ') < 0 && bytes.IndexByte(body, '\n') < 0 &&
		bytes.IndexByte(body, '<') < 0 && bytes.IndexByte(body, '&') > 0
}

const (
	formType = "application/x-www-form-urlencoded"
	// maxFormName bounds the first name of a body that says nothing of its type.
	maxFormName = 256
)

// pairAt returns the name at a sign and where its value stands: before a colon or an
// equals sign and behind it, or in the tag of an element and behind that.
func pairAt(text []byte, sign int, last *run) (name []byte, lo, hi int) {
	if text[sign] == '<' {
		lo, hi = elementText(text, sign)
		return elementName(text, sign), lo, hi
	}
	start, end := nameBefore(text, sign)
	lo, hi = last.valueBehind(text, sign+1)
	return text[start:end], lo, hi
}

// maxElement bounds the text of an element.
const maxElement = 1024

// elementName returns the name in the tag that starts at offset i, without its
// namespace (XML 1.0, section 3.1); it is empty where there is none.
func elementName(text []byte, i int) []byte {
	lo := i + 1
	hi := lo
	for hi < len(text) && hi-lo <= maxFieldName && (isNameByte(text[hi]) || text[hi] == ':') {
		if text[hi] == ':' {
			lo = hi + 1
		}
		hi++
	}
	return text[lo:hi]
}

// elementText returns the text behind the tag that starts at offset i; it is empty where
// elements stand in it, and where no end tag follows unless the text was cut behind an
// element. A CDATA section is text (XML 1.0, section 2.7).
func elementText(text []byte, i int) (lo, hi int) {
	end := bytes.IndexAny(text[i+1:min(len(text), i+1+maxElement)], "<>")
	if end < 0 || text[i+1+end] != '>' || text[i+end] == '/' { // cut, or empty
		return i, i
	}
	lo = i + end + 2
	for lo < len(text) && jsonscan.IsSpace(text[lo]) {
		lo++
	}
	rest := text[lo:min(len(text), lo+maxElement)]
	if inside, ok := bytes.CutPrefix(rest, []byte("<![CDATA[")); ok {
		lo += len(rest) - len(inside)
		if n := bytes.Index(inside, []byte("]]>")); n >= 0 {
			return lo, lo + n
		}
		return lo, lo + len(inside)
	}
	return lo, lo + closedText(rest, lo+len(rest) == len(text) && (i == 0 || text[i-1] == '>' || text[i-1] == '\n'))
}

// closedText returns how much of a text stands before an end tag; nothing where there is none
// ("user:<password>@host"), or all of it where the text may have been cut there.
func closedText(text []byte, cut bool) int {
	switch n := bytes.IndexByte(text, '<'); {
	case n >= 0 && n+1 < len(text) && text[n+1] == '/':
		text = text[:n]
	case n >= 0 || !cut:
		return 0
	}
	return len(bytes.TrimRight(text, " \t\r\n"))
}

// nameBefore returns the name that stands before a sign, quotes and one space
// passed over; it is empty where there is none.
func nameBefore(text []byte, sign int) (lo, hi int) {
	hi = nameEnd(text, sign)
	return nameStart(text, hi), hi
}

// nameEnd returns where a name before a sign ends; a bracket may close behind it, as PHP
// prints arrays.
func nameEnd(text []byte, sign int) int {
	hi := sign
	for hi > 0 && sign-hi < 4 && (isQuote(text[hi-1]) || text[hi-1] == ' ' || text[hi-1] == '\\' || text[hi-1] == ']') {
		hi--
	}
	if hi > 0 && text[hi-1] == ';' {
		hi -= QuoteEntityBefore(text[:hi])
	}
	for hi > 1 && text[hi-1] == '_' && isNameByte(text[hi-2]) { // __name__
		hi--
	}
	return hi
}

// nameStart returns where the name that ends at hi starts.
func nameStart(text []byte, hi int) int {
	lo := hi
	for lo > 0 && hi-lo <= maxFieldName && isNameByte(text[lo-1]) {
		lo--
	}
	return lo
}

const (
	// maxPairValue is the longest value without quotes; longer ones are no
	// secrets but encoded files.
	maxPairValue = 4096
	// maxInRun bounds how many pairs of one run are looked at: each has the rest
	// of the run for its value.
	maxInRun = 32
)

// run is what stands between two delimiters: the value of a pair without quotes,
// in which there may be further pairs.
type run struct{ start, end, pairs int }

// behind returns the end of the run around offset i; ok is false where it has
// been asked for often enough.
func (r *run) behind(text []byte, i int) (end int, ok bool) {
	if i < r.start || i >= r.end {
		*r = run{start: i, end: i}
		for r.end < len(text) && !isDelimiter(text[r.end]) && !isEscapedLine(text[r.end:]) {
			r.end++
		}
	}
	r.pairs++
	return r.end, r.pairs <= maxInRun && r.end-i <= maxPairValue
}

// isEscapedLine says whether a text starts with the escape of a line's end, as in a log that
// quotes several lines; before a letter or digit it may be a path of Windows.
func isEscapedLine(text []byte) bool {
	return len(text) > 1 && text[0] == '\\' && (text[1] == 'n' || text[1] == 'r') && (len(text) == 2 || isCapital(text[2]) || foldByte[text[2]] == 0 || lineName(text[2:]))
}

// lineName says whether a text starts with a name and the sign behind it.
func lineName(text []byte) bool {
	n := 0
	for n < len(text) && n <= maxFieldName && isNameByte(text[n]) {
		n++
	}
	return n > 0 && n < len(text) && (text[n] == '=' || text[n] == ':')
}

// valueBehind returns the value behind a sign: quoted, or up to a delimiter; it
// is empty where there is none.
func (r *run) valueBehind(text []byte, i int) (lo, hi int) {
	for n := 0; i < len(text) && n < 4 && strings.IndexByte(" >=", text[i]) >= 0; n++ {
		i++
	}
	i = behindArrow(text, i)
	i = behindBracket(text, i)
	if lo, hi, ok := inQuotes(text, i); ok {
		return lo, hi
	}
	start := i
	if i+1 < len(text) && text[i] == '(' && isDigit(text[i+1]) { // the area of a phone number
		start++
	}
	if hi, ok := r.behind(text, start); ok {
		return i, hi
	}
	return i, i
}

// inQuotes returns what stands in the quotes that start at offset i, which may be escaped or in
// HTML's writing; ok is false where none do.
func inQuotes(text []byte, i int) (lo, hi int, ok bool) {
	if n := QuoteEntity(text[min(i, len(text)):]); n > 0 {
		lo, hi = inEntities(text, i+n, text[i:i+n])
		return lo, hi, true
	}
	escaped := i+1 < len(text) && text[i] == '\\' && isQuote(text[i+1])
	if escaped {
		i++
	}
	if i >= len(text) || !isQuote(text[i]) {
		return i, i, false
	}
	lo, hi = quoted(text, i, escaped)
	return lo, hi, true
}

// quoted returns what stands between the quote at offset i and the next one.
func quoted(text []byte, i int, escaped bool) (lo, hi int) {
	lo, hi = i+1, len(text)
	if end := bytes.IndexByte(text[lo:], text[i]); end >= 0 {
		hi = lo + end
	}
	if escaped && hi > lo && text[hi-1] == '\\' {
		hi--
	}
	return lo, hi
}

func isQuote(b byte) bool { return b == '"' || b == '\'' || b == '`' }

func isNameByte(b byte) bool { return foldByte[b] != 0 || b == '_' || b == '-' || b == '.' }

func isDelimiter(b byte) bool {
	switch b {
	case ' ', '\t', '\r', '\n', ',', ';', '&', '"', '\'', '`', '<', '>', '(', ')', '[', ']', '{', '}', '|':
		return true
	}
	return false
}

// maxRun bounds the digits that are gathered into one run.
const maxRun = 64

// runAround returns the run of digits around offset i.
func runAround(text []byte, i int) (lo, hi, digits int) {
	lo, hi, digits = i, i+1, 1
	for n := digitStep(text, lo-1, -1); n > 0 && hi-lo < maxRun; n = digitStep(text, lo-1, -1) {
		lo -= n
		digits++
	}
	for n := digitStep(text, hi, 1); n > 0 && hi-lo < 2*maxRun; n = digitStep(text, hi, 1) {
		hi += n
		digits++
	}
	return lo, hi, digits
}

// digitStep returns how many bytes a run grows by at offset i in a direction: 1
// for a digit, 2 for a separator with a digit behind it, else 0.
func digitStep(text []byte, i, direction int) int {
	if i < 0 || i >= len(text) {
		return 0
	}
	if isDigit(text[i]) {
		return 1
	}
	next := i + direction
	if isRunSeparator(text[i]) && next >= 0 && next < len(text) && isDigit(text[next]) {
		return 2
	}
	return 0
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func isRunSeparator(b byte) bool { return b == ' ' || b == '-' || b == '.' }
