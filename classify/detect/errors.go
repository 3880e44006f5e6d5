package detect

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

const (
	whyError = "Messages written for developers tell attackers which database, library and query they talk to, and whether an injection works."
	fixError = "Answer with a generic message and an id, and write the cause to the log under that id."
)

// errorRule is what the rules for verbose errors share.
func errorRule(id, title, similar string, cwe []string, on classify.Trigger) classify.Rule {
	return classify.Rule{
		ID: id, Category: classify.CategoryDebug, Severity: classify.Medium, Title: title, Why: whyError, Fix: fixError, Once: true,
		FalsePositives: similar, CWE: cwe, OWASP: []string{"API8:2023"}, On: on,
		Fixes: map[string]string{
			"flask":   "abort(404, description='not found') and an errorhandler that never returns str(error).",
			"fastapi": "An exception_handler for the driver's errors.",
			"django":  "DEBUG = False; custom handler404 and handler500.",
			"express": "res.status(500).json({error: 'internal error', id}).",
			"spring":  "server.error.include-message=never and a @ControllerAdvice.",
			"go":      "Map errors to public messages; never write err.Error() to the response.",
		},
	}
}

// inError says whether the candidate stands in an error: by status, by what
// stands before it, or by the name of a debug field.
func inError(c *classify.Candidate) bool {
	return c.X.Status >= 400 || c.Field == "debug" || nearError(c)
}

// nearError says whether the text before the candidate or the name it stands
// under speaks of an error or a query.
func nearError(c *classify.Candidate) bool {
	return holdsAny(c.Before(160), errorWords) || holdsAny(c.Key, errorWords)
}

var errorWords = []string{"sql:", "error", "exception", "query", "statement", "failed", "warning", "fatal", "cannot", "could not"}

// holdsAny says whether a text, of which only the first 192 bytes count, holds one
// of some lower-case words, in any case.
func holdsAny(text []byte, words []string) bool {
	var lower [192]byte
	n := copy(lower[:], text)
	for i, b := range lower[:n] {
		if 'A' <= b && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	for _, w := range words {
		if bytes.Contains(lower[:n], []byte(w)) {
			return true
		}
	}
	return false
}

// inProse says whether the candidate stands in a text that people wrote: under
// the name of one, or marked up as a heading or a piece of code, in an answer
// that is no error.
func inProse(c *classify.Candidate) bool {
	if c.X.Status >= 400 || c.Where != classify.InResponseBody {
		return false
	}
	switch string(bytes.ToLower(c.Key[:min(len(c.Key), 16)])) {
	case "title", "body", "content", "description", "summary", "text", "question", "answer", "excerpt", "extract", "explanation", "article", "html", "markdown", "readme",
		"heading", "headline", "notes", "changelog", "tags", "comment", "subject", "snippet", "abstract", "intro", "bio", "lead", "about":
		return true
	}
	before := c.Before(24)
	for _, mark := range proseMarks {
		if bytes.Contains(before, []byte(mark)) {
			return true
		}
	}
	return false
}

var proseMarks = []string{"<code", "<kbd", "<h1", "<h2", "<h3", "<h4", "<li>", "<li ", "<title", "<td>", "<a ", "<em>"}

func suggestionOracle() classify.Detector {
	rule := errorRule("error-suggestion", "An error suggests names that exist",
		"Only the sentence that GraphQL servers and routers write, followed by a quoted name, matches.",
		[]string{"CWE-209"},
		classify.Trigger{Anchors: []string{"Did you mean ", "did you mean "}, Parts: inResponseBody()})
	rule.Severity = classify.Low
	rule.Why = "Suggestions let an attacker find fields and routes that no documentation lists, one guess at a time."
	return &detector{rule, func(c *classify.Candidate) {
		next := c.Text[c.Hi:min(len(c.Text), c.Hi+2)]
		if len(next) > 0 && bytes.IndexByte([]byte("\"'`&/\\"), next[0]) >= 0 && (c.X.Status >= 400 || bytes.Contains(c.Before(80), []byte("query"))) {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "a suggestion of names"})
		}
	}}
}
