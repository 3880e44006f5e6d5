package detect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/leaktap/leaktap/classify"
)

// acme is a kind that no vendor has.
func acme() TokenKind {
	return TokenKind{
		ID: "acme-key", Anchor: "acme_", Body: "[0-9a-f]{32}",
		Examples: []string{"0123456789abcdef0123456789abcdef"}, Negatives: []string{"0123"},
	}
}

// engineWith returns an engine of the built-in vocabulary and additions.
func engineWith(t *testing.T, a *Additions, mute ...string) *classify.Engine {
	t.Helper()
	v := builtin(t)
	if _, err := v.Add(a, "acme.yaml"); err != nil {
		t.Fatal(err)
	}
	detectors := All(v)
	for _, id := range mute {
		if !v.Mute(id) {
			t.Fatalf("there is no kind %q", id)
		}
	}
	e, err := classify.NewEngine(classify.Config{Detectors: detectors, Fields: v.Fields, Key: []byte("0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestAddedKindIsFoundOnce: a kind of a user is found as one that is built in.
func TestAddedKindIsFoundOnce(t *testing.T) {
	k := acme()
	named := TokenKind{
		ID: "acme-named", Names: []string{"acme api key"}, Body: "[0-9a-f]{20}",
		Examples: []string{"0123456789abcdef0123"}, Negatives: []string{"0123"},
	}
	e := engineWith(t, &Additions{Tokens: []TokenKind{k, named}})
	for _, p := range places() {
		for _, field := range []string{"v", "api_key", "client_secret"} {
			if got := kindsFound(e, p.put(field, string(k.assemble(k.Examples[0])))); got != "acme-key" {
				t.Errorf("%s under %s in %s: found %q", k.ID, field, p.name, got)
			}
		}
		if got := kindsFound(e, p.put("acme_api_key", named.Examples[0])); got != "acme-named" {
			t.Errorf("%s in %s: found %q", named.ID, p.name, got)
		}
	}
}

// TestMutedKindIsNobodysFinding: neither the rules of tokens nor those of names
// report a kind that is disabled.
func TestMutedKindIsNobodysFinding(t *testing.T) {
	k := acme()
	e := engineWith(t, &Additions{Tokens: []TokenKind{k}}, "acme-key")
	for _, p := range places() {
		for _, field := range []string{"v", "api_key", "client_secret", "access_token"} {
			if got := kindsFound(e, p.put(field, string(k.assemble(k.Examples[0])))); got != "" {
				t.Errorf("under %s in %s: found %q", field, p.name, got)
			}
		}
	}
}

// TestCustomFields: under a name that a user calls secret whatever is no
// placeholder is one.
func TestCustomFields(t *testing.T) {
	e := engineWith(t, &Additions{Fields: []classify.FieldNames{{Class: CustomClass, Names: []string{"flux setting"}, Exact: []string{"warp"}}}})
	for text, found := range map[string]bool{
		`{"flux_setting":"seven banana"}`:      true,
		`{"mainFluxSetting":"1985"}`:           true,
		`{"warp":271828}`:                      true,
		`{"flux_setting":"***"}`:               false,
		`{"flux_setting":"changeme"}`:          false,
		`{"flux_setting":""}`:                  false,
		`{"flux_setting":null,"warp":true}`:    false,
		`{"flux_setting":"on"}`:                false,
		`{"warp_factor":"seven banana"}`:       false,
		`{"flux_setting_name":"seven banana"}`: false,
	} {
		var rules []string
		for _, f := range findings(e, &classify.Exchange{Status: 200, Response: classify.Message{Body: []byte(text)}}) {
			rules = append(rules, f.Rule.ID)
		}
		if got := slices.Contains(rules, "secret-field"); got != found {
			t.Errorf("%s: found %q, want a secret: %v", text, rules, found)
		}
	}
}

// TestProblemsShowNoExample: what is wrong with an example is said without it.
func TestProblemsShowNoExample(t *testing.T) {
	const secret = "aaaabbbbccccddddeeeeffff00001111"
	for _, change := range []func(k *TokenKind){
		func(k *TokenKind) { k.Examples = []string{secret + "0"} },
		func(k *TokenKind) { k.Examples = []string{secret[1:]} },
		func(k *TokenKind) { k.Negatives = []string{secret} },
		func(k *TokenKind) { k.Examples, k.Checksum = []string{secret}, "crc32-base62" },
		func(k *TokenKind) { k.Head, k.Examples = "[0-9]{2}", []string{secret + "¦"} },
		func(k *TokenKind) { k.Head, k.Examples = "[0-9]{2}", []string{"x12¦" + secret} },
	} {
		k := acme()
		change(&k)
		_, err := builtin(t).Add(&Additions{Tokens: []TokenKind{k}}, "acme.yaml")
		p, ok := errors.AsType[*Problem](err)
		if !ok || !p.Example || strings.Contains(err.Error(), secret[2:12]) || !strings.Contains(err.Error(), "•••") {
			t.Errorf("got error %v", err)
		}
	}
}
