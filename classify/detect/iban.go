package detect

import (
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// accounts are the structures of account numbers behind country and check
// digits, by the SWIFT IBAN registry, release 101: n digits, a letters, c either.
var accounts = map[string]string{
	"AD": "n8c12", "AE": "n19", "AL": "n8c16", "AT": "n16", "AZ": "a4c20", "BA": "n16", "BE": "n12", "BG": "a4n6c8", "BH": "a4c14",
	"BI": "n23", "BR": "n23a1c1", "BY": "c4n4c16", "CH": "n5c12", "CR": "n18", "CY": "n8c16", "CZ": "n20", "DE": "n18", "DJ": "n23",
	"DK": "n14", "DO": "c4n20", "EE": "n16", "EG": "n25", "ES": "n20", "FI": "n14", "FK": "a2n12", "FO": "n14", "FR": "n10c11n2",
	"GB": "a4n14", "GE": "a2n16", "GI": "a4c15", "GL": "n14", "GR": "n7c16", "GT": "c24", "HN": "a4n20", "HR": "n17", "HU": "n24",
	"IE": "a4n14", "IL": "n19", "IQ": "a4n15", "IS": "n22", "IT": "a1n10c12", "JO": "a4n4c18", "KW": "a4c22", "KZ": "n3c13", "LB": "n4c20",
	"LC": "a4c24", "LI": "n5c12", "LT": "n16", "LU": "n3c13", "LV": "a4c13", "LY": "n21", "MC": "n10c11n2", "MD": "c20", "ME": "n18",
	"MK": "n3c10n2", "MN": "n16", "MR": "n23", "MT": "a4n5c18", "MU": "a4n19a3", "NI": "a4n20", "NL": "a4n10", "NO": "n11", "OM": "n3c16",
	"PK": "a4c16", "PL": "n24", "PS": "a4c21", "PT": "n21", "QA": "a4c21", "RO": "a4c16", "RS": "n18", "RU": "n14c15", "SA": "n2c18",
	"SC": "a4n20a3", "SD": "n14", "SE": "n20", "SI": "n15", "SK": "n20", "SM": "a1n10c12", "SO": "n19", "ST": "n21", "SV": "a4n20",
	"TL": "n19", "TN": "n20", "TR": "n6c16", "UA": "n6c19", "VA": "n18", "VG": "a4n16", "XK": "n16", "YE": "a4n4c18",
}

func iban() classify.Detector {
	return &detector{classify.Rule{
		ID: "iban", Category: classify.CategoryFinancial, Severity: classify.Medium, Exclusive: true,
		Title:          "A bank account number (IBAN) is exposed",
		Why:            "Account numbers tie payments to a person and serve in direct debit fraud.",
		Fix:            "Return the last four characters at most, to the account's owner only; keep the rest out of logs.",
		FalsePositives: "Country, structure and check digits (ISO 13616, mod 97) have to be right; masked numbers stay silent.",
		CWE:            []string{"CWE-359"}, OWASP: []string{"API3:2023"},
		On: classify.Trigger{Digits: 9, Fields: []string{"iban"}},
	}, func(c *classify.Candidate) {
		if onTheWay(c) {
			return
		}
		if c.Field == "iban" && c.Lo == 0 && isForeignIBAN(c.Value()) {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Confidence: classify.LowConfidence})
			return
		}
		for lo := c.Lo; lo >= max(0, c.Lo-maxBankLetters); lo-- {
			if n := ibanAt(c.Text, lo, c.Field == "iban"); n > 0 && lo+n >= c.Lo {
				if c.Field != "iban" && isPage(c) && isExampleIBAN(c.Text[lo:lo+n]) {
					return
				}
				c.Report(classify.Match{Lo: lo, Hi: lo + n, Confidence: classify.HighConfidence})
				return
			}
		}
	}}
}

