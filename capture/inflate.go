package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

const (
	// maxCodeLength is that of DEFLATE's Huffman codes (RFC 1951, section 3.2.7).
	maxCodeLength = 15
	// Codes up to that many bits are found in one step, longer ones in two.
	literalBits, distanceBits = 11, 8
	// maxMatch is the longest match, outputSlack what may be written behind it.
	maxMatch, outputSlack = 258, 16
)

// inflater undoes DEFLATE (RFC 1951) from memory to memory: bodies are there as a
// whole, so that neither windows nor readers have to be kept, which is twice as
// fast as a reader.
type inflater struct {
	in  []byte
	pos int
	// bits holds the next count bits of in, and maybe more.
	bits  uint64
	count uint

	out   []byte
	start int // where the output begins that matches may refer to
	limit int

	literals  [1<<literalBits + 288<<(maxCodeLength-literalBits)]entry
	distances [1<<distanceBits + 32<<(maxCodeLength-distanceBits)]entry
	lengths   [320]uint8
}

var errDeflate = errors.New("broken deflate stream")

// inflate appends to out what in holds, and returns how much of in that was. The
// error is io.ErrUnexpectedEOF if in ends before the stream, and errLimit if out
// would be longer than limit; out has then what could be decoded.
func (f *inflater) inflate(in, out []byte, limit int) (all []byte, used int, err error) {
	f.in, f.pos, f.bits, f.count = in, 0, 0, 0
	f.out, f.start, f.limit = out, len(out), limit
	for last := false; !last && err == nil; {
		last, err = f.block()
	}
	f.align()
	all, used = f.out, f.pos
	f.in, f.out = nil, nil
	return all, used, err
}

// block takes the next block and reports whether it is the last one.
func (f *inflater) block() (last bool, err error) {
	head, err := f.take(3)
	if err != nil {
		return true, err
	}
	switch head >> 1 {
	case 0:
		err = f.stored()
	case 1:
		f.fixedCodes()
		err = f.compressed()
	case 2:
		if err = f.dynamicCodes(); err == nil {
			err = f.compressed()
		}
	default:
		err = errDeflate
	}
	return head&1 == 1, err
}

// refill makes as many bits as possible available, 48 unless the input ends.
func (f *inflater) refill() {
	if f.pos+8 <= len(f.in) {
		f.bits |= binary.LittleEndian.Uint64(f.in[f.pos:]) << f.count
		f.pos += int((63 - f.count) >> 3)
		f.count |= 56
		return
	}
	for f.count <= 56 && f.pos < len(f.in) {
		f.bits |= uint64(f.in[f.pos]) << f.count
		f.pos++
		f.count += 8
	}
}

// take takes n bits.
func (f *inflater) take(n uint) (uint32, error) {
	if f.count < n {
		if f.refill(); f.count < n {
			return 0, io.ErrUnexpectedEOF
		}
	}
	v := uint32(f.bits & (1<<n - 1))
	f.bits >>= n
	f.count -= n
	return v, nil
}

// align drops what is left of the byte at hand, and gives back those behind it.
func (f *inflater) align() {
	f.pos -= int(f.count >> 3)
	f.bits, f.count = 0, 0
}

