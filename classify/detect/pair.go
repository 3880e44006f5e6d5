package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// pairNames are the members that name what a member "value" beside them holds:
// lists of headers and variables ({"name": "DB_PASSWORD", "value": "…"}), XML
// properties, HTML inputs, tags and parameters of AWS.
var pairNames = []string{"name", "key", "field", "header", "variable", "property", "k", "campo", "feld", "champ", "nome", "nombre"}

// weakPairNames do so where what they hold has a class: id, label and question of forms, system of
// FHIR's Identifier and ContactPoint, type of Keycloak's credentials.
var weakPairNames = []string{"id", "system", "type", "label", "text", "question", "title"}

// pairValues end the names of members that hold what another one names.
var pairValues = []string{"value", "valor", "valeur", "valore", "wert", "answer"}

// maxSiblings bounds the members beside a value that are looked at for its name, in each direction.
const maxSiblings = 4

// pairValue returns the candidate of a member "value" under the name that a member beside it
// gives; ok is false where none does.
func pairValue(c *classify.Candidate) (e classify.Candidate, ok bool) {
	name, class := pairName(c)
	if class == "" {
		return e, false
	}
	e = *c
	e.Key, e.Field = name, class
	return e, true
}

// pairName returns the name that a member beside a value gives, and its class; "" where none does.
func pairName(c *classify.Candidate) (name []byte, class string) {
	before, behind := c.Around(besideBytes)
	memo := &memoOf(c).pair
	if !memo.holds(before, behind) {
		name = nameBeside(c, before, behind)
		if len(name) > 0 && len(name) <= 64 {
			class = c.Class(string(name))
		}
		if class == "pair-value" {
			class = ""
		}
		memo.keep(before, behind, name, class)
	}
	if memo.class == "" {
		return nil, ""
	}
	return memo.name(before, behind), memo.class
}

// nameBeside finds the name in the bytes around a value.
func nameBeside(c *classify.Candidate, before, behind []byte) []byte {
	rest := bytes.TrimRight(before, `"'\:= `)
	own := trailingName(rest)
	if name := labelOf(own, before, behind); name != nil {
		return name
	}
	stem, isValue := valueStem(own)
	if !isValue || len(rest) == len(before) {
		return nil
	}
	return siblingName(c, stem, rest[:len(rest)-len(own)], behind)
}

// accountKey is the name of what Azure Storage lists beside "keyName" ("Storage Accounts - List Keys").
const accountKey = "account key"

// valueStem returns what stands before "value" in a name: ParameterValue is beside ParameterKey.
func valueStem(name []byte) (stem []byte, ok bool) {
	for _, end := range pairValues {
		if n := len(name) - len(end); n >= 0 && equalFold(name[n:], end) {
			return bytes.TrimRight(name[:n], "_-."), true
		}
	}
	return nil, false
}

// siblingName looks for the name among the members before a value, and then behind it.
func siblingName(c *classify.Candidate, stem, before, behind []byte) []byte {
	if key, _, _, ok := memberAhead(before); ok && len(stem) == 0 && string(key) == "keyName" {
		return []byte(accountKey)
	}
	for _, side := range []struct {
		text []byte
		next func([]byte) (key, value, rest []byte, ok bool)
	}{{before, memberAhead}, {behind, memberBehind}} {
		for text, n := side.text, 0; n < maxSiblings; n++ {
			key, value, rest, ok := side.next(text)
			if !ok {
				break
			}
			if isPairName(c, stem, key, value) {
				return value
			}
			text = rest
		}
	}
	return nil
}

// isPairName says whether a member gives the name of what the value beside it holds.
func isPairName(c *classify.Candidate, stem, key, value []byte) bool {
	if isOneOf(key, pairNames) {
		return true
	}
	if n := len(stem); n > 0 && len(key) >= n && equalFold(key[:n], string(stem)) {
		rest := bytes.TrimLeft(key[n:], "_-.")
		return len(rest) == 0 || isOneOf(rest, pairNames)
	}
	return isOneOf(key, weakPairNames) && len(value) <= 64 && c.Class(string(value)) != ""
}

// isOneOf says whether a name is one of those in small letters.
func isOneOf(name []byte, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return len(n) == len(name) && equalFold(name, n) })
}

// trailingName returns the name that a text ends with.
func trailingName(text []byte) []byte {
	return text[bytes.LastIndexFunc(text, func(r rune) bool { return r > 0x7F || !isWordByte(byte(r)) })+1:]
}

