package classify

import (
	"fmt"
	"slices"
	"strings"
)

// The names of the closed lists, by value; index 0 is "no value".
var severityNames = []string{"", "info", "low", "medium", "high", "critical"}

var confidenceNames = []string{"", "low", "medium", "high"}

var whereNames = []string{
	"", "record", "request.url", "request.header", "request.body",
	"response.header", "response.body",
}

// String returns the severity's name, as in a finding.
func (s Severity) String() string { return nameOf(severityNames, int(s)) }

// MarshalText returns the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts the names that String gives.
func (s *Severity) UnmarshalText(text []byte) error {
	n, err := valueOf("severity", severityNames, string(text))
	*s = Severity(n)
	return err
}

// String returns the confidence's name, as in a finding.
func (c Confidence) String() string { return nameOf(confidenceNames, int(c)) }

// MarshalText returns the confidence's name.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText accepts the names that String gives.
func (c *Confidence) UnmarshalText(text []byte) error {
	n, err := valueOf("confidence", confidenceNames, string(text))
	*c = Confidence(n)
	return err
}

// String returns the name of the part, as in a finding.
func (w Where) String() string { return nameOf(whereNames, int(w)) }

// MarshalText returns the name of the part.
func (w Where) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText accepts the names that String gives.
func (w *Where) UnmarshalText(text []byte) error {
	n, err := valueOf("where", whereNames, string(text))
	*w = Where(n)
	return err
}

func nameOf(names []string, n int) string {
	if n < len(names) {
		return names[n]
	}
	return ""
}

func valueOf(what string, names []string, name string) (int, error) {
	if n := slices.Index(names, name); n > 0 {
		return n, nil
	}
	return 0, fmt.Errorf("unknown %s %q: use one of %s", what, name, strings.Join(names[1:], ", "))
}

// IsGrantClaim knows the claims that say what a caller may do: scope (RFC 8693, section 4.2), and what Azure,
// Keycloak (realm_access.roles), Spring and Cognito write.
func IsGrantClaim(name []byte) bool {
	switch string(name) {
	case "scope", "scopes", "scp", "roles", "role", "permissions", "authorities", "groups", "cognito:groups":
		return true
	}
	return false
}
