package jsonscan

import (
	"encoding/binary"
	"math/bits"

	"github.com/leaktap/leaktap/classify/planes"
)

// IndexEither returns the offset of the next a or b in data at or behind i, or
// the length of data. It looks at eight bytes at a time, and is faster than two
// calls of bytes.IndexByte where one of the two is never far.
func IndexEither(data []byte, i int, a, b byte) int {
	as, bs := ones*uint64(a), ones*uint64(b)
	for ; i+8 <= len(data); i += 8 {
		w := binary.LittleEndian.Uint64(data[i:])
		if m := zeroBytes(w^as) | zeroBytes(w^bs); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(data); i++ {
		if data[i] == a || data[i] == b {
			return i
		}
	}
	return i
}

// ones is a word of eight bytes 1.
const ones = 0x0101010101010101

// zeroBytes returns a word whose lowest set bit is the high bit of the first
// zero byte of w; 0 if w has none (Bit Twiddling Hacks, "Determine if a word
// has a zero byte"). Bits behind the first may be wrong.
func zeroBytes(w uint64) uint64 { return (w - ones) &^ w & (ones << 7) }

// windowBlocks is how many blocks of a string are looked at in one go.
const windowBlocks = 8

// closingQuote returns the offset of the quote that ends a string of which text[i:]
// is the rest, or the length of text, and whether there is a backslash before.
func closingQuote(text []byte, i int) (end int, escapes bool) {
	var blocks [windowBlocks]planes.Quoting
	escaped := uint64(0) // 1 if the first byte of the block is escaped
	for ; i < len(text); i += len(blocks) * planes.BlockSize {
		for b, block := range planes.FillQuoting(blocks[:], text[i:]) {
			quotes := block.Quotes
			if backslash := block.Backslashes; backslash|escaped != 0 {
				quotes &^= planes.Escaped(backslash, &escaped)
				if first := quotes & -quotes; backslash&(first-1) != 0 {
					escapes = true
				}
			}
			if quotes != 0 {
				return i + b*planes.BlockSize + bits.TrailingZeros64(quotes), escapes
			}
		}
	}
	return len(text), escapes
}

// HoldsDoubleBackslash says whether two backslashes stand side by side. In the inside of a
// string that holds JSON they begin an escape of that JSON, unless it is cut there.
func HoldsDoubleBackslash(text []byte) bool {
	var blocks [windowBlocks]planes.Quoting
	before := uint64(0) // 1 if the byte before the block is one
	for i := 0; i < len(text); i += len(blocks) * planes.BlockSize {
		for _, block := range planes.FillQuoting(blocks[:], text[i:]) {
			if block.Backslashes&(block.Backslashes<<1|before) != 0 {
				return true
			}
			before = block.Backslashes >> 63
		}
	}
	return false
}
