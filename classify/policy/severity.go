package policy

import (
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// report reports the fields that no finding tells of.
func (j *judge) report(p *classify.Policing) {
	for i := range j.excess {
		e := &j.excess[i]
		if e.covered {
			continue
		}
		category := categoryOf(p.Class([]byte(e.key)))
		if mask := j.fields.categories[category]; e.verdict == "undeclared" && mask&j.allowed != 0 && mask&denied == 0 {
			continue
		}
		show := "a field that is not declared"
		switch {
		case e.scope != "":
			show = "a field of the scope " + e.scope
		case e.rule == ruleWriteOnlyField:
			show = "a field that is for requests only"
		case e.rule == ruleNewField:
			show = "a field that the baseline does not hold"
		case e.verdict == "denied":
			show = "a field that is denied"
		}
		p.Report(e.rule, classify.Match{
			Show: show, Count: e.count, Where: classify.InResponseBody, Pointer: e.pointer,
			Severity: severityOf(e, category), Confidence: classify.HighConfidence,
		}, classify.Verdict{Verdict: e.verdict, By: j.fields.by})
	}
	if j.deep {
		p.Unjudged()
	}
	if j.dropped > 0 {
		p.Drop(j.dropped)
	}
}

// severityOf judges a field by its name; its value was looked at by other rules.
func severityOf(e *excess, category classify.Category) classify.Severity {
	severity := classify.Low
	switch category {
	case classify.CategoryCredential, classify.CategoryToken, classify.CategoryFinancial:
		severity = classify.High
	case classify.CategoryPersonal, classify.CategoryInternal, classify.CategoryDebug:
		severity = classify.Medium
	default:
		if isHarmless(e.key) {
			severity = classify.Info
		}
	}
	switch {
	case e.rule == ruleWriteOnlyField:
		return max(severity, classify.High)
	case e.rule == ruleScopeExcess, e.verdict == "denied":
		return max(severity, classify.Medium)
	}
	return severity
}

// categoryOf returns the category of a class of names, "" for none.
func categoryOf(class string) classify.Category {
	switch class {
	case "":
		return ""
	case "password-hash", "password", "password-salt", "salted-hash", "secret", "otp", "pin", "secret-phrase", "config-secret", "jwk":
		return classify.CategoryCredential
	case "token", "session", "authorization", "api-key", "url-signature":
		return classify.CategoryToken
	case "email", "phone", "birth-date", "address", "national-id", "passport", "driver-license":
		return classify.CategoryPersonal
	case "card-number", "cvv", "iban":
		return classify.CategoryFinancial
	case "privilege", "privilege-flag", "privilege-role", "privilege-group", "internal-id":
		return classify.CategoryInternal
	case "debug", "environment", "java-frame":
		return classify.CategoryDebug
	}
	kind, _, _ := strings.Cut(class, "-")
	switch kind {
	case "id", "health":
		return classify.CategoryPersonal
	case "bank":
		return classify.CategoryFinancial
	}
	return ""
}

// harmlessWords are names of what tells nothing about anybody: counts, pages, times, links,
// units, texts that are made to be shown.
var harmlessWords = []string{
	"count", "total", "page", "pages", "limit", "offset", "size", "cursor", "next", "previous", "prev", "first", "last", "timestamp", "href", "rel", "links", "etag",
	"version", "type", "kind", "object", "currency", "unit", "units", "locale", "language", "lang", "timezone", "title", "label", "description", "color", "colour", "icon",
	"width", "height", "format", "status", "state", "sort", "order", "message", "success", "ok",
}

// harmlessEnds end such names.
var harmlessEnds = []string{
	"_count", "_total", "page_size", "per_page", "has_more", "created_at", "updated_at", "modified_at", "published_at", "mime_type", "content_type", "_href", "_etag",
	"_currency", "_version", "_timestamp",
}

// isHarmless says whether a name is, or ends in, a harmless word.
func isHarmless(name string) bool {
	var b strings.Builder // in snake case
	for i, r := range name {
		if 'A' <= r && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	lower := strings.ToLower(strings.ReplaceAll(b.String(), "-", "_"))
	return slices.Contains(harmlessWords, lower) || slices.ContainsFunc(harmlessEnds, func(end string) bool {
		return strings.HasSuffix("_"+lower, end)
	})
}
