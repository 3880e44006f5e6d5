package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

func massAssignment() classify.Detector {
	return &detector{classify.Rule{
		ID: "mass-assignment", Category: classify.CategoryAccess, Severity: classify.High,
		Title: "A request set a privilege, and the service took it over",
		Why:   "Whoever adds a member to a request becomes administrator, counts as verified, or has credit: the service binds input to its model as it comes.",
		Fix:   "Bind input to a list of fields that callers may set; set roles, flags and balances in code that checks who asks.",
		FalsePositives: "Only 2xx answers to POST, PUT and PATCH that hold the same value under the same name count. Harmless roles, filters of a search, lists of " +
			"results, routes that are there to manage roles, members and keys, and callers whose token tells that they may stay silent; behind an " +
			"opaque token or a session an administrator may stand, so that confidence is medium there.",
		CWE: []string{"CWE-915"}, OWASP: []string{"API3:2023"},
		Fixes: map[string]string{
			"flask":       "Read named keys of request.json; never Model(**request.json).",
			"marshmallow": "Load with a schema of the writable fields; dump_only=('role', 'is_admin'), unknown=RAISE.",
			"fastapi":     "An input model of its own, without the privilege, and extra='forbid'.",
			"django":      "read_only_fields of the serializer for is_staff, is_superuser, groups and user_permissions.",
			"express":     "Pick the writable properties of req.body; with Mongoose never Model.create(req.body).",
			"spring":      "Bind to a request DTO; @InitBinder setAllowedFields.",
			"go":          "Decode into a request struct without the privilege; DisallowUnknownFields.",
		},
	}, func(c *classify.Candidate) {
		x := c.X
		if x.Status < 200 || x.Status > 299 || len(x.Request.Body) == 0 || len(x.Response.Body) == 0 || !isWrite(x.Method) {
			return
		}
		list := assignments(c)
		if len(list) == 0 || managesRights(classify.PathOf(x.Target)) || mayAssign(c) {
			return
		}
		markEchoed(list, c.ResponseBody())
		reportEchoed(c, list)
		reportTaken(c, list)
	}}
}

// reportEchoed reports what the response holds. What makes somebody more than others tells
// more than a state, which then is not told of.
func reportEchoed(c *classify.Candidate, list []assignment) {
	confidence := classify.MediumConfidence
	if c.View.Anonymous || len(callerToken(c.X)) > 0 {
		confidence = classify.HighConfidence
	}
	right := slices.ContainsFunc(list, func(a assignment) bool { return a.echoed && a.class != stateClass })
	for _, a := range list {
		if !a.echoed || right && a.class == stateClass {
			continue
		}
		m := classify.Match{Show: "a privilege that the response holds as well", Where: classify.InRequestBody, Pointer: a.pointer, Confidence: confidence}
		if a.class == stateClass {
			m.Show, m.Severity = "a state that the response holds as well", classify.Medium
		}
		c.Report(m)
	}
}

// reportTaken reports a privilege that somebody asked for whom nobody knows, and that was not
// refused: no one without credentials has one to give away.
func reportTaken(c *classify.Candidate, list []assignment) {
	if !c.View.Anonymous || slices.ContainsFunc(list, func(a assignment) bool { return a.echoed }) {
		return
	}
	for _, a := range list {
		if a.class != stateClass {
			c.Report(classify.Match{
				Show: "a privilege that was asked for without credentials and not refused", Where: classify.InRequestBody, Pointer: a.pointer,
				Severity: classify.Low, Confidence: classify.LowConfidence,
			})
		}
	}
}

