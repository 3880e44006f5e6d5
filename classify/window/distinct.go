package window

import (
	"math"
	"math/bits"
	"slices"
)

const (
	// maxExact is how many values a set counts exactly: most callers have fewer.
	maxExact = 32
	// registers is the size of the sketch beyond: HyperLogLog (Flajolet et al., 2007) with
	// 512 registers of a byte has a standard error of 1.04/sqrt(512), 4.6 %.
	registers    = 512
	registerBits = 9
)

// distinct counts different hashes: exactly up to maxExact, then by a sketch. Its zero value
// is empty. It takes 256 bytes for 32 values and 512 for any number.
type distinct struct {
	exact  []uint64
	sketch *[registers]uint8
}

// add counts a hash; it says whether the set may have grown.
func (d *distinct) add(hash uint64) bool {
	if d.sketch != nil {
		return raise(d.sketch, hash)
	}
	if slices.Contains(d.exact, hash) {
		return false
	}
	if len(d.exact) < maxExact {
		d.exact = append(d.exact, hash)
		return true
	}
	d.sketch = new([registers]uint8)
	for _, known := range d.exact {
		raise(d.sketch, known)
	}
	d.exact = nil
	raise(d.sketch, hash)
	return true
}

// raise notes a hash in a sketch; it says whether that changed.
func raise(sketch *[registers]uint8, hash uint64) bool {
	register := hash >> (64 - registerBits)
	rank := uint8(bits.LeadingZeros64(hash<<registerBits|1<<(registerBits-1))) + 1
	if rank <= sketch[register] {
		return false
	}
	sketch[register] = rank
	return true
}

// count estimates how many different hashes were added.
func (d *distinct) count() int {
	if d.sketch == nil {
		return len(d.exact)
	}
	return estimate(d.sketch)
}

// estimate is that of HyperLogLog, with linear counting for small numbers.
func estimate(sketch *[registers]uint8) int {
	sum, empty := 0.0, 0
	for _, rank := range sketch {
		sum += 1 / float64(uint64(1)<<rank)
		if rank == 0 {
			empty++
		}
	}
	const alpha = 0.7213 / (1 + 1.079/registers)
	raw := alpha * registers * registers / sum
	if raw <= 2.5*registers && empty > 0 {
		raw = registers * math.Log(float64(registers)/float64(empty))
	}
	return int(raw + 0.5)
}

// union estimates how many different hashes two sets hold together.
func union(a, b *distinct) int {
	switch {
	case a.sketch == nil && len(a.exact) == 0:
		return b.count()
	case b.sketch == nil && len(b.exact) == 0:
		return a.count()
	case a.sketch == nil && b.sketch == nil:
		n := len(a.exact)
		for _, hash := range b.exact {
			if !slices.Contains(a.exact, hash) {
				n++
			}
		}
		return n
	case a.sketch == nil:
		a, b = b, a
	}
	both := *a.sketch
	for _, hash := range b.exact {
		raise(&both, hash)
	}
	if b.sketch != nil {
		for i, rank := range b.sketch {
			both[i] = max(both[i], rank)
		}
	}
	return estimate(&both)
}
