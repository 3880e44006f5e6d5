package detect

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// Additions is what a rule file of a user adds to the vocabulary: token kinds
// and names of fields, written as in tokens.yaml and fields.yaml.
type Additions struct {
	Tokens []TokenKind           `yaml:"tokens"`
	Fields []classify.FieldNames `yaml:"fields"`
}

// Problem is what is wrong with additions. It shows no example, which may be a
// real token.
type Problem struct {
	// Path leads to the key: "tokens[0].examples[1]".
	Path string
	Text string
	// Example says that the file is well-formed, and that one of its examples or
	// negatives is not what it is said to be.
	Example bool
	// Unknown is what was written where only some names are known.
	Unknown string
	Known   []string
}

func (p *Problem) Error() string { return p.Path + ": " + p.Text }

// CustomClass is the class of names under which secrets stand that only users
// know; whatever is no placeholder is one.
const CustomClass = "custom"

// Add checks additions and adds them; file is where they are from. The error is
// a *Problem. Notes are what is allowed and still hardly meant.
func (v *Vocabulary) Add(a *Additions, file string) (notes []*Problem, err error) {
	if err := v.addFields(a.Fields, file); err != nil {
		return nil, err
	}
	var rules []string
	for _, d := range All(v) {
		rules = append(rules, d.Rule().ID)
	}
	for i := range a.Tokens {
		k, path := a.Tokens[i], fmt.Sprintf("tokens[%d]", i)
		if p := v.checkKind(&k, path, rules); p != nil {
			return nil, p
		}
		k.file = file
		for j, example := range k.Examples {
			if other := v.kindOf(k.assemble(example)); other != nil {
				notes = append(notes, &Problem{
					Path: fmt.Sprintf("%s.examples[%d]", path, j),
					Text: fmt.Sprintf("is a token of kind %q, which stands before %q", other.ID, k.ID),
				})
			}
		}
		v.Tokens = append(v.Tokens, k)
	}
	v.index()
	return notes, nil
}

// checkKind checks one token kind, whose id must not be that of a rule, and
// compiles it.
func (v *Vocabulary) checkKind(k *TokenKind, path string, rules []string) *Problem {
	if i := slices.IndexFunc(v.Tokens, func(o TokenKind) bool { return o.ID == k.ID }); i >= 0 {
		return &Problem{Path: path + ".id", Text: fmt.Sprintf("the kind %q is there already, %s", k.ID, v.Tokens[i].Origin())}
	}
	if slices.Contains(rules, k.ID) {
		return &Problem{Path: path + ".id", Text: fmt.Sprintf("%q is the id of a rule", k.ID)}
	}
	if err := k.parse(); err != nil {
		return &Problem{Path: path, Text: err.Error()}
	}
	if k.Anchor != "" {
		if err := checkAnchor(k.Anchor); err != nil {
			return &Problem{Path: path + ".anchor", Text: err.Error()}
		}
	}
	if p := v.checkNames(k, path); p != nil {
		return p
	}
	switch {
	case len(k.Examples) == 0:
		return &Problem{Path: path, Text: "want one of examples at least: a body that is a token of this kind"}
	case len(k.Negatives) == 0:
		return &Problem{Path: path, Text: "want one of negatives at least: a body that looks alike and is no token of this kind"}
	}
	return k.tryExamples(path)
}

// tryExamples tries examples and negatives.
func (k *TokenKind) tryExamples(path string) *Problem {
	for i, body := range k.Examples {
		if text := k.assemble(body); !k.starts(text) {
			return &Problem{Path: fmt.Sprintf("%s.examples[%d]", path, i), Text: "does not match: " + k.whyNot(text), Example: true}
		}
	}
	for i, body := range k.Negatives {
		if text := k.assemble(body); k.starts(text) {
			return &Problem{Path: fmt.Sprintf("%s.negatives[%d]", path, i), Text: "matches, and should not: " + k.redacted(text), Example: true}
		}
	}
	return nil
}

// redacted shows of a token what is public.
func (k *TokenKind) redacted(token []byte) string {
	public := ""
	if bytes.HasPrefix(token, []byte(k.Anchor)) {
		public = k.Anchor
	}
	return fmt.Sprintf("%s••• (%d bytes)", public, len(token))
}

// whyNot says why a text is no token of the kind.
func (k *TokenKind) whyNot(text []byte) string {
	shown := k.redacted(text)
	end := k.form.match(text)
	switch {
	case end < 0 && k.Head == "":
		return "body does not match " + shown
	case end < 0:
		return "head, anchor and body do not match " + shown
	case len(text) > end && k.goesOn(text[end]):
		return fmt.Sprintf("head, anchor and body match only %d bytes of %s", end, shown)
	case !k.check(text[:end], bytes.Index(text, []byte(k.Anchor))+len(k.Anchor)):
		return "the checksum is wrong in " + shown
	}
	return "it is not at the start of " + shown
}

// Origin says where a kind comes from: "built in" or a file.
func (k *TokenKind) Origin() string {
	if k.file == "" {
		return "built in"
	}
	return "in " + k.file
}

