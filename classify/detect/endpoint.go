package detect

import (
	"bytes"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// debugEndpoint judges the path of an exchange that was answered, once, at its end.
func debugEndpoint() classify.Detector {
	return &detector{classify.Rule{
		ID: "debug-endpoint", Category: classify.CategoryDebug, Severity: classify.Medium,
		Title: "An endpoint for debugging answers",
		Why:   "Endpoints for developers show and change what no caller should: whole tables, the environment, the heap, the configuration of the service.",
		Fix:   "Leave them out of builds for production, or serve them on a port of their own that only operators reach.",
		FalsePositives: "Only 2xx answers with a body count. Pages of HTML stay silent, because sites answer any path with one; so do health checks, " +
			"metrics, and things that are called debug, such as packages and tags.",
		CWE: []string{"CWE-489", "CWE-215"}, OWASP: []string{"API8:2023", "API9:2023"},
		Fixes: map[string]string{
			"flask":   "Register the blueprint only if app.debug; never run with debug=True in production.",
			"django":  "Keep debug_toolbar and silk out of production's urls.py.",
			"express": "Mount the router only if NODE_ENV is not production.",
			"spring":  "management.endpoints.web.exposure.include=health, and management.server.port of its own.",
			"go":      "Do not import net/http/pprof into the public mux; serve it on loopback.",
		},
	}, func(c *classify.Candidate) {
		x := c.X
		if x.Status < 200 || x.Status > 299 || len(x.Response.Body) < 2 || string(x.Method) == "OPTIONS" || isWebPage(c, x) {
			return
		}
		if debugPath(classify.PathOf(x.Target)) {
			c.Report(classify.Match{Show: "an endpoint for debugging", Where: classify.InURL, Pointer: "/path"})
		}
	}}
}

// isWebPage says whether a response is HTML, which tells of a path only that something answered.
func isWebPage(c *classify.Candidate, x *classify.Exchange) bool {
	return strings.Contains(c.ContentType(), "html") || bytes.HasPrefix(bytes.TrimLeft(x.Response.Body[:min(len(x.Response.Body), 64)], " \t\r\n\\"), []byte("<"))
}

// actuatorEndpoints are the endpoints of Spring Boot that show more than health (Spring Boot
// Reference, "Endpoints"); before version 2 they stand at the root.
var actuatorEndpoints = map[string]bool{
	"env": true, "heapdump": true, "threaddump": true, "configprops": true, "beans": true, "mappings": true, "loggers": true, "httptrace": true,
	"httpexchanges": true, "auditevents": true, "jolokia": true, "logfile": true, "sessions": true, "shutdown": true, "dump": true, "trace": true,
	"conditions": true, "scheduledtasks": true, "flyway": true, "liquibase": true, "caches": true, "startup": true,
}

// debugFiles are paths at which files and pages stand that are not to be served: of Apache,
// PHP, ASP.NET, Symfony, Laravel, Git, dotenv, Go.
var debugFiles = map[string]bool{
	"/.env": true, "/.git/config": true, "/.git/head": true, "/.svn/entries": true, "/server-status": true, "/server-info": true, "/elmah.axd": true,
	"/trace.axd": true, "/debug/vars": true, "/debug/requests": true, "/debug/events": true, "/config.json.bak": true, "/web.config": true,
	"/_ignition/health-check": true, "/_profiler": true, "/debug.log": true, "/storage/logs/laravel.log": true, "/.aws/credentials": true,
	"/wp-config.php.bak": true, "/.htpasswd": true,
}

// maxDebugPath bounds the bytes of a path that are looked at.
const maxDebugPath = 256

// debugPath says whether a path is one for debugging.
func debugPath(path []byte) bool {
	if len(path) > maxDebugPath || len(path) < 4 {
		return false
	}
	var buf [maxDebugPath]byte
	lower := bytes.TrimSuffix(appendLower(buf[:0], path), []byte("/"))
	if debugFiles[string(lower)] || bytes.HasPrefix(lower, []byte("/debug/pprof/")) {
		return true
	}
	mounted, management := false, false // what stood before: only mounts, and a management's name
	for n := 0; len(lower) > 0; n++ {
		segment, rest, _ := bytes.Cut(bytes.TrimLeft(lower, "/"), []byte("/"))
		lower = rest
		switch {
		case management && actuatorEndpoints[string(segment)], isDebugWord(segment), mounted && string(segment) == "debug":
			return true
		}
		management = string(segment) == "actuator" || string(segment) == "manage" || string(segment) == "management"
		mounted = (n == 0 || mounted) && isAPIMount(segment)
	}
	return false
}

func isDebugWord(segment []byte) bool {
	switch string(segment) {
	case "_debug", "__debug__", "_debugbar", "__debug":
		return true
	}
	return false
}

// isAPIMount says whether a segment is only what an API is mounted at: then a word behind it is
// a part of the API and no thing of that name.
func isAPIMount(segment []byte) bool {
	switch string(segment) {
	case "api", "rest", "internal", "admin", "app", "public", "private", "dev", "test":
		return true
	}
	return len(segment) > 1 && segment[0] == 'v' && len(bytes.Trim(segment[1:], "0123456789.")) == 0
}
