package detect

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/leaktap/leaktap/classify"
)

// debugMarks are texts that frameworks' debug and error pages write and nothing
// else does, with the framework's name.
var debugMarks = []struct{ mark, framework string }{
	{"Werkzeug Debugger", "Werkzeug"},
	{"EVALEX_TRUSTED", "Werkzeug"},
	{"because you have <code>DEBUG = True</code>", "Django"},
	{"Action Controller: Exception caught", "Rails"},
	{"Whoops! There was an error", "Laravel"},
	{"window.ignite(", "Laravel Ignition"},
	{"id=\"sfwdt", "Symfony"},
	{"Symfony Exception", "Symfony"},
	{"Server Error in '/", "ASP.NET"},
	{"<title>phpinfo()", "PHP"},
	{"Whitelabel Error Page", "Spring Boot"},
	{"Jetty://", "Jetty"},
	{"<h3>Apache Tomcat/", "Tomcat"},
	{"Play Framework Error", "Play"},
	{"play-error-page", "Play"},
	{"__nextjs_original-stack-frame", "Next.js"},
	{"vite-error-overlay", "Vite"},
	{"Starlette Debugger", "Starlette"},
	{"GraphiQL.createFetcher", "GraphiQL"},
}

func debugPage() classify.Detector {
	anchors := make([]string, len(debugMarks))
	for i, d := range debugMarks {
		anchors[i] = d.mark
	}
	return &detector{classify.Rule{
		ID: "debug-page", Category: classify.CategoryDebug, Severity: classify.High, Once: true,
		Title: "A framework's debug page is served",
		Why:   "Debug pages show code, configuration and variables, and some run commands for whoever asks.",
		Fix:   "Switch the framework's debug mode off wherever requests from outside arrive.",
		FalsePositives: "Only marks that a page itself writes match, in responses; documentation that names a debugger stays silent unless it " +
			"quotes the mark in full.",
		CWE: []string{"CWE-489", "CWE-215"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{
			"flask":  "Run without debug=True and FLASK_DEBUG; serve with gunicorn or another WSGI server.",
			"django": "DEBUG = False.", "spring": "server.error.whitelabel.enabled=false and an own error view.",
			"express": "NODE_ENV=production.",
		},
		On: classify.Trigger{Anchors: anchors, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		for _, d := range debugMarks {
			if d.mark != c.Anchor {
				continue
			}
			m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: d.framework + " page", Confidence: classify.HighConfidence}
			if d.framework == "Spring Boot" {
				m.Severity = classify.Low // it tells little more than the framework
			}
			c.Report(m)
			return
		}
	}}
}

func debuggerSecret() classify.Detector {
	// werkzeug/debug/tbtools.py writes SECRET = "…" beside EVALEX.
	re := regexp.MustCompile(`^SECRET = "([A-Za-z0-9]{10,64})"`)
	return &detector{classify.Rule{
		ID: "config-debugger-secret", Category: classify.CategoryDebug, Severity: classify.Critical, Exclusive: true,
		Title:          "A debug page holds the secret of its console",
		Why:            "With the secret the console's PIN can be attacked, and the console runs any code on the server.",
		Fix:            "Switch the interactive debugger off: no debug=True, no FLASK_DEBUG, use_evalex=False.",
		FalsePositives: "Only the assignment that the Werkzeug debugger writes matches.",
		CWE:            []string{"CWE-489", "CWE-215"}, OWASP: []string{"API8:2023"},
		On: classify.Trigger{Anchors: []string{"SECRET = \""}, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		if end, _, ok := matchAt(re, c, 96); ok && freeBefore(c) {
			c.Report(classify.Match{Lo: c.Hi, Hi: end - 1, Confidence: classify.HighConfidence})
		}
	}}
}

func debugPayload() classify.Detector {
	return &detector{classify.Rule{
		ID: "debug-payload", Category: classify.CategoryDebug, Severity: classify.Medium,
		Title:          "A response carries debug data",
		Why:            "Queries, timings and internals that developers left in tell how the system is built and where it is slow or weak.",
		Fix:            "Strip debug members in production, or send them only to callers who may see them.",
		FalsePositives: "Flags (debug: false) and empty members stay silent; only objects, lists and texts under such a name match.",
		CWE:            []string{"CWE-489", "CWE-215"}, OWASP: []string{"API8:2023"},
		On: classify.Trigger{Fields: []string{"debug"}, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		v := c.Value()
		switch {
		case string(c.Key) == "internal", string(c.Key) == "timing", string(c.Key) == "timings":
			return // public words; with an underscore they are not
		case c.Kind == classify.Container:
		case c.Kind == classify.String && !inPair(c) && len(v) >= 8 && bytes.IndexByte(v, ' ') > 0: // a trace id is no text
		default:
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "debug data"})
	}}
}

// environmentNames are variables that tell of an environment when they stand
// as values or in text; as names of members the vocabulary knows them.
var environmentNames = []string{
	"LD_LIBRARY_PATH", "KUBERNETES_SERVICE_HOST", "DJANGO_SETTINGS_MODULE", "SHLVL", "PYTHONPATH", "JAVA_HOME", "SSH_CONNECTION",
}

func environmentDump() classify.Detector {
	return &detector{classify.Rule{
		ID: "config-environment", Category: classify.CategoryDebug, Severity: classify.High,
		Title:          "A response tells configuration or environment variables",
		Why:            "The names alone show what runs where; the values often hold passwords and keys.",
		Fix:            "Remove the route or protect it; never serialize os.environ, process.env or the framework's configuration object.",
		FalsePositives: "Only names that nothing but a process environment or a framework's configuration uses match.",
		CWE:            []string{"CWE-215", "CWE-526"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{"spring": "management.endpoint.env.enabled=false.", "flask": "Never jsonify(app.config) or os.environ."},
		On:    classify.Trigger{Anchors: environmentNames, Fields: []string{"environment"}, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		switch {
		case c.Anchor == "" && (c.Kind == classify.Container || inPair(c)):
			return
		case c.Anchor != "" && !freeBefore(c):
			return
		}
		m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "environment or configuration names"}
		if c.Anchor == "" {
			m.Where, m.Pointer = c.Where, c.Parent()
		} else if slices.Contains(environmentNames, c.Anchor) {
			m.Show = c.Anchor
		}
		c.Report(m)
	}}
}
