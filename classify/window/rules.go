package window

import "github.com/leaktap/leaktap/classify"

// rules are what a tracker finds.
type rules struct {
	enumeration, harvest, guessable, crossPrincipal, notValidated, overbroad, oracle *classify.Rule
}

// Rules lists what trackers find.
func Rules() []*classify.Rule { return newRules().list() }

func (r rules) list() []*classify.Rule {
	return []*classify.Rule{r.enumeration, r.harvest, r.guessable, r.crossPrincipal, r.notValidated, r.overbroad, r.oracle}
}

func newRules() rules {
	api1 := []string{"API1:2023"}
	return rules{
		enumeration: &classify.Rule{
			ID: "enumeration", Category: classify.CategoryAccess, Severity: classify.High,
			Title: "One caller goes through objects one by one",
			Why:   "Who steps through identifiers reads what he was never pointed to: this is how a database is copied with requests that look normal one by one.",
			Fix:   "Check on each object that the caller may read it, use identifiers that cannot be counted, and limit how many objects a caller may read in a time.",
			FalsePositives: "Objects without data about people, callers who read their own, and tokens whose scope or role lets them read what belongs " +
				"to others stay silent; so do lists and health checks.",
			CWE: []string{"CWE-639", "CWE-799"}, OWASP: append([]string{"API6:2023"}, api1...),
		},
		harvest: &classify.Rule{
			ID: "harvest", Category: classify.CategoryAccess, Severity: classify.High,
			Title: "One caller gathers data about many people",
			Why:   "Each request is allowed and small; together they copy the table. A stolen token, a scraper or an insider looks like this.",
			Fix:   "Ask the token's owner, revoke the token if it is not his doing, limit the records that a caller may read in an hour, and return less of each.",
			FalsePositives: "Tokens whose scope or role is an administrator's, an export's or a service's stay silent. Data that come again count once, " +
				"so that a client that polls stays silent; so do many people behind one address who each read their own.",
			CWE: []string{"CWE-799", "CWE-359"}, OWASP: []string{"API6:2023", "API4:2023"},
		},
		guessable: &classify.Rule{
			ID: "guessable-id", Category: classify.CategoryAccess, Severity: classify.Low,
			Title:          "Objects with data about people have numbers that can be counted",
			Why:            "Who knows one identifier knows the next: a missing check of access then opens all objects, and the count of customers is public.",
			Fix:            "Show random identifiers (UUID version 4, or 128 random bits) and keep row numbers inside.",
			FalsePositives: "Objects without data about people stay silent, and numbers that are far apart.",
			CWE:            []string{"CWE-340", "CWE-639"}, OWASP: api1,
		},
		crossPrincipal: &classify.Rule{
			ID: "cross-principal", Category: classify.CategoryAccess, Severity: classify.High,
			Title: "A caller reads an object that belongs to somebody else",
			Why:   "The token was checked, the ownership was not: any customer can read any other's data by changing an identifier.",
			Fix:   "Select by owner as well as by identifier (WHERE id = ? AND owner = ?), and answer 404 where nothing is left.",
			FalsePositives: "Kinds of objects that are shared stay silent: others must mostly read their own, or the object must name its owner and hold " +
				"data about people. Tokens with a broad scope or role stay silent.",
			CWE: []string{"CWE-639"}, OWASP: api1,
		},
		notValidated: &classify.Rule{
			ID: "token-not-validated", Category: classify.CategoryAccess, Severity: classify.Critical,
			Title: "A private object is handed out whatever the token",
			Why:   "The service reads the token, or not even that, without verifying it: anybody is whoever he says he is.",
			Fix:   "Verify the signature with a fixed algorithm and key, then exp and aud, before anything of the token is used; refuse with 401.",
			FalsePositives: "The same object has to come back, with data about people in it, to a caller with a good token and to one with none, with " +
				"one that nobody can have issued, or with another signature of the same claims.",
			CWE: []string{"CWE-287", "CWE-347"}, OWASP: []string{"API2:2023"},
		},
		overbroad: &classify.Rule{
			ID: "overbroad-scope", Category: classify.CategoryAccess, Severity: classify.Info,
			Title:          "A token may change things and only ever reads",
			Why:            "What a token may do is what a thief may do.",
			Fix:            "Issue a token with the scopes that its calls need.",
			FalsePositives: "A token that is young or seldom used stays silent.",
			CWE:            []string{"CWE-250"}, OWASP: []string{"API5:2023"},
		},
		oracle: &classify.Rule{
			ID: "auth-oracle", Category: classify.CategoryAccess, Severity: classify.Low,
			Title:          "Refusals tell whether an account exists",
			Why:            "Two messages for two reasons let anybody find out who has an account, before a single password is tried.",
			Fix:            "Answer with one message, one status and in one time, whatever is wrong.",
			FalsePositives: "One message for both reasons stays silent; so does a route on which only one of the two was seen.",
			CWE:            []string{"CWE-204"}, OWASP: []string{"API2:2023"},
		},
	}
}