// Custom says whether a kind was added by a user.
func (k *TokenKind) Custom() bool { return k.file != "" }

// Mute makes a kind one that is known and not reported, by any rule; false if
// there is none of that id.
func (v *Vocabulary) Mute(id string) bool {
	i := slices.IndexFunc(v.Tokens, func(k TokenKind) bool { return k.ID == id })
	if i >= 0 {
		v.Tokens[i].Public = true
	}
	return i >= 0
}

// addFields adds names to classes. A name belongs to one class.
func (v *Vocabulary) addFields(list []classify.FieldNames, file string) error {
	if len(list) == 0 {
		return nil
	}
	classes := map[string]bool{CustomClass: true}
	owner := map[string]string{} // of a folded name: its class
	for _, f := range v.Fields {
		classes[f.Class] = true
		for _, name := range slices.Concat(f.Names, f.Exact) {
			owner[foldName(name)] = f.Class
		}
	}
	for i, f := range list {
		path := fmt.Sprintf("fields[%d]", i)
		switch {
		case f.Class == "":
			return &Problem{Path: path, Text: "class is needed"}
		case !classes[f.Class]:
			return v.unknownClass(path+".class", f.Class)
		case len(f.Names)+len(f.Exact) == 0:
			return &Problem{Path: path, Text: "names or exact are needed"}
		}
		for j, name := range slices.Concat(f.Names, f.Exact) {
			at := fmt.Sprintf("%s.names[%d]", path, j)
			if j >= len(f.Names) {
				at = fmt.Sprintf("%s.exact[%d]", path, j-len(f.Names))
			}
			folded := foldName(name)
			if folded == "" {
				return &Problem{Path: at, Text: "has no letter or digit"}
			}
			if class, ok := owner[folded]; ok && class != f.Class {
				return &Problem{Path: at, Text: fmt.Sprintf("%q is in class %q already, %s", name, class, v.originOf(class, folded))}
			}
			owner[folded] = f.Class
		}
		v.Fields = append(v.Fields, f)
		v.added = append(v.added, addedField{len(v.Fields) - 1, file})
	}
	return nil
}

// addedField says from which file an entry of the fields is.
type addedField struct {
	entry int
	file  string
}

// originOf says where a name comes from.
func (v *Vocabulary) originOf(class, folded string) string {
	for _, a := range v.added {
		f := v.Fields[a.entry]
		if f.Class == class && slices.ContainsFunc(slices.Concat(f.Names, f.Exact), func(n string) bool { return foldName(n) == folded }) {
			return "in " + a.file
		}
	}
	return "built in"
}

func (v *Vocabulary) unknownClass(path, class string) *Problem {
	known := []string{CustomClass}
	for _, f := range v.Fields {
		if !slices.Contains(known, f.Class) {
			known = append(known, f.Class)
		}
	}
	return &Problem{Path: path, Text: fmt.Sprintf("there is no class %q", class), Unknown: class, Known: known}
}

// foldName folds a name as the engine does: letters in small, digits, and bytes
// above ASCII.
func foldName(name string) string {
	folded := make([]byte, 0, len(name))
	for _, b := range []byte(strings.ToLower(name)) {
		if b != '_' && isWordByte(b) || b >= 0x80 {
			folded = append(folded, b)
		}
	}
	return string(folded)
}

// probe returns an engine with one rule that asks for what is given.
func (v *Vocabulary) probe(on classify.Trigger, detect func(*classify.Candidate)) (*classify.Engine, error) {
	d := &detector{classify.Rule{
		ID: "probe", Category: classify.CategoryToken, Severity: classify.Info, Why: "-", Fix: "-", On: on,
	}, detect}
	return classify.NewEngine(classify.Config{Detectors: []classify.Detector{d}, Fields: v.Fields, Key: make([]byte, 32)})
}

// checkAnchor asks an engine whether it can find an anchor.
func checkAnchor(anchor string) error {
	_, err := (&Vocabulary{}).probe(classify.Trigger{Anchors: []string{anchor}}, nil)
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}

// askedClasses are the classes under whose names kinds without an anchor are
// looked for.
var askedClasses = []string{"token", "api-key", "secret"}

// checkNames says which of a kind's names no rule is asked for.
func (v *Vocabulary) checkNames(k *TokenKind, path string) *Problem {
	if len(k.Names) == 0 {
		return nil
	}
	var classes []string
	e, err := v.probe(classify.Trigger{}, func(c *classify.Candidate) {
		for _, name := range k.Names {
			classes = append(classes, c.Class(name))
		}
	})
	if err != nil {
		return &Problem{Path: path, Text: err.Error()}
	}
	e.NewClassifier().Classify(&classify.Exchange{}, time.Time{}, func(*classify.Finding) {})
	for i, class := range classes {
		if !slices.Contains(askedClasses, class) {
			return &Problem{
				Path: fmt.Sprintf("%s.names[%d]", path, i),
				Text: fmt.Sprintf("%q is no name of class token, api-key or secret: add it to one under fields", k.Names[i]),
			}
		}
	}
	return nil
}
