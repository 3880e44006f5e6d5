package detect

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/leaktap/leaktap/classify"
)

// exampleAccount stands in the documentation of AWS in the place of an account.
const exampleAccount = ":123456789012:"

func internalID() classify.Detector {
	// docs.aws.amazon.com, "Amazon Resource Names": the account in the fifth place
	account := regexp.MustCompile(`^arn:aws[a-z-]{0,12}:[a-z0-9-]{1,40}:[a-z0-9-]{0,24}:\d{12}:`)
	return &detector{classify.Rule{
		ID: "internal-id", Category: classify.CategoryInternal, Severity: classify.Low,
		Title: "A response tells an internal identifier",
		Why:   "Keys of rows and tenants can be counted and enumerated, join data across systems, and tell how much there is of something.",
		Fix:   "Give objects an opaque public id and keep the row's own key inside.",
		FalsePositives: "A plain id (id, user_id) stays silent unless it is a database's own ObjectId: only a policy or contract can say that it " +
			"is undeclared. UUIDs under a public name stay silent, and so do object identifiers of standards (1.3.6.1…).",
		CWE: []string{"CWE-213"}, OWASP: []string{"API3:2023"},
		On: classify.Trigger{Anchors: []string{"arn:aws"}, Words: []string{",dc="}, Fields: []string{"internal-id", "row-id"}, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "•••"}
		found := false
		switch {
		case c.Anchor == ",dc=":
			m.Lo, found = 0, c.Kind == classify.String && c.Field == "" && isDirectoryName(c.Text)
		case c.Anchor == "arn:aws":
			name := c.Text[c.Lo:min(len(c.Text), c.Lo+160)]
			found = freeBefore(c) && account.Match(name) && !bytes.Contains(name, []byte(exampleAccount)) && !inProse(c)
		case c.Kind == classify.String || c.Kind == classify.Number:
			found = isInternalID(c.Field, c.Value()) && (!inPair(c) || isRecordPair(c)) && !inCode(c)
		}
		if found {
			c.Report(m)
		}
	}}
}

// isInternalID judges a value by the class of its name.
func isInternalID(class string, v []byte) bool {
	switch {
	case len(v) == 0 || len(v) > 256, class == "":
		return false
	case class == "row-id":
		return isObjectID(v)
	case isDirectoryName(v), isSID(v):
		return true
	}
	return len(v) <= 64 && bytes.ContainsAny(v, "0123456789") && bytes.IndexByte(v, ' ') < 0 && !isObjectIdentifier(v) && !isMasked(v)
}

// isSID matches a security identifier of Windows: S-1-5-21-….
func isSID(v []byte) bool { return bytes.HasPrefix(v, []byte("S-1-")) && len(v) > 8 }

// isObjectIdentifier matches an OID in its dotted form (X.660): SNMP and X.509 name
// public things by it.
func isObjectIdentifier(v []byte) bool {
	return bytes.Count(v, []byte(".")) >= 2 && !slices.ContainsFunc(v, func(b byte) bool { return b != '.' && !isDigit(b) })
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