// exampleIBANs stand in documentation: those of the SWIFT IBAN registry for the countries that
// are shown most, and of Wikipedia. In the text of a page they are cited; elsewhere they count:
// where they show, a customer's would, too.
var exampleIBANs = []string{
	"AT611904300234573201", "BE68539007547034", "CH9300762011623852957", "DE89370400440532013000", "DK5000400440116243", "ES9121000418450200051332",
	"FI2112345600000785", "FR1420041010050500013M02606", "GB29NWBK60161331926819", "GB33BUKB20201555555555", "GB82WEST12345698765432", "IE29AIBK93115212345678",
	"IT60X0542811101000000123456", "NL91ABNA0417164300", "NO9386011117947", "PL61109010140000071219812874", "PT50000201231234567890154", "SE4550000000058398257466",
}

// isPage says whether the candidate stands in a page or a document that people read.
func isPage(c *classify.Candidate) bool {
	t := c.ContentType()
	return strings.Contains(t, "html") || strings.Contains(t, "markdown")
}

func isExampleIBAN(v []byte) bool {
	var buf [maxIBAN]byte
	id := buf[:0]
	for _, b := range v {
		if b != ' ' && b != '-' && len(id) < maxIBAN {
			id = append(id, upper(b))
		}
	}
	return slices.Contains(exampleIBANs, string(id))
}

// isForeignIBAN matches a number with valid check digits of a country that is not
// in the registry, for values under the name of an IBAN.
func isForeignIBAN(v []byte) bool {
	if len(v) < 15 || len(v) > maxIBAN || !isUpper(v[0]) || !isUpper(v[1]) || !isDigit(v[2]) || !isDigit(v[3]) || accounts[string(v[:2])] != "" {
		return false
	}
	return !slices.ContainsFunc(v, func(c byte) bool { return !isDigit(c) && !isUpper(c) }) && isMod97(v)
}

const (
	// maxBankLetters is how far before its first long run of digits an IBAN
	// starts: country, check digits and the letters of the bank, in groups.
	maxBankLetters = 12
	// maxIBAN is the length of the longest one (ISO 13616).
	maxIBAN = 34
)

// ibanAt returns the length of the IBAN that starts at lo, in one piece or in
// groups of four, or 0. Small letters count only where the name tells of one.
func ibanAt(text []byte, lo int, small bool) int {
	if lo+15 > len(text) || !isLetter(text[lo]) || !isLetter(text[lo+1]) || !isDigit(text[lo+2]) || !isDigit(text[lo+3]) ||
		lo > 0 && isWordByte(text[lo-1]) {
		return 0
	}
	var id [maxIBAN]byte
	copy(id[:], text[lo:lo+4])
	if small {
		id[0], id[1] = upper(id[0]), upper(id[1])
	}
	structure, ok := accounts[string(id[:2])]
	if !ok {
		return 0
	}
	n, hi := readAccount(text, lo+4, structure, &id, small)
	if hi == 0 || hi < len(text) && isWordByte(text[hi]) || !isMod97(id[:n]) || isMadeUp(id[4:n]) {
		return 0
	}
	return hi - lo
}

// readAccount reads an account number of that structure behind the check digits;
// it returns the length of the whole and the offset behind, or 0.
func readAccount(text []byte, lo int, structure string, id *[maxIBAN]byte, small bool) (n, hi int) {
	n, hi = 4, lo
	for len(structure) > 0 {
		count, size := 0, 1
		for ; size < len(structure) && isDigit(structure[size]); size++ {
			count = count*10 + int(structure[size]-'0')
		}
		if hi = readPart(text, hi, structure[0], id[n:n+count], n, small); hi == 0 {
			return 0, 0
		}
		n, structure = n+count, structure[size:]
	}
	return n, hi
}

// readPart reads a part of an IBAN of which n characters stand before it, with a
// sign at most after each four; it returns the offset behind, or 0.
func readPart(text []byte, lo int, kind byte, part []byte, n int, small bool) int {
	for i := range part {
		if lo < len(text) && (n+i)%4 == 0 && strings.IndexByte(" -", text[lo]) >= 0 {
			lo++
		}
		if lo == len(text) {
			return 0
		}
		c := text[lo]
		if small {
			c = upper(c)
		}
		if !isDigit(c) && !isUpper(c) || kind == 'n' && !isDigit(c) || kind == 'a' && !isUpper(c) {
			return 0
		}
		part[i] = c
		lo++
	}
	return lo
}
