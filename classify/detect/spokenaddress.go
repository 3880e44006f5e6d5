package detect

import (
	"bytes"
	"regexp"

	"github.com/leaktap/leaktap/classify"
)

// spokenStreets are words for streets as they stand in addresses that are written in one
// line, by how an address is written: the number first or behind the street. Without a name
// of a field before it, an address is one with number, street, city and postcode only.
var spokenStreets = [][]string{
	{"Street", "St, ", "St., ", "St Apt ", "Avenue", "Ave, ", "Ave., ", "Ave Apt ", "Road", "Rd, ", "Lane", "Ln, ", "Boulevard", "Blvd", "Court, ", "Terrace, ", "Crescent, ", "Close, ", "Drive, ", "Dr, ", "Way, "},
	{"ße ", "str. ", "strasse ", "Allee ", "Platz "},
	{"rue ", "Rue ", "avenue ", "boulevard ", "chemin ", "allée ", "impasse "},
	{"Calle ", "Avenida ", "Paseo ", "Via ", "Viale ", "Piazza ", "Corso ", "Rua "},
}

const (
	streetName = `(?:\p{Lu}[\p{L}.'’-]*\p{Ll}[\p{L}.'’-]*|\d{1,3}(?:st|nd|rd|th)|[NSEW]{1,2}\.?)`
	cityName   = `\p{Lu}[\p{L}.'’-]+(?:[ -]\p{L}[\p{L}.'’-]+){0,3}`
	// anglicCode is a ZIP code behind a state (USPS Publication 28), a postcode of the United Kingdom
	// (BS 7666), of Canada, of Australia; continentalCode one that stands before the city.
	anglicCode      = `(?:[A-Z]{2},? \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]{2,3},? \d{4})\b`
	continentalCode = `(?:[A-Z]{1,2}-)?\d{4,5}(?: [A-Z]{2})? \p{Lu}\p{L}+`
	// flat is the part of a house.
	flat = `(?:,? (?:Apt|Apartment|Flat|Unit|Suite|Ste|Floor|#)\.? ?[\w-]{1,6})?`
)

// spokenAddresses match what stands before the word for a street, and from it on.
var spokenAddresses = []struct{ before, behind *regexp.Regexp }{
	{
		regexp.MustCompile(`(?:^|[\s:>("'=])(\d{1,5}[A-Za-z]?(?:[-/]\d{1,4})? (?:` + streetName + ` ){1,3})$`),
		regexp.MustCompile(`^[A-Z][a-z]+\.?(?: [NSEW]{1,2})?` + flat + `,? ` + cityName + `,? ` + anglicCode),
	},
	{
		regexp.MustCompile(`(?:^|[\s:>("'=])((?:` + streetName + ` ){0,2}\p{Lu}[\p{L}-]{2,}|(?:` + streetName + ` ){1,2})$`),
		regexp.MustCompile(`^(?:ße|str\.|strasse|Allee|Platz) \d{1,4} ?[a-z]?(?:[-/]\d{1,4})?,? ` + continentalCode),
	},
	{
		regexp.MustCompile(`(?:^|[\s:>("'=])(\d{1,4}(?: ?bis| ?ter|[a-d])?,? )$`),
		regexp.MustCompile(`^[\p{L}]+ (?:[\p{L}\d.'’-]+ ){0,4}?[\p{L}\d.'’-]+,? ` + continentalCode),
	},
	{
		regexp.MustCompile(`(?:^|[\s:>("'=,])()$`),
		regexp.MustCompile(`^\p{Lu}\p{L}+ (?:[\p{L}.'’-]+ ){0,4}?[\p{L}.'’-]+,? (?:n\.? ?º? ?)?\d{1,4}(?:[ ,-]{1,3}\d{0,2}[ºª]? ?[A-Za-z]{0,3})?,? ` + continentalCode),
	},
}

const (
	// maxBeforeStreet and maxBehindStreet bound the bytes of an address around the word for its street.
	maxBeforeStreet, maxBehindStreet = 64, 128
	// aroundAddress is how far from an address it shows whose it is.
	aroundAddress = 96
)

// spokenAddress returns the address around a word for a street in running text.
func spokenAddress(c *classify.Candidate) (lo, hi int) {
	if c.Kind == classify.Number || inCode(c) {
		return 0, 0
	}
	for n, words := range spokenStreets {
		for _, word := range words {
			if c.Anchor != word {
				continue
			}
			loc := spokenAddresses[n].behind.FindIndex(c.Text[c.Lo:min(len(c.Text), c.Lo+maxBehindStreet)])
			if loc == nil {
				return 0, 0
			}
			start := max(0, c.Lo-maxBeforeStreet)
			before := spokenAddresses[n].before.FindSubmatchIndex(c.Text[start:c.Lo])
			if before == nil || ofFirm(c.Text[max(0, c.Lo-aroundAddress):c.Lo], c.Text[c.Lo+loc[1]:]) {
				return 0, 0
			}
			return start + before[2], c.Lo + loc[1]
		}
	}
	return 0, 0
}

// ofFirm says whether what stands around an address names who publishes its own: a firm by its
// form, an office, a shop, an event's place.
func ofFirm(before, behind []byte) bool {
	behind = behind[:min(len(behind), aroundAddress)]
	for _, text := range [][]byte{before, behind} {
		if firmSigns.in(appendPlain(nil, text)) {
			return true
		}
	}
	return bytes.Contains(before, []byte(" AG")) || bytes.Contains(before, []byte(" SA,")) || bytes.Contains(before, []byte(" SE,"))
}

var firmSigns = newSigns(
	"gmbh", " inc.", " inc,", " ltd", " llc", " corp", " company", " s.a.", " s.r.l", " b.v.", " plc", " e.v.", " sarl", " s.l.", "foundation", "headquarter", "office", " store ", " stores", " shop ", " shops", " branch",
	"warehouse", "depot", "museum", "hotel", "restaurant", "station", "airport", "library", "university", "school", "hospital", "clinic", "court of", "visit us", "located at", "find us", " venue",
	"impressum", "imprint", "registered", "showroom", " pickup", "pick-up", "locker", "filiale", "standort", "apotheke", "praxis", "boutique", "magasin", "tienda", "sucursal", "oficina",
)
