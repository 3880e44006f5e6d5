// Command asm writes the vector code of package planes: go generate runs it. It
// is a module of its own, so that leaktap does not depend on the generator.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The bits of the class byte. A class is a product of high and low halves of
// bytes: the bit is set in both halves' tables. See classOf.
const (
	digit     = 1 << 7 // 3 x 0-9
	letterOdd = 1 << 6 // 4,6 x 1-F: A-O a-o
	letterTop = 1 << 5 // 5,7 x 0-A,F: P-Z p-z _ DEL
	sign      = 1 << 4 // 3 x A,C,D: : < =
	rareLow   = 1 << 3 // 2 x 1,4,5: ! $ %
	rareHigh  = 1 << 2 // 5,7 x C,E: \ ^ | ~
	separator = 1 << 1 // 2 x 0,D,E: space - .
	plus      = 1 << 0 // 2 x B,D,F: + - /

	word = digit | letterOdd | letterTop
	rare = rareLow | rareHigh
)

var highs = [16]byte{
	2: rareLow | separator | plus, 3: digit | sign, 4: letterOdd, 5: letterTop | rareHigh, 6: letterOdd, 7: letterTop | rareHigh,
}

func lows() (t [16]byte) {
	set := func(class byte, halves ...int) {
		for _, h := range halves {
			t[h] |= class
		}
	}
	set(digit, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	set(letterOdd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
	set(letterTop, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15)
	set(sign, 10, 12, 13)
	set(rareLow, 1, 4, 5)
	set(rareHigh, 12, 14)
	set(separator, 0, 13, 14)
	set(plus, 11, 13, 15)
	return t
}

// What JSON has between strings, in the same way.
const (
	space     = 1 << 0 // 0 x 9,A,D
	signs     = 1 << 1 // 2 x 0,2,C-E: space " , - .
	number    = 1 << 2 // 3 x 0-A: 0-9 :
	upperHalf = 1 << 3 // 5,7 x 0-A,B,D: P-Z p-z [ ] { }
	lowerHalf = 1 << 4 // 4,6 x 1-F: A-O a-o
	bracket   = 1 << 5 // 5,7 x B,D: [ ] { }
)

var jsonHighs = [16]byte{0: space, 2: signs, 3: number, 4: lowerHalf, 5: upperHalf | bracket, 6: lowerHalf, 7: upperHalf | bracket}

func jsonLows() (t [16]byte) {
	for half := range 16 {
		switch half {
		case 9, 10, 13:
			t[half] |= space
		}
		switch half {
		case 0, 2, 12, 13, 14:
			t[half] |= signs
		}
		if half <= 10 {
			t[half] |= number | upperHalf
		}
		if half == 11 || half == 13 {
			t[half] |= upperHalf | bracket
		}
		if half >= 1 {
			t[half] |= lowerHalf
		}
	}
	return t
}

// table puts sixteen bytes into both lanes of a register.
func table(name string, t [16]byte) VecVirtual {
	data := GLOBL(name, RODATA|NOPTR)
	for i, b := range t {
		DATA(i, U8(b))
	}
	r := YMM()
	VBROADCASTI128(data, r)
	return r
}

// data puts sixteen bytes, twice, into memory: there are not registers enough for all.
func data(name string, t [16]byte) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 2 * len(t) {
		DATA(i, U8(t[i%len(t)]))
	}
	return m
}

// every puts one byte into all places of a register.
func every(name string, b byte) VecVirtual {
	var t [16]byte
	for i := range t {
		t[i] = b
	}
	return table(name, t)
}

const (
	blockBytes = 64
	planeBytes = 8
	planeCount = 11
)

func main() {
	fillAll()
	fillQuoting()
	Generate()
}

// fillQuoting makes two planes only.
func fillQuoting() {
	TEXT("fillQuotingAVX2", NOSPLIT, "func(out *uint64, text *byte, count int)")
	Doc("fillQuotingAVX2 makes the planes of quotes and of backslashes of count blocks of 64 bytes.")
	Pragma("noescape")
	out, text, count := Load(Param("out"), GP64()), Load(Param("text"), GP64()), Load(Param("count"), GP64())
	signs := [...]VecVirtual{every("quote2", '"'), every("backslash2", '\\')}

	Label("block")
	TESTQ(count, count)
	JZ(LabelRef("done"))
	low, high := YMM(), YMM()
	VMOVDQU(Mem{Base: text}, low)
	VMOVDQU(Mem{Base: text, Disp: 32}, high)
	for p, sign := range signs {
		t, mask, rest := YMM(), GP64(), GP64()
		VPCMPEQB(sign, low, t)
		VPMOVMSKB(t, mask.As32())
		VPCMPEQB(sign, high, t)
		VPMOVMSKB(t, rest.As32())
		SHLQ(U8(32), rest)
		ORQ(rest, mask)
		MOVQ(mask, Mem{Base: out, Disp: planeBytes * p})
	}
	ADDQ(U8(blockBytes), text)
	ADDQ(U8(planeBytes*len(signs)), out)
	DECQ(count)
	JMP(LabelRef("block"))

	Label("done")
	VZEROUPPER()
	RET()
}

// fillAll makes all planes.
func fillAll() {
	TEXT("fillAVX2", NOSPLIT, "func(out *uint64, text *byte, count int)")
	Doc("fillAVX2 makes the planes of count blocks of 64 bytes.")
	Pragma("noescape")
	out, text, count := Load(Param("out"), GP64()), Load(Param("text"), GP64()), Load(Param("count"), GP64())
	high, low := table("highs", highs), table("lows", lows())
	jsonHigh, jsonLow := data("jsonHighs", jsonHighs), data("jsonLows", jsonLows())
	half := every("half", 0x0F)
	wordMask, longMask, rareMask := every("word", word), every("long", word|plus), every("rare", rare)
	quote, backslash, at := every("quote", '"'), every("backslash", '\\'), every("at", '@')
	zero := YMM()
	VPXOR(zero, zero, zero)

	Label("block")
	TESTQ(count, count)
	JZ(LabelRef("done"))
	var planes [planeCount]GPVirtual
	for part := range 2 {
		x, class, json := YMM(), YMM(), YMM()
		VMOVDQU(Mem{Base: text, Disp: 32 * part}, x)
		VPSRLW(U8(4), x, class)
		VPAND(half, class, class)
		VMOVDQU(jsonHigh, json)
		VPSHUFB(class, json, json)
		VPSHUFB(class, high, class)
		lower := YMM()
		VPSHUFB(x, low, lower) // 0 for bytes above ASCII: their top bit is set
		VPAND(lower, class, class)
		for p, gather := range [planeCount]func(VecVirtual) bool{
			func(t VecVirtual) bool { VPAND(wordMask, class, t); VPCMPEQB(zero, t, t); return true },
			func(t VecVirtual) bool { VPAND(longMask, class, t); VPCMPEQB(zero, t, t); return true },
			func(t VecVirtual) bool { VMOVDQA(class, t); return false },
			func(t VecVirtual) bool { VPSLLW(U8(6), class, t); return false },
			func(t VecVirtual) bool { VPSLLW(U8(3), class, t); return false },
			func(t VecVirtual) bool { // neither one of the class nor an at sign
				hasAt := YMM()
				VPCMPEQB(at, x, hasAt)
				VPAND(rareMask, class, t)
				VPCMPEQB(zero, t, t)
				VPANDN(t, hasAt, t)
				return true
			},
			func(t VecVirtual) bool { VPCMPEQB(quote, x, t); return false },
			func(t VecVirtual) bool {
				VMOVDQU(jsonLow, t)
				VPSHUFB(x, t, t)
				VPAND(t, json, json)
				VPCMPEQB(zero, json, t)
				return false
			},
			func(t VecVirtual) bool { VPCMPEQB(backslash, x, t); return false },
			func(t VecVirtual) bool { VPSLLW(U8(1), x, t); VPAND(x, t, t); return false }, // both top bits
			func(t VecVirtual) bool { VPSLLW(U8(2), json, t); return false },
		} {
			t, mask := YMM(), GP64()
			inverted := gather(t)
			VPMOVMSKB(t, mask.As32())
			if inverted {
				NOTL(mask.As32())
			}
			if part == 0 {
				planes[p] = mask
				continue
			}
			SHLQ(U8(32), mask)
			ORQ(planes[p], mask)
			MOVQ(mask, Mem{Base: out, Disp: planeBytes * p})
		}
	}
	ADDQ(U8(blockBytes), text)
	ADDQ(U8(planeBytes*planeCount), out)
	DECQ(count)
	JMP(LabelRef("block"))

	Label("done")
	VZEROUPPER()
	RET()
}
