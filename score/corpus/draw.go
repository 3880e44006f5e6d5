package corpus

import (
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Now is the time at which the records of a corpus were written.
func Now() time.Time { return time.Date(2026, time.November, 23, 15, 0, 0, 0, time.UTC) }

// draw makes random things from one stream of random numbers.
type draw struct {
	*rand.Rand
	templates map[string]template
	families  map[string]*family
	makers    map[string]func(*draw) string
}

func pick[T any](g *draw, list []T) T { return list[g.IntN(len(list))] }

// between returns a number in [lo,hi].
func (g *draw) between(lo, hi int) int { return lo + g.IntN(hi-lo+1) }

// chance is true once in n times.
func (g *draw) chance(n int) bool { return g.IntN(n) == 0 }

// logNormal returns a size with that median, between lo and hi.
func (g *draw) logNormal(median, sigma float64, lo, hi int) int {
	return min(max(lo, int(median*math.Exp(sigma*g.NormFloat64()))), hi)
}

// The alphabets of tokens.
const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	hexa   = digits + "abcdef"
	base62 = digits + upper + lower
	base32 = upper + "234567"
	b64url = base62 + "-_"
	b64std = base62 + "+/"
	bcrypt = "./" + upper + lower + digits
)

func (g *draw) chars(set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[g.IntN(len(set))]
	}
	return string(b)
}

// bytes returns n random bytes.
func (g *draw) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.IntN(256))
	}
	return b
}

// pattern makes a text from a pattern: [A-Za-z0-9_-]{36} and [0-9]{10-12} draw
// from a set, everything else stands for itself.
func (g *draw) pattern(p string) string {
	var b strings.Builder
	for {
		literal, rest, ok := strings.Cut(p, "[")
		b.WriteString(literal)
		if !ok {
			return b.String()
		}
		set, rest, _ := strings.Cut(rest, "]")
		count := "1"
		if strings.HasPrefix(rest, "{") {
			count, rest, _ = strings.Cut(rest[1:], "}")
		}
		lo, hi, ranged := strings.Cut(count, "-")
		n, _ := strconv.Atoi(lo)
		if ranged {
			most, _ := strconv.Atoi(hi)
			n = g.between(n, most)
		}
		b.WriteString(g.chars(setOf(set), n))
		p = rest
	}
}

// setOf spells out a set: A-Z, a-z and 0-9 are ranges, a last - is itself.
func setOf(set string) string {
	var b strings.Builder
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			for c := set[i]; c <= set[i+2]; c++ {
				b.WriteByte(c)
			}
			i += 2
			continue
		}
		b.WriteByte(set[i])
	}
	return b.String()
}

// crcBase62 is the checksum of GitHub's and npm's tokens: CRC-32 of the random
// part in base 62, six digits
// (https://github.blog/engineering/behind-githubs-new-authentication-token-formats/).
func crcBase62(text string) string {
	n := crc32.ChecksumIEEE([]byte(text))
	sum := make([]byte, 6)
	for i := range sum {
		sum[len(sum)-1-i] = base62[n%62]
		n /= 62
	}
	return string(sum)
}

// uuid is a version 4 UUID (RFC 9562).
func (g *draw) uuid() string {
	b := g.bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// past returns a time in the years before the corpus's present.
func (g *draw) past() time.Time {
	return Now().Add(-time.Duration(g.IntN(3*365*24*3600)) * time.Second)
}

// words returns n words of running text.
func (g *draw) words(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = pick(g, plainWords)
	}
	return strings.Join(list, " ")
}

func (g *draw) sentence() string {
	s := g.words(g.between(5, 16))
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func (g *draw) person() string { return pick(g, firstNames) + " " + pick(g, lastNames) }

// login is a user name as people choose them.
func (g *draw) login() string {
	first, last := strings.ToLower(pick(g, firstNames)), strings.ToLower(pick(g, lastNames))
	return pick(g, []string{first + "." + last, first[:1] + last, first + strconv.Itoa(g.between(1, 99)), last + "_" + first})
}
