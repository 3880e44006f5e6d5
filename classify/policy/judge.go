package policy

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// judge applies a policy for one classifier.
type judge struct {
	p *Policy
	x *classify.Exchange
	// first is the route of the strongest source that knows it; fields is that of the
	// strongest that describes the fields of the response.
	first, fields *route
	// base is the template of the baseline's route, which its findings go by.
	base   string
	scopes scopes
	// mediaType is that of the response before.
	mediaType string
	walker
}

// Begin finds the route of an exchange.
func (j *judge) Begin(x *classify.Exchange) string {
	j.x, j.first, j.fields, j.most = x, nil, nil, 0
	path := classify.PathOf(x.Target)
	if len(path) == 0 {
		return ""
	}
	j.from(j.p.policy, path)
	for _, c := range j.p.contracts {
		if j.fields == nil {
			j.from(&c.router, path)
		}
	}
	j.from(j.p.baseline, path)
	j.base = ""
	if j.p.gate && j.p.baseline != nil {
		if r := j.p.baseline.root.find(path, maxTemplate, x); r != nil {
			j.base = r.template
		}
	}
	if j.first == nil {
		return ""
	}
	return j.first.template
}

// from looks for the route in a source that is weaker than those before.
func (j *judge) from(r *router, path []byte) {
	if r == nil || j.fields != nil {
		return
	}
	found := r.root.find(path, maxTemplate, j.x)
	if found == nil {
		return
	}
	if j.first == nil {
		j.first = found
	}
	if found.fields {
		j.fields = found
	}
}

// Judge judges the exchange.
func (j *judge) Judge(p *classify.Policing) {
	if p.Last {
		j.settle(p)
		return
	}
	if j.x.Status < 200 || len(j.x.Method) == 0 {
		return
	}
	if j.x.Status > 299 {
		j.status(p)
		return
	}
	switch {
	case j.first == nil:
		j.undeclaredRoute(p)
		j.unpoliced(p, "")
	case j.fields == nil:
		j.walkBody(p, j.first, nil)
		j.unpoliced(p, j.first.by)
	default:
		j.body(p)
	}
	if j.first != nil && j.first.maxItems > 0 && j.most > j.first.maxItems {
		p.Report(ruleList, classify.Match{
			Show: strconv.Itoa(j.most) + " items, and the policy has " + strconv.Itoa(j.first.maxItems) + " at most", Count: j.most,
			Severity: classify.Medium, Confidence: classify.HighConfidence, Where: classify.InResponseBody, Pointer: string(j.mostAt),
		}, classify.Verdict{Verdict: "denied", By: j.first.by})
	}
}

// body judges the body of a 2xx.
func (j *judge) body(p *classify.Policing) {
	r := j.fields
	root := r.root
	if r.operation != nil {
		answer := r.operation.answer(j.x.Status)
		if answer == nil {
			j.status(p)
			j.unpoliced(p, r.by)
			return
		}
		shape, ok := answer.shapeFor(j.media())
		if !ok || shape == nil {
			if !ok && len(j.x.Response.Body) > 0 {
				p.Unjudged()
			}
			j.unpoliced(p, r.by)
			return
		}
		root = shape
	}
	mask := everybody
	if len(r.scopes) > 0 {
		mask |= j.scopes.of(r.scopes, j.x, j.p.scopeHeader)
	}
	j.allowed = mask
	if !j.walkBody(p, r, root) {
		p.Unjudged()
		j.unpoliced(p, r.by)
		return
	}
	j.verdicts(p)
	j.report(p)
}

// media returns the lower-case media type of the response, kept as long as it is the same.
func (j *judge) media() string {
	value, _, _ := bytes.Cut(j.x.Response.Header("content-type"), []byte(";"))
	if value = bytes.TrimSpace(value); !strings.EqualFold(string(value), j.mediaType) {
		j.mediaType = strings.ToLower(string(value))
	}
	return j.mediaType
}

// status reports a status that the contract does not declare.
func (j *judge) status(p *classify.Policing) {
	r := j.fields
	if r == nil || r.operation == nil || r.operation.answer(j.x.Status) != nil || j.x.Status == 304 || j.x.Status >= 500 {
		return
	}
	severity := classify.Info
	if j.x.Status < 300 {
		severity = classify.Low
	}
	p.Report(ruleUndeclaredStatus, classify.Match{
		Show: "status " + strconv.Itoa(j.x.Status), Where: classify.InResponseHeader, Pointer: "/:status", Severity: severity,
		Confidence: classify.HighConfidence,
	}, classify.Verdict{Verdict: "undeclared", By: byOpenAPI})
}

