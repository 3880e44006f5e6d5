package detect

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

func cardNumber() classify.Detector {
	return &detector{classify.Rule{
		ID: "card-number", Category: classify.CategoryFinancial, Severity: classify.High, Exclusive: true,
		Title: "A payment card number is exposed",
		Why:   "A full card number may neither be shown nor stored in clear (PCI DSS 3.4 and 3.5); it buys goods elsewhere.",
		Fix:   "Return and log the last four digits at most; keep the number at the payment service and use its token.",
		FalsePositives: "The number needs a valid check digit, an issuer's prefix and length, and a name or neighbour that speaks of a card; " +
			"order numbers, clocks and ids that pass the check digit stay silent.",
		CWE: []string{"CWE-359", "CWE-312"}, OWASP: []string{"API3:2023"},
		On: classify.Trigger{Digits: 13},
	}, func(c *classify.Candidate) {
		if onTheWay(c) || c.Where == classify.InURL && c.Key == nil {
			return
		}
		number, ok := digitsOf(c.Value(), 19)
		if !ok || !isCard(number) {
			return
		}
		m := classify.Match{Lo: c.Lo, Hi: c.Hi}
		switch {
		case c.Field == "card-number":
			m.Confidence = classify.HighConfidence
		case isGrouped(c.Value()) && (c.Field == "" || c.Lo > 0) && !speaksOfOther(c):
		case speaksOfCard(c):
		default:
			return
		}
		c.Report(m)
	}}
}

// digitsOf returns the digits of a run, if there are at most limit.
func digitsOf(run []byte, limit int) (digits []byte, ok bool) {
	digits = make([]byte, 0, 32)
	for _, c := range run {
		if isDigit(c) {
			if len(digits) == limit {
				return nil, false
			}
			digits = append(digits, c)
		}
	}
	return digits, true
}

// isCard checks issuer prefix, length and check digit (ISO/IEC 7812-1).
func isCard(d []byte) bool {
	if len(d) < 13 || !isIssuer(d) || sameDigits(d) {
		return false
	}
	sum := 0
	for i := range d { // Luhn, from the right
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			n *= 2
			if n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// issuers are the ranges of the first four digits that the card schemes
// publish, with the lengths of their numbers.
var issuers = []struct{ first, last, short, long int }{
	{4000, 4999, 13, 13}, {4000, 4999, 16, 16}, {4000, 4999, 19, 19}, // Visa
	{5100, 5599, 16, 16}, {2221, 2720, 16, 16}, // Mastercard
	{3400, 3499, 15, 15}, {3700, 3799, 15, 15}, // American Express
	{3528, 3589, 16, 19},                                             // JCB
	{3000, 3059, 14, 16}, {3600, 3699, 14, 16}, {3800, 3999, 14, 16}, // Diners Club
	{6011, 6011, 16, 19}, {6440, 6599, 16, 19}, // Discover
	{6200, 6299, 16, 19}, // UnionPay
}

func isIssuer(d []byte) bool {
	four := 0
	for _, c := range d[:4] {
		four = four*10 + int(c-'0')
	}
	for _, r := range issuers {
		if r.first <= four && four <= r.last && r.short <= len(d) && len(d) <= r.long {
			return true
		}
	}
	return false
}

// isGrouped matches the groups in which cards are printed: 4-4-4-4 or 4-6-5,
// with one and the same separator.
func isGrouped(run []byte) bool {
	sign := byte(0)
	for i, c := range run {
		if isDigit(c) {
			continue
		}
		if sign == 0 {
			sign = c
		}
		if c != sign || c == '.' || i != 4 && i != 9 && i != 14 && i != 11 {
			return false
		}
	}
	return sign != 0
}

// cardWords speak of cards when they stand before a number.
var cardWords = []string{"card", "visa", "mastercard", "amex", "pan=", "pan:", "cc=", "cvv", "kreditkarte", "tarjeta"}

func speaksOfCard(c *classify.Candidate) bool {
	near := bytes.ToLower(c.Before(48))
	key := bytes.ToLower(c.Key)
	for _, w := range cardWords {
		if bytes.Contains(near, []byte(w)) || bytes.Contains(key, []byte(w)) && !bytes.Contains(key, []byte("id")) {
			return true
		}
	}
	return false
}

// speaksOfOther says whether the name tells that the number is something else.
func speaksOfOther(c *classify.Candidate) bool {
	key := bytes.ToLower(c.Key)
	for _, w := range []string{"order", "invoice", "track", "serial", "imei", "isbn", "sku", "ean", "phone", "block", "_id", "version"} {
		if bytes.Contains(key, []byte(w)) {
			return true
		}
	}
	return false
}

// ibanLengths are the lengths by country of the SWIFT IBAN registry.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
	"CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
	"GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
	"KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27,
	"MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31,
	"SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}

func iban() classify.Detector {
	return &detector{classify.Rule{
		ID: "iban", Category: classify.CategoryFinancial, Severity: classify.Medium, Exclusive: true,
		Title:          "A bank account number (IBAN) is exposed",
		Why:            "Account numbers tie payments to a person and serve in direct debit fraud.",
		Fix:            "Return the last four characters at most, to the account's owner only; keep the rest out of logs.",
		FalsePositives: "Country, length and check digits (ISO 13616, mod 97) have to be right; masked numbers stay silent.",
		CWE:            []string{"CWE-359"}, OWASP: []string{"API3:2023"},
		On: classify.Trigger{Digits: 9, Fields: []string{"iban"}},
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		for lo := c.Lo; lo >= max(0, c.Lo-12); lo-- {
			if n := ibanAt(c.Text, lo); n > 0 && lo+n >= c.Lo {
				c.Report(classify.Match{Lo: lo, Hi: lo + n, Confidence: classify.HighConfidence})
				return
			}
		}
	}}
}

// ibanAt returns the length of the IBAN that starts at lo, in one piece or in
// groups of four, or 0.
func ibanAt(text []byte, lo int) int {
	if lo+4 > len(text) || lo > 0 && isWordByte(text[lo-1]) || !isDigit(text[lo+2]) || !isDigit(text[lo+3]) {
		return 0
	}
	want := ibanLengths[string(text[lo:lo+2])]
	number, hi := readGroups(text, lo, want)
	if want == 0 || len(number) < want || hi < len(text) && isWordByte(text[hi]) || !validMod97(number) {
		return 0
	}
	return hi - lo
}

// readGroups reads want capitals and digits, with a space at most after each
// four, and returns them with the offset behind.
func readGroups(text []byte, lo, want int) (number []byte, hi int) {
	number = make([]byte, 0, 34)
	for hi = lo; hi < len(text) && len(number) < want; hi++ {
		switch c := text[hi]; {
		case isDigit(c) || isUpper(c):
			number = append(number, c)
		case c != ' ' || len(number)%4 != 0:
			return number, hi
		}
	}
	return number, hi
}

// validMod97 moves the first four characters to the end, reads letters as 10 to
// 35, and wants the remainder 1 (ISO 13616, ISO/IEC 7064 MOD 97-10).
func validMod97(v []byte) bool {
	rest := 0
	for i := range v {
		c := v[(i+4)%len(v)]
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
