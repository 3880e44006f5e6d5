package jsonscan

import "encoding/binary"

// ShortName is a name of at most MaxShort bytes: they, and how many there are. Most names of
// members are that short; what is known of them is found without a look at each byte.
type ShortName struct {
	first, second uint64
	size          int
}

// MaxShort is the length of the longest short name.
const MaxShort = 16

// nameMasks cut two words to the bytes of a name, by its size.
var nameMasks = func() (t [MaxShort + 1][2]uint64) {
	for size := range t {
		t[size] = [2]uint64{1<<(8*min(size, 8)) - 1, 1<<(8*max(size-8, 0)) - 1}
	}
	return t
}()

// ShortNameAt returns the name that is text[lo:hi]; false if it is longer, or stands among the
// last MaxShort bytes of the text.
func ShortNameAt(text []byte, lo, hi int) (n ShortName, ok bool) {
	if uint(hi-lo) > MaxShort || lo+MaxShort > len(text) {
		return n, false
	}
	masks, words := &nameMasks[hi-lo], text[lo:lo+MaxShort]
	return ShortName{binary.LittleEndian.Uint64(words) & masks[0], binary.LittleEndian.Uint64(words[8:]) & masks[1], hi - lo}, true
}

// Hash mixes the bytes of the name; its upper bits are the best. Names that agree in it, which only
// somebody who means harm makes many of, push each other out of a table.
func (n ShortName) Hash() uint64 {
	return n.first*0x9E3779B97F4A7C15 ^ n.second*0xC2B2AE3D27D4EB4F
}
