package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// pairNames are the members that name what a member "value" behind them holds:
// lists of headers and variables ({"name": "DB_PASSWORD", "value": "…"}), XML
// properties, HTML inputs; system is that of FHIR's Identifier and ContactPoint, type that of
// Keycloak's credentials.
var pairNames = []string{"name", "key", "field", "header", "variable", "id", "property", "k", "system", "type", "campo", "feld", "champ", "nome", "nombre"}

// pairValues end the names of members that hold what another one names.
var pairValues = []string{"value", "valor", "valeur", "valore", "wert"}

// pairValue returns the candidate of a member "value" under the name that the
// member before it gives; ok is false where none does.
func pairValue(c *classify.Candidate) (e classify.Candidate, ok bool) {
	before, _ := c.Around(besideBytes)
	rest := bytes.TrimRight(before, `"'\:= `)
	for _, end := range pairValues {
		if rest, ok = bytes.CutSuffix(rest, []byte(end)); ok {
			break
		}
	}
	if !ok {
		return e, false
	}
	rest = bytes.TrimRight(rest, `"'\ ,`+"\n\t")
	if len(rest) == len(before) || len(rest) == 0 {
		return e, false
	}
	start := bytes.LastIndexAny(rest, `"'=`) + 1
	name := rest[start:]
	rest = bytes.TrimRight(rest[:start], `"'\:= `)
	word := bytes.LastIndexFunc(rest, func(r rune) bool { return r > 0x7F || !isWordByte(byte(r)) }) + 1
	if len(name) == 0 || len(name) > 64 || !slices.Contains(pairNames, string(rest[word:])) {
		return e, false
	}
	e = *c
	e.Key, e.Field = name, c.Class(string(name))
	return e, e.Field != "" && e.Field != "pair-value"
}

// inPairs makes a detector see the members "value" that the member before them names, as well:
// {"name": "ssn", "value": "…"} in the answers of forms. What it finds has digits.
func inPairs(d classify.Detector) classify.Detector {
	on := d.Rule().On
	return also(d, classify.Trigger{Fields: []string{"pair-value"}}, func(c *classify.Candidate) bool {
		if c.Field != "pair-value" || c.Anchor != "" {
			return false
		}
		if bytes.ContainsAny(c.Value(), "0123456789") {
			if e, ok := pairValue(c); ok && slices.Contains(on.Fields, e.Field) {
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
	if inPair(c) {
		return e, false
	}
	parent := c.Parent()
	name := parent[strings.LastIndexByte(parent, '/')+1:]
	e = *c
	e.Key, e.Field = []byte(name), c.Class(name)
	return e, e.Field != "" && e.Field != "pair-value"
}

// resolved returns the candidate as the rule has to see it: under the name that the
// member before it gives, or as it is. It is none where the candidate is an anchor of
// the rule.
func resolved(c *classify.Candidate) (e classify.Candidate, ok bool) {
	switch {
	case c.Anchor != "":
		return e, false
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
