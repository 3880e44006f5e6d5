package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// owner says whose contact data a name tells of.
type owner uint8

const (
	nobody owner = iota
	somebody
	anOrganization
)

// organizations are words for what publishes how it is reached: places that
// customers visit, firms and their departments.
var organizations = []string{
	"store", "shop", "branch", "branches", "venue", "restaurant", "hotel", "office", "organization", "organisation", "company", "companies", "publisher", "merchant",
	"supplier", "dealer", "pharmacy", "pharmacies", "clinic", "hospital", "school", "university", "college", "museum", "library", "airport", "station", "agency",
	"agencies", "practice", "pickup", "pickuppoint", "kiosk", "locker", "headquarters", "warehouse", "depot", "listing", "place", "poi", "landmark", "facility", "facilities", "support", "hotline", "helpline", "imprint",
	"impressum", "maintainer", "committer", "airline", "carrier", "outlet", "retailer",
	// in German, Spanish, French, Italian, Portuguese and Dutch
	"filiale", "filialen", "standort", "standorte", "niederlassung", "geschäft", "laden", "apotheke", "praxis", "unternehmen", "firma", "behörde", "geldautomat",
	"sucursal", "sucursales", "tienda", "oficina", "empresa", "farmacia", "magasin", "boutique", "agence", "entreprise", "pharmacie", "negozio", "filiali", "agenzia",
	"azienda", "loja", "agência", "farmácia", "winkel", "filiaal", "kantoor", "bedrijf",
}

// people are words for who is reached in private, inside of an organization, too.
var people = []string{
	"user", "customer", "member", "patient", "employee", "person", "people", "persons", "owner", "recipient", "buyer", "sender", "guest", "passenger", "applicant",
	"student", "driver", "subscriber", "client", "holder", "profile", "participant", "attendee", "traveler", "traveller", "resident", "beneficiary", "billing",
	"shipping", "delivery", "manager", "staff", "lead", "candidate", "private", "personal",
}

// publicPages end the routes of pages that tell how their owner is reached.
var publicPages = []string{"contact", "contact-us", "kontakt", "contacto", "impressum", "imprint", "about", "about-us", "legal", "legal-notice", "locations"}

// ownerOf returns whose data a name tells of; nobody where it says nothing.
func ownerOf(name string) owner {
	switch {
	case len(name) < minOwner || len(name) > maxNear:
		return nobody
	case hasNameWord(name, people):
		return somebody
	case hasNameWord(name, organizations):
		return anOrganization
	}
	return nobody
}

// minOwner is the length of the shortest name of an owner; "*" stands for a list.
const minOwner = 3

// maxOwners is how many names above a value are asked whose it is.
const maxOwners = 8

// hasNameWord says whether one of the words, or its plural, is a whole word of a
// name in camel case or with signs.
func hasNameWord(name string, words []string) bool {
	var buf [maxNear]byte
	lower := lowered(buf[:], []byte(name))
	return slices.ContainsFunc(words, func(w string) bool {
		at := bytes.Index(lower, []byte(w))
		if at < 0 || at > 0 && isLetter(name[at-1]) && !isUpper(name[at]) {
			return false
		}
		rest := strings.TrimPrefix(name[at+len(w):], "s")
		return rest == "" || !isLetter(rest[0]) || isUpper(rest[0])
	})
}

// isPublished says whether what reaches somebody is that of an organization or a
// place, which tells it to everybody: by the names it stands under, the
// route that it came from, or what stands around it. Only what matched is asked about.
func isPublished(c *classify.Candidate) bool {
	if c.Where == classify.InURL || c.Where == classify.InRequestBody {
		return false
	}
	if o := ownerOf(string(c.Key[:min(len(c.Key), maxNear)])); o != nobody {
		return o == anOrganization
	}
	parent := c.Parent()
	if isCredit(c, parent) || isPlaceholder(c) {
		return true
	}
	for n := 0; parent != "" && n < maxOwners; n++ {
		at := strings.LastIndexByte(parent, '/')
		if o := ownerOf(parent[at+1:]); o != nobody {
			return o == anOrganization
		}
		parent = parent[:max(0, at)]
	}
	return isPublicRoute(c) || besideOrganization(c)
}

