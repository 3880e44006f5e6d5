package capture

import (
	"math"
	"math/bits"
)

const (
	// strainSeconds is how long something has to be too much before fewer connections are
	// looked at: a burst is what the ring is for.
	strainSeconds = 2
	// settleSeconds is how long what came before a smaller sample may still fill the ring.
	settleSeconds = 1
	// minCalm and maxCalm are how many seconds have to be easy before twice as many are
	// looked at again. Each time that it was too soon the wait doubles.
	minCalm, maxCalm = 10, 320
	// turnSeconds is after how long a sample gives way to another of its size, so that
	// connections that last have their turn.
	turnSeconds = 60
	// tolerableLoss is the share of packets that may find the ring full.
	tolerableLoss = 0.01
	// busyIdle is the share of the machine that is idle at least while it is not busy, and
	// spareIdle what is left to others then.
	busyIdle, spareIdle = 0.03, 0.05
	// busyShare is the share of the machine that workers may have while it is busy.
	busyShare = 0.005
	// headroom is how much of what is allowed may be used once twice as many connections are
	// looked at.
	headroom = 0.9
)

// strain is what a second of capturing cost. Times are in cores, seconds per second.
type strain struct {
	// received and dropped count packets, the former with the latter.
	received, dropped int64
	// used is what the workers had of the processors, budget what they may have, 0 for
	// any.
	used, budget float64
	// workers is how many there are, cores what the machine has and idle what nobody used;
	// cores is 0 if that is not known or does not matter.
	workers, cores, idle float64
}

// Why fewer connections are looked at.
const (
	causeDrops  = "packets were dropped"
	causeBudget = "the CPU budget is spent"
	causeBusy   = "the machine is busy"
)

// excess is how many times more was done than should be, and why; up to 1 is fine.
func (s *strain) excess() (factor float64, cause string) {
	if float64(s.dropped) > tolerableLoss*float64(s.received) {
		left := max(float64(s.received-s.dropped), float64(s.received)/(1<<maxExponent))
		factor, cause = float64(s.received)/left, causeDrops
	}
	if s.budget > 0 && s.used > s.budget && s.used/s.budget > factor {
		factor, cause = s.used/s.budget, causeBudget
	}
	if s.busy() && s.used > s.spare() && s.used/s.spare() > factor {
		factor, cause = s.used/s.spare(), causeBusy
	}
	return factor, cause
}

// busy reports whether others want the whole machine.
func (s *strain) busy() bool {
	return s.cores > 0 && s.idle < busyIdle*s.cores && s.others() > s.cores/2
}

// others is what all but the workers used.
func (s *strain) others() float64 { return s.cores - s.idle - s.used }

// spare is what others leave to the workers.
func (s *strain) spare() float64 {
	return max(busyShare*s.cores, (1-spareIdle)*s.cores-s.others())
}

// easy reports whether there is room for twice as many connections.
func (s *strain) easy() bool {
	twice := 2 * s.used
	switch {
	case s.dropped > 0, twice > headroom*s.workers, s.budget > 0 && twice > headroom*s.budget:
		return false
	}
	return s.cores == 0 || twice <= headroom*busyShare*s.cores || s.idle-s.used >= (busyIdle+spareIdle)*s.cores
}

// sampler decides how many connections are looked at. Dropping packets at random ruins
// more exchanges than it spares; leaving connections out leaves the others whole, and
// costs next to nothing.
type sampler struct {
	exponent uint8
	turn     uint32
	// strained, from below zero after a change, and calm count seconds in a row, age those of
	// the sample. wait is how much calm is needed.
	strained, calm, age, wait int
	// trying says that it may turn out that more were looked at too soon: it counts seconds
	// up to wait. 0 is no trial.
	trying int
}

// newSampler returns one that wants all connections. The first sample that it will choose
// depends on seed: nobody should know which connections are left out.
func newSampler(seed uint32) *sampler { return &sampler{turn: seed, wait: minCalm} }

// second takes what the last second cost, and reports whether another sample is wanted,
// and why if it is a smaller one.
func (s *sampler) second(cost *strain) (changed bool, cause string) {
	s.age++
	if s.trying > 0 {
		if s.trying++; s.trying > s.wait {
			s.trying, s.wait = 0, minCalm // it was not too soon
		}
	}
	factor, cause := cost.excess()
	switch {
	case factor > 1:
		s.calm = 0
		if s.strained++; s.strained >= strainSeconds && s.exponent < maxExponent {
			s.less(factor)
			return true, cause
		}
	case s.exponent > 0 && cost.easy():
		s.strained = 0
		if s.calm++; s.calm >= s.wait {
			s.more()
			return true, ""
		}
	default:
		s.strained, s.calm = 0, 0
	}
	if s.exponent > 0 && s.age >= turnSeconds {
		s.renew()
		return true, ""
	}
	return false, ""
}

// less looks at fewer connections, by that factor at least.
func (s *sampler) less(factor float64) {
	steps := bits.Len(uint(math.Ceil(factor)) - 1)
	s.exponent = uint8(min(maxExponent, int(s.exponent)+max(1, steps)))
	if s.trying > 0 {
		s.wait = min(2*s.wait, maxCalm)
	}
	s.strained, s.trying = -settleSeconds, 0
	s.renew()
}

// more looks at twice as many.
func (s *sampler) more() {
	s.exponent--
	s.calm, s.trying = 0, 1
	s.renew()
}

// renew takes other connections.
func (s *sampler) renew() {
	s.turn++
	s.age = 0
}

// sample is the one that is wanted.
func (s *sampler) sample() *sample {
	if s.exponent == 0 {
		return nil
	}
	return &sample{exponent: s.exponent, seed: s.turn * golden}
}
