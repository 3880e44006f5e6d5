package classify

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
)

// finder finds the places of a text at which a rule may match: anchors, runs of
// digits, and telling names before a colon or an equals sign. It is immutable.
//
// It looks at few bytes. Each anchor is found by a hook: a sign that is rare in
// text ("@", "$"), or the start of a word. Bitmaps of hashes (4 KiB each, they
// stay in the first cache) turn away nearly all words by their first letters;
// what passes is compared. Names are turned away by their last
// three letters in the same way.
type finder struct {
	anchors []anchor
	// long holds the hooks with four bytes to compare, by their hash, short the
	// others, by that of three.
	long, short hookTable
	// signs holds the hooks of rare signs by the hash of two bytes: of the sign and the one
	// behind it, of the one before and the sign where an anchor ends with it, and of the sign
	// and no other for those that are nothing but a sign.
	signs hookTable
	// inside finds the anchors that may also stand inside a long word.
	inside anchorSet
	// longest is the length of the longest anchor of inside.
	longest int

	// escapes write an anchor in the ways of JSON.
	escapes []*strings.Replacer
	// runes holds the characters above ASCII of anchors and names.
	runes map[uint16]bool
	// asked says for each field id whether any rule wants its values.
	asked []bool
	// minRun is the least number of digits that any rule asks for, 0 if none does.
	minRun int
}

// anchor is one literal string.
type anchor struct {
	text string
	fold bool // text is lower-case and is compared without case
	// inside says that it is found in the middle of a long word, too.
	inside bool
	// id is what the finder's owner knows it by.
	id int
	// escaped marks an anchor as it stands inside a JSON string, if that is
	// another text than the anchor itself.
	escaped bool
}

// hook says that an anchor is found at its offset off. Eight bytes of it, or all of a
// shorter one, are at hand: those from off on, and before it if there are too few; as want
// without case, under a mask. They start before bytes in front of off.
type hook struct {
	want, mask          uint64
	anchor, off, before int32
	last                bool // of those with one hash
}

// newHook makes the hook of an anchor at an offset.
func newHook(anchor int, text string, off int) hook {
	from := max(0, min(off, len(text)-8))
	h := hook{anchor: int32(anchor), off: int32(off), before: int32(off - from)}
	for i := range min(8, len(text)-from) {
		h.want |= uint64(text[from+i]|0x20) << (8 * i)
		h.mask |= 0xFF << (8 * i)
	}
	return h
}

// hookTable holds hooks by a hash. The hashes that have any are numbered in their order:
// rank is how many of them the words of has before one hold, and index says where in list the
// hooks of each number start. So a table takes few lines of the first cache.
type hookTable struct {
	has    bitmap
	rank   [len(bitmap{})]uint16
	index  []uint16
	list   []hook
	byHash map[uint16][]hook // until the table is laid out
}

// first returns the offset in list of the hooks of a hash, of which there are some.
func (t *hookTable) first(hash uint16) int {
	word := hash / 64
	below := t.has[word] & (1<<(hash%64) - 1)
	return int(t.index[int(t.rank[word])+bits.OnesCount64(below)])
}

// enter files a hook under a hash, once.
func (t *hookTable) enter(hash uint16, h hook) {
	if t.byHash == nil {
		t.byHash = map[uint16][]hook{}
	}
	if !slices.Contains(t.byHash[hash], h) {
		t.has.add(hash)
		t.byHash[hash] = append(t.byHash[hash], h)
	}
}

// layOut puts the hooks of each hash side by side.
func (t *hookTable) layOut() error {
	for _, hash := range slices.Sorted(maps.Keys(t.byHash)) {
		t.index = append(t.index, uint16(len(t.list)))
		t.list = append(t.list, t.byHash[hash]...)
		t.list[len(t.list)-1].last = true
	}
	if len(t.list) > 1<<16 {
		return errors.New("too many anchors")
	}
	for i := range len(t.rank) - 1 {
		t.rank[i+1] = t.rank[i] + uint16(bits.OnesCount64(t.has[i]))
	}
	t.byHash = nil
	return nil
}

// signHash is the hash under which the hook of a rare sign is entered.
func signHash(text string, off int) uint16 {
	switch {
	case off+1 < len(text):
		return signBefore(text[off], text[off+1])
	case off > 0:
		return signBehind(text[off-1], text[off])
	}
	return signAlone(text[off])
}

// signBefore, signBehind and signAlone are the hashes of a sign with the byte behind it, with
// the one before, without case, and of one that is an anchor by itself.
func signBefore(sign, next byte) uint16 { return hash32(uint32(sign) | uint32(next|0x20)<<8) }

func signBehind(before, sign byte) uint16 {
	return hash32(uint32(sign) | uint32(before|0x20)<<8 | 1<<16)
}

func signAlone(sign byte) uint16 { return hash32(uint32(sign) | 2<<16) }

// hashBits is the size of hashes: with fifteen bits a bitmap has 4 KiB.
const hashBits = 15

// bitmap is a set of hashes.
type bitmap [1 << hashBits / 64]uint64

func (b *bitmap) add(n uint16)      { b[n/64%uint16(len(b))] |= 1 << (n % 64) }
func (b *bitmap) has(n uint16) bool { return b[n/64%uint16(len(b))]&(1<<(n%64)) != 0 }

// hash32 is the upper part of a product with 2^32 divided by the golden ratio.
func hash32(n uint32) uint16 { return uint16(n * 2654435769 >> (32 - hashBits)) }

// head4 is the hash of four bytes without case, as a little-endian word, head3 that of the
// first three.
func head4(word uint32) uint16 { return hash32(word | 0x20202020) }

func head3(word uint32) uint16 { return head4(word & 0xFFFFFF) }

