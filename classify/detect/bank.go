package detect

import "github.com/leaktap/leaktap/classify"

// bankIDs are numbers of accounts and of banks.
var bankIDs = []idKind{
	// Mexico: Banxico, CLABE. Argentina: BCRA, CBU.
	{classes: "bank-clabe", forms: "999999999999999999", check: isCLABE, strict: true, words: []string{"clabe "}},
	{classes: "bank-cbu", forms: "9999999999999999999999", check: isCBU, strict: true, words: []string{"cbu "}},
	// US: ABA routing number policy. United Kingdom: sort codes have no check digit. Both are public: they tell of the account beside them.
	{classes: "bank-routing", forms: "999999999", check: isABA, strict: true, severity: classify.Low, words: []string{"routing number"}},
	{classes: "bank-sort-code", forms: "999999", severity: classify.Low},
}

func bankAccount() classify.Detector {
	rule := classify.Rule{
		ID: "bank-account", Category: classify.CategoryFinancial, Severity: classify.Medium, Exclusive: true,
		Title: "A bank account number is exposed",
		Why:   "Account numbers tie payments to a person and serve in direct debit and cheque fraud.",
		Fix:   "Return the last four digits at most, to the account's owner only; keep the rest out of logs.",
		FalsePositives: "Six to seventeen digits under the name of an account number; numbers of banks need their check digit. Masked numbers " +
			"and ids of customer accounts (account_id) stay silent.",
		CWE: []string{"CWE-359"}, OWASP: []string{"API3:2023"},
	}
	return newIDDetector(rule, bankIDs, byName{"bank-account": isAccount}, nil)
}

// isAccount is what national account numbers have in common; the longest are
// those of the US (Nacha, 17).
func isAccount(v []byte) bool {
	s := shapeOf(v)
	return only(v, " -/.") && s.digits >= 6 && s.digits <= 17 && s.letters() == 0 && !isMadeUp(v) && !isDay(v) && !isDecimal(v)
}

// isABA: weights 3, 7, 1; the first two digits are a Federal Reserve district
// or a class of institutions.
func isABA(id []byte) bool {
	district := number(id[:2])
	return (district <= 12 || district >= 21 && district <= 32 || district >= 61 && district <= 72 || district == 80) &&
		number(id) > 0 && weigh(id, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
}

// isCLABE adds the last digits of the products with 3, 7, 1.
func isCLABE(id []byte) bool {
	sum := 0
	for i, c := range id[:17] {
		sum += valueOf(c) * [...]int{3, 7, 1}[i%3] % 10
	}
	return (10-sum%10)%10 == last(id)
}

// isCBU has a check digit behind the bank and one behind the account.
func isCBU(id []byte) bool {
	return (10-weigh(id, 7, 1, 3, 9, 7, 1, 3)%10)%10 == valueOf(id[7]) &&
		(10-weigh(id[8:], 3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3)%10)%10 == last(id)
}