// undeclaredRoute reports a route that a contract, which describes its neighbours, does not.
func (j *judge) undeclaredRoute(p *classify.Policing) {
	if method := string(j.x.Method); method == "OPTIONS" || method == "HEAD" || method == "CONNECT" {
		return
	}
	path := classify.PathOf(j.x.Target)
	for _, c := range j.p.contracts {
		if c.router.nearby(path) {
			p.Report(ruleUndeclaredRoute, classify.Match{Show: "a route of its own", Where: classify.InURL, Pointer: "/path"},
				classify.Verdict{Verdict: "undeclared", By: byOpenAPI})
			return
		}
	}
}

// isPoliced says whether a policy has something to say to findings of a category, beside
// acceptances.
func isPoliced(c classify.Category) bool {
	switch c {
	case classify.CategoryPersonal, classify.CategoryFinancial, classify.CategoryInternal:
		return true
	}
	return false
}

// unpoliced marks findings that no source speaks of.
func (j *judge) unpoliced(p *classify.Policing, by string) {
	if by == "" {
		by = j.p.strongest()
	}
	for _, f := range p.View.Findings {
		if f.Where == classify.InResponseBody && f.Policy == nil && isPoliced(f.Rule.Category) {
			f.Policy = &classify.Verdict{Verdict: "unpoliced", By: by}
		}
	}
}

func (p *Policy) strongest() string {
	switch {
	case p.policy != nil:
		return byPolicy
	case len(p.contracts) > 0:
		return byOpenAPI
	}
	return byBaseline
}

// verdicts tells of each finding in the response whether its field is allowed.
func (j *judge) verdicts(p *classify.Policing) {
	for _, f := range p.View.Findings {
		if f.Where != classify.InResponseBody || f.Pointer == "" || f.Policy != nil {
			continue
		}
		worst, ok := j.excessOf(f.Pointer)
		if mask := j.fields.categories[f.Rule.Category]; mask&j.allowed != 0 && mask&denied == 0 && (!ok || worst.verdict == "undeclared") {
			j.cover(f.Pointer)
			ok = false
		}
		switch {
		case ok:
			f.Policy = &classify.Verdict{Verdict: worst.verdict, By: j.fields.by}
			f.Severity = min(f.Severity+1, classify.Critical)
			worst.covered = worst.rule == ruleUndeclaredField || worst.rule == ruleNewField
			j.cover(f.Pointer)
		case j.silences(f):
			f.Policy = &classify.Verdict{Verdict: classify.VerdictAllowed, By: j.fields.by}
		case isPoliced(f.Rule.Category):
			f.Policy = &classify.Verdict{Verdict: "unpoliced", By: j.fields.by}
		}
	}
}

// silences says whether an allowed field's finding is no finding. Somebody who declares a
// field may mean it to hold personal data or a token, never a password's hash; a baseline only
// tells what there was.
func (j *judge) silences(f *classify.Finding) bool {
	switch j.fields.by {
	case byBaseline:
		return false
	case byPolicy:
		return isPoliced(f.Rule.Category) || f.Rule.Category == classify.CategoryToken
	}
	return isPoliced(f.Rule.Category)
}

// settle silences what is accepted or known.
func (j *judge) settle(p *classify.Policing) {
	if len(p.View.Findings) == 0 || len(j.p.accepted)+len(j.p.known) == 0 && !j.p.gate {
		return
	}
	path := classify.PathOf(j.x.Target)
	for _, f := range p.View.Findings {
		if f.Allowed() {
			continue
		}
		for i := range j.p.accepted[f.Rule.ID] {
			a := &j.p.accepted[f.Rule.ID][i]
			if !a.covers(j.x, path, f.Pointer) {
				continue
			}
			f.Policy = &classify.Verdict{Verdict: classify.VerdictAccepted, By: byPolicy}
			if !a.until.IsZero() && !p.View.AsOf.Before(a.until) {
				f.Policy.Verdict = "acceptance-expired"
			}
			break
		}
		if j.p.gate && (f.Policy == nil || f.Policy.Verdict != classify.VerdictAccepted) && j.p.known[KnownOf(f, j.x.Method, cmp.Or(j.base, p.View.Route()))] {
			f.Policy = &classify.Verdict{Verdict: classify.VerdictKnown, By: byBaseline}
		}
	}
}

// covers says whether an acceptance is one for a finding of its rule.
func (a *acceptance) covers(x *classify.Exchange, path []byte, pointer string) bool {
	if !a.anywhere {
		if a.method != "" && string(x.Method) != a.method || a.router.root.find(path, maxTemplate, nil) == nil {
			return false
		}
	}
	if a.pointer == nil {
		return true
	}
	pointer, _, _ = strings.Cut(pointer, "#")
	n := 0
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if n >= len(a.pointer) || a.pointer[n] != "*" && a.pointer[n] != name {
			return false
		}
		n++
	}
	return n == len(a.pointer)
}

// KnownOf is the entry of a baseline that stands for a finding.
func KnownOf(f *classify.Finding, method []byte, route string) Known {
	k := Known{Rule: f.Rule.ID, Where: f.Where.String(), Pointer: f.Pointer}
	if route != "" {
		k.Route = string(method) + " " + route
	}
	return k
}
