package capture

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
)

// The scratch cells of a filter program. The prologue fills the first four, the
// others keep truths.
const (
	cellNetwork   = iota // offset of the IP header
	cellVersion          // 4 or 6, else something else
	cellProtocol         // of the transport, 0 if unknown
	cellTransport        // offset of the transport header, 0 if there is none
	cellTruths

	// maxDepth is how many truths can be kept: there are 16 cells.
	maxDepth = 16 - cellTruths
	// maxProgram is BPF_MAXINSNS.
	maxProgram = 4096
	// acceptAll is how much of an accepted packet is kept.
	acceptAll = maxPacket
)

const (
	protocolTCP = 6

	tagVLAN = 0x8100
	tagQinQ = 0x88a8
)

// end is one end of a packet's way.
type end int

const (
	source end = iota
	destination
)

// filterCode is a program for the classic BPF machine in the making. Every test
// leaves its truth, 0 or 1, in the accumulator; there are no jumps but short
// ones inside of a test.
type filterCode struct{ program []bpf.Instruction }

func (c *filterCode) add(instructions ...bpf.Instruction) {
	c.program = append(c.program, instructions...)
}

// prologue finds the headers.
func (c *filterCode) prologue(link linkType) {
	c.add(
		bpf.LoadConstant{Dst: bpf.RegA},
		bpf.StoreScratch{Src: bpf.RegA, N: cellProtocol},
		bpf.StoreScratch{Src: bpf.RegA, N: cellTransport},
	)
	switch link {
	case linkEthernet:
		c.skipTags(14)
	case linkLinuxSLL:
		c.skipTags(16)
	case linkLinuxSLL2:
		c.add(bpf.LoadConstant{Dst: bpf.RegA, Val: sll2Length})
	case linkNull, linkLoop:
		c.add(bpf.LoadConstant{Dst: bpf.RegA, Val: 4})
	case linkRaw, linkIPv4, linkIPv6:
		c.add(bpf.LoadConstant{Dst: bpf.RegA})
	case linkCooked:
		c.skipCookedTag()
	}
	c.add(
		bpf.StoreScratch{Src: bpf.RegA, N: cellNetwork},
		bpf.TAX{},
		bpf.LoadIndirect{Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
		bpf.StoreScratch{Src: bpf.RegA, N: cellVersion},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 11},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 4, SkipTrue: 15},
		// IPv4: no transport header in fragments but the first.
		bpf.LoadIndirect{Off: 9, Size: 1},
		bpf.StoreScratch{Src: bpf.RegA, N: cellProtocol},
		bpf.LoadIndirect{Off: 6, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 11},
		bpf.LoadIndirect{Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.StoreScratch{Src: bpf.RegA, N: cellTransport},
		bpf.Jump{Skip: 5},
		// IPv6.
		bpf.LoadIndirect{Off: 6, Size: 1},
		bpf.StoreScratch{Src: bpf.RegA, N: cellProtocol},
		bpf.TXA{},
		bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 40},
		bpf.StoreScratch{Src: bpf.RegA, N: cellTransport},
	)
}

// skipTags leaves the offset of the network header in the accumulator: base, or
// what lies behind one or two VLAN tags there.
func (c *filterCode) skipTags(base uint32) {
	c.add(bpf.LoadConstant{Dst: bpf.RegX, Val: base - 2})
	for range 2 {
		c.add(
			bpf.LoadIndirect{Size: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: tagVLAN, SkipTrue: 1},
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: tagQinQ, SkipTrue: 3},
			bpf.TXA{},
			bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 4},
			bpf.TAX{},
		)
	}
	c.add(bpf.TXA{}, bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 2})
}

// skipCookedTag does the same where the kernel has taken the link header off, and
// the first VLAN tag with it: of a second one the type is the packet's.
func (c *filterCode) skipCookedTag() {
	const tag = 4
	c.add(
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: tagVLAN, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: tagQinQ, SkipTrue: 2},
		bpf.LoadConstant{Dst: bpf.RegA, Val: tag},
		bpf.Jump{Skip: 1},
		bpf.LoadConstant{Dst: bpf.RegA},
	)
}

// epilogue accepts the packet if the accumulator holds true.
func (c *filterCode) epilogue() {
	c.add(
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: acceptAll},
		bpf.RetConstant{},
	)
}

// keep stores a truth until join.
func (c *filterCode) keep(depth int) {
	c.add(bpf.StoreScratch{Src: bpf.RegA, N: cellTruths + depth})
}

// join combines the kept truth with the one in the accumulator.
func (c *filterCode) join(op bpf.ALUOp, depth int) {
	c.add(bpf.LoadScratch{Dst: bpf.RegX, N: cellTruths + depth}, bpf.ALUOpX{Op: op})
}

func (c *filterCode) not() { c.add(bpf.ALUOpConstant{Op: bpf.ALUOpXor, Val: 1}) }

// check loads a value and compares it.
type check struct {
	load []bpf.Instruction
	cond bpf.JumpTest
	val  uint32
}

// all is true if every check holds.
func (c *filterCode) all(checks ...check) {
	size := 0
	for _, check := range checks {
		size += len(check.load) + 1
	}
	for _, check := range checks {
		c.add(check.load...)
		size -= len(check.load) + 1
		// A failed check jumps behind the others and the two instructions for
		// true.
		c.add(bpf.JumpIf{Cond: check.cond, Val: check.val, SkipFalse: uint8(size + 2)})
	}
	c.add(
		bpf.LoadConstant{Dst: bpf.RegA, Val: 1},
		bpf.Jump{Skip: 1},
		bpf.LoadConstant{Dst: bpf.RegA, Val: 0},
	)
}

func cellIs(cell int, cond bpf.JumpTest, val uint32) check {
	return check{[]bpf.Instruction{bpf.LoadScratch{Dst: bpf.RegA, N: cell}}, cond, val}
}

func (c *filterCode) tcp() { c.all(cellIs(cellProtocol, bpf.JumpEqual, protocolTCP)) }

func (c *filterCode) port(e end, port uint16) {
	c.all(
		cellIs(cellProtocol, bpf.JumpEqual, protocolTCP),
		cellIs(cellTransport, bpf.JumpNotEqual, 0),
		check{[]bpf.Instruction{
			bpf.LoadScratch{Dst: bpf.RegX, N: cellTransport},
			bpf.LoadIndirect{Off: 2 * uint32(e), Size: 2},
		}, bpf.JumpEqual, uint32(port)},
	)
}

// network compares the prefix, word by word, with the address at one end.
func (c *filterCode) network(e end, prefix netip.Prefix) {
	version, offset := uint32(4), uint32(12+4*e)
	if prefix.Addr().Is6() {
		version, offset = 6, uint32(8+16*e)
	}
	checks := []check{cellIs(cellVersion, bpf.JumpEqual, version)}
	addr := prefix.Addr().AsSlice()
	for bits := prefix.Bits(); bits > 0; bits -= 32 {
		mask := ^uint32(0) << (32 - min(bits, 32))
		checks = append(checks, check{[]bpf.Instruction{
			bpf.LoadScratch{Dst: bpf.RegX, N: cellNetwork},
			bpf.LoadIndirect{Off: offset, Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask},
		}, bpf.JumpEqual, binary.BigEndian.Uint32(addr)})
		addr, offset = addr[4:], offset+4
	}
	c.all(checks...)
}
