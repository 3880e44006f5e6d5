package classify_test

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// The parts from which planted secrets are put together, so that the file holds
// none.
var (
	bcryptBody = strings.Repeat("Xq9Lk2Vw7Tz", 5)[:53]
	bcryptHash = "$2b$" + "12$" + bcryptBody
	signature  = "Zk3vQ9xLm2Rt7Wp4Yb8Nc6Hd1Jf5Gs0Ka-Te_Uo2Iv4Ex"
	jwt        = encode(`{"alg":"HS256","typ":"JWT"}`) + "." + encode(`{"sub":"u-17","exp":1999999999}`) + "." + signature
)

func encode(doc string) string { return base64.RawURLEncoding.EncodeToString([]byte(doc)) }

// pieces are the parts of a text, of that many bytes, at every offset.
func pieces(text string, size int) (list []string) {
	for i := 0; i+size <= len(text); i++ {
		list = append(list, text[i:i+size])
	}
	return list
}

// tellingForms are the forms in which no output may hold a secret: pieces of it
// as it is, the whole encoded or hashed without a key.
func tellingForms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	m, s1, s2 := md5.Sum([]byte(secret)), sha1.Sum([]byte(secret)), sha256.Sum256([]byte(secret))
	forms := []string{
		strings.Trim(string(quoted), `"`), url.QueryEscape(secret), base64.RawStdEncoding.EncodeToString([]byte(secret)),
		base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)),
		hex.EncodeToString(m[:])[:12], hex.EncodeToString(s1[:])[:12], hex.EncodeToString(s2[:])[:12],
	}
	for _, piece := range append(pieces(secret, 6), pieces(base64.RawStdEncoding.EncodeToString([]byte(secret)), 8)...) {
		forms = append(forms, piece, strings.ToLower(piece))
	}
	return forms
}

// attacks put a secret where a name is expected. Each exchange also holds a
// password hash, so that there is a finding that tells the names.
var attacks = []struct {
	name string
	make func(x *classify.Exchange, secret string)
}{
	{"path segment", func(x *classify.Exchange, s string) { x.Target = []byte("/reset/" + s) }},
	{"path segment, escaped", func(x *classify.Exchange, s string) { x.Target = []byte("/reset/" + url.PathEscape(s) + "/x") }},
	{"matrix parameter", func(x *classify.Exchange, s string) { x.Target = []byte("/a;jsessionid=" + s + "/b") }},
	{"file name", func(x *classify.Exchange, s string) { x.Target = []byte("/a/" + s + ".json") }},
	{"behind a sign", func(x *classify.Exchange, s string) { x.Target = []byte("/a/tok-" + s) }},
	{"user information", func(x *classify.Exchange, s string) { x.Target = []byte("http://u:" + s + "@shop.test/a") }},
	{"path without a slash", func(x *classify.Exchange, s string) { x.Target = []byte(s) }},
	{"query without a name", func(x *classify.Exchange, s string) { x.Target = []byte("/a?" + s) }},
	{"query name", func(x *classify.Exchange, s string) { x.Target = []byte("/a?" + url.QueryEscape(s) + "=" + bcryptHash) }},
	{"fragment name", func(x *classify.Exchange, s string) {
		x.Target = []byte("/a#" + url.QueryEscape(s) + "=" + url.QueryEscape(bcryptHash))
	}},
	{"header name", func(x *classify.Exchange, s string) { x.Response.Headers = header(s, bcryptHash) }},
	{"cookie name", func(x *classify.Exchange, s string) {
		x.Response.Headers = header("Set-Cookie", s+"_session="+bcryptHash)
	}},
	{"member", func(x *classify.Exchange, s string) { x.Response.Body = member(s) }},
	{"member of a member", func(x *classify.Exchange, s string) {
		x.Response.Body = []byte(`{"users":{"a":` + string(member(s)) + `}}`)
	}},
	{"member with a prefix", func(x *classify.Exchange, s string) { x.Response.Body = member("tok_" + s) }},
	{"member in a document in a string", func(x *classify.Exchange, s string) {
		inner, _ := json.Marshal(string(member(s)))
		x.Response.Body = []byte(`{"p":` + string(inner) + `}`)
	}},
	{"member in base64", func(x *classify.Exchange, s string) {
		x.Response.Body = []byte(`{"p":"` + encode(string(member(s))) + `"}`)
	}},
	{"name in a text", func(x *classify.Exchange, s string) { x.Response.Body = []byte(s + "=" + bcryptHash) }},
	{"form name", func(x *classify.Exchange, s string) {
		x.Request.Body, x.Persisted = []byte(url.QueryEscape(s)+"="+url.QueryEscape(bcryptHash)+"&a=1"), true
	}},
	{"host", func(x *classify.Exchange, s string) { x.Host = []byte(s + ".hooks.test") }},
	{"service", func(x *classify.Exchange, s string) { x.Service = s }},
	{"method", func(x *classify.Exchange, s string) { x.Method = []byte(s) }},
	{"scheme", func(x *classify.Exchange, s string) { x.Scheme = s }},
}

