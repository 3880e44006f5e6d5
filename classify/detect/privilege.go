package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func privilegeField() classify.Detector {
	return &detector{classify.Rule{
		ID: "privilege-field", Category: classify.CategoryInternal, Severity: classify.Medium,
		Title: "A response tells roles or privileges",
		Why:   "It shows attackers which accounts are worth taking and which field a forged request would have to set.",
		Fix:   "Leave roles and flags out of the projection; let the client ask what it may do, not who is administrator.",
		FalsePositives: "Only flags, and the words of roles and rights under such a name, match; parts in a film, ARIA roles, speakers of a chat, the permissions " +
			"of a manifest, regions and schema documents stay silent. A route that may return it is allowed in the policy.",
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
		On: classify.Trigger{
			Anchors: []string{"ROLE_"}, Words: []string{"admin", "superuser", "super_admin", "moderator"},
			Fields: []string{"privilege", "privilege-flag", "privilege-role", "privilege-group", "pair-value", "typed-flag"}, Parts: inResponseBody(),
		},
	}, func(c *classify.Candidate) {
		m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "•••"}
		if c.Anchor == "" && (c.Field == "pair-value" || c.Field == "typed-flag") {
			if e, ok := typedPrivilege(c); ok {
				e.Report(m)
			}
			return
		}
		switch {
		case c.Anchor == "":
			if c.Kind == classify.Text || c.Kind == classify.Container || !isPrivilege(c.Field, c.Kind, c.Value()) || isOtherRole(c) {
				return
			}
		case !isNamedRole(c):
			return
		}
		c.Report(m)
	}}
}

// isOtherRole says whether a word of a role tells nothing about an account where it stands.
func isOtherRole(c *classify.Candidate) bool {
	return inCode(c) || isCount(c) || inPair(c) && !isRecordPair(c) || isSpeaker(c) || isOfRepository(c) || isOfProject(c)
}

// typedPrivilege returns a privilege of which another member gives the name: {"name": "role", "value": "admin"},
// or the object around it: {"isAdmin": {"BOOL": true}} as DynamoDB writes items.
func typedPrivilege(c *classify.Candidate) (e classify.Candidate, ok bool) {
	if c.Field == "typed-flag" {
		e, ok = typedValue(c)
		return e, ok && e.Field == "privilege-flag"
	}
	e, ok = resolved(c)
	return e, ok && strings.HasPrefix(e.Field, "privilege") && isPrivilege(e.Field, e.Kind, e.Value())
}

// isCount says whether a number is how many roles or groups there are, and no id of one.
func isCount(c *classify.Candidate) bool {
	if c.Kind != classify.Number || inList(c) {
		return false
	}
	var buf [maxNear]byte
	name := lowered(buf[:], c.Key)
	return bytes.HasSuffix(name, []byte("s")) && !bytes.HasSuffix(name, []byte("ids")) && !bytes.HasSuffix(name, []byte("access"))
}

// inList says whether a value of a document is an item of a list.
func inList(c *classify.Candidate) bool {
	before, _ := c.Around(maxNear)
	rest := trimEnd(before)
	return bytes.IndexByte(before[len(rest):], ',') >= 0 || bytes.HasSuffix(rest, []byte("["))
}

// isOfRepository knows what public answers of code hosts tell of each repository: what
// the caller may do with it, and whether its owner works for the host (GitHub REST API,
// "Get a repository"; Gitea and Forgejo answer alike).
func isOfRepository(c *classify.Candidate) bool {
	switch string(c.Key) {
	case "access_level": // GitLab's Projects API
		parent := c.Parent()
		return strings.HasSuffix(parent, "/group_access") || strings.HasSuffix(parent, "/project_access")
	case "site_admin":
		return string(c.Value()) == "false"
	case "admin":
		before, behind := c.Around(maxNear)
		return holdsAny(before, rightsOnCode) || holdsAny(behind, rightsOnCode)
	}
	return false
}

// isOfProject says whether a role is that of a developer in the description of a project
// (Maven, "POM Reference", developers and contributors): it is published with it.
func isOfProject(c *classify.Candidate) bool {
	if !strings.Contains(c.ContentType(), "xml") {
		return false
	}
	body := c.ResponseBody()
	return bytes.Contains(body[:min(len(body), maxProlog)], []byte("<project"))
}

// maxProlog bounds the bytes in which the first element of a document starts.
const maxProlog = 1 << 10

var rightsOnCode = []string{"\"push", "\"pull", "\"maintain", "\"triage"}

