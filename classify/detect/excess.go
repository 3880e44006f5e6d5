package detect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

const (
	// manyForAnonymous and manyForCallers are the numbers of objects from which
	// a list is over-exposed: at once for people whom nobody knows, and at more
	// than a page's worth for a caller who identified himself.
	manyForAnonymous = 2
	manyForCallers   = 25
)

func overexposedList() classify.Detector {
	return &detector{classify.Rule{
		ID: "overexposed-list", Category: classify.CategoryExcess, Severity: classify.High,
		Title: "A list hands out sensitive fields of many objects",
		Why:   "One request collects what should take one authorized request per person: this is how user tables are copied.",
		Fix:   "Give items the same filter as single objects, page the list with a low maximum, and ask for a caller.",
		FalsePositives: "Lists of public fields stay silent; lists for callers who identified themselves only count from a page's worth of " +
			"personal data on, or with any credential in them.",
		CWE: []string{"CWE-213", "CWE-359"}, OWASP: []string{"API3:2023"},
		Fixes: map[string]string{
			"flask":       "Serialize items with the same public schema, and limit(min(limit, 50)).",
			"marshmallow": "UserPublicSchema(many=True).",
			"fastapi":     "response_model=list[UserPublic].",
			"django":      "A list serializer of its own and a PAGE_SIZE.",
			"express":     "Project the columns in the query and cap limit.",
			"spring":      "Page<UserSummary> with a maximum page size.",
			"go":          "Map rows to the public struct before encoding; cap the limit.",
		},
	}, func(c *classify.Candidate) {
		var lists []exposedList // made only where there is something to count
		for _, f := range c.View.Findings {
			at := strings.LastIndex(f.Pointer, "/*")
			if at < 0 || f.Where != classify.InResponseBody || !isAttribute(f.Rule) || f.Allowed() {
				continue
			}
			i := slices.IndexFunc(lists, func(l exposedList) bool { return l.pointer == f.Pointer[:at] })
			if i < 0 {
				i = len(lists)
				lists = append(lists, exposedList{pointer: f.Pointer[:at]})
			}
			lists[i].add(f)
		}
		for _, l := range lists {
			if severity := l.severity(c.View.Anonymous); severity != 0 {
				c.Report(classify.Match{
					Show: fmt.Sprintf("%d objects with %d sensitive fields", l.objects, l.fields), Count: l.objects,
					Severity: severity, Where: classify.InResponseBody, Pointer: l.pointer,
				})
			}
		}
	}}
}

// exposedList counts what the items of one list hold.
type exposedList struct {
	pointer              string
	objects, fields      int
	credential, personal bool
}

func (l *exposedList) add(f *classify.Finding) {
	l.objects = max(l.objects, f.Count)
	l.fields++
	switch f.Rule.Category {
	case classify.CategoryCredential, classify.CategoryToken:
		l.credential = true
	default:
		l.personal = true
	}
}

// severity is 0 when the list is none to speak of.
func (l *exposedList) severity(anonymous bool) classify.Severity {
	switch {
	case l.credential && l.objects >= 2:
		return classify.High
	case anonymous && l.objects >= manyForAnonymous:
		return classify.High
	case l.personal && l.objects >= manyForCallers:
		return classify.Medium
	}
	return 0
}

// isAttribute says whether a rule speaks of an attribute of an object that a
// list should not hand out.
func isAttribute(r *classify.Rule) bool {
	switch r.Category {
	case classify.CategoryPersonal, classify.CategoryFinancial, classify.CategoryCredential, classify.CategoryToken:
		return true
	}
	return false
}

func responseBodyInLog() classify.Detector {
	return &detector{classify.Rule{
		ID: "response-body-in-log", Category: classify.CategoryPersonal, Severity: classify.Medium,
		Title:          "A log holds response bodies with sensitive data",
		Why:            "The log becomes a second database of the same data, with more readers, longer retention and no access control per record.",
		Fix:            "Log an allow-list of fields (method, route, status, duration, ids); never bodies.",
		FalsePositives: "Bodies in which nothing sensitive was found stay silent, and so do recordings of traffic, which are not logs.",
		CWE:            []string{"CWE-532"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{
			"flask":   "Remove after_request hooks that log response.get_data().",
			"express": "Remove body loggers (express-winston responseWhitelist, morgan-body) or give them an allow-list.",
			"spring":  "Do not wrap responses in ContentCachingResponseWrapper for logging; logbook: BodyFilter and exclude.",
			"go":      "Do not tee response writers into the log.",
		},
	}, func(c *classify.Candidate) {
		if !c.X.Persisted {
			return
		}
		for _, f := range c.View.Findings {
			if !isSensitive(f) {
				continue
			}
			if f.Where == classify.InResponseBody {
				c.Report(classify.Match{Show: "a response body", Where: classify.InResponseBody, Pointer: ""})
				return
			}
			if at := underResponse(c, f); at != "" {
				c.Report(classify.Match{Show: "a response body", Where: f.Where, Pointer: at})
				return
			}
		}
	}}
}

// isSensitive leaves out what is harmless in a log.
func isSensitive(f *classify.Finding) bool {
	switch f.Rule.Category {
	case classify.CategoryPersonal, classify.CategoryFinancial, classify.CategoryCredential, classify.CategoryToken:
		return true
	case classify.CategoryInternal:
		return f.Severity > classify.Info
	}
	return false
}

// underResponse returns the pointer of the response body inside a record that a
// finding stands in, or "".
func underResponse(c *classify.Candidate, f *classify.Finding) string {
	if f.Where != classify.InRecord {
		return ""
	}
	end := 0
	for segment := range strings.SplitSeq(f.Pointer, "/") {
		end += len(segment)
		name, _, _ := strings.Cut(segment, "#")
		if c.Class(name) == "response-body" {
			return f.Pointer[:end]
		}
		end++
	}
	return ""
}
