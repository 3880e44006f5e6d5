package detect

import (
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

// A runtime's traces: which bytes every frame holds, and the expression that
// tells a frame from prose. Expressions are tried on the text around an
// anchor, with JSON and HTML escapes in place.
type runtime struct {
	id, name string
	anchors  []string
	fields   []string
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
		On: classify.Trigger{Anchors: r.anchors, Fields: r.fields, Parts: []classify.Where{classify.InResponseBody, classify.InResponseHeader, classify.InRecord}},
	}, func(c *classify.Candidate) {
		m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: r.name + " frames", Confidence: classify.HighConfidence}
		if c.Anchor == "" {
			if c.Kind != classify.Bool {
				return
			}
			m.Where, m.Pointer = c.Where, c.Parent()
		} else if m.Lo, m.Hi = frameAround(r.frame, c); m.Hi == 0 {
			return
		}
		if c.Where == classify.InRecord {
			m.Severity = classify.Info
		}
		c.Report(m)
	}}
}

// frameAround returns the first frame near the anchor that does not end before
// it: what stands before has had anchors of its own. hi is 0 if there is none.
func frameAround(re *regexp.Regexp, c *classify.Candidate) (lo, hi int) {
	at, end := max(0, c.Lo-traceBefore), min(len(c.Text), c.Hi+traceBehind)
	for at < end {
		loc := re.FindIndex(c.Text[at:end])
		if loc == nil || loc[1] == 0 {
			return 0, 0
		}
		if at+loc[1] > c.Lo {
			return at + loc[0], at + loc[1]
		}
		at += loc[1]
	}
	return 0, 0
}

const (
	// quoteRE and tickRE match a quote as it stands in text, JSON and HTML.
	quoteRE = `(?:\\*"|&quot;|&#34;|\\u0022)`
	tickRE  = `(?:'|&#39;|&#x27;|&#039;|&apos;|\\u0027)`
	// lineRE matches the end of a line and the indentation behind it, as they
	// stand in text, JSON and HTML.
	lineRE = `(?:\s|\\+[rnt]|<br ?/?>|&nbsp;|&#1[03];|&#x[ADad];)+`
	// atRE is the word before a frame, behind an escaped tab or line feed too.
	atRE = `(?:\b|\\[nt])at `
)

// pythonTrace: docs.python.org/3/library/traceback.html; 3.11 adds groups and
// marks below the line, which change no frame.
func pythonTrace() classify.Detector {
	return traceRule(runtime{
		id: "python", name: "Python",
		anchors: []string{"(most recent call last)", ", line ", "<FrameSummary "},
		frame: regexp.MustCompile(`Traceback (?:<em>)?\(most recent call last\)(?:</em>|:)|<FrameSummary file [^\n>]{1,200}, line \d+ in |File ` + quoteRE + `[^"\n]{1,200}` + quoteRE +
			`, line (?:<[^>]{1,40}>)?\d+(?:</[^>]{1,20}>)?,?` + `(?:\s|\\n){0,4}in `),
		fixes: map[string]string{
			"flask":   "Register an errorhandler(Exception) that returns a generic body; never format_exc(); debug off.",
			"fastapi": "Add an exception_handler; run with debug=False.",
			"django":  "DEBUG = False and a handler500.",
		},
	})
}

// javaTrace: Throwable.printStackTrace and StackTraceElement.toString; the
// member nativeMethod is what serializers make of a StackTraceElement.
func javaTrace() classify.Detector {
	return traceRule(runtime{
		id: "java", name: "Java",
		anchors: []string{".java:", ".kt:", ".scala:", ".groovy:", ".clj:", "(Native Method)", "(Unknown Source)"},
		fields:  []string{"java-frame"},
		frame: regexp.MustCompile(`(?:` + atRE + `|["'>] ?)(?:[\w.@-]*/)*[\w$.<>/&;-]+\.[\w$<>&;-]+\((?:[\w$-]+\.(?:java|kt|scala|groovy|cljc?):\d+|` +
			`Native Method|Unknown Source)\)`),
		fixes: map[string]string{
			"spring": "server.error.include-stacktrace=never, server.error.include-message=never, and a @ControllerAdvice.",
		},
	})
}

// nodeTrace: v8.dev/docs/stack-trace-api; Deno and Bun write the same form,
// other engines NAME@URL:LINE:COLUMN.
func nodeTrace() classify.Detector {
	return traceRule(runtime{
		id: "node", name: "Node.js",
		anchors: []string{".js:", ".ts:", ".mjs:", ".cjs:", ".mts:", ".tsx:", ".jsx:", ".vue:", "node:internal"},
		frame: regexp.MustCompile(`(?:` + atRE + `(?:async )?(?:(?:new )?[^\s()@"][^()\n"]{0,120} \((?:\w+ at )?[^\s()]{0,8}|(?:file:///|node:|webpack|https?://|\.{0,2}/|[A-Z]:\\{1,2}))` +
			`(?:[^\s()"]|\([\w-]+\)){0,200}|\b[\w$.]{1,80}@(?:https?|file)://[^\s()"@]{1,200}):\d+:\d+`),
		fixes: map[string]string{
			"express": "NODE_ENV=production and an error middleware with four arguments that sends a generic body.",
		},
	})
}

