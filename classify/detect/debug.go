package detect

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

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
		ID: "debug-payload", Category: classify.CategoryDebug, Severity: classify.Medium, Once: true,
		Title:          "A response carries debug data",
		Why:            "Queries, timings and internals that developers left in tell how the system is built and where it is slow or weak.",
		Fix:            "Strip debug members in production, or send them only to callers who may see them.",
		FalsePositives: "Flags (debug: false) and empty members stay silent; only objects, lists and texts under such a name match.",
		CWE:            []string{"CWE-489", "CWE-215"}, OWASP: []string{"API8:2023"},
		On: classify.Trigger{Fields: []string{"debug"}, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		v := c.Value()
		switch c.Kind {
		case classify.Container:
			if isDoubtful(c) || isEmpty(c) {
				return
			}
		case classify.String:
			if inPair(c) || len(v) < 8 || bytes.HasPrefix(v, []byte("msg=")) || bytes.HasPrefix(v, []byte("var=")) || // Ansible's module debug
				bytes.IndexByte(v, ' ') <= 0 || // a trace id is no text
				isDoubtful(c) && string(c.Key) != "trace" || holdsAny([]byte(c.Parent()), catalogues) {
				return
			}
		default:
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "debug data"})
	}}
}

// catalogues are names of objects whose members are commands or words of a language.
var catalogues = []string{"/scripts", "i18n", "translation", "locale", "/labels", "/strings"}

// isDoubtful knows names that mean other things outside of errors: public words,
// the trace of a tracing system, the stack of a job offer.
func isDoubtful(c *classify.Candidate) bool {
	switch string(c.Key) {
	case "internal", "timing", "timings", "Timing", "Timings":
		return true
	case "trace", "stack":
		return c.X.Status < 400
	case "tracing":
		return c.Kind != classify.Container
	}
	return false
}

// isEmpty says whether an object or list holds nothing.
func isEmpty(c *classify.Candidate) bool {
	_, inside := c.Around(64)
	if len(inside) == 0 {
		return true
	}
	rest := bytes.TrimLeft(inside[1:], " \t\r\n")
	return len(rest) > 0 && rest[0] == inside[0]+2 // the closing sign is two behind the opening one
}

// environmentNames are variables that only processes have (environ(7), the shells'
// manuals, Kubernetes' and the runtimes' documentation); as names of members the
// vocabulary knows them.
var environmentNames = []string{
	"LD_LIBRARY_PATH", "KUBERNETES_SERVICE_HOST", "DJANGO_SETTINGS_MODULE", "SHLVL", "PYTHONPATH", "JAVA_HOME", "SSH_CONNECTION", "GUNICORN_CMD_ARGS", "PYTHON_VERSION",
	"KUBERNETES_PORT", "LS_COLORS", "XDG_RUNTIME_DIR", "CATALINA_HOME", "systemEnvironment", "systemProperties",
}

// environmentLines start lines of an environment or of a settings file, of which
// several have to stand together.
var environmentLines = []string{
	"PATH=/", "HOME=/", "HOSTNAME=", "SHELL=/", "DB_HOST=", "DB_CONNECTION=", "DB_PASSWORD=", "NODE_ENV=",
	"REDIS_HOST=", "REDIS_URL=", "AWS_ACCESS_KEY_ID=", "LC_ALL=", "GPG_KEY=", "SECRET_KEY=", "DATABASE_URL=", "APP_KEY=", "APP_NAME=", "<Config {",
}

// environmentValues stand in the value of PATH.
var environmentValues = []string{":/usr/local/bin", ":/usr/bin"}

func environmentDump() classify.Detector {
	return &detector{classify.Rule{
		ID: "config-environment", Category: classify.CategoryDebug, Severity: classify.High, Once: true,
		Title:          "A response tells configuration or environment variables",
		Why:            "The names alone show what runs where; the values often hold passwords and keys.",
		Fix:            "Remove the route or protect it; never serialize os.environ, process.env or the framework's configuration object.",
		FalsePositives: "Only names that nothing but a process environment or a framework's configuration uses match alone; others match where several stand together.",
		CWE:            []string{"CWE-215", "CWE-526"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{"spring": "management.endpoint.env.enabled=false.", "flask": "Never jsonify(app.config) or os.environ."},
		On: classify.Trigger{
			Anchors: slices.Concat(environmentNames, environmentLines, environmentValues),
			Fields:  []string{"environment", "environment-hint"}, Parts: inResponseBody(),
		},
	}, func(c *classify.Candidate) {
		if isTemplate(c.X.Target) || c.Anchor == "" && !isSetting(c) || c.Anchor != "" && !isVariablePlace(c) {
			return
		}
		m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "environment or configuration names"}
		if c.Anchor == "" && !inPair(c) {
			m.Where, m.Pointer = c.Where, c.Parent()
		} else if slices.Contains(environmentNames, c.Anchor) {
			m.Show = c.Anchor
		}
		c.Report(m)
	}}
}

