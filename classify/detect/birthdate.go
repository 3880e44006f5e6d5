package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func birthDate() classify.Detector {
	return &detector{personalRule("pii-birth-date", "A date of birth is exposed",
		"Only calendar dates from 1900 to the present day under the name of a birth date match.",
		classify.Medium, classify.Trigger{Fields: []string{"birth-date"}, Words: []string{"of birth", "born on", "birth date", "dob "}, Anchors: []string{patientSegment}},
	), func(c *classify.Candidate) {
		severity := contactSeverity(c)
		if severity == 0 || c.Anchor == "" && c.Kind != classify.String && c.Kind != classify.Number {
			return
		}
		lo, hi := c.Lo, c.Hi
		switch {
		case c.Anchor == patientSegment:
			if lo, hi = segmentField(c.Text, c.Hi, birthField); hi-lo < len("YYYYMMDD") {
				return
			}
			hi = lo + len("YYYYMMDD") // a time may follow
		case c.Anchor != "":
			if !freeBefore(c) {
				return
			}
			lo = c.Hi + dateStart(c.Text[c.Hi:min(len(c.Text), c.Hi+maxDate)])
			hi = lo + dateEnd(c.Text[lo:min(len(c.Text), lo+maxDate)])
		case isOpen(c):
			hi = lo + dateEnd(c.Text[lo:min(len(c.Text), lo+maxDate)])
		}
		if d, ok := readDate(bytes.TrimSpace(c.Text[lo:hi])); ok && d.year <= c.View.AsOf.Year() {
			c.Report(classify.Match{Lo: lo, Hi: hi, Severity: severity})
		}
	}}
}

// A patient in messages of HL7 version 2 (version 2.5, section 3.4.2): the segment PID, whose
// seventh field is the date of birth.
const (
	patientSegment = "PID|"
	birthField     = 7
)

// segmentField returns where a field of a segment stands, whose first starts at an offset; an
// empty span where the segment ends before it.
func segmentField(text []byte, at, field int) (lo, hi int) {
	for ; field > 1; field-- {
		n := bytes.IndexAny(text[at:], "|\r\n")
		if n < 0 || text[at+n] != '|' {
			return at, at
		}
		at += n + 1
	}
	return at, at + indexOrEnd(text[at:], "|\r\n")
}

// isOpen says whether a value in running text has no quotes, so that it may go
// on behind the space where it was cut.
func isOpen(c *classify.Candidate) bool {
	return c.Lo > 0 && c.Hi < len(c.Text) && c.Text[c.Hi] == ' '
}

// maxDate is the length of a date with the longest name of a month, or a time.
const maxDate = 20

// dateStart returns where the date starts behind a word for it.
func dateStart(text []byte) int {
	rest := bytes.TrimLeft(text, ":= \"")
	rest = bytes.TrimPrefix(rest, []byte("is "))
	return len(text) - len(rest)
}

// dateEnd returns where a date in running text ends: at a space where the year
// stands first, else behind the year.
func dateEnd(text []byte) int {
	if len(leadingDigits(text)) >= 4 {
		if i := bytes.IndexAny(text, " ,;)\"'\n\t"); i >= 0 {
			return i
		}
		return len(text)
	}
	run := 0
	for i, c := range text {
		if !isDigit(c) {
			run = 0
		} else if run++; run == 4 {
			return i + 1
		}
	}
	return 0
}

type day struct{ year, month, day int }

// isDay says whether a value is a date in numbers and no number.
func isDay(v []byte) bool {
	_, ok := readDate(v)
	return ok && bytes.ContainsAny(v, "-./")
}

// readDate reads 1990-12-31 with an optional time (RFC 3339), 31.12.1990,
// 12/31/1990, 19901231, and with a month's name 31 December 1990, December 31st,
// 1990 and 31 de diciembre de 1990.
func readDate(v []byte) (day, bool) {
	if len(v) < 8 || len(v) > 40 {
		return day{}, false
	}
	var n [3]int
	field, month := 0, 0
	for len(v) > 0 && field < len(n) {
		digits, word := leadingDigits(v), leadingLetters(v)
		switch {
		case len(digits) > 8:
			return day{}, false
		case len(digits) > 0:
			n[field] = number(digits)
			field++
		case len(word) > 2:
			if month = monthOf(word); month == 0 {
				return day{}, false
			}
		case len(word) == 0 && strings.IndexByte("-/., ", v[0]) < 0:
			return day{}, false
		}
		v = v[max(1, len(digits)+len(word)):]
	}
	d, ok := sortDate(n, month)
	return d, ok && (len(v) == 0 || v[0] == 'T' || v[0] == ' ') // a time may follow
}

// leadingLetters returns the letters that v starts with.
func leadingLetters(v []byte) []byte {
	n := 0
	for n < len(v) && (isLetter(v[n]) || v[n] >= 0x80) {
		n++
	}
	return v[:n]
}

// sortDate says which number is what.
func sortDate(n [3]int, month int) (day, bool) {
	d := day{n[0], n[1], n[2]}
	switch {
	case month > 0 && isYear(n[0]):
		d = day{n[0], month, n[1]}
	case month > 0:
		d = day{n[1], month, n[0]}
	case n[1] == 0 && n[2] == 0: // in one piece
		d = day{n[0] / 10000, n[0] / 100 % 100, n[0] % 100}
	case isYear(n[0]):
	case n[1] > 12:
		d = day{n[2], n[0], n[1]}
	default:
		d = day{n[2], n[1], n[0]}
	}
	return d, isYear(d.year) && isMonthDay(d.month, d.day)
}

// months are the names in English, German, French, Spanish, Italian, Portuguese
// and Dutch, by their first three letters, which tell them.
var months = [12][]string{
	{"jan", "ene", "gen"},
	{"feb", "fev", "fév"},
	{"mar", "mär", "mrt", "maa"},
	{"apr", "avr", "abr"},
	{"may", "mai", "mei", "mag"},
	{"jun", "jui", "giu"},
	{"jul", "lug"},
	{"aug", "aoû", "ago"},
	{"sep", "set"},
	{"oct", "okt", "out", "ott"},
	{"nov"},
	{"dec", "dez", "déc", "dic"},
}

// monthOf returns the number of the month of that name, or 0.
func monthOf(name []byte) int {
	word, n := lowerWord(name)
	text := string(word[:n])
	for m, names := range months {
		if slices.ContainsFunc(names, func(start string) bool { return strings.HasPrefix(text, start) }) {
			if strings.HasPrefix(text, "juil") { // juin is June, juillet July
				m++
			}
			return m + 1
		}
	}
	return 0
}

func isYear(n int) bool { return n >= 1900 && n <= 2100 }
