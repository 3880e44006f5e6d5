package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func postalAddress() classify.Detector {
	return &detector{personalRule("pii-address", "A postal address is exposed",
		"Only text with a house number or a word for a street under the name of a street or address field matches; network, memory and "+
			"wallet addresses stay silent.",
		classify.Low, classify.Trigger{Fields: []string{"address", "address-line"}, Anchors: slices.Concat(spokenStreets...)},
	), func(c *classify.Candidate) {
		severity := contactSeverity(c)
		switch {
		case severity == 0 || c.Header() != nil:
			return
		case c.Anchor != "":
			if lo, hi := spokenAddress(c); hi > lo && !isPublished(c) {
				c.Report(classify.Match{Lo: lo, Hi: hi, Severity: severity})
			}
			return
		case c.Kind != classify.String || c.Field == "address-line" && !isAddressLine(c):
			return
		}
		lo, hi := c.Lo, c.Hi
		if isOpen(c) { // up to the end of the phrase
			_, hi = phrase(c.Text, lo, hi)
			hi = lo + beforeName(c.Text[lo:hi])
		}
		if isStreet(bytes.TrimSpace(c.Text[lo:hi])) && !isOfPage(c) && !isPublished(c) {
			c.Report(classify.Match{Lo: lo, Hi: hi, Severity: severity})
		}
	}}
}

// isAddressLine says whether a line is that of an object of an address; few lines look like one.
func isAddressLine(c *classify.Candidate) bool {
	return isStreet(bytes.TrimSpace(c.Value())) && holdsAny([]byte(c.Parent()), []string{"address"})
}

// beforeName returns how much of a text stands before the next name of a field: before a tab, the
// bracket of an array in PHP's writing, or the word that an equals sign or a colon follows.
func beforeName(text []byte) int {
	text = text[:indexOrEnd(text, "\t[")]
	if i := bytes.IndexAny(text, "=:"); i >= 0 {
		text = text[:max(0, bytes.LastIndexAny(text[:i], " ,"))]
	}
	return len(bytes.TrimRight(text, " ,"))
}

// isOfPage says whether an address stands in HTML's element for how the owner of
// a page is reached (HTML, section 4.3.10).
func isOfPage(c *classify.Candidate) bool {
	if !strings.Contains(c.ContentType(), "html") {
		return false
	}
	if !inPair(c) { // the walk gives the text of the element under its name, and others under a label
		before, _ := c.Around(maxNear)
		return string(c.Key) == "address" && bytes.Contains(before, []byte("<address"))
	}
	before := c.Before(maxNear)
	at := bytes.LastIndexByte(before, '<')
	return at >= 0 && bytes.HasPrefix(before[at:], []byte("<address"))
}

// isStreet asks for words, and a house number or a word for a street; without a number one
// word has to be a name.
func isStreet(v []byte) bool {
	if isOtherAddress(v) {
		return false
	}
	var s streetWordCount
	for word := range bytes.FieldsFuncSeq(v, isWordEnd) {
		if !s.add(word) {
			return false
		}
	}
	return s.words > 0 && (s.houses > 0 && s.words+s.houses >= 2 || s.street && s.words >= 2 && s.named)
}

// streetWordCount counts what an address is made of: words and house numbers, a word for a
// street, a name.
type streetWordCount struct {
	words, houses int
	street, named bool
}

// add counts a word; ok is false for one that no address has.
func (s *streetWordCount) add(word []byte) (ok bool) {
	switch {
	case isHouse(word):
		s.houses++
		return true
	case isBeyondASCII(word): // one word may hold street and number, in East Asia all
		if bytes.ContainsAny(word, "0123456789路街巷號号길") {
			s.houses++
		}
		s.named = true
	case !isName(word): // a network address, a file, a code
		return isPostcode(word)
	}
	s.words++
	street := isStreetWord(word)
	s.street = s.street || street
	s.named = s.named || !street && !isFormWord(word)
	return true
}

