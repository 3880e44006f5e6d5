package detect

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// TokenKind is the format of one vendor's token. There are two sorts. Most
// formats hold a literal, the anchor, by which they are found anywhere. Some are
// told only by the name they stand under.
type TokenKind struct {
	// ID is the token's kind in findings ("github-pat").
	ID string `yaml:"id"`
	// Source is the vendor's page or program that defines the format.
	Source string `yaml:"source"`
	// Anchor is a literal that every token holds, at least two bytes; it is
	// public. Most tokens start with it.
	Anchor string `yaml:"anchor"`
	// Head is a regular expression for what stands before the anchor, of at most
	// 128 bytes; empty where the token starts with the anchor.
	Head string `yaml:"head"`
	// Names stand in the place of an anchor: the value under a name that ends
	// with one of them is a token if all of it matches Body.
	Names []string `yaml:"names"`
	// Body is a regular expression for what follows the anchor. The byte behind
	// the match must not be one that the body could have gone on with.
	Body string `yaml:"body"`
	// Checksum names the check that the format has, with its arguments; see
	// checksums. Empty if it has none or the vendor has not published it.
	Checksum string `yaml:"checksum"`
	// Public marks keys that are made to be seen by users (publishable keys);
	// they are known, so that no rule takes them for secrets.
	Public bool `yaml:"public"`
	// Severity, by its name in findings, replaces that of the rule: keys of test
	// systems, ids that are only half of a key.
	Severity string `yaml:"severity"`
	// Examples and Negatives are bodies. "¦" stands in the place of the anchor where
	// there is a head, and is dropped elsewhere. They are put together at load: the
	// repository never holds a whole token.
	Examples  []string `yaml:"examples"`
	Negatives []string `yaml:"negatives"`

	severity classify.Severity
	file     string // of the user who added it
	form     *form
	check    func(token []byte, body int) bool
}

const (
	minAnchor   = 2
	maxHead     = 128
	anchorPlace = "¦"
)

// parse checks an entry, but for its examples, and makes it ready to match.
func (k *TokenKind) parse() (err error) {
	if k.ID == "" || k.Body == "" && k.Head == "" {
		return errors.New("id and body are needed")
	}
	if len(k.Anchor) < minAnchor && len(k.Names) == 0 {
		return fmt.Errorf("an anchor of %d bytes or names are needed", minAnchor)
	}
	if k.check, err = newChecksum(k.Checksum); err != nil {
		return err
	}
	if k.Severity != "" {
		if err := k.severity.UnmarshalText([]byte(k.Severity)); err != nil {
			return err
		}
	}
	k.form, err = newForm(k.Head, k.Anchor, k.Body, k.Anchor == "")
	return err
}

// goesOn says whether a token goes on with that byte: a word does, and a body of
// base64 or base64url.
func (k *TokenKind) goesOn(b byte) bool {
	return isWordByte(b) || (b == '-' || b == '+') && k.form.body.has(b)
}

// assemble puts an example together.
func (k *TokenKind) assemble(body string) []byte {
	if k.Head == "" {
		return []byte(k.Anchor + strings.ReplaceAll(body, anchorPlace, ""))
	}
	return []byte(strings.Replace(body, anchorPlace, k.Anchor, 1))
}

// starts says whether a value starts with a token of this kind.
func (k *TokenKind) starts(value []byte) bool {
	if k.Anchor == "" {
		return k.is(value)
	}
	at := 0
	if k.Head != "" {
		at = bytes.Index(value[:min(len(value), maxHead+len(k.Anchor))], []byte(k.Anchor))
	}
	if at < 0 || !bytes.HasPrefix(value[at:], []byte(k.Anchor)) {
		return false
	}
	lo, _, ok := k.around(value, at)
	return ok && lo == 0
}

// is says whether all of a value is a token of this kind.
func (k *TokenKind) is(value []byte) bool {
	return len(value) <= maxOpaque && k.form.match(value) >= 0 && k.check(value, len(k.Anchor))
}

// around returns the token [lo,hi) that holds the anchor at that offset. The
// token must be no part of a longer word.
func (k *TokenKind) around(text []byte, anchor int) (lo, hi int, ok bool) {
	lo = anchor
	for k.Head != "" && lo > 0 && anchor-lo < maxHead && k.form.head.has(text[lo-1]) {
		lo--
	}
	if lo > 0 && isWordByte(text[lo-1]) {
		return 0, 0, false
	}
	end := k.form.match(text[lo:k.reach(text, lo, anchor)])
	if end < 0 {
		return 0, 0, false
	}
	hi = lo + end
	if hi < len(text) && k.goesOn(text[hi]) || !k.check(text[lo:hi], anchor-lo+len(k.Anchor)) {
		return 0, 0, false
	}
	return lo, hi, true
}

// reach returns the offset at which a token that starts at lo ends at the latest:
// where the next one starts. So a flood of anchors costs no more than its bytes.
func (k *TokenKind) reach(text []byte, lo, anchor int) int {
	end := min(len(text), lo+maxOpaque)
	for at := anchor + 1; ; at++ {
		next := bytes.Index(text[at:end], []byte(k.Anchor))
		if next < 0 {
			return end
		}
		if at += next; !isWordByte(text[at-1]) {
			return at
		}
	}
}

// under says whether a name ends with one of the kind's names; case and
// separators do not count.
func (k *TokenKind) under(name []byte) bool {
	for _, want := range k.Names {
		if endsInName(name, want) {
			return true
		}
	}
	return false
}

// endsInName compares two names from their ends, letters and digits only; the
// first must end there or have a new word begin.
func endsInName(name []byte, want string) bool {
	i := len(name)
	for j := len(want) - 1; j >= 0; j-- {
		if want[j] == ' ' {
			continue
		}
		for i > 0 && (!isWordByte(name[i-1]) || name[i-1] == '_') {
			i--
		}
		if i == 0 || name[i-1]|0x20 != want[j]|0x20 {
			return false
		}
		i--
	}
	return i == 0 || !isLetter(name[i-1]) || isUpper(name[i]) && !isUpper(name[i-1])
}
