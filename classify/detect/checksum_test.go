package detect

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// whole joins a token that is cut by "¦", so that other people's scanners pass
// the repository.
func whole(text string) []byte { return []byte(strings.ReplaceAll(text, "¦", "")) }

// in62 is base62 by other means: math/big has small letters first.
func in62(sum uint32, width int) string {
	digits := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, big.NewInt(int64(sum)).Text(62))
	return strings.Repeat("0", max(0, width-len(digits))) + digits
}

// TestChecksumsOfCRC32 builds tokens as their vendors do, with the standard
// library's digits.
func TestChecksumsOfCRC32(t *testing.T) {
	sum := func(s string) uint32 { return crc32.ChecksumIEEE([]byte(s)) }
	for i := range 300 {
		body := fmt.Sprintf("A%dz%dQ", i*i, i)
		p62, p36 := "pre_"+body, "pre-"+body+".01.15"
		for _, tc := range []struct{ name, token string }{
			{"crc32-base62", p62 + in62(sum(body), 6)},
			{"whole-in-base62", p62 + "_" + in62(sum(p62), 6)},
			{"crc32-base36", p36 + fmt.Sprintf("%07s", strconv.FormatUint(uint64(sum(p36)), 36))},
			{"crc32-hex", p62 + "_" + fmt.Sprintf("%02x%02x%02x%02x", byte(sum(p62)), byte(sum(p62)>>8), byte(sum(p62)>>16), sum(p62)>>24)},
		} {
			check := checksums[tc.name]
			if !check([]byte(tc.token), 4, nil) {
				t.Fatalf("%s refuses %s", tc.name, tc.token)
			}
			for at := 4; at < len(tc.token); at++ {
				wrong := []byte(tc.token)
				wrong[at] ^= 1
				if check(wrong, 4, nil) {
					t.Fatalf("%s accepts %s", tc.name, wrong)
				}
			}
		}
	}
}

// TestMarvin has the vectors of SymCrypt's marvin32.c and of Microsoft's Rust
// implementation.
func TestMarvin(t *testing.T) {
	for _, tc := range []struct {
		seed uint64
		data string
		want uint64
	}{
		{0xd53cd9cecd0893b7, "abc", 0x22c74339492769bf},
		{0x0ddddeeeeffff000, "abcdefghijklmnopqrstuvwxyz", 0xa128eb7e7260aca2},
		{0x004fb61a001bdbcc, "", 0x30ed35c100cd3c7d},
		{0x004fb61a001bdbcc, "\xaf", 0x48e73fc77d75ddc1},
		{0x004fb61a001bdbcc, "\xe7\x0f", 0xb5f6e1fc485dbff8},
		{0x004fb61a001bdbcc, "\x37\xf4\x95", 0xf0b07c789b8cf7e8},
		{0x004fb61a001bdbcc, "\x86\x42\xdc\x59", 0x7008f2e87e9cf556},
		{0x804fb61a801bdbcc, "\xff\x00\xff\x00\xff\x00\xff", 0xfdfd187b1d3ce784},
	} {
		if got := marvin([]byte(tc.data), tc.seed); got != tc.want {
			t.Errorf("%q with %x: got %x, want %x", tc.data, tc.seed, got, tc.want)
		}
	}
}

func TestRightPadded62(t *testing.T) {
	for _, tc := range []struct {
		bytes [4]byte
		want  string
	}{
		{[4]byte{}, "000000"},
		{[4]byte{0, 0, 0, 1}, "000100"},
		{[4]byte{0, 1, 0, 0}, "0" + in62(1<<16, 0) + "00"},
		{[4]byte{0xFF, 0xFF, 0xFF, 0xFF}, in62(1<<32-1, 6)},
	} {
		if got := rightPadded62(tc.bytes[:]); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.bytes, got, tc.want)
		}
	}
}

