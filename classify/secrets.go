package classify

import (
	"bytes"
	"strings"
)

const (
	// minTelling is the length of the shortest piece of a secret that tells
	// something of it.
	minTelling = 6
	// maxSecrets bounds the bytes of secrets that are remembered.
	maxSecrets = 64 << 10
)

// secrets are the values that were reported in an exchange. Names of the same
// exchange must not hold them: a user's name that is the password, a token in
// the path that comes back in the body. Case does not count.
type secrets struct {
	text []byte
	list []reported
}

// reported is one value: the bytes of text that end at its end.
type reported struct {
	end int
	// inPieces says that half of it must not get out either.
	inPieces bool
}

func (s *secrets) reset() { s.text, s.list = s.text[:0], s.list[:0] }

func (s *secrets) add(secret []byte, category Category) {
	if len(secret) < minTelling || len(s.text)+len(secret) > maxSecrets {
		return
	}
	for _, b := range secret {
		s.text = append(s.text, lowerASCII[b])
	}
	s.list = append(s.list, reported{len(s.text), category != CategoryPersonal})
}

// tells says whether a name holds a secret, or is half of one or more.
func (s *secrets) tells(name string) bool {
	if len(name) < minTelling || len(s.list) == 0 {
		return false
	}
	lower := []byte(strings.ToLower(name))
	start := 0
	for _, r := range s.list {
		secret := s.text[start:r.end]
		start = r.end
		if bytes.Contains(lower, secret) || r.inPieces && 2*len(lower) >= len(secret) && bytes.Contains(secret, lower) {
			return true
		}
	}
	return false
}

// scrub replaces the parts of a name that tell a secret. Names of the vocabulary
// stay: they are public, whatever people choose for a password.
func (c *Classifier) scrub(name, separator, instead string) string {
	if len(c.secrets.list) == 0 {
		return name
	}
	parts := strings.Split(name, separator)
	for i, part := range parts {
		word, _, _ := strings.Cut(part, "#") // a layer stays
		if c.secrets.tells(word) && c.e.fields.lookup([]byte(word)) == 0 {
			parts[i] = instead + part[len(word):]
		}
	}
	return strings.Join(parts, separator)
}

// scrubToken does the same for what a token says of itself.
func (c *Classifier) scrubToken(t *Token) {
	if t == nil {
		return
	}
	for _, claim := range []*string{&t.Alg, &t.Issuer, &t.Audience, &t.ID} {
		*claim = c.scrub(*claim, "/", hidden)
	}
	for i := range t.Scope {
		t.Scope[i] = c.scrub(t.Scope[i], "/", hidden)
	}
}
