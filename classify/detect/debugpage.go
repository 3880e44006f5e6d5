package detect

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

// debugMark is a text that the page of a framework writes and nothing else does.
// Severity 0 is the rule's own: pages that show code, variables or a trace.
type debugMark struct {
	mark, framework string
	severity        classify.Severity
}

// debugMarks were taken from the frameworks' templates.
var debugMarks = []debugMark{
	{"Werkzeug Debugger", "Werkzeug", 0},
	{"EVALEX_TRUSTED", "Werkzeug", 0},
	{"Werkzeug powered traceback", "Werkzeug", 0},
	{"because you have <code>DEBUG = True</code>", "Django", 0},
	{"because you have DEBUG = True in your", "Django", 0},
	{"Django tried these", "Django", 0},
	{"Django Version:", "Django", 0},
	{"id=\"djDebug\"", "Django debug toolbar", 0},
	{"Starlette Debugger", "Starlette", 0},
	{"pDebugToolbarHandle", "Pyramid", 0},
	{"id=\"pDebug\"", "Pyramid", 0},
	{"/__sinatra__/500.png", "Sinatra", 0},
	{"Action Controller: Exception caught", "Rails", 0},
	{"Rails.root: ", "Rails", 0},
	{"BetterErrors", "Better Errors", 0},
	{"<code>show_exceptions</code>", "Sinatra", 0},
	{"<code>Rack::ShowExceptions</code>", "Rack", 0},
	{"Whoops! There was an error", "Whoops", 0},
	{"class=\"Whoops container\"", "Whoops", 0},
	{"window.ignite(", "Laravel Ignition", 0},
	{"window.ignite =", "Laravel Ignition", 0},
	{"/_ignition/", "Laravel Ignition", 0},
	{"laravel-exceptions-renderer", "Laravel", 0},
	{"PhpDebugBar.DebugBar", "PHP Debug Bar", 0},
	{"id=\"sfwdt", "Symfony", 0},
	{"Symfony Exception", "Symfony", 0},
	{"Symfony Profiler", "Symfony", 0},
	{"class=\"sf-toolbar", "Symfony", 0},
	{"id=\"tracy-bs\"", "Tracy", 0},
	{"yii-debug-toolbar", "Yii", 0},
	{"class=\"call-stack-item", "Yii", 0},
	{"A PHP Error was encountered", "CodeIgniter", 0},
	{"A Database Error Occurred", "CodeIgniter", 0},
	{"phpinfo()</title>", "phpinfo", 0},
	{"Server Error in '/", "ASP.NET", 0},
	{"An unhandled exception occurred while processing the request.<", "ASP.NET Core", 0},
	{"class=\"titleerror\"", "ASP.NET Core", 0},
	{"<br> &nbsp; &nbsp;at ", "Express", 0},
	{"__nextjs_original-stack-frame", "Next.js", 0},
	{"nextjs__container_errors", "Next.js", 0},
	{"data-nextjs-dialog", "Next.js", 0},
	{"vite-error-overlay", "Vite", 0},
	{"webpack-dev-server-client-overlay", "webpack", 0},
	{"Your app is crashing. Here's the latest log:", "Meteor", 0},
	{"class=\"exception-logo\"", "Phoenix", 0},
	{"<header class=\"exception-info\">", "Phoenix", 0},
	{"/__plug__/debugger", "Phoenix", 0},
	{"play-error-page", "Play", 0},
	{"Grails Runtime Exception", "Grails", 0},
	{"Error Occurred While Processing", "ColdFusion", 0},
	{"development mode)</title>", "Mojolicious", 0},
	{"/debug/pprof/</title>", "net/http/pprof", 0},
	{"repositoryformatversion = ", "configuration of a git repository", 0},
	{"/actuator/heapdump", "Spring Boot actuator", classify.Medium},
	{"/actuator/env", "Spring Boot actuator", classify.Medium},
	{"/actuator/configprops", "Spring Boot actuator", classify.Medium},
	{"/actuator/threaddump", "Spring Boot actuator", classify.Medium},
	{"/actuator/beans", "Spring Boot actuator", classify.Medium},
	{"<title>Apache Status</title>", "mod_status", classify.Medium},
	{"Apache Server Status for", "mod_status", classify.Medium},
	{"Apache Server Information", "mod_info", classify.Medium},
	{"accepts handled ", "nginx status", classify.Medium},
	{"max children reached:", "PHP-FPM status", classify.Medium},
	{"Whitelabel Error Page", "Spring Boot", classify.Low},
	{"<h3>Apache Tomcat/", "Tomcat", classify.Low},
	{"Jetty://", "Jetty", classify.Low},
	{"GraphiQL.createFetcher", "GraphiQL", classify.Info},
	{"<title>GraphiQL", "GraphiQL", classify.Info},
	{"GraphQLPlayground.init(", "GraphQL Playground", classify.Info},
	{"EmbeddedSandbox(", "Apollo Sandbox", classify.Info},
	{"SwaggerUIBundle(", "Swagger UI", classify.Info},
	{"<title>Swagger UI</title>", "Swagger UI", classify.Info},
	{"# HELP process_", "Prometheus metrics", classify.Info},
	{"# HELP go_", "Prometheus metrics", classify.Info},
	{"# HELP jvm_", "Prometheus metrics", classify.Info},
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
		FalsePositives: "Only marks that a page itself writes match, in responses; documentation that names a debugger stays silent. Status pages are " +
			"medium, error pages that tell no more than the server's name are low, consoles for developers are information.",
		CWE: []string{"CWE-489", "CWE-215"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{
			"flask":  "Run without debug=True and FLASK_DEBUG; serve with gunicorn or another WSGI server.",
			"django": "DEBUG = False.", "spring": "server.error.whitelabel.enabled=false and an own error view; expose only health of the actuator.",
			"express": "NODE_ENV=production.", "laravel": "APP_DEBUG=false.", "rails": "config.consider_all_requests_local = false.",
			"aspnet": "UseExceptionHandler instead of UseDeveloperExceptionPage; customErrors mode RemoteOnly.", "phoenix": "debug_errors: false.",
		},
		On: classify.Trigger{Anchors: anchors, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		for _, d := range debugMarks {
			if d.mark == c.Anchor && !isWritten(c) {
				c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: d.framework + " page", Severity: d.severity, Confidence: classify.HighConfidence})
				return
			}
		}
	}}
}

