package capture

import (
	"bytes"
	"slices"
)

const (
	// maxJump is the farthest a sequence number may lie from the expected one
	// and still belong to the same stretch: more than any window in use.
	maxJump = 64 << 20
	// maxHint is how far an acknowledgement may lie before the first segment of
	// a stream and still tell where it starts.
	maxHint = 1 << 20
	// reorderTolerance is how many further packets of a connection may come
	// before bytes that the peer acknowledged, but that were not captured, are
	// taken for lost: captures from several queues are a little out of order.
	reorderTolerance = 8
)

// half is one direction of a connection: it puts segments in order and feeds
// the parser.
type half struct {
	parser parser
	// started says that next is known; first is the next it started with.
	started     bool
	first, next uint32
	// acked is how far the peer has acknowledged.
	hasAcked bool
	acked    uint32
	// overdue counts packets since the peer acknowledged what is missing here.
	overdue int
	// fin is the sequence number of the FIN.
	hasFin bool
	fin    uint32
	closed bool
	// lossy says that responses are out of step with the requests: bytes were
	// lost, or a request was not seen.
	lossy bool
	// waiting are segments that cannot be delivered yet, by sequence number.
	waiting []stretch
	// past are the segments delivered last, nil before the first; pastAt counts them.
	past   *[rememberedSegments]delivered
	pastAt uint8
}

// accepts reports whether a stream that starts at seq is this one.
func (h *half) accepts(seq uint32) bool { return !h.started || h.first == seq }

// open takes the start of the stream from a SYN, unless bytes came before it.
func (h *half) open(seq uint32) {
	if h.started {
		return
	}
	h.start(seq)
	if h.parser.state == hunting {
		h.parser.state = inHead
	}
}

func (h *half) start(seq uint32) {
	h.started, h.first, h.next = true, seq, seq
	h.parser.restart()
}

// startMidway starts a stream whose SYN was not seen: where the peer says that
// it is, if that is a little before the first segment, else with the segment.
func (h *half) startMidway(seq uint32) {
	if ahead := seq - h.acked; h.hasAcked && ahead < maxHint {
		seq = h.acked
	}
	h.start(seq)
	h.lossy = true
}

// finish notes that the stream ends at seq.
func (h *half) finish(seq uint32) {
	if !h.started {
		h.startMidway(seq)
	}
	h.hasFin, h.fin = true, seq
}

// acknowledge notes that the peer has everything before ack. Until the stream
// has started the lowest counts, from then on the highest.
func (h *half) acknowledge(ack uint32) {
	if h.started && ack-h.next > maxJump && h.next-ack > maxJump {
		return // no window reaches there: not to be trusted
	}
	if !h.hasAcked || after(ack, h.acked) == h.started {
		h.hasAcked, h.acked = true, ack
	}
}

// insert puts s, whose payload it copies, among the waiting segments.
func (h *half) insert(s *stretch) {
	i, dup := slices.BinarySearchFunc(h.waiting, s.seq, func(w stretch, seq uint32) int {
		return int(int32(w.seq - seq))
	})
	if dup && !after(s.end(), h.waiting[i].end()) {
		return
	}
	held := *s
	held.payload = bytes.Clone(s.payload)
	h.waiting = slices.Insert(h.waiting, i, held)
	h.parser.pool.used += len(held.payload)
}

// checkOverlap counts s if it contradicts bytes that came before it.
func (h *half) checkOverlap(s *stretch) {
	if h.contradictsPast(s) || h.contradictsWaiting(s) {
		h.parser.cov.overlap()
	}
}

// popFirst removes the first waiting segment.
func (h *half) popFirst() stretch {
	s := h.waiting[0]
	h.waiting = slices.Delete(h.waiting, 0, 1)
	h.parser.pool.used -= len(s.payload)
	return s
}

// deliver feeds the parser with what is new in s, which must not start behind
// next.
func (h *half) deliver(s *stretch) {
	if !after(s.end(), h.next) {
		return
	}
	h.remember(s)
	missing := s.missing
	if old := int(h.next - s.seq); old < len(s.payload) {
		at := mark{seq: h.next, ack: s.ack, time: s.time, frame: s.frame}
		h.next += uint32(len(s.payload) - old)
		h.parser.feed(s.payload[old:], at)
	} else {
		missing -= old - len(s.payload)
	}
	if missing > 0 {
		h.next += uint32(missing)
		h.lossy = true
		h.parser.skip(SnapLength, missing)
		h.parser.gap(int64(missing), SnapLength)
	}
}

// skipTo gives up the bytes before seq.
func (h *half) skipTo(seq uint32) {
	n := seq - h.next
	h.next, h.lossy = seq, true
	h.parser.resources.lose(int(n))
	h.parser.gap(int64(n), Gap)
}

// missingUpTo returns the end of the bytes that the peer has and this half has
// not; ok is false when there are none.
func (h *half) missingUpTo() (end uint32, ok bool) {
	if !h.started || !h.hasAcked || h.closed {
		return 0, false
	}
	end = h.acked
	if h.hasFin && after(end, h.fin) {
		end = h.fin
	}
	if len(h.waiting) > 0 && after(end, h.waiting[0].seq) {
		end = h.waiting[0].seq
	}
	return end, after(end, h.next)
}

// skipOverdue gives up bytes that were acknowledged a while ago; it is called
// once per packet and reports whether it gave up any.
func (h *half) skipOverdue() bool {
	end, ok := h.missingUpTo()
	if !ok {
		h.overdue = 0
		return false
	}
	if h.overdue++; h.overdue <= reorderTolerance {
		return false
	}
	h.overdue = 0
	h.skipTo(end)
	return true
}

// closeAtFIN closes the stream when all before its FIN was delivered.
func (h *half) closeAtFIN() bool {
	if !h.hasFin || h.closed || h.next != h.fin {
		return false
	}
	h.closed = true
	h.next++
	h.parser.close(true)
	return true
}

// flush delivers everything that waits, gaps or not, and ends the stream.
func (h *half) flush() {
	h.giveUpWaiting()
	if end, ok := h.missingUpTo(); ok {
		h.skipTo(end)
	}
	if !h.closeAtFIN() {
		h.parser.close(false)
	}
}
