package detect

import (
	_ "embed"
	"fmt"

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

// kindOf returns the kind of token that a value starts with, nil if there is none
// that its anchor gives away.
func (v *Vocabulary) kindOf(value []byte) *TokenKind {
	for i := range v.Tokens {
		if k := &v.Tokens[i]; k.Anchor != "" && k.starts(value) {
			return k
		}
	}
	return nil
}
