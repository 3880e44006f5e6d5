package capture

import "math/bits"

// An entry of a code table: in bits 0-4 the bits to take, in 5-7 the kind, in
// 8-12 the extra bits, or the index bits of a second table, in 16-31 the value, or
// the place of the second table. 0 is no code.
type entry uint32

const (
	takeMask     entry = 31
	literalEntry entry = 1 << 5
	baseEntry    entry = 2 << 5
	secondEntry  entry = 3 << 5
	endEntry     entry = 4 << 5
	kindMask     entry = 7 << 5
)

func (e entry) extra() uint   { return uint(e>>8) & 31 }
func (e entry) value() uint32 { return uint32(e >> 16) }

// literalCode is the entry of a symbol of the literal and length alphabet
// (section 3.2.5).
func literalCode(symbol int) entry {
	switch {
	case symbol < 256:
		return literalEntry | entry(symbol)<<16
	case symbol == 256:
		return endEntry
	case symbol < 265:
		return baseEntry | entry(symbol-254)<<16
	case symbol < 285:
		extra := uint(symbol-261) / 4
		return baseEntry | entry(extra)<<8 | entry(3+(4+(symbol-261)%4)<<extra)<<16
	case symbol == 285:
		return baseEntry | maxMatch<<16
	}
	return 0
}

// distanceCode is the same for distances, of which 1 is taken away: 32,768 would
// not fit.
func distanceCode(symbol int) entry {
	switch {
	case symbol < 4:
		return baseEntry | entry(symbol)<<16
	case symbol < 30:
		extra := uint(symbol-2) / 2
		return baseEntry | entry(extra)<<8 | entry((2+symbol%2)<<extra)<<16
	}
	return 0
}

// build makes the table of the code with those lengths (section 3.2.2); ok is
// false if that is no code. As with zlib, one symbol alone may have one bit.
func build(table []entry, lengths []uint8, width uint, of func(symbol int) entry) (ok bool) {
	var count, next [maxCodeLength + 2]int
	longest := uint(0)
	for _, n := range lengths {
		count[n]++
		longest = max(longest, uint(n))
	}
	size := 1 << width
	clear(table[:size])
	code := 0
	count[0] = 0
	for n := 1; n <= int(longest); n++ {
		code = (code + count[n-1]) << 1
		next[n] = code
	}
	if last := code + count[longest]; longest > 0 && last != 1<<longest && (last != 1 || longest != 1) {
		return false
	}
	for symbol, length := range lengths {
		n := uint(length)
		if n == 0 {
			continue
		}
		reversed := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		e := of(symbol)
		if e == 0 { // a symbol that must not be used
			continue
		}
		if n <= width {
			for i := reversed; i < 1<<width; i += 1 << n {
				table[i] = e | entry(n)
			}
			continue
		}
		first := &table[reversed&(1<<width-1)]
		if *first == 0 {
			*first = secondEntry | entry(longest-width)<<8 | entry(size)<<16 | entry(width)
			clear(table[size : size+1<<(longest-width)])
			size += 1 << (longest - width)
		}
		for i := reversed >> width; i < 1<<(longest-width); i += 1 << (n - width) {
			table[int(first.value())+i] = e | entry(n-width)
		}
	}
	return true
}
