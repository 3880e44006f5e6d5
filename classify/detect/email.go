package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func email() classify.Detector {
	return &detector{personalRule("pii-email", "An e-mail address is exposed",
		"Asset names such as logo@2x.png, user information in URLs, package versions (name@1.2.3), placeholders, message ids, authors of "+
			"commits and the addresses of functions (support@, RFC 2142) stay silent; the latter unless a user's field holds them.",
		classify.Low, classify.Trigger{Anchors: []string{"@", "&#64;", "&#x40;", "\\u0040", "%40"}},
	), func(c *classify.Candidate) {
		severity := contactSeverity(c)
		if severity == 0 {
			return
		}
		lo, hi, ok := emailAround(c.Text, c.Lo, c.Hi)
		if c.Anchor == "%40" && bytes.IndexByte(c.Text[lo:c.Lo], '%') >= 0 { // more is encoded: such text is looked at again, decoded
			return
		}
		if ok && !isNobody(c, c.Text[lo:c.Lo]) && !isNoMailbox(c, lo, hi) && !isPublished(c) {
			c.Report(classify.Match{Lo: lo, Hi: hi, Severity: severity, Confidence: classify.HighConfidence})
		}
	}}
}

// maxDomain is the length of the longest name of a host (RFC 1035, 2.3.4).
const maxDomain = 253

// emailAround returns the address around an at sign that stands at [at,behind):
// a dot-atom (RFC 5322, section 3.2.3; RFC 6531 for letters above ASCII) and a
// host name with a top-level domain.
func emailAround(text []byte, at, behind int) (lo, hi int, ok bool) {
	lo = localPart(text, at)
	if lo == at || text[at-1] == '.' || bytes.Contains(text[lo:at], []byte("..")) || isUserInfo(text, lo) {
		return lo, behind, false
	}
	for _, beyond := range []bool{false, true} { // a name in ASCII ends where other letters begin
		domain := domainAt(text, behind, beyond)
		dot := bytes.LastIndexByte(domain, '.')
		if bytes.HasSuffix(domain, []byte(".gserviceaccount.com")) { // of a program: Google Cloud IAM, service accounts
			break
		}
		if dot > 0 && isTopLevel(domain[dot+1:]) && !isVersion(domain) && !bytes.Contains(domain, []byte("..")) {
			return lo, behind + len(domain), true
		}
	}
	return lo, behind, false
}

// domainAt returns the host name that starts at lo; beyond allows letters above
// ASCII.
func domainAt(text []byte, lo int, beyond bool) []byte {
	hi := lo
	for hi < len(text) && hi-lo < maxDomain && (isDigit(text[hi]) || isLetter(text[hi]) || text[hi] == '-' || text[hi] == '.' ||
		beyond && text[hi] >= 0x80) {
		hi++
	}
	if lo < hi && (text[lo] == '-' || text[lo] == '.') {
		return nil
	}
	return bytes.TrimRight(text[lo:hi], ".-")
}

// isVersion knows a package's version and a file behind it: 1.2.3.tgz.
func isVersion(domain []byte) bool {
	first, rest, _ := bytes.Cut(domain, []byte("."))
	return len(first) <= 2 && isDigit(first[0]) && bytes.IndexByte(rest, '.') > 0
}

// localPart returns where the local part before an at sign starts.
func localPart(text []byte, at int) int {
	lo := at
	for lo > 0 && at-lo < 64 && isAtext(text[lo-1]) {
		lo--
	}
	for lo < at && strings.IndexByte(".-'&%", text[lo]) >= 0 {
		lo++
	}
	return lo
}

// isAtext matches the characters of an atom that occur in addresses; those
// that mostly delimit ("=", "/", "{") are left out.
func isAtext(c byte) bool {
	return isWordByte(c) || c == '.' || c == '-' || c == '+' || c == '%' || c == '\'' || c == '&' || c >= 0x80
}

// isUserInfo says whether the address is the user part of a URL, or the handle
// of a social network (@ada@host).
func isUserInfo(text []byte, lo int) bool {
	return lo >= 1 && text[lo-1] == '@' ||
		lo >= 2 && (text[lo-1] == '/' && text[lo-2] == '/' || text[lo-1] == ':' && bytes.Contains(text[max(0, lo-64):lo], []byte("://")))
}

