package detect

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

//go:embed fields.yaml
var builtinFields string

//go:embed tokens.yaml
var builtinTokens string

// Vocabulary is what detectors know by name and by format.
type Vocabulary struct {
	Fields []classify.FieldNames
	Tokens []TokenKind

	byStart *[256][]*TokenKind
	added   []addedField
}

// Builtin returns the vocabulary that comes with leaktap. Its examples are
// checked by tests, not here.
func Builtin() (*Vocabulary, error) {
	v := &Vocabulary{Tokens: make([]TokenKind, 0, strings.Count(builtinTokens, "\n- "))}
	fields := plainReader{builtinFields}
	if err := fields.entries(v.putField); err != nil {
		return nil, fmt.Errorf("read fields.yaml: %w", err)
	}
	tokens := plainReader{builtinTokens}
	if err := tokens.entries(v.putToken); err != nil {
		return nil, fmt.Errorf("read tokens.yaml: %w", err)
	}
	for i := range v.Tokens {
		if err := v.Tokens[i].parse(); err != nil {
			return nil, fmt.Errorf("read tokens.yaml: token kind %q: %w", v.Tokens[i].ID, err)
		}
	}
	v.index()
	return v, nil
}

func (v *Vocabulary) putField(start bool, key string, values []string) error {
	if start {
		v.Fields = append(v.Fields, classify.FieldNames{})
	}
	f := &v.Fields[len(v.Fields)-1]
	switch key {
	case "class":
		f.Class = values[0]
	case "names":
		f.Names = values
	case "exact":
		f.Exact = values
	default:
		return fmt.Errorf("unknown key %q", key)
	}
	return nil
}

func (v *Vocabulary) putToken(start bool, key string, values []string) error {
	if start {
		v.Tokens = append(v.Tokens, TokenKind{})
	}
	k := &v.Tokens[len(v.Tokens)-1]
	switch key {
	case "id":
		k.ID = values[0]
	case "source":
		k.Source = values[0]
	case "anchor":
		k.Anchor = values[0]
	case "head":
		k.Head = values[0]
	case "names":
		k.Names = values
	case "body":
		k.Body = values[0]
	case "checksum":
		k.Checksum = values[0]
	case "public":
		k.Public = values[0] == "true"
	case "severity":
		k.Severity = values[0]
	case "examples":
		k.Examples = values
	case "negatives":
		k.Negatives = values
	default:
		return fmt.Errorf("unknown key %q", key)
	}
	return nil
}

// kindOf returns the kind of token that a value starts with, nil if there is none
// that its anchor gives away.
func (v *Vocabulary) kindOf(value []byte) *TokenKind {
	if len(value) == 0 {
		return nil
	}
	for _, k := range v.byStart[value[0]] {
		if k.starts(value) {
			return k
		}
	}
	return nil
}

// index files the kinds with an anchor under the bytes that their tokens start with.
func (v *Vocabulary) index() {
	v.byStart = new([256][]*TokenKind)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		for b := range 256 {
			if k.Anchor != "" && (k.Head != "" && k.form.head.has(byte(b)) || k.Head == "" && int(k.Anchor[0]) == b) {
				v.byStart[b] = append(v.byStart[b], k)
			}
		}
	}
}
