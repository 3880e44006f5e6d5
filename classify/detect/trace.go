package detect

import (
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

// A runtime's traces: which bytes every frame holds, and the expression that
// tells a frame from prose. Expressions are tried on the lines around an
// anchor, with JSON and HTML escapes in place.
type runtime struct {
	id, name string
	anchors  []string
	frame    *regexp.Regexp
	fixes    map[string]string
}

// traceBefore and traceBehind bound the text around an anchor in which a frame
// has to be.
const (
	traceBefore = 320
	traceBehind = 320
)

// traceRule makes the detector of one runtime.
func traceRule(r runtime) classify.Detector {
	return &detector{classify.Rule{
		ID: "stack-trace-" + r.id, Category: classify.CategoryDebug, Severity: classify.High, Once: true,
		Title: "A response holds a " + r.name + " stack trace",
		Why:   "Traces name files, functions, versions and often values: a map for the next attack.",
		Fix:   "Answer errors with a generic message and an id; write the trace to the log under that id.",
		FalsePositives: "Prose that mentions exceptions or file names stays silent: a frame in the runtime's own form is needed. In a log, where " +
			"traces belong, it is information.",
		CWE: []string{"CWE-209"}, OWASP: []string{"API8:2023"}, Fixes: r.fixes,
		On: classify.Trigger{Anchors: r.anchors, Parts: []classify.Where{classify.InResponseBody, classify.InResponseHeader, classify.InRecord}},
	}, func(c *classify.Candidate) {
		lo := max(0, c.Lo-traceBefore)
		loc := r.frame.FindIndex(c.Text[lo:min(len(c.Text), c.Lo+traceBehind)])
		if loc == nil || lo+loc[1] < c.Lo {
			return
		}
		m := classify.Match{Lo: lo + loc[0], Hi: lo + loc[1], Show: r.name + " frames", Confidence: classify.HighConfidence}
		if c.Where == classify.InRecord {
			m.Severity = classify.Info
		}
		c.Report(m)
	}}
}

// quoteRE matches a double quote as it stands in text, JSON and HTML.
const quoteRE = `(?:\\*"|&quot;|&#34;|\\u0022)`

func pythonTrace() classify.Detector {
	return traceRule(runtime{
		id: "python", name: "Python",
		anchors: []string{"(most recent call last)", ", line "},
		frame: regexp.MustCompile(`Traceback (?:<em>)?\(most recent call last\)|File ` + quoteRE + `[^"\n]{1,200}` + quoteRE +
			`, line (?:<[^>]{1,40}>)?\d+(?:</[^>]{1,20}>)?,?\s*\n?\s*in `),
		fixes: map[string]string{
			"flask":   "Register an errorhandler(Exception) that returns a generic body; never format_exc(); debug off.",
			"fastapi": "Add an exception_handler; run with debug=False.",
			"django":  "DEBUG = False and a handler500.",
		},
	})
}

func javaTrace() classify.Detector {
	return traceRule(runtime{
		id: "java", name: "Java",
		anchors: []string{".java:", ".kt:", ".scala:", ".groovy:", "(Native Method)", "(Unknown Source)"},
		frame:   regexp.MustCompile(`\bat [\w$.<>/@-]+\.[\w$<>]+\((?:[\w$-]+\.(?:java|kt|scala|groovy):\d+|Native Method|Unknown Source)\)`),
		fixes: map[string]string{
			"spring": "server.error.include-stacktrace=never, server.error.include-message=never, and a @ControllerAdvice.",
		},
	})
}

func nodeTrace() classify.Detector {
	return traceRule(runtime{
		id: "node", name: "Node.js",
		anchors: []string{".js:", ".ts:", ".mjs:", ".cjs:", "node:internal"},
		frame: regexp.MustCompile(`\bat (?:async )?(?:[\w$.<>\[\] ]{1,120} \(|&lt;anonymous&gt; \()?` +
			`(?:file:///|node:|webpack|/|[A-Z]:\\{1,2})[^\s()]{0,200}:\d+:\d+\)?`),
		fixes: map[string]string{
			"express": "NODE_ENV=production and an error middleware with four arguments that sends a generic body.",
		},
	})
}

func goTrace() classify.Detector {
	return traceRule(runtime{
		id: "go", name: "Go",
		anchors: []string{"goroutine ", ".go:"},
		frame:   regexp.MustCompile(`goroutine \d+ \[[a-z][^\]\n]{0,60}\]:|/[\w.@/-]+\.go:\d+ \+0x[0-9a-f]+|panic: runtime error:`),
		fixes: map[string]string{
			"go": "Recover in a middleware, log debug.Stack() with a request id, and answer http.Error with a generic text.",
		},
	})
}

func dotnetTrace() classify.Detector {
	return traceRule(runtime{
		id: "dotnet", name: ".NET",
		anchors: []string{":line ", "   at System.", "   at Microsoft.", "--- End of "},
		frame: regexp.MustCompile(`\bat [\w.<>` + "`" + `\[\],+]{1,200}\([^)\n]{0,200}\)(?: in [^\n"]{1,200}:line \d+)|` +
			`\bat (?:System|Microsoft)\.[\w.<>` + "`" + `\[\],+]{1,200}\([^)\n]{0,200}\)|--- End of (?:stack trace|inner exception)`),
		fixes: map[string]string{"aspnet": "UseExceptionHandler instead of UseDeveloperExceptionPage."},
	})
}

func phpTrace() classify.Detector {
	return traceRule(runtime{
		id: "php", name: "PHP",
		anchors: []string{".php(", ".php:", ".php on line ", ".php</b> on line "},
		frame: regexp.MustCompile(`#\d+ (?:[A-Z]:)?[\w./\\-]+\.php\(\d+\): |(?:Fatal error|Warning|Notice|Parse error|Deprecated)(?:</b>)?: {1,2}[^\n]{1,200} in ` +
			`(?:<b>)?[^\n]{1,200}\.php(?:</b>)? on line|(?:Exception|Error)\b[^\n]{0,200} in [\w./\\-]+\.php:\d+`),
		fixes: map[string]string{"php": "display_errors=Off, log_errors=On.", "laravel": "APP_DEBUG=false."},
	})
}

func rubyTrace() classify.Detector {
	return traceRule(runtime{
		id: "ruby", name: "Ruby",
		anchors: []string{".rb:"},
		frame:   regexp.MustCompile("[\\w./-]+\\.rb:\\d+:in (?:`|'|&#39;|&#x27;|\\\\u0060|\\\\u0027|block|<)"),
		fixes:   map[string]string{"rails": "config.consider_all_requests_local = false."},
	})
}
