// Package planes tells for every byte of a text which classes it belongs to: a
// plane is a bit for each byte, 64 bytes a word. Whoever looks for something
// rare (a name before a colon, a word that starts as a token does, nine digits in a row)
// goes from bit to bit instead of from byte to byte.
//
// Planes are made by vector code where the processor has AVX2, and by a table
// elsewhere; both give the same bits for any bytes. Nothing is allocated.
package planes

import (
	"encoding/binary"
	"math/bits"
)

// The planes of a block, by index.
const (
	Word      = iota // A-Z a-z 0-9 _
	Long             // Word and + - /: base64, base64url, paths
	Digit            // 0-9
	Separator        // space - .: what may stand once between two digits
	Sign             // : = <
	Rare             // @ ! $ % \ ^ | ~: signs by which anchors are found
	Quote            // "
	Odd              // what JSON has in strings only: all but white space, letters, digits and - . , : [ ] { } "
	Backslash        // \
	Lead             // the first byte of a character above ASCII (RFC 3629), 0xC0 and up
	Bracket          // [ ] { }
	Count
)

// BlockSize is the number of bytes that a [Block] speaks of.
const BlockSize = 64

// Block holds the planes of 64 bytes; bit i of a plane speaks of byte i.
type Block [Count]uint64

// Fill makes the planes of text: blocks[i] speaks of the bytes from 64*i on, and
// bits past the end of the text are 0. It takes as many bytes as blocks have
// room for and returns the blocks that it has filled.
func Fill(blocks []Block, text []byte) []Block {
	text = text[:min(len(text), len(blocks)*BlockSize)]
	whole := len(text) / BlockSize
	if whole > 0 {
		fill(blocks[:whole], text)
	}
	rest := text[whole*BlockSize:]
	if len(rest) == 0 {
		return blocks[:whole]
	}
	var padded [BlockSize]byte
	copy(padded[:], rest)
	fill(blocks[whole:whole+1], padded[:])
	blocks[whole][Odd] &= 1<<len(rest) - 1 // zeros are odd
	return blocks[:whole+1]
}

// Quoting holds the planes by which the end of a JSON string is found.
type Quoting struct{ Quotes, Backslashes uint64 }

// FillQuoting is Fill for these planes.
func FillQuoting(blocks []Quoting, text []byte) []Quoting {
	text = text[:min(len(text), len(blocks)*BlockSize)]
	whole := len(text) / BlockSize
	if whole > 0 {
		fillQuoting(blocks[:whole], text)
	}
	rest := text[whole*BlockSize:]
	if len(rest) == 0 {
		return blocks[:whole]
	}
	var padded [BlockSize]byte
	copy(padded[:], rest)
	fillQuoting(blocks[whole:whole+1], padded[:])
	return blocks[:whole+1]
}

// Escaped returns the bytes of a block that a backslash escapes: those behind
// backslashes at even places of their run. It keeps in carry whether the first byte of
// the next block is one (Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
// section 3.1.1, in the form of simdjson 3).
func Escaped(backslash uint64, carry *uint64) uint64 {
	const odd = 0xAAAAAAAAAAAAAAAA
	escaping := backslash &^ *carry
	codes := ((escaping<<1 | odd) - escaping) ^ odd
	escaped := codes ^ (backslash | *carry)
	*carry = (codes & backslash) >> 63
	return escaped
}

// Inside returns the bytes of a block from an opening quote on up to the closing one, which
// is not among them. It keeps in carry whether the block ends inside of quotes.
func Inside(quotes uint64, carry *uint64) uint64 {
	for shift := 1; shift < BlockSize; shift *= 2 {
		quotes ^= quotes << shift
	}
	inside := quotes ^ -*carry
	*carry = inside >> 63
	return inside
}

