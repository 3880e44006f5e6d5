package detect

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// secretBody returns n random letters and digits.
func secretBody(rng *rand.Rand, n int) string {
	const letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}

// planted is a secret in the form that some detector finds, and the part of it
// that no output may hold.
type planted struct{ text, secret string }

func plant(rng *rand.Rand) []planted {
	s := func(n int) string { return secretBody(rng, n) }
	bcrypt, salt, opaque, password := s(53), s(16), s(40), s(12)+"!"
	jwt := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+s(20)+`"}`)) + "." + s(43)
	return []planted{
		{"$2b$12$" + bcrypt, bcrypt},
		{"scrypt:32768:8:1$" + salt + "$" + fmt.Sprintf("%0128x", rng.Uint64()), salt},
		{"Bearer " + opaque, opaque},
		{jwt, strings.Split(jwt, ".")[2]},
		{jwt, strings.Split(jwt, ".")[1]},
		{"postgres://svc:" + password + "@db/app", password},
		{"sk_live_" + opaque, opaque},
		{"-----BEGIN PRIVATE KEY-----\n" + s(64) + "\n-----END PRIVATE KEY-----", s(64)[:0] + opaque},
		{password, password},
		{opaque, opaque},
		{"ada." + s(12) + "@shop.test", "ada."},
		{"5425233430109903", "5425233430109903"},
		{"DE89370400440532013000", "DE89370400440532013000"},
		{"536-22-8726", "536-22-8726"},
	}
}

// names are fields under which secrets are planted; the last is the secret
// itself.
var names = []string{"password", "password_hash", "access_token", "api_key", "client_secret", "ssn", "card_number", "email", "SECRET_KEY", "x", ""}

// exchangesWith plants a text in every part of an exchange.
func exchangesWith(name, text string) []*classify.Exchange {
	if name == "" {
		name = text
	}
	doc, _ := json.Marshal(map[string]any{"a": []any{map[string]string{name: text}}})
	nested, _ := json.Marshal(map[string]string{"payload": string(doc)})
	line := name + "=" + text + " said " + text
	head := []classify.Header{{Name: []byte(name), Value: []byte(text)}, {Name: []byte("Set-Cookie"), Value: []byte("sid=" + text)}}
	base := func() *classify.Exchange {
		return &classify.Exchange{Method: []byte("GET"), Target: []byte("/a"), Status: 200, Source: classify.Source{Kind: classify.SourceFile, Name: "f"}}
	}
	var list []*classify.Exchange
	for _, persisted := range []bool{false, true} {
		for part := range 8 {
			x := base()
			x.Persisted = persisted
			switch part {
			case 0:
				x.Response.Body = doc
			case 1:
				x.Response.Body = nested
			case 2:
				x.Response.Body = []byte("<html>" + line)
			case 3:
				x.Request.Headers, x.Response.Headers = head, head
			case 4:
				x.Request.Body = []byte(url.QueryEscape(name) + "=" + url.QueryEscape(text) + "&b=1")
			case 5:
				x.Target = []byte("/u/" + url.PathEscape(text) + "/x?" + url.QueryEscape(name) + "=" + url.QueryEscape(text))
			case 6:
				x.Record = []byte(line)
			case 7:
				x.Record = nested
				x.Method, x.Host, x.Service = []byte(text), []byte(text), text
			}
			list = append(list, x)
		}
	}
	return list
}

