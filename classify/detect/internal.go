package detect

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

func privilegeField() classify.Detector {
	return &detector{classify.Rule{
		ID: "privilege-field", Category: classify.CategoryInternal, Severity: classify.Medium,
		Title: "A response tells roles or privileges",
		Why:   "It shows attackers which accounts are worth taking and which field a forged request would have to set.",
		Fix:   "Leave roles and flags out of the projection; let the client ask what it may do, not who is administrator.",
		FalsePositives: "Only roles, booleans and short lists under such a name match; schema documents, where the name describes a type, " +
			"stay silent. A route that may return it is allowed in the policy.",
		CWE: []string{"CWE-213"}, OWASP: []string{"API3:2023"},
		Fixes: map[string]string{
			"flask":       "Return a dictionary of the public columns; do not serialize the model.",
			"marshmallow": "Meta.exclude = ('role', 'is_admin') or an explicit Meta.fields.",
			"fastapi":     "A response_model without the role.",
			"django":      "List Meta.fields of the serializer and leave is_staff and is_superuser out.",
			"express":     "Pick the public properties before res.json().",
			"spring":      "Return a DTO without authorities.",
			"go":          "A response struct of its own.",
		},
		On: classify.Trigger{Fields: []string{"privilege"}, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		v := c.Value()
		switch c.Kind {
		case classify.Bool:
		case classify.String:
			if inPair(c) || len(v) < 2 || len(v) > 64 || bytes.Count(v, []byte(" ")) > 2 || isSchemaWord(v) {
				return
			}
		default:
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "•••"})
	}}
}

// isSchemaWord knows the type names of JSON Schema, and roles that are no
// privilege but a part of speech: those of chat messages and of ARIA.
func isSchemaWord(v []byte) bool {
	switch string(bytes.ToLower(v)) {
	case "string", "boolean", "integer", "number", "object", "array", "null", "assistant", "system", "tool", "button", "dialog",
		"navigation", "banner", "main", "listbox", "presentation", "img", "link":
		return true
	}
	return false
}

func internalID() classify.Detector {
	return &detector{classify.Rule{
		ID: "internal-id", Category: classify.CategoryInternal, Severity: classify.Low,
		Title: "A response tells an internal identifier",
		Why:   "Keys of rows and tenants can be counted and enumerated, join data across systems, and tell how much there is of something.",
		Fix:   "Give objects an opaque public id and keep the row's own key inside.",
		FalsePositives: "A plain id (id, user_id) stays silent unless it is a database's own ObjectId: only a policy or contract can say that it " +
			"is undeclared. UUIDs under a public name stay silent.",
		CWE: []string{"CWE-213"}, OWASP: []string{"API3:2023"},
		On: classify.Trigger{Fields: []string{"internal-id", "row-id"}, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		v := c.Value()
		if len(v) == 0 || len(v) > 64 || inPair(c) {
			return
		}
		integer := c.Kind == classify.Number || c.Kind == classify.String && allDigits(v)
		m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "•••"}
		switch {
		case c.Field == "row-id" && !isObjectID(v):
			return
		case c.Kind != classify.String && c.Kind != classify.Number:
			return
		case !integer && !isObjectID(v) && !isUUID(v) && !bytes.ContainsAny(v, "0123456789"):
			return
		}
		c.Report(m)
	}}
}

func allDigits(v []byte) bool {
	for _, c := range v {
		if !isDigit(c) {
			return false
		}
	}
	return len(v) > 0
}

// isObjectID matches the hex form of a MongoDB ObjectId: 12 bytes.
func isObjectID(v []byte) bool { return len(v) == 24 && allHex(v) }
