package detect

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
	"strings"
)

// A checksum says whether the check inside a token holds. Body is where the
// token's anchor ends; args are what the vocabulary says behind the name of the
// checksum.
type checksum func(token []byte, body int, args []string) bool

// checksums are the checks that vendors publish, by the name that the
// vocabulary calls them.
var checksums = map[string]checksum{
	"annotated-key":   checkAnnotatedKey,
	"base58check":     checkBase58,
	"base64-json":     checkBase64JSON,
	"bech32":          checkBech32,
	"crc32-base36":    checkCRC32Base36,
	"crc32-base62":    checkCRC32Base62,
	"crc32-hex":       checkCRC32Hex,
	"discord-id":      checkDiscordID,
	"entra-secret":    checkEntraSecret,
	"identifiable":    checkIdentifiable,
	"macaroon":        checkMacaroon,
	"whole-in-base62": checkWholeBase62,
}

// newChecksum returns the check that an entry of the vocabulary names: a name
// and its arguments, spaces between them.
func newChecksum(spec string) (func(token []byte, body int) bool, error) {
	if spec == "" {
		return func([]byte, int) bool { return true }, nil
	}
	words := strings.Fields(spec)
	check, ok := checksums[words[0]]
	if !ok {
		return nil, fmt.Errorf("unknown checksum %q", words[0])
	}
	return func(token []byte, body int) bool { return check(token, body, words[1:]) }, nil
}

const (
	base36 = "0123456789abcdefghijklmnopqrstuvwxyz"
	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// endsInSum says whether text ends in the digits of a sum, in the alphabet's
// base, padded with zeros to that width.
func endsInSum(text []byte, sum uint32, alphabet string, width int) bool {
	if len(text) < width {
		return false
	}
	base := uint32(len(alphabet))
	for _, digit := range slices.Backward(text[len(text)-width:]) {
		if digit != alphabet[sum%base] {
			return false
		}
		sum /= base
	}
	return sum == 0
}

// checkCRC32Base62 is for GitHub, npm, NetBird and Polar: the last six
// characters are the CRC-32 (IEEE) in base62 of those between prefix and sum.
func checkCRC32Base62(token []byte, body int, _ []string) bool {
	cut := len(token) - 6
	return cut > body && endsInSum(token, crc32.ChecksumIEEE(token[body:cut]), base62, 6)
}

// checkWholeBase62 is for Matrix homeservers: the six characters behind the last
// underscore are the CRC-32 in base62 of all that stands before it.
func checkWholeBase62(token []byte, body int, _ []string) bool {
	cut := len(token) - 7
	return cut > body && token[cut] == '_' && endsInSum(token, crc32.ChecksumIEEE(token[:cut]), base62, 6)
}

// checkCRC32Base36 is for GitLab's routable tokens: the last seven characters
// are the CRC-32 in base36 of all before them.
func checkCRC32Base36(token []byte, body int, _ []string) bool {
	cut := len(token) - 7
	return cut > body && endsInSum(token, crc32.ChecksumIEEE(token[:cut]), base36, 7)
}

// checkCRC32Hex is for Grafana's service accounts: behind the last underscore
// stands, in hex and little-endian, the CRC-32 of all before it.
func checkCRC32Hex(token []byte, body int, _ []string) bool {
	cut := len(token) - 9
	if cut <= body || token[cut] != '_' {
		return false
	}
	sum := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(token[:cut]))
	return hex.EncodeToString(sum) == string(token[cut+1:])
}

// checkIdentifiable is for the identifiable keys of Azure: base64 whose last
// four bytes are the Marvin32 of those before them. Args are the seeds.
func checkIdentifiable(token []byte, _ int, seeds []string) bool {
	key, ok := decode64(token)
	if !ok || len(key) <= 4 {
		return false
	}
	cut := len(key) - 4
	sum := binary.LittleEndian.Uint32(key[cut:])
	return slices.ContainsFunc(seeds, func(seed string) bool { return marvin32(key[:cut], seed) == sum })
}