// aroundNames are quotes and the backslashes before them.
const aroundNames = `"'\`

// trimEnd removes white space and commas from the end of a text, those too that are still escaped.
func trimEnd(text []byte) []byte {
	for {
		text = bytes.TrimRight(text, ", \n\r\t")
		if n := len(text); n < 2 || text[n-2] != '\\' || !isSpaceLetter(text[n-1]) {
			return text
		}
		text = text[:len(text)-2]
	}
}

// trimStart removes them from the start.
func trimStart(text []byte) []byte {
	for {
		text = bytes.TrimLeft(text, ", \n\r\t")
		if len(text) < 2 || text[0] != '\\' || !isSpaceLetter(text[1]) {
			return text
		}
		text = text[2:]
	}
}

// isSpaceLetter knows the letters of escapes that stand for white space (RFC 8259, section 7).
func isSpaceLetter(b byte) bool { return b == 'n' || b == 'r' || b == 't' }

// memberAhead reads the last member of a text, with its quotes and their escapes if it has some:
// "name": "x", or name="x", or name: x.
func memberAhead(text []byte) (key, value, rest []byte, ok bool) {
	text = trimEnd(bytes.TrimRight(text, aroundNames))
	if n := len(text); n > 0 && (text[n-1] == '"' || text[n-1] == '\'') {
		start := bytes.LastIndexByte(text[:n-1], text[n-1])
		if start < 0 {
			return nil, nil, nil, false
		}
		value, text = bytes.TrimRight(text[start+1:n-1], `\`), text[:start]
	} else {
		start := bytes.LastIndexAny(text, "\"'=,:{}[] \n\t") + 1
		value, text = text[start:], text[:start]
	}
	name := bytes.TrimRight(text, `\:= `)
	signed := len(name) < len(text)
	name = bytes.TrimRight(name, aroundNames)
	key = trailingName(name)
	return key, value, name[:len(name)-len(key)], len(key) > 0 && signed
}

// memberBehind reads the first member behind a value, whose closing quote the text starts with.
func memberBehind(text []byte) (key, value, rest []byte, ok bool) {
	text = bytes.TrimPrefix(text, []byte(`\`))
	text = trimStart(bytes.TrimLeft(text, `"'`))
	text = bytes.TrimLeft(text, aroundNames)
	n := 0
	for n < len(text) && isWordByte(text[n]) {
		n++
	}
	key, text = text[:n], text[n:]
	text = bytes.TrimLeft(text, aroundNames)
	if n == 0 || len(text) == 0 || text[0] != ':' && text[0] != '=' {
		return nil, nil, nil, false
	}
	text = bytes.TrimLeft(text[1:], ` \`)
	var end int
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		end = 1 + indexOrEnd(text[1:], string(text[:1]))
		value = bytes.TrimRight(text[1:end], `\`)
	} else {
		end = indexOrEnd(text, "\"',{}[] \n\t")
		value = text[:end]
	}
	return key, value, text[end:], true
}

// labelOf returns the label of a custom string of the Common Event Format (ArcSight, "CEF
// Implementation Standard": cs1 and cs1Label), as text or as a member; nil where a value has none.
func labelOf(own, before, behind []byte) []byte {
	if !isCustomString(own) {
		return nil
	}
	label := string(own) + "Label"
	for _, text := range [][]byte{behind, before} {
		_, value, ok := bytes.Cut(text, []byte(label))
		if !ok {
			continue
		}
		if value = bytes.TrimLeft(value, `"'\:= `); len(value) == 0 {
			continue
		}
		value = value[:indexOrEnd(value, "\"'\\\n|")]
		if i := bytes.IndexByte(value, '='); i >= 0 { // the next name
			value = value[:max(0, bytes.LastIndexByte(value[:i], ' '))]
		}
		return bytes.TrimSpace(value)
	}
	return nil
}

// isCustomString knows the names of those fields, and what Microsoft Sentinel calls them.
func isCustomString(name []byte) bool {
	if len(name) < 3 || name[len(name)-1] < '1' || name[len(name)-1] > '6' {
		return false
	}
	switch string(name[:len(name)-1]) {
	case "cs", "flexString", "DeviceCustomString", "deviceCustomString":
		return true
	}
	return false
}

// inPairs makes a detector see the members "value" that the member beside or the object around them
// names, as well: {"name": "ssn", "value": "…"} in the answers of forms, {"ssn": {"S": "…"}} in
// DynamoDB. What it finds has digits.
func inPairs(d classify.Detector) classify.Detector {
	on := d.Rule().On
	return also(d, classify.Trigger{Fields: []string{"pair-value"}}, func(c *classify.Candidate) bool {
		if c.Field != "pair-value" || c.Anchor != "" {
			return false
		}
		if bytes.ContainsAny(c.Value(), "0123456789") {
			name, class := pairName(c)
			if class == "" {
				name, class = typedName(c)
			}
			if slices.Contains(on.Fields, class) {
				e := *c
				e.Key, e.Field = name, class
				d.Detect(&e)
				return true
			}
		}
		return on.Digits == 0 // else the candidate may be the run of digits that it asks for
	})
}

// typedValue returns the candidate of a member "value", or one that is named after a type, as
// the value of the object that it stands in.
func typedValue(c *classify.Candidate) (e classify.Candidate, ok bool) {
	if inPair(c) || equalFold(c.Key, "answer") { // of a form, which has no object for each
		return e, false
	}
	parent := c.Parent()
	name := parent[strings.LastIndexByte(parent, '/')+1:]
	e = *c
	e.Key, e.Field = []byte(name), c.Class(name)
	return e, e.Field != "" && e.Field != "pair-value"
}

// typedName is that of the object around a value that is named after a type, with its class.
func typedName(c *classify.Candidate) (name []byte, class string) {
	if c.Kind != classify.String || !isOneOf(c.Key, typeKeys) {
		return nil, ""
	}
	if e, ok := typedValue(c); ok {
		return e.Key, e.Field
	}
	return nil, ""
}

// typeKeys are the names of types under which DynamoDB, Avro and Firestore write values.
var typeKeys = []string{"s", "string", "stringvalue"}

// resolved returns the candidate as the rule has to see it: under the name that the
// member or argument before it gives, or as it is. It is none where the candidate is an anchor of
// the rule.
func resolved(c *classify.Candidate) (e classify.Candidate, ok bool) {
	switch {
	case c.Anchor != "":
		return e, false
	case c.Field == "argument":
		return argumentValue(c)
	case c.Field == "pair-value":
		if c.Kind != classify.String {
			return e, false
		}
		if e, ok = pairValue(c); ok {
			return e, true
		}
		return typedValue(c)
	}
	return *c, true
}
