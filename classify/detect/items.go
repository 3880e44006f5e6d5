package detect

import (
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

const (
	// minItems is the length of the shortest list in which an exception shows.
	minItems = 4
	// maxLists bounds how often the items of a response's lists are counted.
	maxLists = 8
)

func inconsistentItems() classify.Detector {
	return &detector{classify.Rule{
		ID: "inconsistent-items", Category: classify.CategoryExcess, Severity: classify.Low,
		Title:          "Some items of a list tell more than the others",
		Why:            "A filter that is missing on one code path hands out fields that the service means to hide.",
		Fix:            "Serialize the items of a list with one schema, whatever their kind or owner.",
		FalsePositives: "Only sensitive fields count, and only where most items lack the field's name; a field of people that is optional is information.",
		CWE:            []string{"CWE-213"}, OWASP: []string{"API3:2023"},
		Fixes: map[string]string{
			"flask": "One public schema with many=True.", "django": "One serializer for all items; no conditional to_representation.", "spring": "One projection type for the page.",
		},
	}, func(c *classify.Candidate) {
		var seen []string // made only where there is something to count
		tries := 0
		for _, f := range c.View.Findings {
			list, name, ok := itemField(f)
			if !ok || slices.Contains(seen, list) || tries == maxLists {
				continue
			}
			tries++
			doc, path := layerOf(c.ResponseBody(), list)
			items, holders := countItems(doc, path, name)
			if items < minItems || holders == 0 || holders*2 > items {
				continue
			}
			seen = append(seen, list)
			m := classify.Match{Show: "a field that most items lack", Count: holders, Where: classify.InResponseBody, Pointer: list}
			if f.Rule.Category == classify.CategoryPersonal {
				m.Severity = classify.Info
			}
			c.Report(m)
		}
	}}
}

// itemField splits the pointer of a finding into that of a list and the name of a
// member of its items.
func itemField(f *classify.Finding) (list, name string, ok bool) {
	if f.Where != classify.InResponseBody || f.Allowed() || !isAttribute(f.Rule) && f.Rule.Category != classify.CategoryInternal {
		return "", "", false
	}
	layer := strings.LastIndex(f.Pointer, jsonLayer) + 1
	list, rest, ok := strings.Cut(f.Pointer[layer:], "/*/")
	name, _, _ = strings.Cut(rest, "/")
	return f.Pointer[:layer] + list, name, ok && name != "*" && name != ""
}

// jsonLayer marks a document in a string in a pointer.
const jsonLayer = "#json"

// layerOf returns the document of a response body that a pointer leads into, through
// strings that hold documents, and the names from its top; nil where the pointer
// does not tell the way.
func layerOf(doc []byte, pointer string) (inner []byte, path []string) {
	for {
		outer, inner, deeper := strings.Cut(pointer, jsonLayer)
		path = strings.Split(outer, "/")[1:]
		if !deeper {
			return doc, path
		}
		doc, pointer = stringAt(doc, path), inner
	}
}

// stringAt returns the string that a path of names leads to, unescaped.
func stringAt(doc []byte, path []string) []byte {
	s := jsonscan.New(doc)
	var steps []itemStep
	for {
		t := s.Next()
		switch t.Kind {
		case jsonscan.End:
			return nil
		case jsonscan.String:
			if len(steps) == len(path) && matches(steps, path) {
				return jsonscan.AppendUnescaped(nil, doc[t.Start:t.End])
			}
		default:
			steps = along(steps, doc, t)
		}
	}
}

// along takes the step of a token.
func along(steps []itemStep, doc []byte, t jsonscan.Token) []itemStep {
	switch t.Kind {
	case jsonscan.BeginObject, jsonscan.BeginArray:
		return append(steps, itemStep{list: t.Kind == jsonscan.BeginArray})
	case jsonscan.EndObject, jsonscan.EndArray:
		return steps[:max(0, len(steps)-1)]
	case jsonscan.Key:
		if len(steps) > 0 {
			steps[len(steps)-1].name = doc[t.Start:t.End]
		}
	}
	return steps
}

// itemStep is one step of the way to a token: a member's name, or none in a list.
type itemStep struct {
	name        []byte
	list, holds bool
}

// countItems counts the objects in the list that a path of names leads to, and
// those of them with a member of that name.
func countItems(doc []byte, path []string, name string) (items, holders int) {
	s := jsonscan.New(doc)
	var steps []itemStep
	depth := len(path) + 2 // of the items' members
	for {
		t := s.Next()
		if t.Kind == jsonscan.End {
			return items, holders
		}
		steps = along(steps, doc, t)
		if len(steps) != depth || !matches(steps, path) || !steps[depth-2].list {
			continue
		}
		switch item := &steps[depth-1]; {
		case t.Kind == jsonscan.BeginObject:
			items++
		case t.Kind == jsonscan.Key && !item.holds && string(item.name) == name:
			item.holds = true
			holders++
		}
	}
}

// matches says whether steps begin with a path of names.
func matches(steps []itemStep, path []string) bool {
	for i, name := range path {
		if steps[i].list || string(steps[i].name) != name {
			return false
		}
	}
	return true
}

func structuredTrace() classify.Detector {
	return &detector{classify.Rule{
		ID: "stack-trace-structured", Category: classify.CategoryDebug, Severity: classify.High,
		Title:          "A response holds a stack trace as data",
		Why:            "Traces name files, functions, versions and often values: a map for the next attack.",
		Fix:            "Answer errors with a generic message and an id; write the trace to the log under that id.",
		FalsePositives: "Only lists under the name of a trace count, whose objects name files of the server.",
		CWE:            []string{"CWE-209"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{"laravel": "APP_DEBUG=false.", "symfony": "APP_ENV=prod, and no exposed debug key in a problem's normalizer."},
	}, func(c *classify.Candidate) {
		for _, f := range c.View.Findings {
			if f.Rule.ID != "error-path" || f.Where != classify.InResponseBody {
				continue
			}
			list, file, ok := cutLast(f.Pointer, "/*/")
			if _, name, _ := cutLast(list, "/"); ok && isFileName(file) && (c.Class(name) == "debug" || name == "frames") {
				c.Report(classify.Match{Show: "frames", Where: f.Where, Pointer: list, Count: f.Count})
				return
			}
		}
	}}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// isFileName knows the members of a frame that name its file.
func isFileName(name string) bool {
	switch strings.ToLower(name) {
	case "file", "filename", "file_name", "abs_path", "path", "source", "script", "uri":
		return true
	}
	return false
}
