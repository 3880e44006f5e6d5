package detect

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

func builtin(t testing.TB) *Vocabulary {
	t.Helper()
	v, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// namedFields are the classes under whose names the token rules look for kinds
// without an anchor.
var namedFields = []string{"token", "api-key", "secret"}

// TestVocabularyIsComplete checks what loading does not: that every entry says
// where its format comes from, and shows and refuses enough.
func TestVocabularyIsComplete(t *testing.T) {
	v := builtin(t)
	seen := map[string]bool{}
	for i := range v.Tokens {
		k := &v.Tokens[i]
		if seen[k.ID] {
			t.Errorf("%s is there twice", k.ID)
		}
		seen[k.ID] = true
		if len(k.Source) < 12 || len(k.Examples) < 1 || len(k.Negatives) < 2 {
			t.Errorf("%s has the source %q, %d examples, %d negatives: want a source, 1 and 2", k.ID, k.Source, len(k.Examples), len(k.Negatives))
		}
		for _, name := range k.Names {
			if class := classOf(t, v, name); !slices.Contains(namedFields, class) {
				t.Errorf("%s stands under %q, which is of class %q: want one of %q", k.ID, name, class, namedFields)
			}
		}
	}
	if len(v.Tokens) < 160 {
		t.Errorf("got %d kinds, want 160 at least", len(v.Tokens))
	}
}

// classOf looks a name up as the engine does: by its longest known ending.
func classOf(t *testing.T, v *Vocabulary, name string) string {
	t.Helper()
	probe := &detector{
		rule: classify.Rule{
			ID: "probe", Category: classify.CategoryToken, Severity: classify.Info, Why: "-", Fix: "-",
		},
		detect: func(c *classify.Candidate) { c.Report(classify.Match{Show: "class " + c.Class(name)}) },
	}
	e, err := classify.NewEngine(classify.Config{Detectors: []classify.Detector{probe}, Fields: v.Fields, Key: []byte("0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	class := ""
	for _, f := range findings(e, &classify.Exchange{}) {
		class = strings.TrimPrefix(f.Evidence.Redacted, "class ")
	}
	return class
}

// place is somewhere a token can stand.
type place struct {
	name string
	put  func(field, token string) *classify.Exchange
}

func places() []place {
	return []place{
		{"JSON", func(field, token string) *classify.Exchange {
			doc, _ := json.Marshal(map[string]string{field: token})
			return &classify.Exchange{Status: 200, Response: classify.Message{Body: doc}}
		}},
		{"log line", func(field, token string) *classify.Exchange {
			return &classify.Exchange{Persisted: true, Record: fmt.Appendf(nil, "WARN call failed %s=%s after 3 tries", field, token)}
		}},
		{"quoted", func(field, token string) *classify.Exchange {
			return &classify.Exchange{Persisted: true, Record: fmt.Appendf(nil, "config.set(%s: %q)", field, token)}
		}},
		{"URL", func(field, token string) *classify.Exchange {
			return &classify.Exchange{Status: 200, Target: []byte("/cb?" + url.QueryEscape(field) + "=" + url.QueryEscape(token) + "&page=2")}
		}},
		{"JSON in JSON", func(field, token string) *classify.Exchange {
			inner, _ := json.Marshal(map[string]string{field: token})
			doc, _ := json.Marshal(map[string]string{"payload": string(inner)})
			return &classify.Exchange{Persisted: true, Record: doc}
		}},
	}
}

// fieldFor is a name that a token of that kind may stand under.
func fieldFor(k *TokenKind) string {
	if len(k.Names) > 0 {
		return strings.ReplaceAll(k.Names[0], " ", "_")
	}
	return "v"
}

// TestTokenIsFoundOnce plants each example in every place: it is found once, as
// what it is, and by no other rule; public keys are not found.
func TestTokenIsFoundOnce(t *testing.T) {
	v, e := builtin(t), newEngine(t)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		for _, example := range k.Examples {
			token := string(k.assemble(example))
			for _, p := range places() {
				got := kindsFound(e, p.put(fieldFor(k), token))
				want := k.ID
				if k.Public {
					want = ""
				}
				if got != want {
					t.Errorf("%s in %s: found %q, want %q", k.ID, p.name, got, want)
				}
			}
		}
	}
}

// kindsFound lists the kinds of the tokens that were found, and the rules that
// found something else.
func kindsFound(e *classify.Engine, x *classify.Exchange) string {
	var list []string
	for _, f := range findings(e, x) {
		switch {
		case f.Token == nil:
			list = append(list, "rule "+f.Rule.ID)
		case f.Count != 1:
			list = append(list, fmt.Sprintf("%s x%d", f.Token.Kind, f.Count))
		default:
			list = append(list, f.Token.Kind)
		}
	}
	return strings.Join(list, ", ")
}

// TestTokenIsFoundUnderTellingNames: names that say token or key neither hide
// the kind of a token nor make a secret of a public key.
func TestTokenIsFoundUnderTellingNames(t *testing.T) {
	v, e := builtin(t), newEngine(t)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		if k.Anchor == "" {
			continue
		}
		token := string(k.assemble(k.Examples[0]))
		for _, field := range []string{"access_token", "api_key", "client_secret"} {
			for _, p := range places() {
				want := k.ID
				if k.Public {
					want = ""
				}
				if got := kindsFound(e, p.put(field, token)); got != want {
					t.Errorf("%s under %s in %s: found %q, want %q", k.ID, field, p.name, got, want)
				}
			}
		}
	}
}

// TestTokenIsFoundBehindBearer: the kind counts, not that it is a bearer token.
func TestTokenIsFoundBehindBearer(t *testing.T) {
	b64token := regexp.MustCompile(`^[0-9A-Za-z._~+/!-]+=*$`) // RFC 6750, section 2.1, and "!"
	v, e := builtin(t), newEngine(t)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		token := string(k.assemble(k.Examples[0]))
		if k.Anchor == "" || k.Public || !b64token.MatchString(token) {
			continue
		}
		x := &classify.Exchange{Persisted: true, Record: []byte("> Authorization: Bearer " + token)}
		if got := kindsFound(e, x); got != k.ID {
			t.Errorf("%s behind Bearer: found %q", k.ID, got)
		}
	}
}

// TestTokenIsAWord glues a letter to either side of each example: it is no token
// of its kind any more, unless its body goes on.
func TestTokenIsAWord(t *testing.T) {
	v := builtin(t)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		for _, example := range k.Examples {
			token := string(k.assemble(example))
			for _, glue := range []string{"A", "z", "7", "_"} {
				if k.isIn(glue+token) && !k.holds(glue+token) {
					t.Errorf("%s matches behind %q", k.ID, glue)
				}
				if k.isIn(token+glue) && !k.holds(token+glue) {
					t.Errorf("%s matches before %q", k.ID, glue)
				}
			}
		}
	}
}