// isWritten says whether a mark stands in a text that people wrote: under the
// name of one, as a piece of code, or as the label of a link.
func isWritten(c *classify.Candidate) bool {
	if len(c.Key) > 0 && c.Kind == classify.String {
		return inProse(c)
	}
	before := c.Before(200)
	if c.X.Status < 400 && (bytes.HasSuffix(before, []byte("<code>")) || bytes.HasSuffix(before, []byte("<kbd>"))) {
		return true
	}
	open := bytes.LastIndex(before, []byte("<a "))
	return c.X.Status < 400 && open >= 0 && bytes.IndexByte(before[open:], '>') >= 0 && !bytes.Contains(before[open:], []byte("</a>"))
}

// listingMarks start a page that a server makes of a directory without an index,
// by their templates: Apache, nginx, lighttpd, WEBrick; Python and Twisted; IIS;
// Tomcat; Jetty; serve-index and serve; Go; and the lists of object stores.
var listingMarks = []struct {
	mark string
	// proof are texts of which one follows, if the mark alone is too little.
	proof []string
}{
	{"<title>Index of /", listingProof},
	{"<h1>Index of /", listingProof},
	{"<title>Index of&nbsp;", listingProof},
	{"<title>Directory listing for ", nil},
	{"[To Parent Directory]", nil},
	{"Directory Listing For [", nil},
	{"Directory Listing For /", nil},
	{"<title>Directory: /", nil},
	{"<title>listing directory /", nil},
	{"content=\"width=device-width\">\n<pre>\n<a href=", nil},
	{"<ListBucketResult", nil},
	{"<EnumerationResults", nil},
}

var listingProof = []string{"Parent Directory", "href=\"../\"", "href=\"..\"", "?C=N", "<pre>", "<ul>", "<table", "parent directory"}

// listingReach is how far behind a mark its proof may stand.
const listingReach = 4096

func directoryListing() classify.Detector {
	anchors := make([]string, len(listingMarks))
	for i, l := range listingMarks {
		anchors[i] = l.mark
	}
	return &detector{classify.Rule{
		ID: "directory-listing", Category: classify.CategoryDebug, Severity: classify.Medium, Once: true,
		Title:          "A server lists a directory or a bucket",
		Why:            "Visitors see every file, backups and dumps among them, and not only those that some page links to.",
		Fix:            "Switch listings off (Options -Indexes, autoindex off, directoryBrowse enabled=\"false\"), and take the right to list from anonymous callers of a bucket.",
		FalsePositives: "Only pages in the form of the servers' own templates match. Accept the rule for mirrors that are meant to be browsed.",
		CWE:            []string{"CWE-548"}, OWASP: []string{"API8:2023"},
		Fixes: map[string]string{"nginx": "autoindex off;", "apache": "Options -Indexes", "tomcat": "listings=false of the DefaultServlet."},
		On:    classify.Trigger{Anchors: anchors, Parts: inResponseBody()},
	}, func(c *classify.Candidate) {
		for _, l := range listingMarks {
			if l.mark != c.Anchor {
				continue
			}
			proven := len(l.proof) == 0
			for _, p := range l.proof {
				proven = proven || bytes.Contains(c.Text[c.Hi:min(len(c.Text), c.Hi+listingReach)], []byte(p))
			}
			if proven && !inProse(c) {
				c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "a directory", Confidence: classify.HighConfidence})
			}
			return
		}
	}}
}
