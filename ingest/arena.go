package ingest

import (
	"bytes"
	"encoding/base64"
	"net/netip"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// arena holds the texts that were made while one record was decoded. Slices of
// it stay valid until it is cut back for the next record, also when it grows.
type arena []byte

// text returns what the token's bytes in data stand for; only text with escapes
// is copied.
func (a *arena) text(data []byte, t jsonscan.Token) []byte {
	if !t.Escaped {
		return data[t.Start:t.End]
	}
	return a.unescapedHex(data[t.Start:t.End])
}

// unescapedHex returns the text of the inside of a JSON string that may hold \xHH.
func (a *arena) unescapedHex(b []byte) []byte {
	start := len(*a)
	*a = jsonscan.AppendUnescaped(*a, b)
	if hasHexEscape(b) {
		return a.unhexed(start)
	}
	return a.since(start)
}

// hasHexEscape says whether a JSON string holds \xHH, which JSON does not know and
// nginx writes unless it is told escape=json
// (https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format).
func hasHexEscape(b []byte) bool {
	if !bytes.Contains(b, []byte(`\x`)) {
		return false
	}
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+3 >= len(b) {
			return false
		}
		if b[i+1] == 'x' && isHex(b[i+2]) && isHex(b[i+3]) {
			return true
		}
		b = b[i+2:]
	}
}

// unhexed resolves \xHH in the text that starts at start.
func (a *arena) unhexed(start int) []byte {
	text := (*a)[start:]
	n := 0
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) && text[i+1] == 'x' && isHex(text[i+2]) && isHex(text[i+3]) {
			text[n] = unhex(text[i+2])<<4 | unhex(text[i+3])
			i += 3
		} else {
			text[n] = text[i]
		}
		n++
	}
	*a = (*a)[:start+n]
	return a.since(start)
}

// unescaped returns the text of the inside of a JSON string.
func (a *arena) unescaped(b []byte) []byte {
	start := len(*a)
	*a = jsonscan.AppendUnescaped(*a, b)
	return a.since(start)
}

// join returns the parts put together.
func (a *arena) join(parts ...[]byte) []byte {
	start := len(*a)
	for _, part := range parts {
		*a = append(*a, part...)
	}
	return a.since(start)
}

// base64 returns the decoded text (RFC 4648, section 4).
func (a *arena) base64(text []byte) (decoded []byte, ok bool) {
	start := len(*a)
	grown, err := base64.StdEncoding.AppendDecode(*a, text)
	if err != nil {
		return nil, false
	}
	*a = grown
	return a.since(start), true
}

func (a *arena) since(start int) []byte { return (*a)[start:len(*a):len(*a)] }

// interner makes strings of names that come again and again without an
// allocation each.
type interner map[string]string

// An interner is bounded in names and in the bytes of each, since they come from
// outside.
const (
	maxInterned  = 1024
	maxInternLen = 256
)

// intern returns the name, cut at maxInternLen bytes.
func (n *interner) intern(b []byte) string {
	b = b[:min(len(b), maxInternLen)]
	if s, ok := (*n)[string(b)]; ok {
		return s
	}
	s := string(b)
	if *n == nil {
		*n = interner{}
	}
	if len(*n) < maxInterned {
		(*n)[s] = s
	}
	return s
}

// splitURL sets the target and, for an absolute URL, scheme and host. A URL whose
// authority holds more than a host stays the target as it is.
func splitURL(x *classify.Exchange, url []byte) {
	x.Target = url
	var rest []byte
	switch {
	case bytes.HasPrefix(url, []byte("http://")):
		x.Scheme, rest = "http", url[len("http://"):]
	case bytes.HasPrefix(url, []byte("https://")):
		x.Scheme, rest = "https", url[len("https://"):]
	default:
		return
	}
	slash := bytes.IndexAny(rest, "/?")
	if slash < 0 {
		x.Host, x.Target = rest, []byte("/")
	} else {
		x.Host, x.Target = rest[:slash], rest[slash:]
	}
	if !isAuthority(x.Host) {
		x.Host, x.Target = nil, url // all of it is scanned as the target
	}
}

// isAuthority says whether the bytes are a host with or without port (RFC 3986,
// section 3.2): nothing but that is lost to the eye by standing in Exchange.Host.
func isAuthority(b []byte) bool {
	for _, c := range b {
		if foldName(c) == 0 && c != '.' && c != '-' && c != ':' && c != '[' && c != ']' && c != '_' {
			return false
		}
	}
	return len(b) <= 255
}

// splitLine splits a request line (RFC 9112, section 3). A version that is none is
// left with the target.
func splitLine(line []byte) (method, target []byte, ok bool) {
	method, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || !isMethod(method) {
		return nil, nil, false
	}
	if i := bytes.LastIndex(rest, []byte(" HTTP/")); i >= 0 && isVersion(rest[i+len(" HTTP/"):]) {
		rest = rest[:i]
	}
	return method, rest, true
}

// isVersion says whether the bytes are "1.1", "2" and the like.
func isVersion(b []byte) bool {
	digits := func(c byte) bool { return '0' <= c && c <= '9' }
	return len(b) == 1 && digits(b[0]) || len(b) == 3 && digits(b[0]) && b[1] == '.' && digits(b[2])
}

// parseAddr reads an IP address with or without port. IPv4 without port, the
// usual form, does not allocate.
func parseAddr(b []byte) (addr netip.AddrPort, ok bool) {
	if len(b) == 0 || len(b) > 64 {
		return addr, false
	}
	if ip, ok := parseIPv4(b); ok {
		return netip.AddrPortFrom(ip, 0), true
	}
	if ip, err := netip.ParseAddr(string(b)); err == nil {
		return netip.AddrPortFrom(ip, 0), true
	}
	addr, err := netip.ParseAddrPort(string(b))
	return addr, err == nil
}

func parseIPv4(b []byte) (ip netip.Addr, ok bool) {
	var parts [4]byte
	for i := range parts {
		part, rest, more := bytes.Cut(b, []byte("."))
		n, ok := parseInt(part)
		if !ok || n > 255 || more == (i == len(parts)-1) {
			return ip, false
		}
		parts[i], b = byte(n), rest
	}
	return netip.AddrFrom4(parts), true
}