// isIn says whether a text holds a token of the kind, at its first anchor.
func (k *TokenKind) isIn(text string) bool {
	if k.Anchor == "" {
		return k.is([]byte(text))
	}
	_, _, ok := k.around([]byte(text), strings.Index(text, k.Anchor))
	return ok
}

// holds says whether the format, its checksum aside, allows all of the text.
func (k *TokenKind) holds(text string) bool {
	return regexp.MustCompile("^(?:" + k.Head + ")" + regexp.QuoteMeta(k.Anchor) + "(?:" + k.Body + ")$").MatchString(text)
}

// TestAnchorsAloneAreNoTokens puts what people write behind a prefix.
func TestAnchorsAloneAreNoTokens(t *testing.T) {
	v, e := builtin(t), newEngine(t)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		if k.Anchor == "" {
			continue
		}
		for _, rest := range []string{
			"", "...", "****", "name_of_the_thing", "your-key-here-with-several-words-in-it", " is how they begin",
			"<the key>", "${KEY_FROM_THE_ENVIRONMENT}", "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
			"00000000000000000000000000000000000000000000", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
		} {
			for _, f := range findings(e, &classify.Exchange{Persisted: true, Record: []byte("note: " + k.Anchor + rest + " end")}) {
				if f.Token != nil {
					t.Errorf("%s: found %s in %q", k.ID, f.Token.Kind, k.Anchor+rest)
				}
			}
		}
	}
}

// TestOrdinaryTextHoldsNoToken reads what APIs and pages are full of.
func TestOrdinaryTextHoldsNoToken(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	image := make([]byte, 6000)
	for i := range image[:4000] { // the rest stays zero: a long run of A
		image[i] = byte(rng.Uint32())
	}
	var ids strings.Builder
	for range 200 {
		fmt.Fprintf(&ids, "%08x-%04x-4%03x-a%03x-%012x api-gateway-%08x\n", rng.Uint32(), rng.Uint32()&0xFFFF, rng.Uint32()&0xFFF,
			rng.Uint32()&0xFFF, rng.Uint64()&0xFFFFFFFFFFFF, rng.Uint32())
	}
	texts := map[string]string{
		"English": "The key to a good test is that it can fail. Patterns, tasks and risks: sk_ and pk_ are prefixes, live_ and test_ too; " +
			"secret_ is half a name, token- a part of many. Mr. Bot said hvs. is no word, nor is SG. or t1. - see api- and sdk- pages, " +
			"access-control-allow-origin, client-side rendering, key-value stores, pat-a-cake, cs_CZ, mb_strlen and mat_index.",
		"script": "!function(e,t){var n=e.sk_,r=t.pk_||{};n.live_mode=1,r.secret_key_base=null;for(var o=0,a=r.api_version_list_of_things.length;o<a;o++)" +
			"client_secret_basic(o);e.exports={hf_transformers_model_loader_with_cache:1,npm_config_registry_of_the_build:2,cio_analytics_event_names_list:3}}(this);",
		"styles": ".btn-primary,.token-comment{color:#fff}.key-3f2a1b9c.api_link:hover{margin:0 0 0 -1px}.sk-folding-cube .sk-cube:before{content:''}" +
			".css-1x2y3z4-MuiButton-root.pk-badge.md-icon-button.md-primary_large-text-field{}",
		"ids":    ids.String(),
		"image":  "data:image/png;base64," + base64.StdEncoding.EncodeToString(image),
		"digest": fmt.Sprintf("sha256:%064x etag W/\"%032x\" commit %040x", rng.Uint64(), rng.Uint64(), rng.Uint64()),
		"time":   "2026-03-01T10:00:00.000Z 1772359200000000000 00:00:00D 127.0.0.1:8080 v1.0-alpha v1.0-0f1e2d3c 10.0.0.1:AAAA 2001:db8::AA00",
	}
	e := newEngine(t)
	for name, text := range texts {
		doc, _ := json.Marshal(map[string]string{"text": text})
		for _, x := range []*classify.Exchange{
			{Persisted: true, Record: []byte(text)},
			{Status: 200, Response: classify.Message{Body: doc}},
		} {
			for _, f := range findings(e, x) {
				if f.Token != nil {
					t.Errorf("%s: found %s, %s", name, f.Token.Kind, f.Evidence.Redacted)
				}
			}
		}
	}
}

