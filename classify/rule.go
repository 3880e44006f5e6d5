package classify

// Category groups rules; the list is closed.
type Category string

// The categories.
const (
	CategoryToken      Category = "token"      // bearer tokens, keys of vendors, sessions
	CategoryCredential Category = "credential" // passwords, hashes, private keys, secrets
	CategoryPersonal   Category = "personal"   // data about people
	CategoryFinancial  Category = "financial"  // cards, accounts
	CategoryInternal   Category = "internal"   // roles, ids, paths, hosts
	CategoryDebug      Category = "debug"      // traces, errors, configuration
	CategoryExcess     Category = "excess"     // more than policy, contract or need
	CategoryAccess     Category = "access"     // who may read what; token checks
	CategoryTransport  Category = "transport"  // what protects data on its way
)

// Rule is the constant description of what one detector finds. Its id is
// stable: alerts, policies and dashboards refer to it.
type Rule struct {
	ID       string
	Category Category
	// Severity is the usual one; a detector may report a different one where
	// place and context ask for it.
	Severity Severity
	Title    string
	// Why says what an attacker or auditor makes of it, in a sentence or two.
	Why string
	// Fix says what to change, in a sentence or two.
	Fix string
	// FalsePositives says what looks alike and how the rule tells it apart.
	FalsePositives string
	CWE, OWASP     []string
	// Fixes gives the fix per framework: flask, marshmallow, fastapi, django,
	// express, spring, go.
	Fixes map[string]string
	// On says when the rule's detector is asked.
	On Trigger
	// Exclusive rules share no bytes: of two that match the same bytes, the
	// first in the engine's list reports them.
	Exclusive bool
	// Once means that a value that matched is not asked about again, and that the
	// rule is asked in vain Limits.Misses times at most.
	Once bool
}
