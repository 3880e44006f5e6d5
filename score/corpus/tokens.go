package corpus

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"strconv"
	"strings"
	"time"
)

// segment is unpadded base64url (RFC 7515, section 2).
func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signatureBytes are the sizes of signatures by algorithm (RFC 7518, section 3).
var signatureBytes = map[string]int{"RS256": 256, "RS512": 256, "PS256": 256, "ES256": 64, "ES384": 96, "EdDSA": 64, "HS256": 32, "HS512": 64}

// jwt makes a token of any usual algorithm, with and without key id, expired
// and live.
func jwt(g *draw) string {
	alg := pick(g, strings.Fields("HS256 HS256 HS256 RS256 RS256 ES256 ES384 PS256 EdDSA HS512 RS512"))
	header := pick(g, []string{`{"alg":"` + alg + `","typ":"JWT"}`, `{"typ":"JWT","alg":"` + alg + `"}`, `{"alg":"` + alg + `","kid":"` + g.chars(hexa, 16) + `","typ":"at+jwt"}`})
	return signed(g, alg, header, claims(g))
}

// algNone is a JWT without a signature (RFC 7519, section 6).
func algNone(g *draw) string {
	return segment(`{"alg":"none","typ":"JWT"}`) + "." + segment(claims(g)) + "."
}

// liveJWT is the token of a request that was answered: it has not expired.
func liveJWT(g *draw) string {
	return signed(g, "RS256", `{"alg":"RS256","typ":"JWT"}`, claimsUntil(g, time.Duration(g.between(5, 9000))*time.Minute))
}

func claims(g *draw) string {
	return claimsUntil(g, time.Duration(g.between(-9000, 9000))*time.Minute)
}

// claimsUntil makes claims that end after a time from now.
func claimsUntil(g *draw, life time.Duration) string {
	issued := Now().Add(life - time.Hour)
	c := map[string]any{"sub": pick(g, []string{g.uuid(), g.login(), strconv.Itoa(g.between(1, 99999))}), "iat": issued.Unix(), "exp": Now().Add(life).Unix()}
	if g.chance(2) {
		c["iss"] = "https://login." + g.chars(lower, 8) + ".test/realms/" + pick(g, identifiers)
		c["aud"] = pick(g, identifiers)
		c["scope"] = "openid profile " + pick(g, identifiers) + ":read"
	}
	if g.chance(6) {
		delete(c, "exp")
	}
	text, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return string(text)
}

func signed(g *draw, alg, header, payload string) string {
	text := segment(header) + "." + segment(payload)
	var mac hash.Hash
	switch alg {
	case "HS256":
		mac = hmac.New(sha256.New, g.bytes(32))
	case "HS512":
		mac = hmac.New(sha512.New, g.bytes(64))
	default:
		return text + "." + segment(string(g.bytes(signatureBytes[alg])))
	}
	mac.Write([]byte(text))
	return text + "." + segment(string(mac.Sum(nil)))
}

// opaque is a token whose form says nothing.
func opaque(g *draw) string {
	switch g.IntN(6) {
	case 0:
		return g.chars(hexa, 40)
	case 1:
		return g.chars(hexa, 64)
	case 2:
		return g.chars(base62, g.between(32, 64))
	case 3:
		return base64.StdEncoding.EncodeToString(g.bytes(g.between(24, 48)))
	case 4:
		return g.uuid()
	}
	return g.chars(b64url, g.between(32, 86))
}

// basic is user-id and password (RFC 7617).
func basic(g *draw) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(g.login()+":"+password(g)))
}

// session is a session's id: PHP, Java, Django.
func session(g *draw) string {
	return pick(g, []string{g.chars(lower+digits, 26), g.chars(digits+"ABCDEF", 32), g.chars(lower+digits, 32)})
}

// sessionCookie is the value of a session cookie, in which Express and Rails
// escape what a cookie may not hold.
func sessionCookie(g *draw) string {
	switch g.IntN(3) {
	case 0:
		return "s%3A" + g.chars(b64url, 32) + "." + g.chars(base62, 43)
	case 1:
		return g.chars(base62, 86) + "--" + g.chars(base62, 16) + "--" + g.chars(base62, 22) + "%3D%3D"
	}
	return session(g)
}

