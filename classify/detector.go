package classify

// Detector is the code of one rule.
type Detector interface {
	// Rule returns the rule; it is called once, when the engine is made.
	Rule() *Rule
	// Detect judges one candidate and calls its Report for what it finds. It is
	// called from several goroutines at once, for different exchanges.
	Detect(c *Candidate)
}

// Trigger says when a detector is asked. A rule with none of Anchors, Words,
// Fields and Digits is asked once per exchange, at its end.
type Trigger struct {
	// Anchors are literal bytes that every match holds, matched exactly; Words
	// are matched without case and are lower-case here. An anchor that starts with a
	// letter or digit is found where a word starts. Each needs two bytes from the start
	// of a word on, or one of the signs @ ! $ % \ ^ | ~.
	Anchors, Words []string
	// Inside are anchors that stand in the middle of a word of at least 32 bytes; the
	// signs of base64 and base64url do not end such a word.
	Inside []string
	// Fields are classes of the field vocabulary; the detector is asked for
	// each value that stands under such a name.
	Fields []string
	// Digits asks for each run of at least that many digits, single spaces,
	// dots and hyphens between them allowed; 0 asks for none.
	Digits int
	// Parts limits the parts of the exchange; nil means all.
	Parts []Where
	// Policy says that the engine's policy reports for the rule, and nobody is asked.
	Policy bool
}

// ValueKind is the kind of a value.
type ValueKind uint8

// The kinds of values.
const (
	Text   ValueKind = iota // running text: a log line, HTML, a header's value
	String                  // a string under a name or in a list
	Number
	Bool
	Container // an object or array; its text is empty
)

// Candidate is a place where a rule may match. It and its slices are valid only
// during Detect.
type Candidate struct {
	// X is the exchange; View what is known of it as a whole.
	X    *Exchange
	View *View
	// Where is the part, Kind the kind of the value.
	Where Where
	Kind  ValueKind
	// Key is the nearest name the value stands under, as written and
	// unescaped; nil if there is none. Field is its class in the vocabulary,
	// empty if it has none.
	Key   []byte
	Field string
	// Text is the whole value or text, unescaped. [Lo,Hi) is the candidate in
	// it: the anchor, the run of digits, or the value under the name.
	Text   []byte
	Lo, Hi int
	// Anchor is the anchor or word that stands at Lo; empty otherwise.
	Anchor string

	rule *ruleEntry
	c    *Classifier
}

// Match is what a detector reports.
type Match struct {
	// [Lo,Hi) is the secret (or the telling text) inside the candidate's Text.
	Lo, Hi int
	// Public is the number of bytes from Lo on that are no secret because the
	// format prescribes them ("$2b$12$"): they are shown.
	Public int
	// Show is shown in the place of a redacted secret, for rules whose evidence
	// is no secret: a constant, or a name that the detector has cleaned.
	Show string
	// Severity and Confidence replace the rule's severity and medium
	// confidence when they are not zero.
	Severity   Severity
	Confidence Confidence
	Token      *Token
	// Count replaces 1 as the number of places, for rules that ask at the end.
	Count int
	// Where and Pointer replace those of the candidate, for rules that are
	// asked at the end of the exchange.
	Where   Where
	Pointer string
}

// Value returns the candidate's own bytes, Text[Lo:Hi].
func (c *Candidate) Value() []byte { return c.Text[c.Lo:c.Hi] }

// Before returns up to n bytes of Text before the candidate.
func (c *Candidate) Before(n int) []byte { return c.Text[max(0, c.Lo-n):c.Lo] }

// Around returns up to n bytes before and behind the candidate: in its text or, where
// it is all of that, in the document whose member it is. In a document that is still escaped
// a backslash stands before each quote.
func (c *Candidate) Around(n int) (before, behind []byte) {
	text, lo, hi := c.Text, c.Lo, c.Hi
	if at := &c.c.at; lo == 0 && hi == len(text) && at.doc != nil {
		text, lo, hi = at.doc, at.Start, at.End
	}
	return text[max(0, lo-n):lo], text[hi:min(len(text), hi+n)]
}

// ResponseBody returns the body of the response without escapes.
func (c *Candidate) ResponseBody() []byte { return c.c.body(&c.X.Response) }

// RequestBody returns the body of the request without escapes.
func (c *Candidate) RequestBody() []byte { return c.c.body(&c.X.Request) }

// Parent returns the pointer of the object that holds the value, for rules that
// speak of the whole object.
func (c *Candidate) Parent() string {
	if c.c.trial.on { // nobody knows yet: the walk has to decide
		c.c.trial.heard = true
		return ""
	}
	return c.c.parent()
}

// Header returns the lower-case name of the header that the candidate is in, or
// nil outside of headers.
func (c *Candidate) Header() []byte {
	if c.Where != InRequestHeader && c.Where != InResponseHeader || len(c.c.frames) == 0 {
		return nil
	}
	return c.c.frames[0].key
}

// Class returns the class of a name in the field vocabulary, or "".
func (c *Candidate) Class(name string) string {
	e := c.c.e
	return e.fields.classes[e.fields.lookup([]byte(name))]
}

// Report records a match. Where several exclusive rules report overlapping
// bytes, the rule that stands first in the engine's list keeps them.
func (c *Candidate) Report(m Match) { c.c.report(c, m) }

// Digest returns the keyed digest of a value, as evidence holds it.
func (c *Candidate) Digest(value []byte) string { return c.c.digest(value) }
