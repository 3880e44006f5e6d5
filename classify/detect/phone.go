package detect

import (
	"bytes"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func phone() classify.Detector {
	return &detector{personalRule("pii-phone", "A phone number is exposed",
		"Numbers of 7 to 15 digits (ITU-T E.164) under the name of a phone field match, and in running text those with a plus and a country's "+
			"code, or behind a word for a phone. Masked numbers, counts, ids, clocks and offsets stay silent.",
		classify.Low, classify.Trigger{Fields: []string{"phone"}, Digits: 10, Words: []string{
			"phone ", "phone: (", "mobile ", "call (", "tel. ", "tel: ", "fax ", "called from ", "call from ", "calls from ", "sms to ", "sms from ", "whatsapp to ", "called back ", "dialed ", "dialled ", "texted ",
		}},
	), func(c *classify.Candidate) {
		severity := contactSeverity(c)
		if severity == 0 {
			return
		}
		var lo, hi int
		switch {
		case c.Anchor != "":
			lo, hi = phoneBehind(c)
		case isRun(c):
			lo, hi = phonePlus(c)
		case c.Field == "phone" || isPhonePart(c):
			lo, hi = phoneValue(c)
		}
		if hi > lo && !isFreephone(c.Text[lo:hi]) && !isLinked(c, lo) && !isPublished(c) {
			c.Report(classify.Match{Lo: lo, Hi: hi, Severity: severity})
		}
	}}
}

// isLinked says whether a number is the target of a link in a page (RFC 3966):
// what a page offers to call is published by it.
func isLinked(c *classify.Candidate, lo int) bool {
	return bytes.HasSuffix(c.Text[:lo], []byte("tel:")) && strings.Contains(c.ContentType(), "html")
}

// isRun says whether the candidate is a run of digits behind a plus.
func isRun(c *classify.Candidate) bool {
	return c.Lo > 0 && c.Text[c.Lo-1] == '+' && c.Hi > c.Lo && isDigit(c.Text[c.Lo])
}

const (
	// E.164, section 6: 15 digits at most; local numbers have 7 at least.
	minPhone, maxPhone = 7, 15
	// minBare is the fewest digits of a JSON number that is no count.
	minBare = 9
)

// phoneValue is the value under a telling name; without quotes it may go on
// behind a space.
func phoneValue(c *classify.Candidate) (lo, hi int) {
	if c.Kind != classify.String && (c.Kind != classify.Number || c.Hi-c.Lo < minBare) {
		return 0, 0
	}
	lo, hi = c.Lo, c.Hi
	for lo < hi && c.Text[lo] == ' ' {
		lo++
	}
	for hi > lo && strings.IndexByte(" .)", c.Text[hi-1]) >= 0 {
		hi--
	}
	if v := bytes.TrimPrefix(c.Text[lo:hi], []byte("tel:")); isPhone(v) {
		return hi - len(v), hi
	}
	if hi == lo || c.Hi < len(c.Text) && (c.Text[c.Hi] == '"' || c.Text[c.Hi] == '\'') {
		return 0, 0
	}
	end := readPhone(c.Text, lo)
	if end < hi || !isPhone(c.Text[lo:end]) {
		return 0, 0
	}
	return lo, end
}

// isPhone counts digits and allows the signs that people write between them
// (ITU-T E.123), and an extension.
func isPhone(v []byte) bool {
	for _, sign := range []string{" ext", "ext.", ";ext=", " x", "x", "#"} {
		if number, extension, ok := bytes.Cut(v, []byte(sign)); ok && len(extension) < 10 {
			v = number
			break
		}
	}
	s := shapeOf(v)
	return s.digits >= minPhone && s.digits <= maxPhone && s.letters() == 0 && only(v, "+ -.()/") && isPlusFirst(v) &&
		!isMadeUp(v) && !isDay(v) && !isDecimal(v)
}

// isPlusFirst says whether a plus stands at the start or not at all.
func isPlusFirst(v []byte) bool {
	return bytes.LastIndexByte(bytes.TrimPrefix(v, []byte("(")), '+') <= 0
}

// isDecimal matches a fraction: a count or a coordinate, and no phone.
func isDecimal(v []byte) bool {
	dot := bytes.IndexByte(v, '.')
	return dot > 0 && dot == bytes.LastIndexByte(v, '.') && dot <= 3 && len(leadingDigits(v[dot+1:])) == len(v)-dot-1 && len(v)-dot > 5
}

// readPhone returns the end of a number that starts at lo.
func readPhone(text []byte, lo int) int {
	end, digits := lo, 0
	for i := lo; i < len(text) && digits <= maxPhone; i++ {
		switch c := text[i]; {
		case isDigit(c):
			digits++
			end = i + 1
		case c == '+' && i == lo, c == '(', c == ')', c == ' ', c == '-', c == '.', c == '/':
			if i-end > 1 { // two signs at most
				return end
			}
		default:
			if isWordByte(c) && i == end {
				return lo
			}
			return end
		}
	}
	return end
}

// phonePlus is a number behind a plus in running text: the country's code, and
// groups or at least ten digits.
func phonePlus(c *classify.Candidate) (lo, hi int) {
	lo = c.Lo - 1
	if !isCountryCode(c.Text[c.Lo:c.Hi]) {
		return 0, 0
	}
	if lo > 0 && strings.IndexByte(" \t\n\"'(:<>,;=[|", c.Text[lo-1]) < 0 {
		return 0, 0
	}
	hi = readPhone(c.Text, lo)
	number := c.Text[lo:hi]
	s := shapeOf(number)
	if s.digits < minBare || s.signs+s.other == 1 && s.digits > 13 || !isPhone(number) || isOneCountry(number[1]) && s.digits != 11 {
		return 0, 0
	}
	return lo, hi
}

// isPhonePart says whether a string belongs to a phone by the name of the object
// that holds it: phone.number.
func isPhonePart(c *classify.Candidate) bool {
	if c.Kind != classify.String || string(c.Key) != "number" || !isPhone(c.Value()) {
		return false
	}
	parent := c.Parent()
	var buf [maxNear]byte
	near := lowered(buf[:], []byte(parent[max(0, len(parent)-maxNear):]))
	return bytes.Contains(near, []byte("phone")) || bytes.Contains(near, []byte("mobile"))
}

// isCountryCode knows the codes that are assigned (ITU-T E.164, list of 2016)
// by their first two digits; an area of North America starts with 2 to 9.
func isCountryCode(v []byte) bool {
	first, second := v[0], v[1] // a run has ten digits, and single signs between them
	if !isDigit(second) {
		second = v[2]
	}
	switch {
	case first == '1':
		return second >= '2'
	case first == '0', first == '2' && second == '8', first == '8' && (second == '3' || second == '9'):
		return false
	}
	return true
}

// isOneCountry knows the codes whose numbers have eleven digits with it: North
// America's and that of Russia and Kazakhstan.
func isOneCountry(c byte) bool { return c == '1' || c == '7' }

// phoneBehind is a number behind a word for a phone in running text.
func phoneBehind(c *classify.Candidate) (lo, hi int) {
	if !freeBefore(c) {
		return 0, 0
	}
	rest := c.Text[c.Hi-1 : min(len(c.Text), c.Hi+maxNear)]
	for _, word := range []string{"number", "no", "is"} {
		rest = bytes.TrimPrefix(bytes.TrimLeft(rest, " :#.="), []byte(word))
	}
	rest = bytes.TrimLeft(rest, " :#.=")
	end := readPhone(rest, 0)
	number := rest[:end]
	s := shapeOf(number)
	groups := s.signs + s.other
	if s.digits < minBare || s.digits > 12 && number[0] != '+' || groups < 2 && number[0] != '+' && !isTrunk(number, s) || groups > 6 || bytes.Count(number, []byte(".")) > 2 || !isPhone(number) {
		return 0, 0
	}
	hi = c.Hi - 1 + len(c.Text[c.Hi-1:min(len(c.Text), c.Hi+maxNear)]) - len(rest) + end
	return hi - end, hi
}

// isTrunk says whether a number in two groups starts with the zero that most countries dial
// before an area (ITU-T E.164, "trunk prefix").
func isTrunk(number []byte, s shape) bool {
	return number[0] == '0' && number[1] != '0' && s.digits >= 10 && s.signs+s.other == 1
}