// annotatedSum is the offset of the sum in a common annotated security key.
const annotatedSum = 80

// checkAnnotatedKey is for Microsoft's common annotated security keys: behind 80
// characters of base64 stand the first characters of their Marvin32, in
// base62 or, in older keys, in base64.
func checkAnnotatedKey(token []byte, _ int, seeds []string) bool {
	if len(token) < annotatedSum+4 || len(seeds) == 0 {
		return false
	}
	key, ok := decode64(token[:annotatedSum])
	if !ok {
		return false
	}
	sum := binary.LittleEndian.AppendUint32(nil, marvin32(key, seeds[0]))
	got := string(token[annotatedSum : annotatedSum+4])
	return got == rightPadded62(sum)[:4] || got == base64.StdEncoding.EncodeToString(sum)[:4]
}

// rightPadded62 writes four bytes as one number in base62: a zero for each
// leading zero byte but the last, the digits, and zeros behind up to six.
func rightPadded62(b []byte) string {
	n := binary.BigEndian.Uint32(b)
	digits := []byte(nil)
	for more := true; more; more = n > 0 {
		digits = append(digits, base62[n%62])
		n /= 62
	}
	for range min(bits.LeadingZeros32(binary.BigEndian.Uint32(b))/8, len(b)-1) {
		digits = append(digits, base62[0])
	}
	slices.Reverse(digits)
	return string(digits) + strings.Repeat(base62[:1], max(0, 6-len(digits)))
}

// entraAlphabet are the digits in which Entra ID writes a sum.
const entraAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~"

// checkEntraSecret is for the client secrets of Entra ID: the last three
// characters are the first three digits of the Marvin32 of those before them.
func checkEntraSecret(token []byte, _ int, seeds []string) bool {
	cut := len(token) - 3
	if cut <= 0 || len(seeds) == 0 {
		return false
	}
	digits := []byte(nil)
	for n := marvin32(token[:cut], seeds[0]); n > 0; n /= uint32(len(entraAlphabet)) {
		digits = append(digits, entraAlphabet[n%uint32(len(entraAlphabet))])
	}
	slices.Reverse(digits)
	return bytes.HasPrefix(digits, token[cut:])
}

// marvin32 is the Marvin checksum of SymCrypt, its halves folded into 32 bits.
// The seed is eight ASCII characters, read big-endian.
func marvin32(data []byte, seed string) uint32 {
	if len(seed) != 8 {
		return 0
	}
	sum := marvin(data, binary.BigEndian.Uint64([]byte(seed)))
	return uint32(sum>>32) ^ uint32(sum)
}

func marvin(data []byte, seed uint64) uint64 {
	lo, hi := uint32(seed), uint32(seed>>32)
	for ; len(data) >= 4; data = data[4:] {
		lo, hi = marvinRound(lo+binary.LittleEndian.Uint32(data), hi)
	}
	var last [4]byte
	last[copy(last[:], data)] = 0x80
	lo, hi = marvinRound(lo+binary.LittleEndian.Uint32(last[:]), hi)
	lo, hi = marvinRound(lo, hi)
	return uint64(hi)<<32 | uint64(lo)
}

func marvinRound(lo, hi uint32) (uint32, uint32) {
	hi ^= lo
	lo = bits.RotateLeft32(lo, 20) + hi
	hi = bits.RotateLeft32(hi, 9) ^ lo
	lo = bits.RotateLeft32(lo, 27) + hi
	return lo, bits.RotateLeft32(hi, 19)
}

// decode64 decodes base64 in either alphabet, with or without padding.
func decode64(text []byte) ([]byte, bool) {
	enc := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		enc = base64.RawURLEncoding
	}
	out, err := enc.AppendDecode(nil, bytes.TrimRight(text, "="))
	return out, err == nil
}