// isFormWord knows the words that forms call the field itself with, beside those for a
// street: a text without any other word is its label.
func isFormWord(word []byte) bool {
	lower, n := lowerWord(word)
	switch string(bytes.TrimRight(lower[:n], ".:*")) {
	case "address", "addresses", "adresse", "line", "name", "number", "no", "your", "enter", "the", "a", "or", "and", "of", "home", "house", "postal", "mailing",
		"billing", "shipping", "delivery", "work", "full", "first", "second", "city", "town", "zip", "code", "state", "optional", "required",
		"und", "hausnummer", "nr", "nummer", "en", "huisnummer", "et", "numero", "y", "e", "civico", "i", "numer", "och", "og":
		return true
	}
	return false
}

// isOtherAddress matches what no postal address looks like: addresses of
// mailboxes, sites, memory and wallets, placeholders.
func isOtherAddress(v []byte) bool {
	return len(v) < 6 || len(v) > 256 || isMasked(v) || isReference(v) || bytes.ContainsAny(v, "@=<>{}_") || bytes.Contains(v, []byte("://")) ||
		bytes.HasPrefix(v, []byte("0x"))
}

func isWordEnd(r rune) bool { return strings.ContainsRune(" ,;\n\r\t()#º°", r) }

// isHouse matches 12, 221B, 5-7, 12/3, No.4: up to six digits with a letter; and
// s/n, without a number, as in Spain and Portugal.
func isHouse(word []byte) bool {
	s := shapeOf(word)
	return bytes.EqualFold(word, []byte("s/n")) || s.digits > 0 && s.digits <= 6 && s.letters() <= 2 && s.other == 0 && s.signs <= 2 && only(word, "-/.&'") && bytes.Count(word, []byte(".")) <= 1
}

// isPostcode matches letters and digits in one word, as in SW1A, 1234AB and
// Kolkata-700001.
func isPostcode(word []byte) bool {
	s := shapeOf(word)
	return s.digits > 0 && (len(word) <= 5 || len(word) <= 24 && s.signs <= 1 && only(word, "-"))
}

func isBeyondASCII(word []byte) bool {
	return slices.ContainsFunc(word, func(c byte) bool { return c >= 0x80 })
}

// isName matches letters and the signs of names.
func isName(word []byte) bool {
	for _, c := range word {
		if !isLetter(c) && strings.IndexByte(".-'/&", c) < 0 {
			return false
		}
	}
	return true
}

// streetWords are words for streets in the languages of Europe and the
// Americas; streetEndings end a word in German, Dutch and the Nordic languages.
var streetWords = []string{
	"alameda", "aleea", "alley", "allee", "allée", "apt", "ave", "avenida", "avenue", "av", "blvd", "boulevard", "calle", "carrer", "carrera", "chemin", "bulevardul", "close", "corso",
	"court", "crescent", "ct", "dr", "drive", "estrada", "highway", "hwy", "impasse", "lane", "largo", "ln", "parkway", "paseo", "piazza", "pkwy", "place", "platz",
	"plaza", "praça", "praceta", "quai", "rd", "road", "route", "rua", "rue", "square", "st", "strada", "street", "str", "straße", "strasse", "terrace",
	"travessa", "ul", "ulica", "ул", "улица", "вулиця", "проспект", "via", "viale", "way", "weg",
}

var streetEndings = []string{"straße", "strasse", "str", "weg", "platz", "allee", "gasse", "straat", "laan", "plein", "gatan", "vägen", "gata", "veien", "vej", "katu", "tie"}

func isStreetWord(word []byte) bool {
	word = bytes.TrimRight(word, ".")
	if len(word) > 24 {
		return false
	}
	lower, n := lowerWord(word)
	text := string(lower[:n])
	return slices.Contains(streetWords, text) || len(text) > 6 && slices.ContainsFunc(streetEndings, func(e string) bool { return strings.HasSuffix(text, e) })
}
