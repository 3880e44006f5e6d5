package main

import (
	"slices"

	"github.com/leaktap/leaktap/score/corpus"
)

// tokenRules find a credential by what it is; where it stands chooses the rule.
var tokenRules = []string{"token-in-*", "vendor-token", "secret-field", "config-secret-key", "session-*", "basic-*", "bearer-*", "jwt-*", "signed-url*", "reset-*", "*-token"}

// credentialRules find one by the name of its field.
var credentialRules = []string{"password-*", "secret-*", "config-secret-key", "config-debugger-secret", "totp*", "otp*", "mfa*", "recovery*", "token-in-*", "vendor-token"}

// accepted lists, by family, the rules that tell of a leak of that family.
// Between rules of one kind the corpus does not choose: a key under the name of
// a secret is found, whichever of the two rules says so.
var accepted = map[string][]string{
	"vendor-token": tokenRules, "jwt": tokenRules, "jwt-none": tokenRules, "bearer": tokenRules, "basic": tokenRules, "session": tokenRules,
	"reset-token": tokenRules, "signed-url": tokenRules,
	"private-key":             {"private-key", "secret-field"},
	"connection-string":       {"config-database-uri", "connection-*"},
	"cloud-connection-string": {"config-database-uri", "connection-*", "vendor-token", "token-in-*", "secret-field"},
	"password":                {"password-plain", "password-*", "config-secret-key", "config-database-uri"},
	"password-hash":           {"password-hash", "config-secret-key"},
	"bare-digest":             {"password-hash"},
	"secret-field":            credentialRules, "totp": credentialRules, "config-secret": credentialRules,
	"card":         {"card-*", "pii-card*"},
	"iban":         {"iban*", "bank-*"},
	"national-id":  {"pii-national-id*", "national-id*", "pii-tax*", "pii-passport*", "pii-health*"},
	"phone":        {"pii-phone"},
	"email":        {"pii-email"},
	"birth-date":   {"pii-birth-date"},
	"address":      {"pii-address"},
	"health-id":    {"pii-health*", "pii-medical*", "health-*", "medical-*", "pii-national-id", "pii-diagnosis*"},
	"bank-account": {"bank-*", "pii-bank*", "iban", "pii-account*"},
	"stack-trace":  {"stack-trace-*"}, "sql-error": {"error-sql", "error-sql-*", "error-*"}, "sql-statement": {"error-sql-statement", "error-sql", "debug-payload"},
	"server-path": {"error-path"}, "internal-host": {"internal-host"}, "debug-page": {"debug-page*"}, "debugger-secret": {"config-debugger-secret"},
	"directory-listing": {"directory-*", "error-listing", "*-listing"}, "environment": {"config-*"}, "debug-payload": {"debug-payload"}, "version-header": {"version-*"},
	"privilege": {"privilege-*"}, "internal-id": {"internal-id*"}, "overexposed-list": {"overexposed-list"}, "inconsistent-items": {"inconsistent-*"},
	"cookie-flags": {"cookie-*"}, "mass-assignment": {"mass-assignment*"}, "echoed-secret": {"echo*", "*-echo*", "secret-echo*"},
}

// reporting names the family that a rule's stray findings are counted with.
var reporting = []struct{ rule, family string }{
	{"vendor-token", "vendor-token"},
	{"token-in-*", "bearer"},
	{"private-key", "private-key"},
	{"config-database-uri", "connection-string"},
	{"password-plain", "password"},
	{"password-hash", "password-hash"},
	{"secret-*", "secret-field"},
	{"config-secret-key", "config-secret"},
	{"config-debugger-secret", "debugger-secret"},
	{"config-*", "environment"},
	{"card-*", "card"},
	{"iban*", "iban"},
	{"pii-national-id*", "national-id"},
	{"pii-phone", "phone"},
	{"pii-email", "email"},
	{"pii-birth-date", "birth-date"},
	{"pii-address", "address"},
	{"pii-health*", "health-id"},
	{"bank-*", "bank-account"},
	{"pii-bank*", "bank-account"},
	{"stack-trace-*", "stack-trace"},
	{"error-sql-statement", "sql-statement"},
	{"error-sql", "sql-error"},
	{"error-path", "server-path"},
	{"internal-host", "internal-host"},
	{"debug-page*", "debug-page"},
	{"debug-payload", "debug-payload"},
	{"version-*", "version-header"},
	{"privilege-*", "privilege"},
	{"internal-id*", "internal-id"},
	{"overexposed-list", "overexposed-list"},
	{"inconsistent-*", "inconsistent-items"},
	{"cookie-*", "cookie-flags"},
	{"mass-*", "mass-assignment"},
	{"*echo*", "echoed-secret"},
	{"*-listing", "directory-listing"},
	{"directory-*", "directory-listing"},
}

// following are rules that tell of a record as a whole: where something was
// planted their finding is neither right nor wrong.
var following = []string{"response-body-in-log", "overexposed-list", "token-cacheable", "cleartext-token", "internal-id*", "inconsistent-items", "jwt-*", "token-*-claim*"}

// implied lists, by family, what such a leak brings along: a debug page shows
// traces and paths, an error of a database the statement.
var implied = map[string][]string{
	"stack-trace": debugRules, "sql-error": debugRules, "sql-statement": debugRules, "server-path": debugRules, "internal-host": debugRules, "debug-page": debugRules,
	"debugger-secret": debugRules, "environment": debugRules, "debug-payload": debugRules, "connection-string": {"config-environment"}, "config-secret": {"config-environment"}, "echoed-secret": {"password-plain"},
	"card": {"card-verification"}, "bank-account": {"bank-account"},
}

var debugRules = []string{"stack-trace-*", "error-*", "debug-*", "config-environment", "internal-host"}

func accepts(family, rule string) bool { return matches(accepted[family], rule) }

// follows says whether a finding on a record with leaks speaks of one of them.
func follows(leaks []corpus.Leak, rule string) bool {
	return matches(following, rule) || slices.ContainsFunc(leaks, func(l corpus.Leak) bool { return matches(implied[l.Family], rule) })
}

// familyOf names the family of a rule, or the rule when it has none.
func familyOf(rule string) string {
	for _, r := range reporting {
		if matches([]string{r.rule}, rule) {
			return r.family
		}
	}
	return rule
}
