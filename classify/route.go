package classify

import (
	"bytes"
	"net/netip"
	"strings"
)

const (
	maxRoute        = 256 // bytes of a template
	maxRouteSegment = 32  // longer segments are values, not names
	maxRouteLetters = 24  // longer segments are titles and passphrases
	maxSegments     = 16
)

// pathOf returns the path of a request target: without scheme, authority, query
// and fragment (RFC 9112, section 3.2).
func pathOf(target []byte) []byte {
	if i := bytes.Index(target, []byte("://")); i > 0 && i < 8 {
		target = target[i+3:]
		slash := bytes.IndexByte(target, '/')
		if slash < 0 {
			return nil
		}
		target = target[slash:]
	}
	if i := bytes.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	return target
}

// paths reads the paths of targets. It belongs to one classifier.
type paths struct {
	// known are the templates that were made last.
	known map[string]knownRoute
	path
}

// path is what the path of a target tells.
type path struct {
	knownRoute
	// text is the path, ids are the identifiers in it, each behind a slash, and last is the last of them,
	// nil without one.
	text, ids, last []byte
}

// knownRoute is a template, and what it tells by itself.
type knownRoute struct {
	template string
	// handsOut says that the route exists to hand out tokens, accounts that somebody proves an account
	// behind it.
	handsOut, accounts bool
}

// read turns a target into a template without values: segments that look like
// identifiers become {id}.
func (p *paths) read(target []byte) {
	var buf [maxRoute + maxRouteSegment + 8]byte
	out, cut := buf[:0], false
	p.path = path{text: pathOf(target), ids: p.ids[:0]}
	rest := p.text
	for n := 0; len(rest) > 0; n++ {
		seg := rest
		if i := bytes.IndexByte(rest, '/'); i >= 0 {
			seg, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if len(seg) == 0 {
			continue
		}
		word := isRouteWord(seg)
		if !word {
			p.ids, p.last = append(append(p.ids, '/'), seg...), seg
		}
		switch {
		case cut:
		case n > maxSegments || len(out)+len(seg) > maxRoute:
			out, cut = append(out, "/…"...), true
		case word:
			out = append(append(out, '/'), seg...)
		default:
			out = append(out, "/{id}"...)
		}
	}
	if len(out) == 0 && len(p.text) > 0 {
		out = append(out, '/')
	}
	p.knownRoute = p.lookUp(out)
	if cut { // its end is not in the template
		p.handsOut, p.accounts = isTokenRoute(p.text), speaksOfAccounts(p.text)
	}
	p.accounts = p.accounts || len(p.ids) > 0 && speaksOfAccounts(p.ids)
}

// lookUp returns a template that was made before, which spares the allocation.
func (p *paths) lookUp(template []byte) knownRoute {
	if r, ok := p.known[string(template)]; ok {
		return r
	}
	if p.known == nil || len(p.known) >= maxRemembered {
		p.known = map[string]knownRoute{}
	}
	r := knownRoute{string(template), isTokenRoute(template), speaksOfAccounts(template)}
	p.known[r.template] = r
	return r
}

// isRouteWord says whether a path segment is a name that the API's author
// chose, and no value: letters with separators, a version, or a word that is
// known to end in a digit.
func isRouteWord(seg []byte) bool {
	if len(seg) > maxRouteSegment {
		return false
	}
	letters := 0
	for _, c := range seg {
		switch {
		case isDigit(c):
			return isVersion(seg) || isDigitWord(seg)
		case isSmall(c), isCapital(c):
			letters++
		case strings.IndexByte("-_.~", c) < 0:
			return false
		}
	}
	return letters > 0 && letters <= maxRouteLetters && readsAsName(seg)
}

func isSmall(c byte) bool { return 'a' <= c && c <= 'z' }

func isCapital(c byte) bool { return 'A' <= c && c <= 'Z' }

// isVersion matches v1, v2.1, v1beta1, 1.0 never (that may be an id).
func isVersion(seg []byte) bool {
	if seg[0] != 'v' && seg[0] != 'V' || len(seg) > 8 || len(seg) < 2 || seg[1] < '0' || seg[1] > '9' {
		return false
	}
	rest := strings.TrimLeft(string(seg[1:]), "0123456789.")
	rest = strings.TrimRight(rest, "0123456789")
	return rest == "" || rest == "alpha" || rest == "beta"
}

// isDigitWord knows the usual route words that hold a digit.
func isDigitWord(seg []byte) bool {
	switch strings.ToLower(string(seg)) {
	case "oauth2", "oauth1", "s3", "ec2", "k8s", "i18n", "l10n", "p2p", "b2b", "b2c", "ipv4", "ipv6", "web3",
		"oidc2", "2fa", "mp3", "mp4", "h2", "md5", "sha1", "sha256", "base64", "utf8", "3ds", "log4j", "d3", "geo2":
		return true
	}
	return false
}

// cleanHost returns a host name without port, lower-case, or "" when the bytes
// are no host name: attackers choose them.
func cleanHost(host []byte) string {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host, ']') < i {
		host = host[:i]
	}
	if _, err := netip.ParseAddr(string(bytes.Trim(host, "[]"))); err == nil {
		return string(host)
	}
	if len(host) > 253 {
		return ""
	}
	name := strings.ToLower(string(host))
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if !isHostLabel(label) {
			return ""
		}
		if isValueLabel(label) {
			labels[i] = "*"
		}
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; strings.Trim(last, "0123456789-_") == "" {
		return "" // a number, and no address
	}
	return strings.Join(labels, ".")
}

// maxHostHash is the longest part of a label that may read like no name: the
// hashes in the names of pods are shorter.
const maxHostHash = 12

// isValueLabel says whether a label holds a value that serves as a name: a
// token, a key.
func isValueLabel(label string) bool {
	for part := range strings.FieldsFuncSeq(label, func(r rune) bool { return r == '-' || r == '_' }) {
		if len(part) > maxHostHash && !readsAsName([]byte(part)) {
			return true
		}
	}
	return false
}

// maxLabelDigits is the most digits that a label of a host name has, the hashes
// in the names of pods and load balancers included; more are a number.
const maxLabelDigits = 12

// isHostLabel checks a label (RFC 1123, section 2.1, and the underscore).
func isHostLabel(label string) bool {
	digits := 0
	for i := range len(label) {
		c := label[i]
		if isDigit(c) {
			digits++
		} else if !isSmall(c) && c != '-' && c != '_' {
			return false
		}
	}
	return label != "" && len(label) <= 63 && digits <= maxLabelDigits
}

// cleanMethod returns a request method that is registered (RFC 9110 section
// 9.1, WebDAV, PATCH), and OTHER for what somebody made up.
func cleanMethod(method []byte) string {
	if len(method) == 0 {
		return ""
	}
	for _, m := range methods {
		if string(method) == m {
			return m
		}
	}
	return "OTHER"
}

// methods are those that are registered, the most usual first.
var methods = [...]string{
	"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "PROPPATCH",
	"MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "QUERY", "PURGE",
}
