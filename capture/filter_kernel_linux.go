package capture

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// kernelFilter is the program of a packet socket: it takes what comes from the
// selected interfaces and the filter selects. On the loopback interface every
// packet goes out and comes in, of which only the latter counts.
func kernelFilter(filter string, s *selection) ([]bpf.Instruction, error) {
	c := filterCode{}
	c.add(bpf.LoadExtension{Num: bpf.ExtInterfaceIndex})
	c.selected(s)
	for _, i := range s.ifaces {
		if i.loopback {
			c.add(
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(i.index), SkipTrue: 3},
				bpf.LoadExtension{Num: bpf.ExtType},
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.PACKET_OUTGOING, SkipTrue: 1},
				bpf.RetConstant{},
				bpf.LoadExtension{Num: bpf.ExtInterfaceIndex},
			)
		}
	}
	if filter == "" {
		c.add(bpf.RetConstant{Val: acceptLive})
		return c.program, nil
	}
	program, err := compileFilter(filter, linkCooked)
	if err != nil {
		return nil, err
	}
	for i, instruction := range program {
		if r, ok := instruction.(bpf.RetConstant); ok && r.Val > 0 {
			program[i] = bpf.RetConstant{Val: acceptLive}
		}
	}
	if c.add(program...); len(c.program) > maxProgram {
		return nil, fmt.Errorf("attach filter: %w: %d instructions of at most %d", errors.New("too long with so many interfaces"), len(c.program), maxProgram)
	}
	return c.program, nil
}

// acceptLive is how much of a packet is kept: all.
const acceptLive = 1 << 30

// selected ends the program for packets of other interfaces; the index of theirs
// is in the accumulator, and stays there.
func (c *filterCode) selected(s *selection) {
	if s.all {
		return
	}
	for n, i := range s.ifaces {
		behind := 2*(len(s.ifaces)-n-1) + 1
		c.add(bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(i.index), SkipTrue: 1}, bpf.Jump{Skip: uint32(behind)})
	}
	c.add(bpf.RetConstant{})
}

// The start of the network header in a packet, whatever the direction (SKF_NET_OFF
// in the kernel's filter.h).
const networkOffset = 0xfff00000

// spreadProgram is the program that chooses the worker of a packet: a hash that is the
// same for both directions of a TCP connection. PACKET_FANOUT_HASH is, too, but
// not of what tunnels hold: VXLAN has another source port for each direction. All
// that is no TCP is chosen for by its addresses, so that tunnels, fragments and
// what they belong to meet.
func spreadProgram() []bpf.Instruction {
	const (
		hash  = iota // cell
		ports        // cell
		// golden is 2^32 divided by the golden ratio: neighbours end far from each
		// other, and ports that are all even do, too.
		golden = 0x9e3779b1
	)
	load := func(offset uint32, size int) bpf.Instruction {
		return bpf.LoadAbsolute{Off: networkOffset + offset, Size: size}
	}
	xor, mix := bpf.ALUOpX{Op: bpf.ALUOpXor}, bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: golden}
	var c, four, six filterCode
	six.add(load(8, 4))
	for word := uint32(1); word < 8; word++ {
		six.add(bpf.TAX{}, load(8+4*word, 4), xor)
	}
	six.add(mix, bpf.StoreScratch{Src: bpf.RegA, N: hash}, load(6, 1), bpf.LoadConstant{Dst: bpf.RegX, Val: ip6Length})
	four.add(
		load(12, 4), bpf.TAX{}, load(16, 4), xor, mix, bpf.StoreScratch{Src: bpf.RegA, N: hash},
		load(6, 2), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x3fff}, // more fragments, or an offset
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 2},
		bpf.LoadConstant{Dst: bpf.RegA}, bpf.Jump{Skip: 5},
		load(0, 1), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.TAX{}, load(9, 1),
	)
	c.add(load(0, 1), bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 4, SkipTrue: uint8(len(six.program) + 3)},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 1},
		bpf.RetConstant{})
	c.add(six.program...)
	c.add(bpf.Jump{Skip: uint32(len(four.program))})
	c.add(four.program...)
	// The protocol is in the accumulator, 0 for fragments, the length of the
	// header in the index register.
	c.add(
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protocolTCP, SkipTrue: 8},
		bpf.LoadIndirect{Off: networkOffset, Size: 2}, bpf.StoreScratch{Src: bpf.RegA, N: ports},
		bpf.LoadIndirect{Off: networkOffset + 2, Size: 2}, bpf.LoadScratch{Dst: bpf.RegX, N: ports}, xor,
		bpf.LoadScratch{Dst: bpf.RegX, N: hash}, xor, bpf.StoreScratch{Src: bpf.RegA, N: hash},
		bpf.LoadScratch{Dst: bpf.RegA, N: hash},
		mix, bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		bpf.RetA{},
	)
	return c.program
}