// TestPublishedVectors has keys that specifications print.
func TestPublishedVectors(t *testing.T) {
	for _, tc := range []struct {
		checksum, token string
		ok              bool
	}{
		// BIP 173, test vectors.
		{"bech32", "A12UEL5L", true},
		{"bech32", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", true},
		{"bech32", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", true},
		{"bech32", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e2w", false},
		{"bech32", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqbw", false},
		{"bech32", "pzry9x0s0muk", false},
		{"bech32", "1pzry9x0s0muk", false},
		{"bech32", "li1dgmt3", false},
		// age, testkit.
		{"bech32", "AGE-SECRET-KEY-1¦GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX", true},
		// NIP-19, examples.
		{"bech32", "nsec1¦vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5", true},
		{"bech32", "nsec1¦vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe6", false},
		// BIP 32, test vector 1.
		{"base58check", "xprv¦9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi", true},
		{"base58check", "xprv¦9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHj", false},
		// Bitcoin wiki, Wallet import format.
		{"base58check", "5Hue¦CGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", true},
		{"base58check", "5Hue¦CGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyT0", false},
		{"base58check", "1111", false},
		// Grafana, satokengen tests.
		{"crc32-hex", "glsa_¦yscW25imSKJIuav8zF37RZmnbiDvB05G_fcaaf58a", true},
		{"crc32-hex", "glsa_¦yscW25imSKJIuav8zF37RZmnbiDvB05G_fcaaf58b", false},
	} {
		if got := checksums[tc.checksum](whole(tc.token), 0, nil); got != tc.ok {
			t.Errorf("%s of %s: got %v, want %v", tc.checksum, tc.token, got, tc.ok)
		}
	}
}

// TestSeedsTellKeysApart: a key of one service is none of another.
func TestSeedsTellKeysApart(t *testing.T) {
	v := builtin(t)
	for i := range v.Tokens {
		k := &v.Tokens[i]
		words := strings.Fields(k.Checksum)
		if len(words) < 2 || words[0] == "base58check" {
			continue
		}
		token := k.assemble(k.Examples[0])
		check := checksums[words[0]]
		if !check(token, 0, words[1:]) {
			t.Errorf("%s: its own seeds do not fit", k.ID)
		}
		for _, seeds := range [][]string{nil, {"Strange0"}, {"short"}} {
			if check(token, 0, seeds) {
				t.Errorf("%s: the seeds %q fit", k.ID, seeds)
			}
		}
	}
}

func TestStructureChecks(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	macaroon := func(version byte, end string) string {
		return "pypi-" + base64.RawURLEncoding.EncodeToString([]byte(string(version)+"\x01\x08pypi.org\x02\x04abcd\x00\x00"+end))
	}
	signature := strings.Repeat("s", 32)
	for _, tc := range []struct {
		checksum, token string
		ok              bool
	}{
		{"base64-json", "x_" + b64([]byte(`{"a":1}`)), true},
		{"base64-json", "x_" + b64([]byte(`{"a":1}`)) + "_" + signature, true},
		{"base64-json", "x." + b64([]byte(`{"a":"?>~"}`)) + ".sig", true},
		{"base64-json", "x_" + b64([]byte(`{"a":1`)), false},
		{"base64-json", "x_" + b64([]byte(`["a"]`)), false},
		{"base64-json", "x_" + b64([]byte(`{"a":1}`))[:9], false},
		{"discord-id", b64([]byte("112233445566778899")) + ".abc.def", true},
		{"discord-id", b64([]byte("11223344556677889")) + ".abc.def", true},
		{"discord-id", b64([]byte("1122334455667788")) + ".abc.def", false},
		{"discord-id", b64([]byte("11223344556677889x")) + ".abc.def", false},
		{"discord-id", "no base64.abc.def", false},
		{"macaroon", macaroon(2, "\x06\x20"+signature), true},
		{"macaroon", macaroon(1, "\x06\x20"+signature), false},
		{"macaroon", macaroon(2, "\x06\x21"+signature), false},
		{"macaroon", macaroon(2, "\x06\x20"+signature[1:]), false},
		{"macaroon", "pypi-AgE", false},
	} {
		if got := checksums[tc.checksum]([]byte(tc.token), 0, nil); got != tc.ok {
			t.Errorf("%s of %s: got %v, want %v", tc.checksum, tc.token, got, tc.ok)
		}
	}
}

func FuzzChecksums(f *testing.F) {
	v := builtin(f)
	for i := range v.Tokens {
		if k := &v.Tokens[i]; k.Checksum != "" {
			f.Add(k.assemble(k.Examples[0]), len(k.Anchor))
		}
	}
	f.Add([]byte{}, 0)
	names := slices.Sorted(maps.Keys(checksums))
	f.Fuzz(func(_ *testing.T, token []byte, body int) {
		for _, name := range names { // none may panic, whatever the token
			checksums[name](token, min(max(body, 0), len(token)), []string{"Default0"})
		}
	})
}
