package capture

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// kernelFilter is the program of a packet socket: it takes what comes from the
// selected interfaces, is in the sample and the filter selects. On the loopback
// interface every packet goes out and comes in, of which only the latter counts.
func kernelFilter(filter string, s *selection, wanted *sample) ([]bpf.Instruction, error) {
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
	c.sampled(wanted)
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

// cellHash is the scratch cell for the hash of a connection.
const cellHash = 0

// spreadProgram is the program that chooses the worker of a packet: a hash that is the
// same for both directions of a TCP connection. PACKET_FANOUT_HASH is, too, but
// not of what tunnels hold: VXLAN has another source port for each direction. All
// that is no TCP is chosen for by its addresses, so that tunnels, fragments and
// what they belong to meet.
func spreadProgram() []bpf.Instruction {
	var c filterCode
	c.hashAddresses(networkOffset, bpf.RetConstant{})
	ports := hashPorts(networkOffset)
	c.add(bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: protocolTCP, SkipTrue: uint8(len(ports) + 1)})
	c.add(ports...)
	c.add(
		bpf.Jump{Skip: 1},
		bpf.LoadScratch{Dst: bpf.RegA, N: cellHash},
		bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: golden}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		bpf.RetA{},
	)
	return c.program
}

// hashAddresses leaves a hash of the addresses in cellHash, the protocol in the
// accumulator, 0 for fragments of IPv4, and the length of the IP header in the index
// register. The IP header is at base. For what is no IP it runs another instruction, which
// has to leave.
func (c *filterCode) hashAddresses(base uint32, notIP bpf.Instruction) {
	load := func(offset uint32, size int) bpf.Instruction {
		return bpf.LoadAbsolute{Off: base + offset, Size: size}
	}
	xor, mix := bpf.ALUOpX{Op: bpf.ALUOpXor}, bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: golden}
	var four, six filterCode
	six.add(load(8, 4))
	for word := uint32(1); word < 8; word++ {
		six.add(bpf.TAX{}, load(8+4*word, 4), xor)
	}
	six.add(mix, bpf.StoreScratch{Src: bpf.RegA, N: cellHash}, load(6, 1), bpf.LoadConstant{Dst: bpf.RegX, Val: ip6Length})
	four.add(
		load(12, 4), bpf.TAX{}, load(16, 4), xor, mix, bpf.StoreScratch{Src: bpf.RegA, N: cellHash},
		load(6, 2), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x3fff}, // more fragments, or an offset
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 2},
		bpf.LoadConstant{Dst: bpf.RegA}, bpf.Jump{Skip: 5},
		load(0, 1), bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf}, bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.TAX{}, load(9, 1),
	)
	c.add(load(0, 1), bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 4, SkipTrue: uint8(len(six.program) + 3)},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 6, SkipTrue: 1},
		notIP)
	c.add(six.program...)
	c.add(bpf.Jump{Skip: uint32(len(four.program))})
	c.add(four.program...)
}

// hashPorts leaves the hash of a connection in the accumulator: that of its addresses with
// the ports, which stand where the index register says, from base on.
func hashPorts(base uint32) []bpf.Instruction {
	xor := bpf.ALUOpX{Op: bpf.ALUOpXor}
	return []bpf.Instruction{
		// One load for both ports: each is a call where base is not 0.
		bpf.LoadIndirect{Off: base, Size: 4},
		bpf.TAX{},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 16},
		xor,
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xffff},
		bpf.LoadScratch{Dst: bpf.RegX, N: cellHash},
		xor,
	}
}

// onward stands for a jump behind the code at hand, until its length is known.
const onward = ^uint32(0)

// sampled ends the program for TCP connections that are not in the sample, before anything
// was copied. What it cannot tell the connection of goes on: tunnels, fragments, extension
// headers, what is cut short; [sample.takes] decides on those. The accumulator and the
// index register are lost.
func (c *filterCode) sampled(s *sample) {
	if s == nil || s.exponent == 0 {
		return
	}
	const base = 0 // the kernel has taken the link header off
	// A load from behind the packet's end would end the program and leave out the packet.
	const portsLength = 4
	var code filterCode
	leave := bpf.Jump{Skip: onward}
	code.add(bpf.LoadExtension{Num: bpf.ExtLen}, bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: ip6Length, SkipTrue: 1}, leave)
	code.hashAddresses(base, leave)
	code.add(
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: protocolTCP, SkipTrue: 1}, leave,
		bpf.LoadExtension{Num: bpf.ExtLen}, bpf.ALUOpConstant{Op: bpf.ALUOpSub, Val: portsLength},
		bpf.JumpIfX{Cond: bpf.JumpGreaterOrEqual, SkipTrue: 1}, leave,
	)
	code.add(hashPorts(base)...)
	code.add(
		bpf.ALUOpConstant{Op: bpf.ALUOpXor, Val: s.seed}, bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: sampleMix},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: uint32(32 - s.exponent)},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{},
	)
	for i, instruction := range code.program {
		if instruction == bpf.Instruction(leave) {
			code.program[i] = bpf.Jump{Skip: uint32(len(code.program) - i - 1)}
		}
	}
	c.add(code.program...)
}