// isCredit says whether a mailbox is that of an author of something published: OpenAPI
// 3.1's Contact Object, a public commit's author, and the metadata of packages (npm's
// registry, PyPI's core metadata).
func isCredit(c *classify.Candidate, parent string) bool {
	for _, end := range []string{"/info/contact", "/commit/author", "/_npmUser"} {
		if strings.HasSuffix(parent, end) {
			return true
		}
	}
	return equalFold(c.Key, "author_email")
}

// isPlaceholder says whether a value only shows in a form how one is written.
func isPlaceholder(c *classify.Candidate) bool {
	return equalFold(c.Key, "placeholder") || bytes.HasSuffix(bytes.TrimRight(c.Text[:c.Lo], "\"'+"), []byte("placeholder="))
}

// isPublicRoute says whether the last name of the route is that of places or
// firms, or of a page that tells how they are reached.
func isPublicRoute(c *classify.Candidate) bool {
	route := strings.TrimRight(c.View.Route(), "/")
	for strings.HasSuffix(route, "}") { // an id
		route = route[:max(0, strings.LastIndexByte(route, '/'))]
	}
	name := route[strings.LastIndexByte(route, '/')+1:]
	return ownerOf(name) == anOrganization || slices.Contains(publicPages, name) && strings.Contains(c.ContentType(), "html")
}

// aroundContact is how far from contact data it shows whose it is.
const aroundContact = 400

// organizationSigns are what stands beside the contact data of places and firms only:
// opening hours and types of schema.org, the ids of Google's Places API, registers of firms and
// packages, homes for sale, the foot of a page.
var organizationSigns = newSigns(
	"openinghours", "opening_hours", "opening hours", "openingtimes", "businesshours", "business_hours", "place_id", "placeid", "formatted_phone",
	"öffnungszeiten", "oeffnungszeiten", "horario", "horaires", "orari", "openingstijden", "osm_id", "type:featurecollection", "@type:place", "@type:event",
	"@type:organization", "@type:localbusiness", "@type:store", "@type:restaurant", "@type:corporation", "@type:hotel", "ust-id", "vat id", "impressum", "imprint",
	"venue_name", "venuename", "registered_office", "npi:", "dist-tags", "shasum:", "itunes:", "<footer", "©", "&copy;", "all rights reserved", "livingarea", "bedrooms",
	"propertytype", "property_type", "hometype", "mls_",
)

// signs are strings of two bytes at least, any of which is looked for in one pass
// over a text: contact data is frequent, and there are many of them.
type signs struct {
	pairs [1 << 16 / 64]uint64 // those that start a sign
	by    map[uint16][]string
}

func newSigns(all ...string) *signs {
	s := &signs{by: map[uint16][]string{}}
	for _, sign := range all {
		pair := uint16(sign[0])<<8 | uint16(sign[1])
		s.pairs[pair/64] |= 1 << (pair % 64)
		s.by[pair] = append(s.by[pair], sign)
	}
	return s
}

// in says whether one of the signs stands in a text.
func (s *signs) in(text []byte) bool {
	var pair uint16
	for i, c := range text {
		pair = pair<<8 | uint16(c)
		if s.pairs[pair/64]>>(pair%64)&1 == 0 || i == 0 {
			continue
		}
		for _, sign := range s.by[pair] {
			if bytes.HasPrefix(text[i-1:], []byte(sign)) {
				return true
			}
		}
	}
	return false
}

// besideOrganization says whether a sign of an organization stands near the value,
// or the mailbox of a function (RFC 2142).
func besideOrganization(c *classify.Candidate) bool {
	if isNearOrganization(c) {
		return true
	}
	e := *c
	e.Lo, e.Hi = 0, len(c.Text) // around the whole value, if a part of it matched
	return c.Kind == classify.String && inPair(c) && isNearOrganization(&e)
}