// TestTokenSeverity: what an entry says counts before the rule.
func TestTokenSeverity(t *testing.T) {
	v, e := builtin(t), newEngine(t)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		if k.Anchor == "" || k.Public {
			continue
		}
		want := classify.Critical
		if k.Severity != "" {
			want = k.severity
		}
		for _, f := range findings(e, places()[1].put("v", string(k.assemble(k.Examples[0])))) {
			if f.Severity != want {
				t.Errorf("%s has severity %s, want %s", k.ID, f.Severity, want)
			}
		}
	}
}

// TestTokenKindErrors says what is wrong with an entry, and never its examples.
func TestTokenKindErrors(t *testing.T) {
	digits := "[0-9]{4}"
	for _, tc := range []struct {
		kind TokenKind
		want string
	}{
		{TokenKind{Anchor: "abc_", Body: digits}, `id and body are needed`},
		{TokenKind{ID: "k", Anchor: "abc_"}, `id and body are needed`},
		{TokenKind{ID: "k", Anchor: "a", Body: digits}, `an anchor of 2 bytes or names are needed`},
		{TokenKind{ID: "k", Anchor: "abc_", Body: digits, Checksum: "md5"}, `unknown checksum "md5"`},
		{TokenKind{ID: "k", Anchor: "abc_", Body: "[0-9"}, "error parsing regexp: missing closing ]: `[0-9)`"},
		{TokenKind{ID: "k", Anchor: "abc_", Body: digits, Severity: "awful"}, `unknown severity "awful": use one of info, low, medium, high, critical`},
		{TokenKind{ID: "k", Anchor: "abc_", Body: digits, Examples: []string{"1234", "12345"}}, `k.examples[1]: does not match: head, anchor and body match only 8 bytes of abc_••• (9 bytes)`},
		{TokenKind{ID: "k", Anchor: "abc_", Body: digits, Negatives: []string{"123", "1234"}}, `k.negatives[1]: matches, and should not: abc_••• (8 bytes)`},
		{TokenKind{ID: "k", Anchor: "_abc", Head: digits, Examples: []string{"1234¦"}, Negatives: []string{"123¦", "12345¦", "x1234¦"}}, ""},
		{TokenKind{ID: "k", Names: []string{"x api key"}, Body: digits, Examples: []string{"1234"}, Negatives: []string{"12345"}}, ""},
	} {
		got := ""
		if err := tc.kind.parse(); err != nil {
			got = err.Error()
		} else if p := tc.kind.tryExamples(tc.kind.ID); p != nil {
			got = p.Error()
		}
		if got != tc.want {
			t.Errorf("%+v: got error %q, want %q", tc.kind, got, tc.want)
		}
	}
}

func TestNamesEndInWords(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		ok         bool
	}{
		{"DD_API_KEY", "dd api key", true},
		{"ddApiKey", "dd api key", true},
		{"prod-dd-api-key", "dd api key", true},
		{"myDdApiKey", "dd api key", true},
		{"add_api_key", "dd api key", false},
		{"dd_api_key_id", "dd api key", false},
		{"api_key", "dd api key", false},
		{"", "dd api key", false},
		{"x.dd api.key", "dd api key", true},
	} {
		if got := endsInName([]byte(tc.name), tc.want); got != tc.ok {
			t.Errorf("%q ends in %q: got %v, want %v", tc.name, tc.want, got, tc.ok)
		}
	}
}

func BenchmarkBuiltin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAnchorFlood is the worst that a text can do: anchors and nothing else.
func BenchmarkAnchorFlood(b *testing.B) {
	c := newEngine(b).NewClassifier()
	for _, anchor := range []string{"AKIA", "T3BlbkFJ", ":AA", "+ASt", ".atlasv1.", "hvs.", "pypi-AgEIcHlwaS5vcmc-", "ATATT3-"} {
		x := &classify.Exchange{Persisted: true, Record: []byte(strings.Repeat(anchor, 1<<16/len(anchor)))}
		b.Run(anchor, func(b *testing.B) {
			b.SetBytes(int64(len(x.Record)))
			for b.Loop() {
				c.Classify(x, asOf, func(*classify.Finding) {})
			}
		})
	}
}