// TestSecretsStayInside plants secrets under telling and other names in every
// part of an exchange and searches the findings for them, their base64, URL
// and JSON forms (law 6).
func TestSecretsStayInside(t *testing.T) {
	e := newEngine(t)
	c := e.NewClassifier()
	rng := rand.New(rand.NewPCG(6, 6))
	found := 0
	for range 12 {
		for _, p := range plant(rng) {
			for _, name := range names {
				for part, x := range exchangesWith(name, p.text) {
					c.Classify(x, asOf, func(f *classify.Finding) {
						found++
						out, err := json.Marshal(f)
						if err != nil {
							t.Fatal(err)
						}
						if form := leaked(string(out), p.secret); form != "" {
							t.Fatalf("part %d, name %q: %s lets out the secret's %s form: %s", part, name, f.Rule.ID, form, out)
						}
					})
				}
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d findings were searched", found)
	}
}

// leaked names the form in which the secret stands in the output, or "".
func leaked(out, secret string) string {
	quoted, _ := json.Marshal(secret)
	for _, form := range []struct{ name, text string }{
		{"plain", secret},
		{"base64", base64.StdEncoding.EncodeToString([]byte(secret))[:min(8, len(secret))]},
		{"URL", url.QueryEscape(secret)},
		{"JSON", strings.Trim(string(quoted), `"`)},
		{"second half", secret[len(secret)/2:] + "\x00"},
	} {
		if strings.Contains(out, form.text) {
			return form.name
		}
	}
	return ""
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte(`{"a":"b","password":"x1y2z3","l":[{"email":"a@b.test"}]}`), []byte("/a?token=b"), true)
	f.Add([]byte("Traceback (most recent call last):\n  File \"/a.py\", line 3, in f"), []byte(""), false)
	f.Add([]byte(`{"p":"{\"q\":\"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.\"}`), []byte("/%zz"), true)
	f.Add([]byte("GB82 WEST 1234 5698 7654 32 postgres://a:b1c2d3@h"), []byte("//"), false)
	e := newEngine(f)
	f.Fuzz(func(t *testing.T, body, target []byte, log bool) {
		x := &classify.Exchange{Target: target, Status: 200, Persisted: log, Response: classify.Message{Body: body}}
		if log {
			x.Response.Body, x.Record = nil, body
		}
		for _, found := range findings(e, x) {
			if found.Count < 1 || found.Severity == 0 || found.Fingerprint == "" {
				t.Errorf("incomplete finding %+v", found)
			}
		}
	})
}

// cleanExchange is an answer as APIs give it, with nothing to find.
func cleanExchange() *classify.Exchange {
	product := `{"sku":"K-%d","title":"A kettle of steel, 1.7 l","price":39.9,"currency":"EUR","stock":17,"tags":["kitchen","steel"],` +
		`"created_at":"2026-03-01T10:00:00Z","image":"https://cdn.shop.test/img/kettle@2x.png","rating":{"mean":4.4,"count":212}},`
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for i := range 10 {
		fmt.Fprintf(&b, product, i)
	}
	b.WriteString(`null],"next_token":"b2Zmc2V0PTEw","total":212}`)
	return &classify.Exchange{
		Method: []byte("GET"), Host: []byte("shop.test"), Target: []byte("/api/products?page=2"), Status: 200,
		Request:  classify.Message{Headers: []classify.Header{{Name: []byte("Accept"), Value: []byte("application/json")}}},
		Response: classify.Message{Headers: []classify.Header{{Name: []byte("Content-Type"), Value: []byte("application/json")}}, Body: []byte(b.String())},
	}
}

func TestCleanExchangeAllocatesNothing(t *testing.T) {
	c, x := newEngine(t).NewClassifier(), cleanExchange()
	n := testing.AllocsPerRun(100, func() {
		c.Classify(x, asOf, func(f *classify.Finding) { t.Fatalf("finding of %s at %s", f.Rule.ID, f.Pointer) })
	})
	if n > 0 {
		t.Errorf("got %g allocations for a clean exchange, want none", n)
	}
}

func BenchmarkClassifyClean(b *testing.B) {
	c, x := newEngine(b).NewClassifier(), cleanExchange()
	b.SetBytes(int64(len(x.Response.Body)))
	b.ReportAllocs()
	for b.Loop() {
		c.Classify(x, asOf, func(*classify.Finding) {})
	}
}