func header(name, value string) []classify.Header {
	return []classify.Header{{Name: []byte(name), Value: []byte(value)}}
}

func member(name string) []byte {
	doc, _ := json.Marshal(map[string]map[string]string{name: {"password_hash": bcryptHash}})
	return doc
}

// TestAttacksOnNames checks that no secret gets out as a name (law 6).
func TestAttacksOnNames(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for kind, secret := range map[string]string{
		"letters": "bxqzrtvmkwplsdgh", "mixed letters": "QWzxKVjbPFghTRmnXcLp", "hex": "9f86d081884c7d659a2f",
		"base62": "k9X2m4Q7w1Z8v5B3n6", "base32": "JBSWY3DPEHPK3PXPJBSW", "password": "Tr0ub4dor&3 xyz", "e-mail": "ada.lovelace@shop.test",
		"phone": "+49 30 9018 20 77", "passphrase": "correct horse battery staple", "JWT": jwt, "hash": bcryptHash, "card": "4263 9826 4026 9299",
	} {
		for _, attack := range attacks {
			x := &classify.Exchange{Method: []byte("GET"), Target: []byte("/a"), Host: []byte("api.kettle.test"), Status: 200}
			x.Source = classify.Source{Kind: classify.SourceInterface, Name: "eth0"}
			attack.make(x, secret)
			if x.Response.Body == nil && x.Request.Body == nil {
				x.Response.Body = []byte(`{"password_hash":"` + strings.ToUpper(bcryptHash) + `","p":"` + bcryptHash + `"}`)
			}
			search(t, c, x, kind+" as "+attack.name, strings.TrimPrefix(secret, "$2b$12$"))
		}
	}
}

// search looks for the forms of a secret in all findings of an exchange.
func search(t *testing.T, c *classify.Classifier, x *classify.Exchange, name, secret string) {
	t.Helper()
	found := 0
	c.Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) {
		found++
		f.Rule = &classify.Rule{ID: f.Rule.ID} // its texts are constant
		out, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range tellingForms(secret) {
			if strings.Contains(string(out), form) {
				t.Errorf("%s: the output holds %q: %s", name, form, out)
				return
			}
		}
	})
	if found == 0 {
		t.Errorf("%s: no finding to search", name)
	}
}

// TestReportedSecretsAreNoNames plants words that nobody can tell from names,
// and has a detector report them elsewhere in the exchange.
func TestReportedSecretsAreNoNames(t *testing.T) {
	c := builtinEngine(t).NewClassifier()
	for _, secret := range []string{"sunflower", "hunter", "BlueMonday"} {
		for _, attack := range attacks {
			x := &classify.Exchange{Method: []byte("GET"), Target: []byte("/a"), Host: []byte("api.kettle.test"), Status: 200}
			attack.make(x, secret)
			if x.Response.Body == nil {
				x.Response.Body = []byte(`{"password":"` + secret + `"}`)
			} else {
				x.Request.Headers = header("Referer", "https://shop.test/?password="+secret)
				x.Record = []byte("password=" + secret)
			}
			search(t, c, x, secret+" as "+attack.name, secret)
		}
	}
}

// TestClaimsAreNoSecrets has a token's own claims hold a secret that the
// exchange leaks elsewhere.
func TestClaimsAreNoSecrets(t *testing.T) {
	const secret = "sunflower-k9x2m4q7w1"
	for _, claim := range []string{"iss", "aud", "jti", "scope", "sub"} {
		token := encode(`{"alg":"HS256"}`) + "." + encode(fmt.Sprintf(`{"%s":"%s"}`, claim, secret)) + "." + signature
		x := &classify.Exchange{Status: 200, Response: classify.Message{Body: []byte(`{"access_token":"` + token + `","password":"` + secret + `"}`)}}
		search(t, builtinEngine(t).NewClassifier(), x, claim, secret)
	}
}

// TestAddressIsNotGuessable checks that the id of a finding on an interface
// cannot be made without the key: addresses are few enough to try all.
func TestAddressIsNotGuessable(t *testing.T) {
	ids := map[string]bool{}
	for _, key := range []string{"0123456789abcdef", "fedcba9876543210"} {
		x := &classify.Exchange{
			Source: classify.Source{Kind: classify.SourceInterface, Name: "eth0"}, Client: netip.MustParseAddrPort("198.51.100.7:40000"),
			Response: classify.Message{Body: member("a")},
		}
		engineWithKey(t, key).NewClassifier().Classify(x, time.Unix(1780272000, 0), func(f *classify.Finding) { ids[f.ID] = true })
	}
	if len(ids) != 2 {
		t.Errorf("%d ids under two keys, want 2", len(ids))
	}
}
