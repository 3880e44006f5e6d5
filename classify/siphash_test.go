package classify

import "testing"

// TestSipHash checks the first and last of the vectors of the reference implementation
// (vectors.h of the authors), for inputs of 0, 1, 2 … bytes 00 01 02 … under the key 00 … 0f.
func TestSipHash(t *testing.T) {
	var key, in [64]byte
	for i := range in {
		key[i], in[i] = byte(i), byte(i)
	}
	k := newSipKey(key[:])
	for n, want := range map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5, 63: 0x958a324ceb064572,
	} {
		if got := sipHash(k, in[:n]); got != want {
			t.Errorf("%d bytes: %#x, want %#x", n, got, want)
		}
	}
	if sipHash(k, "ab") != sipHash(k, []byte("ab")) || sipHash(k, "ab") == sipHash(k, "ba") {
		t.Error("strings and bytes differ, or order does not count")
	}
}