// stored takes a block without compression (section 3.2.4).
func (f *inflater) stored() error {
	f.align()
	rest := f.in[f.pos:]
	if len(rest) < 4 {
		f.pos = len(f.in)
		return io.ErrUnexpectedEOF
	}
	n := int(binary.LittleEndian.Uint16(rest))
	if n != int(^binary.LittleEndian.Uint16(rest[2:])) {
		return errDeflate
	}
	data := rest[4:min(4+n, len(rest))]
	f.pos += 4 + len(data)
	room := f.limit - len(f.out)
	if f.out = append(f.out, data[:min(room, len(data))]...); len(data) > room {
		return errLimit
	}
	if len(data) < n {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// fixedCodes sets the codes of section 3.2.6.
func (f *inflater) fixedCodes() {
	for i := range 288 {
		switch {
		case i < 144, i >= 280:
			f.lengths[i] = 8
		case i < 256:
			f.lengths[i] = 9
		default:
			f.lengths[i] = 7
		}
	}
	build(f.literals[:], f.lengths[:288], literalBits, literalCode)
	for i := range 32 {
		f.lengths[i] = 5
	}
	build(f.distances[:], f.lengths[:32], distanceBits, distanceCode)
}

// dynamicCodes reads the codes of a block (section 3.2.7).
func (f *inflater) dynamicCodes() error {
	head, err := f.take(14)
	if err != nil {
		return err
	}
	literals, distances, codes := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if literals > 286 || distances > 30 {
		return errDeflate
	}
	order := [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	clear(f.lengths[:19])
	for _, symbol := range order[:codes] {
		n, err := f.take(3)
		if err != nil {
			return err
		}
		f.lengths[symbol] = uint8(n)
	}
	const codeBits = 7
	if !build(f.distances[:], f.lengths[:19], codeBits, func(symbol int) entry { return literalEntry | entry(symbol)<<16 }) {
		return errDeflate
	}
	if err := f.readLengths(literals+distances, codeBits); err != nil {
		return err
	}
	if f.lengths[256] == 0 || !build(f.literals[:], f.lengths[:literals], literalBits, literalCode) ||
		!build(f.distances[:], f.lengths[literals:literals+distances], distanceBits, distanceCode) {
		return errDeflate
	}
	return nil
}

// readLengths reads n lengths of codes, themselves coded.
func (f *inflater) readLengths(n int, codeBits uint) error {
	for i := 0; i < n; {
		f.refill()
		e := f.distances[f.bits&(1<<codeBits-1)]
		length := uint(e & takeMask)
		if length == 0 {
			return f.noCode(length)
		}
		if _, err := f.take(length); err != nil {
			return err
		}
		symbol := e.value()
		if symbol < 16 {
			f.lengths[i] = uint8(symbol)
			i++
			continue
		}
		again, extra, least := uint8(0), uint(3), 3
		switch {
		case symbol == 16 && i == 0:
			return errDeflate
		case symbol == 16:
			again, extra = f.lengths[i-1], 2
		case symbol == 18:
			extra, least = 7, 11
		}
		more, err := f.take(extra)
		if err != nil {
			return err
		}
		end := i + least + int(more)
		if end > n {
			return errDeflate
		}
		for ; i < end; i++ {
			f.lengths[i] = again
		}
	}
	return nil
}

// noCode is the error where the bits at hand are no code of that length: because
// they are too few, or at all.
func (f *inflater) noCode(length uint) error {
	if length > f.count || f.count < maxCodeLength && f.pos == len(f.in) {
		return io.ErrUnexpectedEOF
	}
	return errDeflate
}

// compressed takes the symbols of a block up to its end.
func (f *inflater) compressed() error {
	for {
		f.out = slices.Grow(f.out, min(max(64<<10, len(f.out)), f.limit-len(f.out))+maxMatch+outputSlack)
		done, err := f.symbols()
		if len(f.out) > f.limit {
			f.out = f.out[:f.limit]
			return errLimit
		}
		if done || err != nil {
			return err
		}
	}
}

// symbols takes symbols until the block ends, which makes done true, or the room
// in the output does. What changes with each symbol is kept in registers.
func (f *inflater) symbols() (done bool, err error) {
	out, o := f.out[:cap(f.out)], len(f.out)
	b, count := f.bits, f.count
	codes := &f.literals
	for room := len(out) - maxMatch - outputSlack; o < room; {
		if count < 48 {
			b, count = f.fill(b, count)
		}
		e := codes[b&(1<<literalBits-1)]
		if e&kindMask == secondEntry {
			b >>= literalBits
			count -= min(literalBits, count)
			e = codes[int(e.value())+int(b&(1<<e.extra()-1))]
		}
		n := uint(e & takeMask)
		if n > count || n == 0 {
			f.out, f.bits, f.count = out[:o], b, count
			return true, f.noCode(n)
		}
		b >>= n
		count -= n
		if e&kindMask == literalEntry {
			out[o] = byte(e >> 16)
			o++
			continue
		}
		if e&kindMask == endEntry {
			f.out, f.bits, f.count = out[:o], b, count
			return true, nil
		}
		var length, distance int
		if length, distance, b, count = f.match(e, b, count); distance == 0 || distance > o-f.start {
			f.out, f.bits, f.count = out[:o], b, count
			return true, f.noMatch(distance)
		}
		copyMatch(out, o, distance, length)
		o += length
	}
	f.out, f.bits, f.count = out[:o], b, count
	return false, nil
}

// fill is refill for bits that are kept elsewhere.
func (f *inflater) fill(b uint64, count uint) (uint64, uint) {
	if f.pos+8 <= len(f.in) {
		b |= binary.LittleEndian.Uint64(f.in[f.pos:]) << count
		f.pos += int((63 - count) >> 3)
		return b, count | 56
	}
	f.bits, f.count = b, count
	f.refill()
	return f.bits, f.count
}

// match takes the rest of a match that begins with e from the bits; distance is 0
// if it is none.
func (f *inflater) match(e entry, b uint64, count uint) (length, distance int, _ uint64, _ uint) {
	length = int(e.value()) + int(b&(1<<e.extra()-1))
	b >>= e.extra()
	taken := e.extra()
	e = f.distances[b&(1<<distanceBits-1)]
	if e&kindMask == secondEntry {
		b >>= distanceBits
		taken += distanceBits
		e = f.distances[int(e.value())+int(b&(1<<e.extra()-1))]
	}
	n := uint(e & takeMask)
	b >>= n
	distance = int(e.value()) + int(b&(1<<e.extra()-1)) + 1
	b >>= e.extra()
	taken += n + e.extra()
	if taken > count {
		return 0, 0, 0, 0
	}
	if e&kindMask != baseEntry {
		return 0, 0, b, count
	}
	return length, distance, b, count - taken
}

// noMatch is the error where a match cannot be.
func (f *inflater) noMatch(distance int) error {
	if distance == 0 {
		return f.noCode(0)
	}
	return errDeflate
}

// copyMatch copies length bytes from distance before o to o. Behind them there is
// room for outputSlack, which it may write to.
func copyMatch(out []byte, o, distance, length int) {
	from := o - distance
	switch {
	case distance >= length && length > 2*outputSlack:
		copy(out[o:o+length], out[from:from+length])
	case distance >= 8:
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(out[o+i:], binary.LittleEndian.Uint64(out[from+i:]))
		}
	case distance == 1:
		c := out[from]
		to := out[o : o+length]
		for i := range to {
			to[i] = c
		}
	default:
		for i := range length {
			out[o+i] = out[from+i]
		}
	}
}