// privateKey is a PEM block (RFC 7468) around random bytes behind a plausible
// DER head.
func privateKey(g *draw) string {
	kinds := []struct {
		label, head string
		size        int
	}{
		{"RSA PRIVATE KEY", "\x30\x82\x04\xa4\x02\x01\x00\x02\x82\x01\x01\x00", 1190},
		{"PRIVATE KEY", "\x30\x82\x04\xbe\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 1200},
		{"EC PRIVATE KEY", "\x30\x77\x02\x01\x01\x04\x20", 119},
		{"OPENSSH PRIVATE KEY", "openssh-key-v1\x00", 260},
		{"ENCRYPTED PRIVATE KEY", "\x30\x82\x05\x0e\x30\x40\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d", 1300},
		{"PRIVATE KEY", "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 48},
	}
	k := pick(g, kinds)
	body := base64.StdEncoding.EncodeToString(append([]byte(k.head), g.bytes(k.size-len(k.head))...))
	var b strings.Builder
	b.WriteString("-----" + "BEGIN " + k.label + "-----\n")
	for len(body) > 0 {
		n := min(64, len(body))
		b.WriteString(body[:n] + "\n")
		body = body[n:]
	}
	b.WriteString("-----" + "END " + k.label + "-----")
	return b.String()
}

// connection is a URI with user and password of a store or broker.
func connection(g *draw) string {
	scheme := pick(g, strings.Fields("postgres postgresql mysql mongodb mongodb+srv redis amqp postgresql+psycopg2 mysql+pymysql mssql rediss amqps clickhouse kafka ldap ftp"))
	host := pick(g, []string{"db", "db-" + g.chars(digits, 2) + ".example.test", "cluster0." + g.chars(lower, 5) + ".test", pick(g, identifiers) + "-db.prod.test"})
	return scheme + "://" + pick(g, []string{"app", "admin", "root", g.login(), "svc_" + pick(g, identifiers)}) + ":" + uriPassword(g) + "@" + host + ":" +
		strconv.Itoa(g.between(1024, 40000)) + "/" + pick(g, identifiers)
}

// uriPassword has no characters that a URI has to escape.
func uriPassword(g *draw) string { return g.chars(base62+"-_.!", g.between(8, 24)) }

// signedURL gives access to whoever holds it: AWS SigV4, Google, Azure SAS,
// CloudFront.
func signedURL(g *draw) string {
	object := pick(g, identifiers) + "/" + g.uuid() + "." + pick(g, []string{"pdf", "csv", "zip"})
	switch g.IntN(4) {
	case 0:
		return "https://" + g.chars(lower, 9) + ".s3.eu-central-1.amazonaws.com/" + object + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA" +
			g.chars(base32, 16) + "%2F20261123%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T140000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=" + g.chars(hexa, 64)
	case 1:
		return "https://storage.googleapis.com/" + g.chars(lower, 9) + "/" + object + "?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=svc%40proj.iam.gserviceaccount.com%2F20261123%2Fauto%2Fstorage%2Fgoog4_request" +
			"&X-Goog-Date=20261123T140000Z&X-Goog-Expires=3600&X-Goog-SignedHeaders=host&X-Goog-Signature=" + g.chars(hexa, 512)
	case 2:
		return "https://" + g.chars(lower, 11) + ".blob.core.windows.net/" + object + "?sv=2024-11-04&st=2026-11-23T14%3A00%3A00Z&se=2026-11-30T14%3A00%3A00Z&sr=b&sp=r&sig=" +
			strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(base64.StdEncoding.EncodeToString(g.bytes(32)))
	}
	return "https://d" + g.chars(lower+digits, 13) + ".cloudfront.net/" + object + "?Expires=1795446576&Signature=" + g.chars(base62+"-~", 342) + "__&Key-Pair-Id=K" + g.chars(upper+digits, 13)
}