// isRecordPair says whether a pair in running text is a field of a record: its
// name starts a line, as in YAML, or stands in quotes, as in a dictionary, or is that
// of an attribute in XML; in HTML, code and prose it is none of them.
func isRecordPair(c *classify.Candidate) bool {
	switch t := c.ContentType(); {
	case strings.Contains(t, "html"):
		return isInState(c)
	case strings.Contains(t, "xml"):
		return true
	}
	if c.Lo > 0 && c.Text[c.Lo-1] == '>' { // the text of an element
		return true
	}
	at := bytes.LastIndex(c.Before(len(c.Key)+16), c.Key)
	if at < 0 {
		return false
	}
	start := max(0, c.Lo-len(c.Key)-16) + at
	for start > 0 && (c.Text[start-1] == ' ' || c.Text[start-1] == '-') {
		start--
	}
	if start == 0 || c.Text[start-1] == '\n' { // a line of its own, and no sentence
		return c.Hi == len(c.Text) || c.Text[c.Hi] == '\r' || c.Text[c.Hi] == '\n'
	}
	switch c.Text[start-1] {
	case '"', '\'', '{', ',':
		return true
	}
	return false
}

// isInState says whether a pair is a member of a JSON object in a page: the state that a script
// starts with (HTML, section 4.12.1, data blocks). Scripts write names without quotes.
func isInState(c *classify.Candidate) bool {
	before := c.Before(len(c.Key) + 32)
	for _, quote := range []string{`"`, "&quot;"} {
		name := bytes.TrimRight(before, " :")
		name = bytes.TrimRight(bytes.TrimSuffix(name, []byte(quote)), " :") // a string's own
		name, ok := bytes.CutSuffix(bytes.TrimSuffix(name, []byte(quote)), c.Key)
		if !ok {
			continue
		}
		name, ok = bytes.CutSuffix(name, []byte(quote))
		name = bytes.TrimRight(name, " \n")
		return ok && (bytes.HasSuffix(name, []byte("{")) || bytes.HasSuffix(name, []byte(",")))
	}
	return false
}

// isPrivilege judges a value by the class of its name: flags are flags, under the
// name of somebody's role each word is one, and under names that mean much else only
// the words of roles and rights are.
func isPrivilege(class string, kind classify.ValueKind, v []byte) bool {
	v = bytes.TrimSpace(v)
	switch class {
	case "privilege-flag":
		return kind == classify.Bool || isFlag(v)
	case "privilege-role":
		return kind == classify.Number || kind != classify.Bool && isRoleOfAccount(v)
	case "privilege":
		if isDirectoryName(v) {
			return true
		}
		v, _, _ = bytes.Cut(v, []byte(",")) // of a list in one string the first speaks
		return kind == classify.String && (isRoleWord(v) || isRight(v))
	case "privilege-group":
		return kind == classify.String && isRoleGroup(v)
	}
	return false
}

func isRoleOfAccount(v []byte) bool {
	return len(v) <= 64 && isWord(v) && !isSchemaWord(v) && !isMasked(v) && !isNothing(v)
}

// isRoleGroup is stricter than isRoleWord: products have groups too.
func isRoleGroup(v []byte) bool {
	lower := strings.ToLower(string(v[:min(len(v), 64)]))
	return isAdminWord(lower) || isUserGroup(lower) || isRoleWord(v) && !isRoleName(lower) || isDirectoryName(v)
}

func isFlag(v []byte) bool {
	switch strings.ToLower(string(v[:min(len(v), 6)])) {
	case "true", "false", "1", "0", "yes", "no", "y", "n", "t", "f":
		return true
	}
	return false
}

// isWord says whether a value is a word as programs write them.
func isWord(v []byte) bool {
	for _, b := range v {
		if !isWordByte(b) && b != '-' && b != ':' && b != '.' && b != '*' {
			return false
		}
	}
	return len(v) > 1
}

// isRoleWord says whether a value is the name of a role: alone, with a prefix as
// Spring writes it (ROLE_), or made of one and a further word (billing_admin).
func isRoleWord(v []byte) bool {
	if len(v) < 2 || len(v) > 48 || !isWord(bytes.ReplaceAll(v, []byte(" "), []byte("_"))) {
		return false
	}
	lower := strings.ToLower(string(v))
	if word, ok := strings.CutPrefix(lower, "role_"); ok {
		return word != ""
	}
	return isRoleName(lower) || isComposedRole(lower)
}

// isComposedRole says whether a role is made of a word of administrators and one or
// two others: billing_admin. Managers and owners with a space are jobs.
func isComposedRole(lower string) bool {
	parts := strings.FieldsFunc(lower, func(r rune) bool { return strings.ContainsRune("_- :.", r) })
	if len(parts) < 2 || len(parts) > 3 {
		return false
	}
	first, last := parts[0], parts[len(parts)-1]
	if strings.Contains(lower, " ") {
		return strings.HasSuffix(first, "admin") || strings.HasPrefix(last, "admin") || last == "superuser" || last == "moderator"
	}
	return isAdminWord(first) || isAdminWord(last)
}

func isRoleName(lower string) bool {
	switch lower {
	case "user", "users", "member", "editor", "author", "contributor", "subscriber", "viewer", "reader", "owner", "guest", "customer", "employee", "agent",
		"manager", "supervisor", "operator", "analyst", "auditor", "developer", "maintainer", "reporter", "accountant", "vendor", "seller", "merchant", "teacher", "student",
		"instructor", "doctor", "nurse", "librarian", "partner", "power_user", "poweruser", "authenticated", "billing",
		"tenant", "publisher", "approver", "reviewer", "collaborator", "benutzer", "utilisateur", "usuario":
		return true
	}
	return isAdminWord(lower)
}