// headOf returns the first four bytes of a word, or as many as there are.
func headOf[T string | []byte](text T) (word uint32) {
	for i := range min(len(text), 4) {
		word |= uint32(text[i]) << (8 * i)
	}
	return word
}

const (
	// headSize is the number of bytes that head3 hashes.
	headSize = 3
	// minHook is the least number of bytes from the start of a word on that
	// finds an anchor.
	minHook = 2
	// longWord is the length of the shortest word in which anchors are found
	// that do not start it: the keys that hold one in their middle are longer.
	// The signs of base64 and base64url do not end such a word.
	longWord = 32
	// minDigits is the shortest run of digits that can be asked for.
	minDigits = 8
)

// add enters an anchor. One without a rare sign needs a word of two bytes in it.
func (f *finder) add(a anchor) error {
	if f.escapes == nil {
		f.escapes = escapes()
	}
	for _, escape := range f.escapes {
		text := escape.Replace(a.text)
		if text == a.text || strings.Contains(a.text, `\`) { // a backslash of its own makes any text one to look at
			continue
		}
		if err := f.enterAnchor(anchor{text: text, fold: a.fold, id: a.id, escaped: true}); err != nil {
			return err
		}
	}
	f.note(a.text)
	return f.enterAnchor(a)
}

// escapes write an anchor as it stands in a string, with slashes escaped or not, and in a
// string of a document in a string.
func escapes() []*strings.Replacer {
	return []*strings.Replacer{
		strings.NewReplacer(`"`, `\"`, "\t", `\t`, "\r", `\r`, "\n", `\n`),
		strings.NewReplacer(`"`, `\"`, "\t", `\t`, "\r", `\r`, "\n", `\n`, "/", `\/`),
		strings.NewReplacer(`"`, `\\\"`, "\t", `\\t`, "\r", `\\r`, "\n", `\\n`),
	}
}

// note enters the characters above ASCII of an anchor or a name.
func (f *finder) note(text string) {
	if f.runes == nil {
		f.runes = map[uint16]bool{}
	}
	for _, r := range text {
		if r >= 0x80 {
			f.runes[uint16(min(r, 0xFFFF))] = true // those past the first plane are noted as one
		}
	}
}

func (f *finder) enterAnchor(a anchor) error {
	n := len(f.anchors)
	f.anchors = append(f.anchors, a)
	if a.inside {
		f.inside.add(a)
		f.longest = max(f.longest, len(a.text))
	}
	off, rare := hookOf(a)
	if off < 0 && a.inside || a.inside && !isWordByte(a.text[0]) { // it need not be found elsewhere
		return nil
	}
	if off < 0 {
		return fmt.Errorf("anchor %q has neither two bytes from the start of a word on nor one of the signs @ ! $ %% \\ ^ | ~", a.text)
	}
	h := newHook(n, a.text, off)
	switch known := a.text[off:]; {
	case rare:
		f.signs.enter(signHash(a.text, off), h)
	case len(known) > headSize:
		f.long.enter(head4(headOf(known)), h)
	case len(known) == headSize:
		f.short.enter(head3(headOf(known)), h)
	default:
		for other := range 256 {
			f.short.enter(head3(headOf(known)|uint32(other)<<16), h)
		}
	}
	return nil
}

// hookOf returns the offset of an anchor's hook, and whether it is a rare sign;
// -1 if there is none. In escaped text backslashes are not rare.
func hookOf(a anchor) (off int, rare bool) {
	best, bestCost, text := -1, 1<<30, a.text
	for i := range len(text) {
		if isRare(text[i]) && (!a.escaped || text[i] != '\\') {
			return i, true
		}
		if !startsWord(text, i) || len(text)-i < minHook {
			continue
		}
		if cost := hookCost(text[i:]); cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best, false
}

// hookCost ranks the start of a word by how often it is to be expected.
func hookCost(word string) int {
	known := word[:min(len(word), headSize+1)]
	cost := 0
	for i := range known {
		cost += byteCost(known[i])
	}
	switch len(known) {
	case minHook:
		cost *= 20
	case headSize:
		cost *= 4
	default:
		if strings.Contains(commonStarts, " "+strings.ToLower(known)) {
			cost *= 10
		}
	}
	return cost
}

// commonStarts are the starts of words that the traffic of APIs and its logs are full
// of, as far as anchors have them.
const commonStarts = " user numb toke pass inte cont stat name type code data time date erro mess href http next prev inde acce acco upda crea " +
	"dele valu item list link titl desc cate prod orde pric coun size path node null true fals vers work main file sour cust clie serv requ " +
	"resp head body text html json imag cach cook sess work home conn exce line with from that this have when been will they your what about " +
	"other which their there into more also some than them each only stri publ priv regi comp prog syst appl proj repo bran comm pack modu "

// startsWord says whether a word starts at offset i: a word of ASCII, or any character
// of another script.
func startsWord(text string, i int) bool {
	return text[i] >= 0xC0 || isWordByte(text[i]) && (i == 0 || !isWordByte(text[i-1]))
}

func isRare(b byte) bool {
	switch b {
	case '@', '!', '$', '%', '\\', '^', '|', '~':
		return true
	}
	return false
}

func isWordByte(b byte) bool { return b == '_' || b < 0x80 && foldByte[b] != 0 }

// check says whether the finder can serve the rules that ask for digits.
func (f *finder) check() error {
	if f.minRun > 0 && f.minRun < minDigits {
		return fmt.Errorf("runs of %d digits are too short to ask for, want at least %d", f.minRun, minDigits)
	}
	return errors.Join(f.long.layOut(), f.short.layOut(), f.signs.layOut())
}
