package capture

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// blockSize is the size of a block, and the most that is kept of a frame: GSO
	// makes 64 KiB, BIG TCP more. Small blocks make many: each that the kernel
	// hands over after blockTimeout with little in it is full to it, so that a
	// reader may pause for as many timeouts as there are blocks.
	blockSize = 256 << 10
	// frameSize says nothing in version 3 but has to divide blockSize.
	frameSize = 2048
	// blockTimeout is after how long, in milliseconds, the kernel hands over a
	// block that is not full.
	blockTimeout = 100
	// alignment is TPACKET_ALIGNMENT.
	alignment = 16
)

// ring is memory that the kernel writes packets to, PACKET_MMAP with TPACKET_V3
// (https://docs.kernel.org/networking/packet_mmap.html). Blocks go back to the
// kernel when all of their packets were taken; packets are read in place.
type ring struct {
	*socket
	memory []byte
	blocks int
	// block is the number of the block at hand, held says that it is ours.
	block int
	held  bool
	// left packets of it are still to come, the next one at offset.
	left   uint32
	offset int
}

// newRing gives s a ring of size bytes, or fails and leaves s as it was.
func newRing(s *socket, size int) (*ring, error) {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return nil, fmt.Errorf("choose version of packet ring: %w", err)
	}
	s.version = unix.TPACKET_V3
	blocks := size / blockSize
	request := unix.TpacketReq3{
		Block_size: blockSize, Block_nr: uint32(blocks),
		Frame_size: frameSize, Frame_nr: uint32(blocks * (blockSize / frameSize)),
		Retire_blk_tov: blockTimeout,
	}
	if err := unix.SetsockoptTpacketReq3(s.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &request); err != nil {
		return nil, fmt.Errorf("make packet ring of %d bytes: %w", blocks*blockSize, err)
	}
	memory, err := unix.Mmap(s.fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		var none unix.TpacketReq3 // or packets would go where nobody reads
		_ = unix.SetsockoptTpacketReq3(s.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &none)
		return nil, fmt.Errorf("map packet ring of %d bytes: %w", blocks*blockSize, err)
	}
	return &ring{socket: s, memory: memory, blocks: blocks}, nil
}

// next implements packetSource.
func (r *ring) next() (*packet, error) {
	if p, err := r.waiting(); p != nil || err != nil {
		return p, err
	}
	if err := r.wait(); err != nil {
		return nil, err
	}
	return r.waiting()
}

// waiting implements liveSource.
func (r *ring) waiting() (*packet, error) {
	if r.left == 0 && !r.nextBlock() {
		return nil, nil
	}
	return r.take(), nil
}

// nextBlock gives the block at hand back and reports whether the next one is
// ready and has packets.
func (r *ring) nextBlock() bool {
	if r.held {
		r.release()
	}
	for range r.blocks {
		head := r.header()
		if atomic.LoadUint32(&head.Block_status)&unix.TP_STATUS_USER == 0 {
			return false
		}
		r.held, r.left, r.offset = true, head.Num_pkts, int(head.Offset_to_first_pkt)
		if r.left > 0 {
			return true
		}
		r.release()
	}
	return false
}

func (r *ring) release() {
	atomic.StoreUint32(&r.header().Block_status, unix.TP_STATUS_KERNEL)
	r.held = false
	r.block = (r.block + 1) % r.blocks
}

// header is that of the block at hand, which the kernel writes, too.
func (r *ring) header() *unix.TpacketHdrV1 {
	block := (*unix.TpacketBlockDesc)(unsafe.Pointer(&r.memory[r.block*blockSize]))
	return (*unix.TpacketHdrV1)(unsafe.Pointer(&block.Hdr))
}

// take returns the next packet of the block at hand.
func (r *ring) take() *packet {
	block := r.memory[r.block*blockSize : (r.block+1)*blockSize]
	head := (*unix.Tpacket3Hdr)(unsafe.Pointer(&block[r.offset]))
	const behind = (unix.SizeofTpacket3Hdr + alignment - 1) &^ (alignment - 1)
	from := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&block[r.offset+behind]))
	start := r.offset + int(head.Mac)
	p := &r.packet
	p.bytes, p.length = block[start:start+int(head.Snaplen):start+int(head.Snaplen)], int(head.Len)
	p.kind, p.origin = networkOrder(from.Protocol), r.names.of(int(from.Ifindex))
	p.time = time.Unix(int64(head.Sec), int64(head.Nsec))
	r.left--
	r.offset += int(head.Next_offset)
	return p
}

// close unmaps the ring and closes its socket.
func (r *ring) close() {
	_ = unix.Munmap(r.memory)
	r.socket.close()
}