// checkBase64JSON is for tokens that carry an object in base64: it starts at the
// first "eyJ" and must decode as far as base64 goes.
func checkBase64JSON(token []byte, _ int, _ []string) bool {
	start := bytes.Index(token, []byte("eyJ"))
	if start < 0 {
		return false
	}
	end := start
	for end < len(token) && (isWordByte(token[end]) && token[end] != '_' || bytes.IndexByte([]byte("+/-="), token[end]) >= 0) {
		end++
	}
	doc, ok := decode64(token[start:end])
	return ok && bytes.HasSuffix(bytes.TrimSpace(doc), []byte("}"))
}

// checkDiscordID is for Discord's bots: the first of three segments is the
// bot's id in base64, a number of 17 to 20 digits.
func checkDiscordID(token []byte, body int, _ []string) bool {
	first, _, _ := bytes.Cut(token[body:], []byte("."))
	id, ok := decode64(first)
	return ok && len(id) >= 17 && len(id) <= 20 && !bytes.ContainsFunc(id, func(r rune) bool { return r < '0' || r > '9' })
}

// checkMacaroon is for PyPI: a macaroon in the binary format of version 2. It
// starts with the version, and its last field is a signature (type 6) of 32
// bytes behind the end of a section.
func checkMacaroon(token []byte, _ int, _ []string) bool {
	_, text, _ := bytes.Cut(token, []byte("-"))
	m, ok := decode64(text)
	return ok && len(m) > 40 && m[0] == 2 && bytes.Equal(m[len(m)-35:len(m)-32], []byte{0, 6, 32})
}

const (
	bitcoin58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	ripple58  = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
)

// checkBase58 is for keys of Bitcoin, Tezos and the XRP Ledger: base58 whose
// last four bytes are the start of a double SHA-256. "ripple" as argument
// chooses the alphabet of the XRP Ledger.
func checkBase58(token []byte, _ int, args []string) bool {
	alphabet := bitcoin58
	if len(args) > 0 && args[0] == "ripple" {
		alphabet = ripple58
	}
	key, ok := decode58(token, alphabet)
	if !ok || len(key) <= 4 {
		return false
	}
	cut := len(key) - 4
	once := sha256.Sum256(key[:cut])
	twice := sha256.Sum256(once[:])
	return bytes.Equal(twice[:4], key[cut:])
}

// decode58 reads a number in base58; each leading zero digit is a zero byte. It
// costs the square of the length, which the formats bound to 112.
func decode58(text []byte, alphabet string) ([]byte, bool) {
	var number []byte // little-endian
	zeros := 0
	for _, c := range text {
		carry := strings.IndexByte(alphabet, c)
		if carry < 0 {
			return nil, false
		}
		if carry == 0 && len(number) == 0 {
			zeros++
			continue
		}
		for i := range number {
			carry += int(number[i]) * 58
			number[i] = byte(carry)
			carry >>= 8
		}
		for ; carry > 0; carry >>= 8 {
			number = append(number, byte(carry))
		}
	}
	number = append(number, make([]byte, zeros)...)
	slices.Reverse(number)
	return number, true
}

const bech32Digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// checkBech32 is for age, Nostr, Sui, Cardano and Zcash: BIP 173, but longer
// strings are allowed.
func checkBech32(token []byte, _ int, _ []string) bool {
	text := bytes.ToLower(token)
	sign := bytes.LastIndexByte(text, '1')
	if sign < 1 || len(text)-sign < 7 {
		return false
	}
	sum := uint32(1)
	for _, c := range text[:sign] {
		sum = bech32Step(sum) ^ uint32(c>>5)
	}
	sum = bech32Step(sum)
	for _, c := range text[:sign] {
		sum = bech32Step(sum) ^ uint32(c&31)
	}
	for _, c := range text[sign+1:] {
		digit := strings.IndexByte(bech32Digits, c)
		if digit < 0 {
			return false
		}
		sum = bech32Step(sum) ^ uint32(digit)
	}
	return sum == 1
}

func bech32Step(sum uint32) uint32 {
	top := sum >> 25
	sum = sum & 0x1FFFFFF << 5
	for i, g := range [...]uint32{0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3} {
		sum ^= g * (top >> i & 1)
	}
	return sum
}
