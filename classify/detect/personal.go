package detect

import (
	"github.com/leaktap/leaktap/classify"
)

const (
	whyPersonal = "Personal data that goes to more people or places than needed has to be accounted for, and feeds phishing and fraud."
	fixPersonal = "Return and log the fields that the caller needs and no others: a smaller projection, masked where a hint is enough."
)

// personalRule is what the rules for personal data share; policy decides what a
// route may return, so that alone these are quiet.
func personalRule(id, title, similar string, severity classify.Severity, on classify.Trigger) classify.Rule {
	return classify.Rule{
		ID: id, Category: classify.CategoryPersonal, Severity: severity, Title: title, Why: whyPersonal, Fix: fixPersonal,
		FalsePositives: similar, CWE: []string{"CWE-359"}, OWASP: []string{"API3:2023"}, On: on, Exclusive: true,
	}
}

// contactSeverity grades data by which people are reached: low where anybody
// can read it or where it was written down, information where a caller who
// identified himself reads it. It is 0 where people send their own.
func contactSeverity(c *classify.Candidate) classify.Severity {
	switch c.Where {
	case classify.InResponseBody, classify.InResponseHeader:
		if c.View.Anonymous || c.X.Persisted && c.X.Status == 0 {
			return classify.Low
		}
		return classify.Info
	case classify.InRecord:
		return classify.Low
	case classify.InURL:
		return classify.Low
	}
	if c.X.Persisted {
		return classify.Low
	}
	return 0
}
