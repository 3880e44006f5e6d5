package detect

import (
	"bytes"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

const (
	whyPersonal = "Personal data that goes to more people or places than needed has to be accounted for, and feeds phishing and fraud."
	fixPersonal = "Return and log the fields that the caller needs and no others: a smaller projection, masked where a hint is enough."
)

// personalRule is what the rules for personal data share; policy decides what a
// route may return, so that alone these are quiet.
func personalRule(id, title, similar string, severity classify.Severity, on classify.Trigger) classify.Rule {
	return classify.Rule{
		ID: id, Category: classify.CategoryPersonal, Severity: severity, Title: title, Why: whyPersonal, Fix: fixPersonal,
		FalsePositives: similar, CWE: []string{"CWE-359"}, OWASP: []string{"API3:2023"}, On: on, Exclusive: true,
	}
}

// contactSeverity grades data by which people are reached: low where anybody
// can read it or where it was written down, information where a caller who
// identified himself reads it. It is 0 where people send their own.
func contactSeverity(c *classify.Candidate) classify.Severity {
	switch c.Where {
	case classify.InResponseBody, classify.InResponseHeader:
		if c.View.Anonymous || c.X.Persisted && c.X.Status == 0 {
			return classify.Low
		}
		return classify.Info
	case classify.InRecord:
		return classify.Low
	case classify.InURL:
		return classify.Low
	}
	if c.X.Persisted {
		return classify.Low
	}
	return 0
}

func email() classify.Detector {
	return &detector{personalRule("pii-email", "An e-mail address is exposed",
		"Asset names such as logo@2x.png, user information in URLs, addresses of example domains' placeholders and package versions "+
			"(name@1.2.3) stay silent.",
		classify.Low, classify.Trigger{Anchors: []string{"@"}},
	), func(c *classify.Candidate) {
		severity := contactSeverity(c)
		if severity == 0 {
			return
		}
		if lo, hi, ok := emailAround(c.Text, c.Lo); ok {
			c.Report(classify.Match{Lo: lo, Hi: hi, Severity: severity, Confidence: classify.HighConfidence})
		}
	}}
}

// emailAround returns the address around an at sign: a dot-atom (RFC 5322,
// section 3.2.3) and a host name with a top-level domain of letters.
func emailAround(text []byte, at int) (lo, hi int, ok bool) {
	lo, hi = localPart(text, at), at+1
	for hi < len(text) && hi-at < 254 && (isDigit(text[hi]) || isLetter(text[hi]) || text[hi] == '-' || text[hi] == '.') {
		hi++
	}
	domain := bytes.TrimRight(text[at+1:hi], ".-")
	hi = at + 1 + len(domain)
	dot := bytes.LastIndexByte(domain, '.')
	if lo == at || dot < 1 || text[at-1] == '.' || isUserInfo(text, lo) {
		return 0, 0, false
	}
	return lo, hi, isTopLevel(domain[dot+1:]) && !isNobody(text[lo:at])
}

// localPart returns where the local part before an at sign starts.
func localPart(text []byte, at int) int {
	lo := at
	for lo > 0 && at-lo < 64 && isAtext(text[lo-1]) {
		lo--
	}
	for lo < at && strings.IndexByte(".-'", text[lo]) >= 0 {
		lo++
	}
	return lo
}

// isAtext matches the characters of an atom that occur in addresses; those
// that mostly delimit ("=", "/", "{") are left out.
func isAtext(c byte) bool {
	return isWordByte(c) || c == '.' || c == '-' || c == '+' || c == '%' || c == '\'' || c == '&' || c >= 0x80
}

// isUserInfo says whether the address is the user part of a URL.
func isUserInfo(text []byte, lo int) bool {
	return lo >= 2 && (text[lo-1] == '/' && text[lo-2] == '/' || text[lo-1] == ':' && bytes.Contains(text[max(0, lo-64):lo], []byte("://")))
}

// isTopLevel says whether a last label can be a top-level domain: letters only,
// and none of the file name endings that stand behind an at sign.
func isTopLevel(label []byte) bool {
	if len(label) < 2 || len(label) > 24 {
		return false
	}
	for _, c := range label {
		if c < 'A' || 'Z' < c && c < 'a' || c > 'z' {
			return false
		}
	}
	switch word, n := lowerWord(label); string(word[:n]) {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "mjs", "json", "html", "ico", "avif", "map", "ts", "tsx", "jsx", "woff",
		"yml", "yaml", "xml", "txt", "pdf", "mp3", "service", "timer", "target", "socket", "local":
		return false
	}
	return true
}

// isNobody knows local parts that name no person: placeholders and
// functions that never receive personal mail.
func isNobody(local []byte) bool {
	switch word, n := lowerWord(local); string(word[:n]) {
	case "user", "username", "name", "your", "you", "email", "noreply", "no-reply", "donotreply", "do-not-reply", "git", "mailer-daemon":
		return true
	}
	return isMasked(local)
}

func phone() classify.Detector {
	return &detector{personalRule("pii-phone", "A phone number is exposed",
		"Only numbers of 7 to 15 digits (ITU-T E.164) under the name of a phone field match; masked numbers stay silent.",
		classify.Low, classify.Trigger{Fields: []string{"phone"}},
	), func(c *classify.Candidate) {
		severity := contactSeverity(c)
		v := c.Value()
		if severity == 0 || c.Kind != classify.String && c.Kind != classify.Number || !isPhone(v) {
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Severity: severity})
	}}
}

