package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// acceptFor is how long the suggested acceptance of a finding lasts: long enough to
// plan a fix, short enough to be looked at again.
const acceptFor = 90 * 24 * time.Hour

// acceptSnippet is the policy text that accepts findings like f. The reason is
// left to whoever accepts it.
func acceptSnippet(f *classify.Finding, now time.Time) string {
	route := ""
	if f.HTTP.Route != "" {
		route = "route: " + quote(strings.TrimSpace(f.HTTP.Method+" "+f.HTTP.Route)) + ", "
	}
	return fmt.Sprintf("accept:\n  - { rule: %s, %sreason: \"\", until: %s }\n",
		f.Rule.ID, route, now.Add(acceptFor).UTC().Format(time.DateOnly))
}

// quote returns s as a double-quoted YAML scalar. Go's escapes are a subset of
// YAML's (YAML 1.2.2, section 5.7) for text that is clean.
func quote(s string) string { return strconv.Quote(alert.Clean(s)) }