// fillTable is fill without vector code. Each entry of the table has a byte for each
// plane before Backslash; eight of them, each shifted by its place, are the planes of
// eight bytes.
func fillTable(blocks []Block, text []byte) {
	for i := range blocks {
		var rows [Backslash]uint64
		backslash, lead, bracket := uint64(0), uint64(0), uint64(0)
		for r := range rows {
			b := (*[8]byte)(text[i*BlockSize+r*8:])
			rows[r] = table[b[0]] | table[b[1]]<<1 | table[b[2]]<<2 | table[b[3]]<<3 |
				table[b[4]]<<4 | table[b[5]]<<5 | table[b[6]]<<6 | table[b[7]]<<7
			word := binary.LittleEndian.Uint64(b[:])
			backslash |= topBits(ZeroBytes(word^0x5C5C5C5C5C5C5C5C)) << (8 * r)
			lead |= topBits(word&(word<<1)) << (8 * r)
			lower := word | 0x2020202020202020
			bracket |= topBits(ZeroBytes(lower^0x7B7B7B7B7B7B7B7B)|ZeroBytes(lower^0x7D7D7D7D7D7D7D7D)) << (8 * r)
		}
		transpose(&rows)
		copy(blocks[i][:], rows[:])
		blocks[i][Backslash], blocks[i][Lead], blocks[i][Bracket] = backslash, lead, bracket
	}
}

// fillQuotingTable is fillQuoting without vector code.
func fillQuotingTable(blocks []Quoting, text []byte) {
	for i := range blocks {
		var q Quoting
		for r := range 8 {
			word := binary.LittleEndian.Uint64(text[i*BlockSize+r*8:])
			q.Quotes |= topBits(ZeroBytes(word^0x2222222222222222)) << (8 * r)
			q.Backslashes |= topBits(ZeroBytes(word^0x5C5C5C5C5C5C5C5C)) << (8 * r)
		}
		blocks[i] = q
	}
}

// ZeroBytes returns a word with the top bit of each byte that is zero set, and no other bit
// (Hacker's Delight, section 6-1).
func ZeroBytes(word uint64) uint64 {
	const low = 0x7F7F7F7F7F7F7F7F
	return ^(word&low + low | word | low)
}

// topBits gathers the top bits of eight bytes (Hacker's Delight, section 7-2).
func topBits(word uint64) uint64 {
	return (word >> 7 & 0x0101010101010101) * 0x0102040810204080 >> 56
}

// transpose turns eight words of eight bytes around: byte p of word r becomes byte
// r of word p (Hacker's Delight, section 7-3, with bytes in the place of bits).
func transpose(rows *[Backslash]uint64) {
	for _, s := range [...]struct {
		step  int
		shift uint
		mask  uint64
	}{{4, 32, 0x00000000FFFFFFFF}, {2, 16, 0x0000FFFF0000FFFF}, {1, 8, 0x00FF00FF00FF00FF}} {
		for i := range 8 {
			if i&s.step != 0 {
				continue
			}
			swap := (rows[i]>>s.shift ^ rows[i+s.step]) & s.mask
			rows[i] ^= swap << s.shift
			rows[i+s.step] ^= swap
		}
	}
}

// classOf returns the planes of a byte before Backslash as a set of bits.
func classOf(b byte) (set uint8) {
	switch {
	case '0' <= b && b <= '9':
		return 1<<Digit | 1<<Word | 1<<Long
	case 'a' <= b|0x20 && b|0x20 <= 'z':
		return 1<<Word | 1<<Long
	}
	switch b {
	case '_', 0x7F: // DEL, which the vector code cannot tell from _
		return 1<<Word | 1<<Long | 1<<Odd
	case ':':
		return 1 << Sign
	case '=', '<':
		return 1<<Sign | 1<<Odd
	case '@', '!', '$', '%', '^', '|', '~', '\\':
		return 1<<Rare | 1<<Odd
	case '"':
		return 1 << Quote
	case ' ', '.':
		return 1 << Separator
	case '-':
		return 1<<Separator | 1<<Long
	case '+', '/': // a plus sign is in exponents only
		return 1<<Long | 1<<Odd
	case '\t', '\r', '\n', ',', '[', ']', '{', '}':
		return 0
	}
	return 1 << Odd
}

var table = func() (t [256]uint64) {
	for b := range t {
		for set := classOf(byte(b)); set != 0; set &= set - 1 {
			t[b] |= 1 << (8 * bits.TrailingZeros8(set))
		}
	}
	return t
}()
