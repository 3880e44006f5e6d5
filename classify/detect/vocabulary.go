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

	byStart *[256][]*TokenKind
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
	v.index()
	return v, nil
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
			if k.Anchor != "" && (k.Head != "" && k.use[b]&headByte != 0 || k.Head == "" && int(k.Anchor[0]) == b) {
				v.byStart[b] = append(v.byStart[b], k)
			}
		}
	}
}
