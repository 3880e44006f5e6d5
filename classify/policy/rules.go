package policy

import "github.com/leaktap/leaktap/classify"

// The rules that a policy reports.
const (
	ruleUndeclaredField  = "undeclared-field"
	ruleWriteOnlyField   = "write-only-field"
	ruleScopeExcess      = "scope-excess"
	ruleNewField         = "new-field"
	ruleUndeclaredStatus = "undeclared-status"
	ruleUndeclaredRoute  = "undeclared-route"
	ruleList             = "overexposed-list" // of classify/detect
)

// fieldFixes says per framework how a response is cut down to what is declared.
var fieldFixes = map[string]string{
	"flask":       "Return a dictionary of the declared columns; do not serialize the model.",
	"marshmallow": "An explicit Meta.fields; load the schema with unknown=RAISE in tests.",
	"fastapi":     "Declare response_model and keep response_model_exclude_unset.",
	"django":      "List Meta.fields of the serializer; never fields = '__all__'.",
	"express":     "Pick the declared properties before res.json().",
	"spring":      "Return a DTO of the declared fields, not the entity.",
	"go":          "Encode a response struct of its own.",
}

// Detectors returns the rules of policies, for the list of an engine: they are never asked,
// because the engine's policy reports for them.
func Detectors() []classify.Detector {
	var list []classify.Detector
	for _, r := range rules() {
		r.On.Policy = true
		r.CWE, r.OWASP = []string{"CWE-213"}, []string{"API3:2023"}
		list = append(list, reported{r})
	}
	return list
}

// reported is a rule that a policy reports.
type reported struct{ rule *classify.Rule }

// Rule returns the rule.
func (r reported) Rule() *classify.Rule { return r.rule }

// Detect is never called.
func (r reported) Detect(*classify.Candidate) {}

func rules() []*classify.Rule {
	return []*classify.Rule{
		{
			ID: ruleUndeclaredField, Category: classify.CategoryExcess, Severity: classify.Low,
			Title: "A response holds a field that nobody declared",
			Why:   "What the contract does not name nobody has decided to give away; this is how models reach clients whole.",
			Fix:   "Leave the field out of the projection, or declare it in the policy or the contract if clients need it.",
			FalsePositives: "Only 2xx answers of routes that the policy or contract describes are judged; null and empty values, containers for themselves and " +
				"what an open schema permits stay silent. Names of counts, times and links are information.",
			Fixes: fieldFixes,
		},
		{
			ID: ruleWriteOnlyField, Category: classify.CategoryExcess, Severity: classify.High,
			Title:          "A response holds a field that is for requests only",
			Why:            "The contract marks a field writeOnly because it must not come back: a password, a key, an answer to a question.",
			Fix:            "Serialize responses with a schema of their own, without the fields that are marked writeOnly.",
			FalsePositives: "Only fields of a schema with writeOnly: true match; null and empty values stay silent.",
			Fixes:          fieldFixes,
		},
		{
			ID: ruleScopeExcess, Category: classify.CategoryExcess, Severity: classify.Medium,
			Title:          "A response holds fields that the caller's token has no scope for",
			Why:            "A token of few rights reads what belongs to a greater scope: the filter by scope is missing.",
			Fix:            "Project the response by the scopes of the verified token, with the smallest projection as the default.",
			FalsePositives: "Only fields that the policy gives to a scope match, and only when the presented token or the named header lacks it.",
			Fixes: map[string]string{
				"flask": "Choose the schema by get_jwt()['scope'].", "fastapi": "Security(…, scopes=[…]) and a response model per scope.",
				"django": "get_serializer_class() by request.auth.", "express": "Pick properties by req.auth.scope.",
				"spring": "@JsonView chosen by authority.", "go": "A response struct per scope.",
			},
		},
		{
			ID: ruleNewField, Category: classify.CategoryExcess, Severity: classify.Low,
			Title:          "A known route returns a field that it did not return before",
			Why:            "After a deployment a response tells more than it did: a new column of a model is in every response that serializes it.",
			Fix:            "Take the field out of the projection, or learn the baseline anew once somebody has agreed to it.",
			FalsePositives: "Names of counts, times and links are information; optional fields that the baseline has not seen are new to it.",
			Fixes:          fieldFixes,
		},
		{
			ID: ruleUndeclaredStatus, Category: classify.CategoryExcess, Severity: classify.Info,
			Title:          "A route answers with a status that its contract does not declare",
			Why:            "Nobody described, and perhaps nobody checked, what this answer holds.",
			Fix:            "Declare the status with its schema, or a default response.",
			FalsePositives: "A default response or a range such as 2XX declares its statuses; 1xx, 304, and 5xx, which gateways make, stay silent.",
		},
		{
			ID: ruleUndeclaredRoute, Category: classify.CategoryExcess, Severity: classify.Low,
			Title:          "A route that the contract does not declare was answered",
			Why:            "Undocumented routes are reviewed by nobody: old versions, debugging endpoints, another service behind the same path.",
			Fix:            "Remove the route or describe it (API9:2023, improper inventory).",
			FalsePositives: "Only 2xx answers below a path that the contract knows match; OPTIONS and HEAD stay silent.",
		},
	}
}