func isWrite(method []byte) bool {
	switch string(method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// stateClass are names of what a service decides about an account: that it is verified, or
// how much is on it.
const stateClass = "account-state"

// assignment is a privilege in a request.
type assignment struct {
	name, value []byte
	class       string
	pointer     string
	echoed      bool
}

// maxAssignments bounds the privileges of one request.
const maxAssignments = 16

// assignments returns the privileges that a request sets.
func assignments(c *classify.Candidate) (list []assignment) {
	body := bytes.TrimLeft(c.RequestBody(), " \t\r\n")
	if len(body) == 0 || body[0] != '{' {
		return formAssignments(c, body)
	}
	eachScalar(body, func(steps []itemStep, kind jsonscan.Kind, value []byte) {
		name := nameOf(steps)
		class := c.Class(string(name))
		if len(list) == maxAssignments || !raises(class, kind, value) || isFilter(steps) {
			return
		}
		var pointer []byte
		for i := range steps {
			if steps[i].list {
				pointer = append(pointer, "/*"...)
			} else {
				pointer = classify.AppendName(pointer, steps[i].name)
			}
		}
		list = append(list, assignment{name: name, value: value, class: class, pointer: string(pointer)})
	})
	return list
}

// formAssignments reads a form (URL Standard, section 5.1).
func formAssignments(c *classify.Candidate, body []byte) (list []assignment) {
	if t := c.X.Request.Header("content-type"); !bytes.HasPrefix(bytes.ToLower(t), []byte("application/x-www-form-urlencoded")) {
		return nil
	}
	for pair := range bytes.SplitSeq(body, []byte("&")) {
		name, value, _ := bytes.Cut(pair, []byte("="))
		if at := bytes.LastIndexByte(name, '['); at > 0 { // user[role]
			name = bytes.TrimSuffix(name[at+1:], []byte("]"))
		}
		class, kind := c.Class(string(name)), jsonscan.String
		if allDigits(value) {
			kind = jsonscan.Number
		}
		if len(list) < maxAssignments && raises(class, kind, value) {
			list = append(list, assignment{name: name, value: value, class: class})
		}
	}
	return list
}

// eachScalar calls f for each scalar of a document that stands in no list of objects, with
// the way to it.
func eachScalar(doc []byte, f func(steps []itemStep, kind jsonscan.Kind, value []byte)) {
	s := jsonscan.New(doc)
	var steps []itemStep
	for t := s.Next(); t.Kind != jsonscan.End; t = s.Next() {
		switch t.Kind {
		case jsonscan.String, jsonscan.Number, jsonscan.True, jsonscan.False:
			if inner := len(steps) - 1; inner >= 0 && !slices.ContainsFunc(steps[:inner], func(s itemStep) bool { return s.list }) {
				f(steps, t.Kind, doc[t.Start:t.End])
			}
		default:
			steps = along(steps, doc, t)
		}
	}
}

// nameOf returns the nearest name on a way.
func nameOf(steps []itemStep) []byte {
	for _, s := range slices.Backward(steps) {
		if !s.list {
			return s.name
		}
	}
	return nil
}

// raises says whether a value of a class of names gives more than everybody has.
func raises(class string, kind jsonscan.Kind, v []byte) bool {
	lower := strings.ToLower(string(v[:min(len(v), 64)]))
	switch class {
	case "privilege-flag", stateClass:
		return kind == jsonscan.True || kind == jsonscan.Number && lower != "0" || kind == jsonscan.String && isYes(lower)
	case "privilege-role":
		return kind == jsonscan.Number || kind == jsonscan.String && isHighRole(v)
	case "privilege", "privilege-group":
		return kind == jsonscan.String && isHighRole(v)
	}
	return false
}

func isYes(lower string) bool {
	return lower == "true" || lower == "yes" || lower == "1" || lower == "on"
}

// isHighRole says whether a value is the role of an administrator, or a right to change
// something.
func isHighRole(v []byte) bool {
	lower := strings.TrimPrefix(strings.ToLower(string(v[:min(len(v), 64)])), "role_")
	return isAdminWord(lower) || isComposedRole(lower) && holdsAdmin(lower) || isRight(v) && isStrongRight(lower)
}

func holdsAdmin(lower string) bool {
	return strings.Contains(lower, "admin") || strings.Contains(lower, "super") || strings.Contains(lower, "root") || strings.Contains(lower, "owner")
}

// isStrongRight leaves out rights to read and to look.
func isStrongRight(lower string) bool {
	return !strings.Contains(lower, "read") && !strings.Contains(lower, "view") && !strings.Contains(lower, "list")
}

// isFilter says whether a value is under the name of what a search asks for.
func isFilter(steps []itemStep) bool {
	for _, s := range steps[:max(0, len(steps)-1)] {
		switch string(bytes.ToLower(s.name)) {
		case "filter", "filters", "where", "query", "search", "criteria", "must", "match", "term", "conditions", "params", "variables", "sort", "select":
			return true
		}
	}
	return false
}

// managedWords are parts of paths that are there to give rights, to look for people, to
// speak, or to ask a service that decides rights.
var managedWords = []string{
	"admin", "administration", "role", "permission", "privilege", "group", "invite", "invitation", "member", "membership", "collaborator", "policy", "policie", "acl",
	"grant", "key", "apikey", "api_key", "user_role", "access_token", "token", "scope", "team", "workspace", "search", "query", "filter", "lookup", "find", "graphql", "message", "chat", "completion",
	"conversation", "login", "signin", "authorize", "introspect", "assume", "scim", "webhook", "event", "audit", "verify", "verification", "confirm", "confirmation",
	"payment", "transfer", "deposit", "topup",
}

// managesRights says whether a path is one where rights are given, or asked for, on purpose.
func managesRights(path []byte) bool {
	lower := bytes.ToLower(path[:min(len(path), 256)])
	for word := range bytes.FieldsFuncSeq(lower, func(r rune) bool { return r == '/' || r == '-' || r == ':' }) {
		if slices.Contains(managedWords, strings.TrimSuffix(string(word), "s")) {
			return true
		}
	}
	return false
}

// markEchoed marks what a response holds under the same name.
func markEchoed(list []assignment, body []byte) {
	eachScalar(body, func(steps []itemStep, _ jsonscan.Kind, value []byte) {
		name := nameOf(steps)
		for i := range list {
			a := &list[i]
			if bytes.EqualFold(a.name, name) && bytes.Equal(a.value, value) {
				a.echoed = true
			}
		}
	})
}

// callerToken returns the signed token of the Authorization header, if there is one.
func callerToken(x *classify.Exchange) []byte {
	v := x.Request.Header("authorization")
	if at := bytes.Index(v, []byte(jwtAnchor)); at >= 0 {
		return v[at:]
	}
	return nil
}

// mayAssign says whether the caller's token tells that rights may be given with it.
func mayAssign(c *classify.Candidate) bool {
	token := callerToken(c.X)
	if token == nil {
		return false
	}
	memo := claimsOf(c, token)
	if !memo.ok {
		return false
	}
	may, payload := false, memo.claims.payload
	s := jsonscan.New(payload)
	var name []byte
	for t := s.Next(); t.Kind != jsonscan.End; t = s.Next() {
		switch t.Kind {
		case jsonscan.Key:
			name = payload[t.Start:t.End]
		case jsonscan.True:
			may = may || c.Class(string(name)) == "privilege-flag"
		case jsonscan.String:
			may = may || classify.IsGrantClaim(name) && slices.ContainsFunc(bytes.Fields(payload[t.Start:t.End]), givesRights)
		}
	}
	return may
}

// givesRights says whether a scope or role is one of administrators, or one to write to users.
func givesRights(word []byte) bool {
	lower := strings.TrimPrefix(strings.ToLower(string(word[:min(len(word), 64)])), "role_")
	if isAdminWord(lower) || holdsAdmin(lower) || lower == "*" {
		return true
	}
	about := strings.Contains(lower, "user") || strings.Contains(lower, "role") || strings.Contains(lower, "account") || strings.Contains(lower, "iam")
	return about && (strings.Contains(lower, "write") || strings.Contains(lower, "manage") || strings.Contains(lower, "create") || strings.Contains(lower, "update") || strings.Contains(lower, "all") || strings.Contains(lower, "*"))
}