// fileEndings stand behind an at sign in names of assets and units, and are no
// top-level domains.
var fileEndings = []string{
	"aab", "apk", "avif", "bmp", "css", "deb", "dll", "dmg", "eot", "exe", "gif", "gz", "heic", "html", "ico", "iso", "jar", "jpeg", "jpg", "js",
	"json", "jsx", "less", "local", "map", "mjs", "mount", "mp3", "mp4", "otf", "pdf", "php", "png", "rpm", "scss", "service", "slice", "socket",
	"svelte", "svg", "tar", "target", "tgz", "timer", "ts", "tsx", "ttf", "txt", "vue", "webm", "webp", "whl", "woff", "xml", "yaml", "yml",
}

// isTopLevel says whether a last label can be a top-level domain: letters only,
// of ASCII or none of ASCII, or Punycode (RFC 3492).
func isTopLevel(label []byte) bool {
	if len(label) < 2 || len(label) > 63 {
		return false
	}
	if bytes.HasPrefix(label, []byte("xn--")) {
		return len(label) > 6
	}
	beyond := label[0] >= 0x80
	for _, c := range label {
		if beyond != (c >= 0x80) || !beyond && !isLetter(c) {
			return false
		}
	}
	word, n := lowerWord(label)
	_, file := slices.BinarySearch(fileEndings, string(word[:n]))
	return !file && (beyond || len(label) <= len(word))
}

// isNobody knows local parts that name no person: placeholders, programs, and
// functions, unless a person's field holds them.
func isNobody(c *classify.Candidate, local []byte) bool {
	switch word, n := lowerWord(local); string(word[:n]) {
	case "user", "username", "name", "your", "you", "email", "your-email", "your.email", "youremail", "your_email", "your.name", "yourname", "someone",
		"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "git", "mailer-daemon", "foo":
		return true
	default:
		if isFunction(word[:n]) {
			return !isPersonal(c.Key)
		}
	}
	return isMasked(local)
}

// persons are words of names whose values belong to one person.
var persons = []string{"user", "customer", "member", "patient", "employee", "person", "login", "owner", "recipient"}

func isPersonal(key []byte) bool {
	var buf [maxNear]byte
	lower := lowered(buf[:], key)
	return slices.ContainsFunc(persons, func(w string) bool { return bytes.Contains(lower, []byte(w)) })
}

// isTelephone says whether a text ends with the scheme of one on the Internet (RFC 3261, section 19.1).
func isTelephone(before []byte) bool {
	return bytes.HasSuffix(before, []byte("sip:")) || bytes.HasSuffix(before, []byte("sips:"))
}

// isNoMailbox knows what has the form of an address and is none, by what stands
// around it: a place on a host (scp), a telephone on the Internet (SIP), an extension of SSH, the id of a message (RFC 5322, 3.6.4), the
// author of a public commit.
func isNoMailbox(c *classify.Candidate, lo, hi int) bool {
	if hi+1 < len(c.Text) && c.Text[hi] == ':' && (c.Text[hi+1] == '/' || c.Text[hi+1] == '~') {
		return true
	}
	if lo > 0 && c.Text[lo-1] == '*' || bytes.HasSuffix(bytes.ToUpper(c.Text[max(0, lo-maxTrailer):lo]), []byte("UID:")) { // masked; a calendar's (RFC 5545, 3.8.4.7)
		return true
	}
	if isTelephone(c.Text[:lo]) || bytes.HasSuffix(c.Text[:hi], []byte("@openssh.com")) { // names of extensions (RFC 4250, 4.6.1)
		return true
	}
	if isMessageID(c.Key) || lo > 0 && c.Text[lo-1] == '<' && isMessageID(c.Text[max(0, lo-16):lo]) {
		return true
	}
	before := c.Text[max(0, lo-maxTrailer):lo]
	if i := bytes.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	return bytes.Contains(before, []byte("-by: "))
}

func isMessageID(name []byte) bool {
	var buf [16]byte
	lower := lowered(buf[:], name)
	return slices.ContainsFunc(messageIDs, func(w string) bool { return bytes.Contains(lower, []byte(w)) })
}

// messageIDs are the names under which ids of messages stand.
var messageIDs = []string{"message-id", "message_id", "messageid", "in-reply-to", "in_reply_to", "references:", "content-id", "content_id"}

// maxTrailer bounds the line before an address: the trailer's name and a
// person's.
const maxTrailer = 80
