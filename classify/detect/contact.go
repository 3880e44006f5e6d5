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
	"agencies", "headquarters", "warehouse", "depot", "listing", "place", "poi", "landmark", "facility", "facilities", "support", "hotline", "helpline", "imprint",
	"impressum", "maintainer", "_npmuser", "committer", "airline", "carrier", "outlet", "retailer",
}

// people are words for who is reached in private, inside of an organization, too.
var people = []string{
	"user", "customer", "member", "patient", "employee", "person", "people", "persons", "owner", "recipient", "buyer", "sender", "guest", "passenger", "applicant",
	"student", "driver", "subscriber", "client", "holder", "profile", "participant", "attendee", "traveler", "traveller", "resident", "beneficiary", "billing",
	"shipping", "delivery", "manager", "staff", "lead", "candidate", "home", "private", "personal",
}

// publicPages end the routes of pages that tell how their owner is reached.
var publicPages = []string{"contact", "contact-us", "kontakt", "contacto", "impressum", "imprint", "about", "about-us", "legal", "legal-notice", "locations"}

// ownerOf returns whose data a name tells of; "" where it says nothing.
func ownerOf(name string) owner {
	switch {
	case name == "" || len(name) > maxNear:
		return nobody
	case hasNameWord(name, people):
		return somebody
	case hasNameWord(name, organizations):
		return anOrganization
	}
	return nobody
}

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
	if strings.HasSuffix(parent, "/info/contact") || strings.HasSuffix(parent, "/commit/author") { // OpenAPI 3.1, Contact Object; the author of a public commit
		return true
	}
	for parent != "" {
		at := strings.LastIndexByte(parent, '/')
		if o := ownerOf(parent[at+1:]); o != nobody {
			return o == anOrganization
		}
		parent = parent[:max(0, at)]
	}
	return isPublicRoute(c) || besideOrganization(c)
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

// organizationSigns are members that only places and firms have: opening hours and
// types of schema.org, the ids of Google's Places API, a register of firms.
var organizationSigns = []string{
	"openinghours", "opening_hours", "opening hours", "openingtimes", "businesshours", "business_hours", "place_id", "placeid", "formatted_phone", "storeid", "store_id",
	"@type:organization", "@type:localbusiness", "@type:store", "@type:restaurant", "@type:corporation", "@type:hotel", "ust-id", "vat id", "impressum", "imprint",
}

// besideOrganization says whether a sign of an organization stands near the value,
// or the mailbox of a function (RFC 2142).
func besideOrganization(c *classify.Candidate) bool {
	var buf [2*aroundContact + 1]byte
	before, behind := c.Around(aroundContact)
	near := appendPlain(appendPlain(buf[:0], before), behind)
	if slices.ContainsFunc(organizationSigns, func(sign string) bool { return bytes.Contains(near, []byte(sign)) }) {
		return true
	}
	for rest := near; ; {
		at := bytes.IndexByte(rest, '@')
		if at < 0 {
			return false
		}
		if isFunction(rest[localPart(rest, at):at]) {
			return true
		}
		rest = rest[at+1:]
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

// functions are local parts of mailboxes that belong to a function and to nobody
// (RFC 2142, and what firms call theirs), with digits behind them where there are several.
var functions = []string{
	"abuse", "accounting", "admissions", "alerts", "api", "apply", "billing", "booking", "bookings", "bounce", "bounces", "care", "careers", "compliance", "contact", "customer-service",
	"customercare", "customerservice", "datenschutz", "dev", "developers", "devops", "docs", "enquiries", "events", "feedback", "ftp", "gdpr", "hello", "help", "helpdesk",
	"hostmaster", "hr", "info", "inquiries", "jobs", "kontakt", "legal", "marketing", "media", "membership", "news", "newsletter", "noc", "notification", "notifications", "office",
	"ops", "orders", "partners", "postmaster", "presse", "press", "privacy", "reception", "recruiting", "reservations", "returns", "sales", "security", "service", "shop", "sre",
	"store", "support", "team", "usenet", "uucp", "vertrieb", "webmaster", "www",
}

// isFunction says whether a local part in small letters is that of a function.
func isFunction(local []byte) bool {
	name := bytes.TrimRight(local, "0123456789-_.")
	return len(name) > 0 && slices.Contains(functions, string(name))
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
	if bytes.HasPrefix(digits, []byte("0800")) || bytes.HasPrefix(v, []byte("+800")) {
		return true
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
