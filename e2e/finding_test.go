//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// finding is what the tests read of a finding.
type finding struct {
	ID       string `json:"id"`
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Source   struct {
		Kind      string `json:"kind"`
		Name      string `json:"name"`
		Partition int32  `json:"partition"`
		Offset    int64  `json:"offset"`
	} `json:"source"`
	HTTP struct {
		Method string `json:"method"`
		Route  string `json:"route"`
		Status int    `json:"status"`
	} `json:"http"`
	Where   string `json:"where"`
	Pointer string `json:"pointer"`
	Count   int    `json:"count"`
	Token   *struct {
		Live *bool `json:"live"`
	} `json:"token"`
	Fingerprint string `json:"fingerprint"`
}

// findings reads JSON lines.
func findings(t *testing.T, text string) []finding {
	t.Helper()
	list, broken := parseFindings(text)
	if broken > 0 {
		t.Fatalf("%d of %d lines of findings are no JSON", broken, broken+len(list))
	}
	return list
}

// parseFindings reads JSON lines and counts those that are none: kill -9 may leave
// half a line.
func parseFindings(text string) (list []finding, broken int) {
	for line := range strings.Lines(text) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			broken++
			continue
		}
		list = append(list, f)
	}
	return list, broken
}

// findingsIn reads a file of findings.
func findingsIn(t *testing.T, path string) []finding {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return findings(t, string(text))
}

// leak is a row of the table of leaks that the application has.
type leak struct{ rule, severity, method, route, where, pointer string }

func (f *finding) leak() leak {
	return leak{f.Rule, f.Severity, f.HTTP.Method, f.HTTP.Route, f.Where, f.Pointer}
}

func (l leak) String() string {
	return fmt.Sprintf("%-8s %-20s %s %s %s %s", l.severity, l.rule, l.method, l.route, l.where, l.pointer)
}

// missing returns the leaks that no finding is of. A finding may be worse than the
// table asks for.
func missing(want []leak, list []finding) (rest []leak) {
	for _, l := range want {
		found := slices.ContainsFunc(list, func(f finding) bool {
			got := f.leak()
			worse := rank(got.severity) >= rank(l.severity)
			got.severity = l.severity
			return got == l && worse
		})
		if !found {
			rest = append(rest, l)
		}
	}
	return rest
}

// alarming returns the findings at low or above.
func alarming(list []finding) []finding {
	return slices.DeleteFunc(slices.Clone(list), func(f finding) bool { return rank(f.Severity) < rank("low") })
}

func rank(severity string) int {
	return slices.Index([]string{"info", "low", "medium", "high", "critical"}, severity)
}

// leaksOnTheWire is what is to be found in the traffic of the leaky routes.
func leaksOnTheWire() []leak {
	const body = "response.body"
	return []leak{
		{"password-hash", "critical", "POST", "/leaky/login", body, "/user/password_hash"},
		{"privilege-field", "medium", "POST", "/leaky/login", body, "/user/role"},
		{"privilege-field", "medium", "POST", "/leaky/login", body, "/user/is_admin"},
		{"internal-id", "low", "POST", "/leaky/login", body, "/user/internal_id"},
		{"pii-email", "low", "POST", "/leaky/login", body, "/user/email"},
		{"pii-phone", "low", "POST", "/leaky/login", body, "/user/phone"},
		{"token-in-body", "info", "POST", "/leaky/login", body, "/access_token"},
		{"token-cacheable", "low", "POST", "/leaky/login", "response.header", "/cache-control"},

		{"password-hash", "critical", "GET", "/leaky/profile/{id}", body, "/password_hash"},
		{"privilege-field", "medium", "GET", "/leaky/profile/{id}", body, "/role"},
		{"privilege-field", "medium", "GET", "/leaky/profile/{id}", body, "/is_admin"},
		{"internal-id", "low", "GET", "/leaky/profile/{id}", body, "/internal_id"},
		{"pii-email", "info", "GET", "/leaky/profile/{id}", body, "/email"},
		{"pii-phone", "info", "GET", "/leaky/profile/{id}", body, "/phone"},

		{"password-hash", "critical", "GET", "/leaky/users", body, "/users/*/password_hash"},
		{"privilege-field", "medium", "GET", "/leaky/users", body, "/users/*/role"},
		{"overexposed-list", "high", "GET", "/leaky/users", body, "/users"},

		{"stack-trace-python", "high", "GET", "/leaky/report", body, "/traceback"},
		{"debug-payload", "medium", "GET", "/leaky/report", body, "/traceback"},
		{"error-sql", "medium", "GET", "/leaky/report", body, "/message"},
		{"error-sql-statement", "medium", "GET", "/leaky/report", body, "/message"},

		{"config-secret-key", "critical", "GET", "/leaky/debug", body, "/config/SECRET_KEY"},
		{"config-database-uri", "critical", "GET", "/leaky/debug", body, "/config/REPORTS_DATABASE_URL"},
		{"config-environment", "high", "GET", "/leaky/debug", body, "/env/*"},
	}
}
