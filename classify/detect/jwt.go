package detect

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/classify/jsonscan"
)

// maxJWT bounds the bytes of a token that are looked at; headers of servers
// allow less.
const maxJWT = 16 << 10

// jwtAt decodes the JSON Web Token (RFC 7519, compact serialization of RFC 7515
// and RFC 7516) that starts text. The signature is not checked: nobody has the
// key. It returns the token's length, 0 if there is none.
func jwtAt(text []byte, now time.Time, digest func([]byte) string) (n int, tok *classify.Token) {
	n, parts, ends := jwtShape(text)
	if parts != 3 && parts != 5 && parts != 2 {
		return 0, nil
	}
	var buf [1024]byte
	header := decodeSegment(buf[:0], text[:ends[0]])
	alg := stringMember(header, "alg")
	if alg == "" && stringMember(header, "enc") == "" {
		return 0, nil
	}
	tok = &classify.Token{Kind: "jwt", Alg: cleanClaim(alg, 24)}
	if parts == 5 { // JWE: the payload is encrypted
		tok.Kind = "jwe"
		return n, tok
	}
	payload := decodeSegment(nil, text[ends[0]+1:max(ends[0]+1, ends[1])])
	if len(payload) == 0 || payload[0] != '{' || isCitedPayload(payload) {
		return 0, nil
	}
	readClaims(payload, tok, now, digest)
	return n, tok
}

// isCitedPayload knows the token that jwt.io shows first, and every introduction after it.
func isCitedPayload(payload []byte) bool {
	return bytes.Contains(payload, []byte(`"sub":"1234567890"`)) && bytes.Contains(payload, []byte(`"John Doe"`))
}

// jwtShape measures the base64url segments that start text: the length of all,
// their number (at most 5), and where each ends.
func jwtShape(text []byte) (n, parts int, ends [5]int) {
	limit := min(len(text), maxJWT)
	for n < limit {
		start := n
		for n < limit && isBase64URL(text[n]) {
			n++
		}
		empty := n == start
		if empty && parts == 0 {
			break
		}
		ends[parts] = n
		parts++
		if parts == 5 || n >= limit || text[n] != '.' {
			return n, parts, ends
		}
		if n+1 >= limit || !isBase64URL(text[n+1]) && !isDirect(text[n:limit], parts) {
			if parts == 2 { // alg none: the signature is empty, the dot is there
				ends[2] = n + 1
				return n + 1, 3, ends
			}
			return n, parts, ends
		}
		n++
	}
	return n, parts, ends
}

// isDirect says whether a header is followed by no encrypted key and an
// initialization vector: a JWE whose key both sides know (RFC 7518, section
// 4.5).
func isDirect(rest []byte, parts int) bool {
	return parts == 1 && len(rest) > 2 && rest[1] == '.' && isBase64URL(rest[2])
}

// isJWT says whether a value starts as a JSON Web Token whose header names an
// algorithm.
func isJWT(v []byte) bool {
	dot := bytes.IndexByte(v, '.')
	if dot < 0 || dot > maxHeader {
		return false
	}
	var buf [maxHeader]byte
	header := decodeSegment(buf[:0], v[:dot])
	return stringMember(header, "alg") != "" || stringMember(header, "enc") != ""
}

// maxHeader bounds the header of a token.
const maxHeader = 1024

func isBase64URL(c byte) bool { return base64URL[c] }

// base64URL holds the alphabet (RFC 4648, section 5).
var base64URL = func() (t [256]bool) {
	for c := range t {
		t[c] = isWordByte(byte(c)) || c == '-'
	}
	return t
}()

// decodeSegment decodes base64url; a segment that was cut gives what it holds.
func decodeSegment(dst, seg []byte) []byte {
	if len(seg)%4 == 1 {
		seg = seg[:len(seg)-1]
	}
	out, err := base64.RawURLEncoding.AppendDecode(dst, seg)
	if err != nil {
		return nil
	}
	return out
}

// readClaims takes from the payload what RFC 7519 section 4.1 and RFC 8693
// register: who, for whom, until when, what for.
func readClaims(payload []byte, tok *classify.Token, now time.Time, digest func([]byte) string) {
	eachClaim(payload, func(depth int, name string, kind jsonscan.Kind, value []byte) {
		if (kind == jsonscan.String || kind == jsonscan.Number) && (depth == 1 || depth == 2 && isScopeClaim(name)) {
			readClaim(name, value, tok, now, digest)
		}
	})
}

// eachClaim calls f for each scalar of a payload, with the name of the claim that holds it
// and how deep it stands.
func eachClaim(payload []byte, f func(depth int, name string, kind jsonscan.Kind, value []byte)) {
	s, depth, name := jsonscan.New(payload), 0, ""
	for t := s.Next(); t.Kind != jsonscan.End; t = s.Next() {
		switch t.Kind {
		case jsonscan.BeginObject, jsonscan.BeginArray:
			depth++
		case jsonscan.EndObject, jsonscan.EndArray:
			depth--
		case jsonscan.Key:
			if depth == 1 {
				name = string(payload[t.Start:t.End])
			}
		case jsonscan.String, jsonscan.Number, jsonscan.True, jsonscan.False:
			f(depth, name, t.Kind, payload[t.Start:t.End])
		}
	}
}

func readClaim(name string, value []byte, tok *classify.Token, now time.Time, digest func([]byte) string) {
	switch name {
	case "iss":
		tok.Issuer = cleanClaim(string(value), 128)
	case "aud":
		tok.Audience = cleanClaim(string(value), 128)
	case "sub":
		tok.Subject = digest(value)
	case "jti":
		tok.ID = cleanClaim(string(value), 64)
	case "exp":
		seconds, err := strconv.ParseFloat(string(value), 64)
		if err != nil || seconds < 0 || seconds > 1<<40 {
			return
		}
		at := time.Unix(int64(seconds), 0).UTC()
		live := at.After(now)
		tok.Expires, tok.Live = &at, &live
	default:
		if isScopeClaim(name) && len(tok.Scope) < 16 {
			for scope := range strings.FieldsSeq(string(value)) {
				tok.Scope = append(tok.Scope, cleanClaim(scope, 64))
			}
		}
	}
}

func isScopeClaim(name string) bool { return name == "scope" || name == "scp" || name == "scopes" }

// stringMember returns the value of a top-level string member.
func stringMember(doc []byte, name string) string {
	s := jsonscan.New(doc)
	found := false
	for t := s.Next(); t.Kind != jsonscan.End; t = s.Next() {
		switch t.Kind {
		case jsonscan.Key:
			found = string(doc[t.Start:t.End]) == name
		case jsonscan.String:
			if found {
				return string(doc[t.Start:t.End])
			}
		}
	}
	return ""
}

// cleanClaim keeps what names an issuer, an algorithm or a scope, and replaces
// what does not look like one: claims come from outside.
func cleanClaim(v string, limit int) string {
	if len(v) > limit {
		return "•••"
	}
	for i := range len(v) {
		c := v[i]
		if !isWordByte(c) && !bytes.ContainsRune([]byte(":/.-+*~#|"), rune(c)) {
			return "•••"
		}
	}
	return v
}