// isPhone counts digits and allows the signs that people write between them
// (ITU-T E.123).
func isPhone(v []byte) bool {
	s := shapeOf(v)
	if s.digits < 7 || s.digits > 15 || !only(v, "+ -.()/x#") || s.letters() > 1 || bytes.LastIndexByte(v, '+') > 0 {
		return false
	}
	return !sameDigits(v)
}

// sameDigits says whether all digits are one and the same: a placeholder.
func sameDigits(v []byte) bool {
	first := byte(0)
	for _, c := range v {
		if !isDigit(c) {
			continue
		}
		if first == 0 {
			first = c
		} else if c != first {
			return false
		}
	}
	return true
}

func birthDate() classify.Detector {
	return &detector{personalRule("pii-birth-date", "A date of birth is exposed",
		"Only calendar dates of 1900 and later under the name of a birth date match.",
		classify.Medium, classify.Trigger{Fields: []string{"birth-date"}},
	), func(c *classify.Candidate) {
		if severity := contactSeverity(c); severity != 0 && c.Kind == classify.String && isBirthDate(c.Value()) {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Severity: severity})
		}
	}}
}

// isBirthDate matches 1990-12-31 with an optional time (RFC 3339), 31.12.1990,
// 12/31/1990 and 19901231.
func isBirthDate(v []byte) bool {
	n, ok := dateNumbers(v[:min(len(v), 10)])
	switch {
	case !ok:
		return false
	case n[1] == 0:
		return len(v) == 8 && isYear(n[0]/10000) && n[0]/100%100 <= 12 && n[0]%100 <= 31
	case isYear(n[0]):
		return n[1] <= 12 && n[2] > 0 && n[2] <= 31
	}
	return isYear(n[2]) && n[0] <= 31 && n[1] <= 31
}

// dateNumbers reads up to three numbers with signs between them.
func dateNumbers(v []byte) (n [3]int, ok bool) {
	field := 0
	for _, c := range v {
		switch {
		case isDigit(c):
			n[field] = n[field]*10 + int(c-'0')
		case strings.IndexByte("-/.", c) >= 0 && field < 2:
			field++
		default:
			return n, false
		}
	}
	return n, len(v) >= 8
}

func isYear(n int) bool { return n >= 1900 && n <= 2100 }

func postalAddress() classify.Detector {
	return &detector{personalRule("pii-address", "A postal address is exposed",
		"Only text with a number and a word under the name of a street or address field matches.",
		classify.Low, classify.Trigger{Fields: []string{"address"}},
	), func(c *classify.Candidate) {
		severity := contactSeverity(c)
		v := c.Value()
		if severity == 0 || c.Kind != classify.String || len(v) < 6 || len(v) > 256 || isNoSecret(v) {
			return
		}
		if bytes.IndexByte(v, ' ') > 0 && bytes.ContainsAny(v, "0123456789") && !bytes.Contains(v, []byte("://")) {
			c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi, Severity: severity})
		}
	}}
}

func nationalID() classify.Detector {
	rule := personalRule("pii-national-id", "A national identity number is exposed",
		"A value needs the name of such a field, and the form of a number: digits, masked values stay silent; US social security "+
			"numbers are checked for areas that were never issued.",
		classify.High, classify.Trigger{Fields: []string{"national-id"}})
	rule.Why = "Identity numbers cannot be changed; with name and birth date they open accounts and credit in the person's name."
	return &detector{rule, func(c *classify.Candidate) {
		if contactSeverity(c) == 0 || c.Kind != classify.String && c.Kind != classify.Number || !isNationalID(c.Value()) {
			return
		}
		c.Report(classify.Match{Lo: c.Lo, Hi: c.Hi})
	}}
}

// isNationalID asks for 5 to 20 letters and digits, at least half of them
// digits. A US number (SSA: area not 000, 666 or 9xx, group and serial not 0)
// is checked.
func isNationalID(v []byte) bool {
	s := shapeOf(v)
	if !only(v, " -./") || s.digits < 5 || s.digits < s.letters() || s.digits+s.letters() > 20 || sameDigits(v) {
		return false
	}
	if len(v) == 11 && v[3] == '-' && v[6] == '-' {
		return isSSN(string(v[:3]), string(v[4:6]), string(v[7:]))
	}
	return true
}

func isSSN(area, group, serial string) bool {
	return area != "000" && area != "666" && area[0] != '9' && group != "00" && serial != "0000"
}
