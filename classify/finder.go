package classify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// finder finds the places of a text at which a rule may match: anchors, runs of
// digits, and telling names before a colon or an equals sign. It is immutable.
//
// It looks at few bytes. Each anchor is found by a hook: a sign that is rare in
// text ("@", "$"), or the start of a word. A bitmap of hashed triples (8 KiB, it
// stays in the first cache) turns away nearly all words by their first three
// letters; what passes is compared in full. Names are turned away by their last
// three letters in the same way.
type finder struct {
	anchors []anchor
	// heads are the hashes of the first three bytes of hooked words.
	heads bitmap
	// long holds the hooks with four bytes to compare, by their hash, short the
	// others, by that of three.
	long, short hookTable
	// rare holds the hooks of each rare sign.
	rare [256][]hook
	// inside finds the anchors that may also stand inside a long word.
	inside anchorSet
	// longest is the length of the longest anchor of inside.
	longest int

	// runes holds the characters above ASCII of anchors and names.
	runes bitmap
	// asked says for each field id whether any rule wants its values.
	asked []bool
	// minRun is the least number of digits that any rule asks for, 0 if none does.
	minRun int
}

// anchor is one literal string.
type anchor struct {
	text string
	fold bool // text is lower-case and is compared without case
	// id is what the finder's owner knows it by.
	id int
	// escaped marks an anchor as it stands inside a JSON string, if that is
	// another text than the anchor itself.
	escaped bool
}

// hook says that an anchor is found at its offset off.
type hook struct{ anchor, off int32 }

// hookTable holds hooks by a hash; index says which list belongs to it, 0 being the
// empty one.
type hookTable struct {
	has   bitmap
	index [1 << 16]uint16
	lists [][]hook
}

// enter files a hook under a hash, once.
func (t *hookTable) enter(hash uint16, h hook) {
	t.has.add(hash)
	if t.lists == nil {
		t.lists = make([][]hook, 1)
	}
	if t.index[hash] == 0 {
		t.index[hash] = uint16(len(t.lists))
		t.lists = append(t.lists, nil)
	}
	if list := &t.lists[t.index[hash]]; !slices.Contains(*list, h) {
		*list = append(*list, h)
	}
}

// bitmap is a set of 16-bit numbers.
type bitmap [1 << 16 / 64]uint64

func (b *bitmap) add(n uint16)      { b[n/64] |= 1 << (n % 64) }
func (b *bitmap) has(n uint16) bool { return b[n/64]&(1<<(n%64)) != 0 }

// head is the hash of three bytes without case, head4 of four: the upper half of a
// product with 2^32 divided by the golden ratio.
func head(a, b, c byte) uint16 { return head4(a, b, c, 0) }

func head4(a, b, c, d byte) uint16 {
	return uint16(((uint32(a) | uint32(b)<<8 | uint32(c)<<16 | uint32(d)<<24 | 0x20202020) * 2654435769) >> 16)
}

const (
	// headSize is the number of bytes that head hashes.
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
	for _, escape := range []*strings.Replacer{
		strings.NewReplacer(`"`, `\"`, "\t", `\t`, "\r", `\r`, "\n", `\n`), strings.NewReplacer(`"`, `\"`, "\t", `\t`, "\r", `\r`, "\n", `\n`, "/", `\/`),
	} {
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

// note enters the characters above ASCII of an anchor or a name.
func (f *finder) note(text string) {
	for _, r := range text {
		if r >= 0x80 {
			f.runes.add(uint16(min(r, 0xFFFF))) // those past the first plane are noted as one
		}
	}
}

func (f *finder) enterAnchor(a anchor) error {
	n := int32(len(f.anchors))
	off, rare := hookOf(a)
	if off < 0 {
		return fmt.Errorf("anchor %q has neither two bytes from the start of a word on nor one of the signs @ ! $ \\ ^ | ~", a.text)
	}
	f.anchors = append(f.anchors, a)
	if rare {
		f.rare[a.text[off]] = append(f.rare[a.text[off]], hook{n, int32(off)})
		return nil
	}
	h := hook{n, int32(off)}
	switch known := a.text[off:]; {
	case len(known) > headSize:
		f.heads.add(head(known[0], known[1], known[2]))
		f.long.enter(head4(known[0], known[1], known[2], known[3]), h)
	case len(known) == headSize:
		f.heads.add(head(known[0], known[1], known[2]))
		f.short.enter(head(known[0], known[1], known[2]), h)
	default:
		for other := range 256 {
			f.heads.add(head(known[0], known[1], byte(other)))
			f.short.enter(head(known[0], known[1], byte(other)), h)
		}
	}
	if off == 0 && isWordByte(a.text[0]) {
		f.inside.add(a)
		f.longest = max(f.longest, len(a.text))
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
		cost := byteCost(text[i]) * byteCost(text[i+1])
		if i+2 < len(text) {
			cost += byteCost(text[i+1]) * byteCost(text[i+2])
		} else {
			cost += len(commonBytes) * len(commonBytes) // any byte may follow
		}
		if cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best, false
}

// startsWord says whether a word starts at offset i: a word of ASCII, or any character
// of another script.
func startsWord(text string, i int) bool {
	return text[i] >= 0xC0 || isWordByte(text[i]) && (i == 0 || !isWordByte(text[i-1]))
}

func isRare(b byte) bool {
	switch b {
	case '@', '!', '$', '\\', '^', '|', '~':
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
	if len(f.long.lists) > 1<<16-1 || len(f.short.lists) > 1<<16-1 {
		return errors.New("too many anchors")
	}
	return nil
}
