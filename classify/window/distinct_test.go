package window

import (
	"math"
	"testing"
)

// mix is the finalizer of SplitMix64: hashes for tests.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// TestDistinct checks counts: exact up to maxExact, within four standard errors beyond, and
// that repeats count once.
func TestDistinct(t *testing.T) {
	for _, n := range []int{0, 1, maxExact - 1, maxExact, maxExact + 1, 100, 500, 2000, 50_000, 1_000_000} {
		var d distinct
		for range 2 {
			for i := range n {
				d.add(mix(uint64(i)))
			}
		}
		tolerance := 4 * 1.04 / math.Sqrt(registers) * float64(n)
		if n <= maxExact {
			tolerance = 0
		}
		if diff := math.Abs(float64(d.count() - n)); diff > tolerance {
			t.Errorf("%d values: counted %d", n, d.count())
		}
	}
}

// TestUnion checks that what two sets share counts once, in all their forms.
func TestUnion(t *testing.T) {
	set := func(from, to int) *distinct {
		d := &distinct{}
		for i := from; i < to; i++ {
			d.add(mix(uint64(i)))
		}
		return d
	}
	for _, c := range []struct{ a, b int }{{0, 0}, {5, 0}, {0, 7}, {20, 30}, {20, 2000}, {3000, 10}, {2000, 4000}} {
		overlap := min(c.a, c.b) / 2
		want := c.a + c.b - overlap
		got := union(set(0, c.a), set(c.a-overlap, c.a-overlap+c.b))
		if math.Abs(float64(got-want)) > 0.2*float64(want) || want <= maxExact && got != want {
			t.Errorf("union of %d and %d that share %d: %d, want %d", c.a, c.b, overlap, got, want)
		}
	}
}