// isUserGroup knows the groups of accounts that are no groups of anything else.
func isUserGroup(lower string) bool {
	switch lower {
	case "user", "users", "member", "members", "editor", "editors", "developers", "guest", "guests", "moderators", "managers", "operators", "domain users", "domain admins":
		return true
	}
	return false
}

// isAdminWord knows the roles that may do more than others.
func isAdminWord(lower string) bool {
	switch lower {
	case "admin", "admins", "administrator", "administrators", "superadmin", "superuser", "super", "root", "sysadmin", "staff", "moderator", "mod", "owner", "sudo", "sudoers", "wheel",
		"sysop", "operator", "manager", "supervisor", "administrateur", "administrador", "amministratore", "beheerder", "master_admin":
		return true
	}
	return false
}

// rights are verbs of permissions; a right names one beside what it is a right to:
// users:write, orders.delete, add_user, CAN_EDIT.
var rights = map[string]bool{
	"read": true, "write": true, "admin": true, "delete": true, "create": true, "update": true, "manage": true, "edit": true, "view": true, "list": true, "add": true, "change": true,
	"execute": true, "approve": true, "export": true, "impersonate": true, "full": true, "all": true, "any": true, "grant": true, "assign": true, "remove": true, "publish": true, "can": true,
	"superuser": true, "moderator": true, "owner": true, "staff": true, "editor": true, "privileges": true, "root": true, "role": true, "manager": true, "viewer": true,
}

func isRight(v []byte) bool {
	if len(v) < 3 || len(v) > 64 || !isWord(v) || isOfManifest(v) {
		return string(v) == "*"
	}
	lower := strings.ToLower(string(v))
	switch lower { // one verb for itself
	case "admin", "write", "delete", "all", "manage", "superuser", "impersonate", "full_access":
		return true
	}
	parts := strings.FieldsFunc(lower, func(r rune) bool { return strings.ContainsRune("_-:.", r) })
	return len(parts) > 1 && slices.ContainsFunc(parts, func(part string) bool { return rights[part] || part == "*" })
}

// isOfManifest knows how the permissions of applications on telephones start.
func isOfManifest(v []byte) bool {
	for _, prefix := range []string{"android.", "com.", "ohos."} {
		if bytes.HasPrefix(v, []byte(prefix)) {
			return true
		}
	}
	return false
}

// isDirectoryName matches a directory's name of an entry (RFC 4514).
func isDirectoryName(v []byte) bool {
	if len(v) > 256 {
		return false
	}
	lower := bytes.ToLower(v)
	return bytes.Contains(lower, []byte(",dc=")) && (bytes.HasPrefix(lower, []byte("cn=")) || bytes.HasPrefix(lower, []byte("uid=")) || bytes.HasPrefix(lower, []byte("ou=")))
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

// maxSpeech bounds the bytes around a role in which a chat shows that it is one.
const maxSpeech = 1 << 10

// isSpeaker says whether a role is that of who speaks in a chat: {"role":"user",
// "content":…}, as the APIs of language models write messages; or of who made a
// film or a book.
func isSpeaker(c *classify.Candidate) bool {
	if !equalFold(c.Key, "role") || !equalFold(c.Value(), "user") {
		return equalFold(c.Key, "role") && string(c.Value()) != "admin" && holdsAny([]byte(c.Parent()), creditLists)
	}
	before, behind := c.Around(maxSpeech)
	for _, other := range []string{`"content`, `"parts`, `"assistant`} {
		if bytes.Contains(before, []byte(other)) || bytes.Contains(behind, []byte(other)) {
			return true
		}
	}
	return false
}

// creditLists are names of lists of people who made something: their roles are
// crafts.
var creditLists = []string{"cast", "crew", "credit", "contributor", "author", "artist", "actor", "creator", "character", "player", "line", "team", "speaker", "testimonial", "job", "vacanc", "position", "people", "founder", "board"}

// isNamedRole says whether a word is the whole name of a role or right in a list
// of them: {"roles":[{"id":1,"name":"admin"}]}.
func isNamedRole(c *classify.Candidate) bool {
	if c.Kind != classify.String || c.Lo != 0 || len(c.Text) > 48 || c.Field != "" && c.Field != "pair-value" || !isRoleWord(c.Text) {
		return false
	}
	switch string(bytes.ToLower(c.Key[:min(len(c.Key), 16)])) {
	case "name", "slug", "code", "key", "title", "label", "value", "display_name", "displayname", "type":
	default:
		return false
	}
	at := strings.ToLower(c.Parent())
	for _, list := range []string{"role", "authorit", "permission", "group", "privilege"} {
		if strings.Contains(at, list) {
			return true
		}
	}
	return false
}