func isNearOrganization(c *classify.Candidate) bool {
	var buf [2*aroundContact + 1]byte
	before, behind := c.Around(aroundContact)
	near := appendPlain(appendPlain(buf[:0], before), behind)
	if organizationSigns.in(near) {
		return true
	}
	return holdsFunction(before[bytes.LastIndexAny(before, "{\n")+1:]) || holdsFunction(behind[:indexOrEnd(behind, "}\n")])
}

// indexOrEnd returns where one of the signs stands first, or the end.
func indexOrEnd(text []byte, signs string) int {
	if i := bytes.IndexAny(text, signs); i >= 0 {
		return i
	}
	return len(text)
}

// holdsFunction says whether a mailbox of a function stands in a text, which is that of one
// object or line: in a list each has its own.
func holdsFunction(text []byte) bool {
	var buf [maxNear]byte
	for {
		at := bytes.IndexByte(text, '@')
		if at < 0 {
			return false
		}
		if isFunction(lowered(buf[:], text[localPart(text, at):at])) {
			return true
		}
		text = text[at+1:]
	}
}

// appendPlain appends a text in small letters, without quotes, the backslashes before
// them, and the space behind a colon, so that members look alike however they are written.
func appendPlain(dst, text []byte) []byte {
	for i, c := range text {
		if c == '"' || c == '\\' || c == ' ' && i > 0 && text[i-1] == ':' {
			continue
		}
		dst = appendLower(dst, text[i:i+1])
	}
	return dst
}

// isFunction says whether a local part in small letters is that of a mailbox that belongs to
// a function and to nobody (RFC 2142, and what firms call theirs), with digits behind it where
// there are several.
func isFunction(local []byte) bool {
	end := len(local)
	for end > 0 && (isDigit(local[end-1]) || local[end-1] == '-' || local[end-1] == '_' || local[end-1] == '.') {
		end--
	}
	switch string(local[:end]) {
	case "abuse", "accounting", "admissions", "alerts", "api", "apply", "billing", "booking", "bookings", "bounce", "bounces", "care", "careers", "compliance", "contact", "customer-service",
		"customercare", "customerservice", "datenschutz", "dev", "developers", "devops", "docs", "enquiries", "events", "feedback", "ftp", "gdpr", "hello", "help", "helpdesk",
		"hostmaster", "hr", "info", "inquiries", "jobs", "kontakt", "legal", "marketing", "media", "membership", "news", "newsletter", "noc", "notification", "notifications", "office",
		"ops", "orders", "partners", "postmaster", "presse", "press", "privacy", "reception", "recruiting", "reservations", "returns", "sales", "security", "service", "shop", "sre",
		"store", "support", "team", "usenet", "uucp", "vertrieb", "webmaster", "www":
		return true
	}
	return false
}

// isFreephone knows numbers that calls to are paid by who is called, as people's are
// not: ITU-T E.169.1 (+800), NANPA's list of toll-free codes, and 0800 in many countries.
func isFreephone(v []byte) bool {
	var buf [maxPhone]byte
	digits := buf[:0]
	for _, b := range v {
		if isDigit(b) && len(digits) < maxPhone {
			digits = append(digits, b)
		}
	}
	for _, prefix := range freephones {
		if bytes.HasPrefix(digits, []byte(prefix)) && (prefix[0] == '0' || v[0] == '+') {
			return true
		}
	}
	digits = bytes.TrimPrefix(digits, []byte("1"))
	if len(digits) != 10 || digits[0] != '8' {
		return false
	}
	switch string(digits[:3]) {
	case "800", "833", "844", "855", "866", "877", "888":
		return true
	}
	return false
}

// freephones start such numbers at home, and behind a plus in the countries that
// use 800 (and the United Kingdom 808) for them.
var freephones = []string{"0800", "800", "31800", "33800", "39800", "41800", "43800", "44800", "44808", "49800", "61800", "611800"}
