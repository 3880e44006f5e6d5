package detect

import (
	_ "embed"
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml"

	"github.com/leaktap/leaktap/classify"
)

//go:embed fields.yaml
var builtinFields []byte

//go:embed tokens.yaml
var builtinTokens []byte

// Vocabulary is what detectors know by name and by format.
type Vocabulary struct {
	Fields []classify.FieldNames
	Tokens []TokenKind
}

// TokenKind is the format of one vendor's token.
type TokenKind struct {
	// ID is the token's kind in findings ("github-pat").
	ID string `yaml:"id"`
	// Source is the page of the vendor that defines the format.
	Source string `yaml:"source"`
	// Prefix is the literal start, at least three bytes; it is public.
	Prefix string `yaml:"prefix"`
	// Body is a regular expression for what follows the prefix. The byte behind
	// the match must not be one that Body could have taken.
	Body string `yaml:"body"`
	// Checksum names the check that the format has, or is empty: crc32-base62.
	Checksum string `yaml:"checksum"`
	// Public marks keys that are made to be seen by users (publishable keys);
	// they are known, so that no other rule takes them for secrets.
	Public bool `yaml:"public"`
	// Examples and Negatives are bodies, put behind the prefix at load: the
	// repository never holds a whole token.
	Examples  []string `yaml:"examples"`
	Negatives []string `yaml:"negatives"`

	re *regexp.Regexp
}

// Builtin returns the vocabulary that comes with leaktap.
func Builtin() (*Vocabulary, error) {
	v := &Vocabulary{}
	if err := yaml.UnmarshalWithOptions(builtinFields, &v.Fields, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read fields.yaml: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(builtinTokens, &v.Tokens, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read tokens.yaml: %w", err)
	}
	for i := range v.Tokens {
		if err := v.Tokens[i].compile(); err != nil {
			return nil, fmt.Errorf("read tokens.yaml: %w", err)
		}
	}
	return v, nil
}

// compile checks an entry and makes it ready to match.
func (k *TokenKind) compile() error {
	if k.ID == "" || len(k.Prefix) < 3 || k.Body == "" {
		return fmt.Errorf("token kind %q: id, a prefix of three bytes and body are needed", k.ID)
	}
	if k.Checksum != "" && k.Checksum != crc32Base62 {
		return fmt.Errorf("token kind %s: unknown checksum %q: use %s", k.ID, k.Checksum, crc32Base62)
	}
	re, err := regexp.Compile("^" + regexp.QuoteMeta(k.Prefix) + "(?:" + k.Body + ")")
	if err != nil {
		return fmt.Errorf("token kind %s: %w", k.ID, err)
	}
	k.re = re
	for _, body := range k.Examples {
		if _, ok := k.match([]byte(k.Prefix + body)); !ok {
			return fmt.Errorf("token kind %s: its example of %d bytes does not match", k.ID, len(body))
		}
	}
	for _, body := range k.Negatives {
		if _, ok := k.match([]byte(k.Prefix + body)); ok {
			return fmt.Errorf("token kind %s: its negative of %d bytes matches", k.ID, len(body))
		}
	}
	return nil
}

// match returns the length of the token that starts text.
func (k *TokenKind) match(text []byte) (n int, ok bool) {
	loc := k.re.FindIndex(text)
	if loc == nil {
		return 0, false
	}
	n = loc[1]
	if n < len(text) && (isWordByte(text[n]) || text[n] == '-' && !isWordByte(text[n-1])) {
		return 0, false
	}
	if k.Checksum == crc32Base62 && !validCRC32Base62(text[len(k.Prefix):n]) {
		return 0, false
	}
	return n, true
}
