package detect

import (
	"bytes"
	"regexp"

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

func sqlError() classify.Detector {
	return &detector{errorRule("error-sql", "A response holds a database error",
		"Only texts that drivers and servers write match; pages about SQL without an error stay silent.",
		[]string{"CWE-209"},
		classify.Trigger{Anchors: []string{
			"SQLSTATE[", "You have an error in your SQL syntax", "syntax error at or near", "unterminated quoted string at or near",
			"ORA-00", "ORA-01", "ORA-06", "ORA-12", "sqlite3.OperationalError", "sqlite3.IntegrityError", "SQLITE_ERROR", "SQLITE_CONSTRAINT",
			"psycopg2.errors", "psycopg2.OperationalError", "psycopg.errors", "PG::", "PSQLException", "pymysql.err.", "MySQLdb.", "Mysql2::Error",
			"com.mysql.cj.", "Unclosed quotation mark after the character string", "Microsoft OLE DB Provider", "ODBC SQL Server Driver",
			"System.Data.SqlClient.SqlException", "java.sql.SQL", "MongoServerError", "E11000 duplicate key", "sqlalchemy.exc.", "ER_DUP_ENTRY",
			"ER_PARSE_ERROR", "violates unique constraint", "violates foreign key constraint", "ActiveRecord::StatementInvalid", "DB2 SQL error",
			"Incorrect syntax near", "UNIQUE constraint failed", "relation \\\"",
		}, Parts: inResponse()},
	), func(c *classify.Candidate) {
		if c.Lo > 0 && isWordByte(c.Text[c.Lo-1]) && isWordByte(c.Anchor[0]) {
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: c.Anchor, Confidence: classify.HighConfidence})
	}}
}

func sqlStatement() classify.Detector {
	re := regexp.MustCompile(`(?i)^(?:select\s[^;<]+?\sfrom\s+["'` + "`" + `\w.\[]|insert\s+into\s+\S{1,80}\s*\(|delete\s+from\s+\S)`)
	return &detector{errorRule("error-sql-statement", "A response holds an SQL statement",
		"A whole statement with its keywords in order is needed, in a message that speaks of an error or under a telling name.",
		[]string{"CWE-209"},
		classify.Trigger{Words: []string{"select ", "insert into ", "delete from "}, Parts: inResponseBody()},
	), func(c *classify.Candidate) {
		if !freeBefore(c) || !inError(c) { // cheaper than the expression
			return
		}
		if end, _, ok := matchAt(re, c, 512); ok {
			c.Report(classify.Match{Lo: c.Lo, Hi: end, Show: "SQL statement"})
		}
	}}
}

// inError says whether the candidate stands in an error: by status, by what
// stands before it, or by the name of a debug field.
func inError(c *classify.Candidate) bool {
	if c.X.Status >= 400 || c.Field == "debug" {
		return true
	}
	near := bytes.ToLower(c.Before(160))
	for _, w := range []string{"sql:", "error", "exception", "query", "statement"} {
		if bytes.Contains(near, []byte(w)) {
			return true
		}
	}
	return false
}

func sourcePath() classify.Detector {
	re := regexp.MustCompile(`^(?:/(?:home|Users|var/www|srv|opt|usr/(?:local/)?lib(?:64)?|usr/src|app|root|tmp|workspace|code)/` +
		`|[A-Za-z]:\\{1,2})(?:[\w .@+~-]+(?:/|\\{1,2}))*[\w.@+~-]+\.(?:py|rb|js|ts|mjs|java|kt|go|php|cs|cpp|c|rs|scala|ex|exs|pl|lua|jar|dll|` +
		`so|erb|cshtml|conf|cfg|ini|env|ya?ml|sqlite3?|db)\b`)
	return &detector{errorRule("error-path", "A response tells a path of the server's file system",
		"Only absolute paths of servers to source, library or configuration files match; URLs stay silent.",
		[]string{"CWE-209", "CWE-497"},
		classify.Trigger{Anchors: []string{
			"/home/", "/Users/", "/var/www/", "/srv/", "/opt/", "/usr/lib", "/usr/local/lib", "/usr/src/", "/app/", "/root/", "/workspace/", ":\\",
		}, Parts: inResponse()},
	), func(c *classify.Candidate) {
		lo := c.Lo
		if c.Text[lo] == ':' {
			lo--
		}
		if lo < 0 || lo > 0 && (isWordByte(c.Text[lo-1]) || bytes.IndexByte([]byte("./:-"), c.Text[lo-1]) >= 0) {
			return // a part of a URL or of a longer path
		}
		loc := re.FindIndex(c.Text[lo:min(len(c.Text), lo+400)])
		if loc == nil {
			return
		}
		c.Report(classify.Match{Lo: lo, Hi: lo + loc[1], Show: "path of a server"})
	}}
}

func internalHost() classify.Detector {
	// RFC 1918 addresses, cluster-internal and private names.
	re := regexp.MustCompile(`^(?:10(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|192\.168(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){2}|` +
		`172\.(?:1[6-9]|2\d|3[01])(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){2})(?:[^\d.]|\.?$|\.[^\d])`)
	rule := errorRule("internal-host", "A response tells an internal host or address",
		"Versions with four numbers stay silent where a digit or dot follows; documentation and loopback addresses stay silent.",
		[]string{"CWE-497"},
		classify.Trigger{
			Anchors: []string{"192.168.", "172.", "10.", ".svc.cluster.local", ".ec2.internal", ".compute.internal", ".corp.", ".intranet"},
			Parts:   inResponse(),
		})
	rule.Category, rule.Severity = classify.CategoryInternal, classify.Low
	rule.Why = "Inner names and addresses show how the network is built and serve in forged requests (SSRF)."
	rule.Fix = "Rewrite Location and error texts at the edge; leave hosts and addresses out of responses."
	return &detector{rule, func(c *classify.Candidate) {
		if c.Anchor[0] == '.' {
			if c.Lo > 0 && isWordByte(c.Text[c.Lo-1]) && c.Anchor != ".corp." {
				c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Show: "name ending in " + c.Anchor})
			}
			return
		}
		if c.Lo > 0 && (isWordByte(c.Text[c.Lo-1]) || c.Text[c.Lo-1] == '.' || c.Text[c.Lo-1] == '-') || isVersionText(c) {
			return
		}
		text := c.Text[c.Lo:min(len(c.Text), c.Lo+20)]
		if loc := re.FindIndex(text); loc != nil {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Lo + min(loc[1], len(text)), Show: "private address"})
		}
	}}
}

// isVersionText says whether the number before is called a version, or the
// field is one that holds the caller's own address.
func isVersionText(c *classify.Candidate) bool {
	near := append(bytes.ToLower(c.Key), bytes.ToLower(c.Before(12))...)
	return bytes.HasSuffix(near, []byte("/")) || bytes.Contains(near, []byte("version")) || bytes.HasSuffix(near, []byte("v"))
}

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
