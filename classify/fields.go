package classify

import (
	"errors"
	"fmt"
	"slices"
)

// FieldNames is a class of names that mean the same, as the vocabulary lists
// them ("password-hash": password_hash, passwd_hash …).
type FieldNames struct {
	Class string `yaml:"class"`
	// Names match the last words of a name: "email" matches customerEmail and
	// CONTACT_E-MAIL's "email", not email_verified.
	Names []string `yaml:"names"`
	// Exact match only the whole name, for short words that mean much else.
	Exact []string `yaml:"exact"`
}

// vocabulary looks names up. Names are folded: case and everything but letters
// and digits is ignored, so password_hash, passwordHash and PASSWORD-HASH are
// one name. A name is read from its end, word by word, and the longest known
// ending wins; so one pass over the bytes answers for every ending.
type vocabulary struct {
	classes []string // by field id; 0 is none
	table   map[uint64]fieldEntry
	// known turns away most hashes that are not in table, without a map access.
	known [1 << 14 / 64]uint64
	// tails holds how names end, by tailOf.
	tails bitmap
}

// fieldEntry is what a folded name means, as a name's ending and as a whole.
type fieldEntry struct{ ending, whole uint16 }

// maxFieldName bounds the bytes of a name that are looked at; longer names are
// no field names.
const maxFieldName = 96

func newVocabulary(list []FieldNames) (*vocabulary, error) {
	v := &vocabulary{classes: []string{""}, table: map[uint64]fieldEntry{}}
	for _, f := range list {
		if f.Class == "" {
			return nil, errors.New("add fields: class is empty")
		}
		id := v.class(f.Class)
		if id == 0 {
			v.classes = append(v.classes, f.Class)
			id = uint16(len(v.classes) - 1)
		}
		for _, name := range f.Names {
			if err := v.enter(name, id, true); err != nil {
				return nil, err
			}
		}
		for _, name := range f.Exact {
			if err := v.enter(name, id, false); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func (v *vocabulary) enter(name string, id uint16, ending bool) error {
	h := foldHash([]byte(name))
	e := v.table[h]
	if e.whole != 0 && e.whole != id {
		return fmt.Errorf("add field %q to %s: it is in %s already", name, v.classes[id], v.classes[e.whole])
	}
	e.whole = id
	if ending {
		e.ending = id
	}
	v.table[h] = e
	v.known[h>>50/64] |= 1 << (h >> 50 % 64)
	v.enterTails(name, !ending)
	return nil
}

// tailSize is how many bytes of a name's end are looked at first.
const tailSize = 4

// tail is the end of a name: letters without case, 0 for separators; digits share the
// numbers of letters.
type tail [tailSize]byte

func (t tail) hash() uint16 {
	return tailHash(uint32(t[0]), uint32(t[1]), uint32(t[2]), uint32(t[3]))
}

func tailHash(a, b, c, d uint32) uint16 { return hash32(a | b<<5 | c<<10 | d<<15) }

// tailNumber numbers a byte of a tail.
var tailNumber = func() (t [256]uint32) {
	for b, c := range foldByte {
		t[b] = uint32(c & 31)
	}
	return t
}()

// enterTails notes how a name may end: with and without a separator where its words meet
// and behind the last. Before an exact name of fewer letters stands a separator.
func (v *vocabulary) enterTails(name string, exact bool) {
	var letters []byte // from the end; 0 where words meet
	for i := len(name) - 1; i >= 0; i-- {
		if c := foldByte[name[i]]; c != 0 || len(letters) > 0 {
			letters = append(letters, c&31)
		}
	}
	v.enterTail(tail{}, tailSize-1, letters, exact)
	v.enterTail(tail{}, tailSize-2, letters, exact)
}

// enterTail fills a tail from place i down with what is left of a name's letters.
func (v *vocabulary) enterTail(t tail, i int, letters []byte, exact bool) {
	switch {
	case i < 0:
		v.tails.add(t.hash())
	case len(letters) > 0:
		t[i] = letters[0]
		v.enterTail(t, i-1, letters[1:], exact)
		if letters[0] == 0 { // the words may be written as one
			v.enterTail(t, i, letters[1:], exact)
		}
	case exact:
		t[i] = 0
		v.enterTail(t, i-1, nil, false)
	default:
		for before := range 32 { // all numbers that a byte can have
			t[i] = byte(before)
			v.enterTail(t, i-1, nil, false)
		}
	}
}

// mayEnd says whether a text may end with a name of the vocabulary: a quick look
// at its last bytes, that answers no for most.
func (v *vocabulary) mayEnd(text []byte) bool {
	n := len(text) - tailSize
	if n < 0 {
		return true
	}
	t := (*[tailSize]byte)(text[n:])
	return v.tails.has(tailHash(tailNumber[t[0]], tailNumber[t[1]], tailNumber[t[2]], tailNumber[t[3]]))
}

// class returns the id of a class, 0 if there is none of that name.
func (v *vocabulary) class(name string) uint16 {
	for id, c := range v.classes {
		if c == name {
			return uint16(id)
		}
	}
	return 0
}

// lookup returns the class of a name, 0 if it has none.
func (v *vocabulary) lookup(name []byte) uint16 {
	name = withoutTail(name)
	if len(name) > maxFieldName || !v.mayEnd(name) {
		return 0
	}
	h, id := uint64(fnvOffset), uint16(0)
	for n := len(name); n > 0; n-- {
		i := n - 1
		c := foldByte[name[i]]
		if c == 0 {
			continue
		}
		h = (h ^ uint64(c)) * fnvPrime
		if v.known[h>>50/64]&(1<<(h>>50%64)) == 0 || !wordStart(name, i) {
			continue
		}
		if e, ok := v.table[h]; ok {
			if e.ending != 0 {
				id = e.ending
			}
			if e.whole != 0 && leading(name, i) {
				return e.whole
			}
		}
	}
	return id
}

// withoutTail removes underscores from the end of a name: __name__ is written in many languages.
func withoutTail(name []byte) []byte {
	for len(name) > 1 && name[len(name)-1] == '_' {
		name = name[:len(name)-1]
	}
	return name
}

// leading says whether nothing but separators stands before offset i.
func leading(name []byte, i int) bool {
	for _, c := range name[:i] {
		if foldByte[c] != 0 {
			return false
		}
	}
	return true
}

// wordStart says whether a word starts at offset i: at the start, behind a
// separator, at a capital behind a small letter or digit, and at the last
// capital of a run (the D of "userIDHash" is none, the H is).
func wordStart(name []byte, i int) bool {
	if i == 0 || foldByte[name[i-1]] == 0 {
		return true
	}
	c, before := name[i], name[i-1]
	if !isCapital(c) {
		return false
	}
	return !isCapital(before) || i+1 < len(name) && isSmall(name[i+1])
}

// foldHash is the hash of a folded name, read from its end.
func foldHash(name []byte) uint64 {
	h := uint64(fnvOffset)
	for _, b := range slices.Backward(name) {
		if c := foldByte[b]; c != 0 {
			h = (h ^ uint64(c)) * fnvPrime
		}
	}
	return h
}

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// foldByte maps letters to small letters, digits and bytes above ASCII to
// themselves, and separators to 0.
var foldByte = func() (t [256]byte) {
	for i := range t {
		switch {
		case 'A' <= i && i <= 'Z':
			t[i] = byte(i) + 'a' - 'A'
		case 'a' <= i && i <= 'z', '0' <= i && i <= '9', i >= 0x80:
			t[i] = byte(i)
		}
	}
	return t
}()