// isTemplate says whether a target names a file that settings are made from, which
// is published with a program: .env.example.
func isTemplate(target []byte) bool {
	path, _, _ := bytes.Cut(target, []byte("?"))
	return slices.ContainsFunc(templateEndings, func(e string) bool { return bytes.HasSuffix(path, []byte(e)) })
}

var templateEndings = []string{".example", ".sample", ".template", ".dist", ".tmpl"}

// isSetting judges a value under the name of a variable: in a text, and for names
// that other things have too, others have to stand around it.
func isSetting(c *classify.Candidate) bool {
	switch {
	case c.Field == "environment" && !inPair(c):
		return c.Kind != classify.Container || isCapital(c.Key)
	case !isCapital(c.Key):
		return false
	case c.Field == "environment":
		return variablesAround(c.Text, c.Lo) >= 3
	}
	before, behind := c.Around(around)
	return !inPair(c) && c.Kind != classify.Container && variables(before, ':')+variables(behind, ':') >= 3
}

// isVariablePlace judges an anchor by where it stands: a name for itself, a line
// among others of its kind, the value of PATH.
func isVariablePlace(c *classify.Candidate) bool {
	switch {
	case c.Anchor[0] == ':':
		return equalFold(c.Key, "path") && c.Kind == classify.String && c.Lo > 0 && c.Text[0] == '/'
	case c.Lo > 0 && bytes.IndexByte([]byte("\n\r'\"> {"), c.Text[c.Lo-1]) < 0 && !behindEscape(c), inProse(c), isCited(c):
		return false
	case c.Lo == 0 && c.Hi == len(c.Text):
		return c.Kind == classify.String
	}
	return variablesAround(c.Text, c.Lo) >= 3
}

// isCited says whether the candidate stands in what documentation shows to be typed: in
// HTML's element for code (HTML, section 4.5.15), or in a file of Markdown (RFC 7763).
func isCited(c *classify.Candidate) bool {
	switch t := c.ContentType(); {
	case c.X.Status >= 400:
		return false
	case strings.Contains(t, "markdown"):
		return true
	case !strings.Contains(t, "html"):
		return false
	}
	before := c.Before(around)
	open := bytes.LastIndex(before, []byte("<code"))
	return open >= 0 && !bytes.Contains(before[open:], []byte("</code"))
}

// around is how far the neighbours of a variable may stand.
const around = 700

func variablesAround(text []byte, at int) int {
	text = text[max(0, at-around):min(len(text), at+around)]
	return max(variables(text, '='), variables(text, ':'))
}

// variables counts the names in capitals before a sign in a text, neighbours of one
// name as one.
func variables(text []byte, sign byte) (n int) {
	var last []byte
	for i := 0; i < len(text); {
		j := bytes.IndexByte(text[i:], sign)
		if j < 0 {
			return n
		}
		end := i + j
		i = end + 1
		for end > 0 && bytes.IndexByte([]byte("\"'\\ "), text[end-1]) >= 0 {
			end--
		}
		start := end
		for start > 0 && end-start < 64 && isWordByte(text[start-1]) {
			start--
		}
		if name := text[start:end]; isCapital(name) && !bytes.Equal(name, last) {
			last = name
			n++
		}
	}
	return n
}

// isCapital says whether a name is written as variables are.
func isCapital(name []byte) bool {
	letters := 0
	for _, b := range name {
		switch {
		case 'A' <= b && b <= 'Z':
			letters++
		case b != '_' && !isDigit(b):
			return false
		}
	}
	return letters >= 3
}

// equalFold compares with a lower-case text, without case.
func equalFold(b []byte, lower string) bool { return bytes.EqualFold(b, []byte(lower)) }
