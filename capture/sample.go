package capture

import "encoding/binary"

// sample says which connections are looked at: one in 2^exponent of them, both directions
// of each. Another seed chooses others. A nil sample takes all.
type sample struct {
	exponent uint8
	seed     uint32
}

// maxExponent bounds samples: one connection in 256.
const maxExponent = 8

const (
	// golden is 2^32 divided by the golden ratio: neighbours end far from each
	// other, and ports that are all even do, too.
	golden = 0x9e3779b1
	// sampleMix is another odd number that is as good: what is sampled has to tell nothing
	// of the worker, which golden chooses.
	sampleMix = 0x85ebca6b
)

// every is n where one connection in n is looked at.
func (s *sample) every() int {
	if s == nil {
		return 1
	}
	return 1 << s.exponent
}

// takes reports whether the connection between two ends is looked at. The kernel decides
// the same, see [filterCode.sampled].
func (s *sample) takes(a, b *endpoint) bool {
	if s == nil || s.exponent == 0 {
		return true
	}
	var hash uint32
	for word := 0; word < len(a.addr); word += 4 {
		hash ^= binary.BigEndian.Uint32(a.addr[word:]) ^ binary.BigEndian.Uint32(b.addr[word:])
	}
	hash = hash*golden ^ uint32(a.port^b.port)
	return s.share(hash)
}

// share reports whether the hash of a connection is in the sample.
func (s *sample) share(hash uint32) bool { return (hash^s.seed)*sampleMix>>(32-s.exponent) == 0 }

// narrow looks at the connections of s alone from now on. The others end here, as if they
// fell silent: what is unfinished of them is handed on as truncated.
func (a *assembler) narrow(s *sample) {
	for _, f := range a.table.flows {
		if !s.takes(&f.key.low, &f.key.high) {
			a.table.remove(f)
		}
	}
	a.sample, a.table.unseen = s, s.every()-1
}

// estimate counts what the connections carried that were not looked at while n bytes came
// on those that were: as much for each, which is right on average.
func (r *resources) estimate(n int) {
	if r.unseen == 0 {
		return
	}
	r.cov.skip(Sampled, n*r.unseen)
	if r.port != nil {
		r.port.skipped[Sampled].Add(int64(n * r.unseen))
	}
}