// goTrace: runtime/debug.Stack and the runtime's traceback; loggers and wrapped
// errors write the frame's two lines without the offset.
func goTrace() classify.Detector {
	return traceRule(runtime{
		id: "go", name: "Go",
		anchors: []string{"goroutine ", ".go:", "panic: runtime error"},
		frame: regexp.MustCompile(`goroutine \d+ (?:[a-z]+=[^\s\[]{1,40} )*\[[a-z][^\]\n]{0,60}\]:|[\w.@/:~-]+\.go:\d+ \+0x[0-9a-f]+|panic: runtime error:|` +
			`[\w)*]\.[\w.()*]{1,80}(?:\n|\\n|<br>)(?:\t|\\t|&#9;)[^\s"]{1,200}\.go:\d+`),
		fixes: map[string]string{
			"go": "Recover in a middleware, log debug.Stack() with a request id, and answer http.Error with a generic text.",
		},
	})
}

// dotnetTrace: Exception.ToString, whose two words are translated, and the page
// of ASP.NET, whose frames end in an offset.
func dotnetTrace() classify.Detector {
	const method = "[\\w.<>`+\\[\\],&;|~]{1,200}"
	return traceRule(runtime{
		id: "dotnet", name: ".NET",
		anchors: []string{":line ", " at System.", " at Microsoft.", " bei System.", " bei Microsoft.", " en System.", " en Microsoft.", ":Zeile ", ":ligne ", ".MoveNext()", "--- End of ", "System.Web."},
		frame: regexp.MustCompile(`(?:` + atRE + `|\b(?:bei|en) |à )` + method + `\([^)\n]{0,200}\) (?:in|dans|en) [^\n"]{1,200}:(?:line|Zeile|ligne|línea) \d+|` +
			`(?:` + atRE + `|\b(?:bei|en) )(?:System|Microsoft)\.` + method + `\([^)\n]{0,200}\)|` + atRE + method + `\.MoveNext\(\)|` +
			`--- End of (?:stack trace|inner exception)|System\.Web\.` + method + `\([^)\n]{0,200}\) \+\d+`),
		fixes: map[string]string{"aspnet": "UseExceptionHandler instead of UseDeveloperExceptionPage."},
	})
}

// phpTrace: Exception::__toString, the messages of display_errors in text and
// HTML, Xdebug's table, and Symfony's text form.
func phpTrace() classify.Detector {
	return traceRule(runtime{
		id: "php", name: "PHP",
		anchors: []string{".php(", ".php:", ".php on line ", ".php</b> on line ", "xdebug-error", "#0 {main}", "#1 {main}", "#2 {main}", "[internal function]: "},
		frame: regexp.MustCompile(`#\d+ (?:[A-Z]:)?[\w./\\ -]+\.php\(\d+\): |#\d+ (?:\{main\}|\[internal function\]: \w)|` +
			`(?:Fatal error|Warning|Notice|Parse error|Deprecated)(?:</b>)?: {1,2}[^\n]{1,200} in (?:<b>)?[^\n]{1,200}\.php(?:</b>)? on line|` +
			`(?:Exception|Error)\b[^\n]{0,200} in [\w./\\: -]+\.php:\d+|xdebug-error|` + atRE + `[\w\\{}:>-]{1,150}\([^)\n]{0,80}\)\s{1,12}\([^\s()]{1,200}\.php:\d+\)|` +
			`\d+\. (?:\{main\}|[\w\\:>-]{1,150})\([^)\n]{0,80}\) \S{1,200}\.php:\d+`),
		fixes: map[string]string{"php": "display_errors=Off, log_errors=On.", "laravel": "APP_DEBUG=false."},
	})
}

// rubyTrace: Exception#full_message; until 3.3 a name stands behind a backtick,
// since 3.4 with its class behind a quote.
func rubyTrace() classify.Detector {
	return traceRule(runtime{
		id: "ruby", name: "Ruby",
		anchors: []string{".rb:", ".erb:", ".ru:", ".rake:", ".haml:", ".slim:"},
		frame:   regexp.MustCompile("[\\w./-]+\\.(?:rb|erb|ru|rake|haml|slim):\\d+:in (?:`|" + tickRE + "|&#x60;|&#96;|\\\\u0060|block|<|&lt;)"),
		fixes:   map[string]string{"rails": "config.consider_all_requests_local = false."},
	})
}
