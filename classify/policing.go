package classify

// Policy says what routes may return; classify/policy implements it.
type Policy interface {
	// NewJudge returns the judge of one classifier.
	NewJudge() Judge
}

// Judge applies a policy to one exchange at a time.
type Judge interface {
	// Begin is told of an exchange before it is looked at, and returns the template of its
	// route; empty if the policy does not know it.
	Begin(x *Exchange) (route string)
	// Judge is called twice for an exchange: before the rules that are asked at its end, and
	// after them.
	Judge(p *Policing)
}

// The verdicts that silence a finding; the engine counts them.
const (
	// VerdictAllowed is that of a field which its route may return.
	VerdictAllowed = "allowed"
	// VerdictAccepted is that of a finding which somebody takes for granted.
	VerdictAccepted = "accepted"
	// VerdictKnown is that of a finding which is not new.
	VerdictKnown = "known"
)

// Silenced counts findings that a policy silenced.
type Silenced struct{ Allowed, Accepted, Known int64 }

// Policing is an exchange that a policy judges. It is valid only during Judge.
type Policing struct {
	X    *Exchange
	View *View
	// Last says that the rules which are asked at the end were asked: no finding follows.
	Last bool

	c *Classifier
}

// ResponseBody returns the body of the response without escapes.
func (p *Policing) ResponseBody() []byte { return p.c.body(&p.c.x.Response) }

// Class returns the class of a name in the field vocabulary, or "".
func (p *Policing) Class(name []byte) string {
	return p.c.e.fields.classes[p.c.e.fields.lookup(name)]
}

// Report adds a finding of a rule, with a verdict; m has to show something. The rule
// may have been disabled: then there is none.
func (p *Policing) Report(rule string, m Match, v Verdict) {
	n, ok := p.c.e.byID[rule]
	if !ok {
		return
	}
	if f := p.c.add(&pendingMatch{rule: &p.c.e.rules[n], m: m}, m.Pointer); f != nil {
		f.Policy = &v
	}
}

// Drop counts findings that were not reported because there are too many.
func (p *Policing) Drop(n int64) { p.c.out.DroppedFindings += n }

// Unjudged counts a response that could not be judged.
func (p *Policing) Unjudged() { p.c.out.Unjudged++ }

// given returns the template that the policy has for the exchange, empty for none.
func (c *Classifier) given(x *Exchange) string {
	if c.judge == nil {
		return ""
	}
	return c.judge.Begin(x)
}

// judged asks the policy.
func (c *Classifier) judged(last bool) {
	if c.judge == nil {
		return
	}
	c.begin(InRecord)
	c.policing = Policing{X: c.x, View: &c.view, Last: last, c: c}
	c.judge.Judge(&c.policing)
}

// silence removes the findings that a policy silenced, and counts them.
func (c *Classifier) silence() {
	if c.judge == nil {
		return
	}
	kept := c.view.Findings[:0]
	for _, f := range c.view.Findings {
		switch {
		case f.Policy == nil:
		case f.Policy.Verdict == VerdictAllowed:
			c.out.Silenced.Allowed += int64(f.Count)
			continue
		case f.Policy.Verdict == VerdictAccepted:
			c.out.Silenced.Accepted += int64(f.Count)
			continue
		case f.Policy.Verdict == VerdictKnown:
			c.out.Silenced.Known += int64(f.Count)
			continue
		}
		kept = append(kept, f)
	}
	clear(c.view.Findings[len(kept):])
	c.view.Findings = kept
}

// Allowed says whether a policy lets the route return what was found.
func (f *Finding) Allowed() bool { return f.Policy != nil && f.Policy.Verdict == VerdictAllowed }

// AppendName appends the name of a member to a pointer, as a reference token (RFC 6901,
// section 3), or * if it is a value that serves as a name.
func AppendName(pointer, name []byte) []byte {
	pointer = append(pointer, '/')
	if !isName(name) {
		return append(pointer, '*')
	}
	for _, b := range name {
		switch b {
		case '~':
			pointer = append(pointer, "~0"...)
		case '/':
			pointer = append(pointer, "~1"...)
		default:
			pointer = append(pointer, b)
		}
	}
	return pointer
}

// RouteOf returns the path of a request target as a template without values.
func RouteOf(target []byte) string {
	var p paths
	p.read(target)
	return p.template
}

// PathOf returns the path of a request target: without scheme, authority, query and
// fragment.
func PathOf(target []byte) []byte { return pathOf(target) }
