package corpus

import (
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// password is what people and generators choose.
func password(g *draw) string {
	word := pick(g, plainWords)
	for len(word) < 4 {
		word = pick(g, plainWords)
	}
	switch g.IntN(8) {
	case 0:
		return capital(word) + strconv.Itoa(g.between(1, 2026)) + "!"
	case 1:
		return word + strconv.Itoa(g.between(1, 9999))
	case 2:
		return g.chars(base62+"!#$%+*?", g.between(10, 20))
	case 3:
		return strings.ReplaceAll(g.words(4), " ", "-")
	case 4:
		return word + "_" + pick(g, firstNames)
	case 5:
		return capital(word) + capital(pick(g, cities)) + g.chars(digits, 2)
	case 6:
		return pick(g, []string{"qwerty", "letmein", "sunshine", "dragon", "monkey"}) + g.chars(digits, g.between(0, 3))
	}
	return g.chars(lower+digits, 12)
}

// passwordHash is a hash in one of the syntaxes that frameworks and systems
// store: real ones where the standard library computes them.
func passwordHash(g *draw) string {
	secret, salt := password(g), g.bytes(16)
	switch g.IntN(14) {
	case 0:
		return pick(g, []string{"$2b$", "$2a$", "$2y$"}) + pick(g, []string{"10", "12", "04"}) + "$" + g.chars(bcrypt, 53)
	case 1:
		return "$argon2" + pick(g, []string{"id", "i", "d"}) + "$v=19$m=65536,t=3,p=4$" + raw64(salt) + "$" + raw64(g.bytes(32))
	case 2:
		return "pbkdf2:sha256:" + pick(g, []string{"260000", "600000", "1000000"}) + "$" + g.chars(base62, 16) + "$" + hex.EncodeToString(derive(secret, salt))
	case 3:
		return "scrypt:32768:8:1$" + g.chars(base62, 16) + "$" + g.chars(hexa, 128)
	case 4:
		return "pbkdf2_sha256$870000$" + g.chars(base62, 22) + "$" + base64.StdEncoding.EncodeToString(derive(secret, salt))
	case 5:
		sum := sha1.Sum(append([]byte(secret), salt[:8]...))
		return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt[:8]...))
	case 6:
		return "$6$" + pick(g, []string{"", "rounds=656000$"}) + g.chars(bcrypt, 16) + "$" + g.chars(bcrypt, 86)
	case 7:
		return "$5$" + g.chars(bcrypt, 16) + "$" + g.chars(bcrypt, 43)
	case 8:
		return "$1$" + g.chars(bcrypt, 8) + "$" + g.chars(bcrypt, 22)
	case 9:
		return "$y$j9T$" + g.chars(bcrypt, 22) + "$" + g.chars(bcrypt, 43)
	case 10:
		return "$scrypt$ln=16,r=8,p=1$" + raw64(salt) + "$" + raw64(g.bytes(32))
	case 11:
		return pick(g, []string{"bcrypt_sha256$$2b$12$" + g.chars(bcrypt, 53), "argon2$argon2id$v=19$m=102400,t=2,p=8$" + raw64(salt) + "$" + raw64(g.bytes(32)), "{bcrypt}$2a$10$" + g.chars(bcrypt, 53)})
	case 12:
		return "$pbkdf2-sha256$29000$" + strings.ReplaceAll(raw64(salt), "+", ".") + "$" + strings.ReplaceAll(raw64(derive(secret, salt)), "+", ".")
	}
	return pick(g, []string{"$P$B", "$H$9"}) + g.chars(bcrypt, 30)
}

// digest is a bare hash that only its field's name tells.
func digest(g *draw) string {
	secret := []byte(password(g))
	switch g.IntN(4) {
	case 0:
		return fmt.Sprintf("%x", md5.Sum(secret))
	case 1:
		return fmt.Sprintf("%x", sha1.Sum(secret))
	case 2:
		return fmt.Sprintf("%x", sha256.Sum256(secret))
	}
	return fmt.Sprintf("%x", sha512.Sum512(secret))
}

func raw64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// derive computes PBKDF2 with one round: the syntax is the same.
func derive(secret string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha256.New, secret, salt, 1, 32)
	if err != nil {
		return nil
	}
	return key
}

// apiKey is a key without a vendor's mark.
func apiKey(g *draw) string {
	return pick(g, []string{g.chars(hexa, 32), g.chars(base62, 32), g.chars(base62, 40), g.uuid(), g.chars(upper+digits, 24), raw64(g.bytes(32))})
}

// totpSeed is a base32 seed of 80 to 256 bits, bare or as a URI
// (https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
func totpSeed(g *draw) string {
	seed := g.chars(base32, pick(g, []int{16, 32, 52}))
	if g.chance(3) {
		return "otpauth://totp/" + pick(g, cities) + ":" + g.login() + "?secret=" + seed + "&issuer=" + pick(g, cities)
	}
	return seed
}

// recoveryCode is one code of a list.
func recoveryCode(g *draw) string {
	return pick(g, []string{g.chars(hexa, 5) + "-" + g.chars(hexa, 5), g.chars(lower+digits, 4) + "-" + g.chars(lower+digits, 4) + "-" + g.chars(lower+digits, 4)})
}

// signingKey is what frameworks sign sessions with.
func signingKey(g *draw) string {
	return pick(g, []string{
		g.chars(hexa, 48), "django-insecure-" + g.chars(lower+digits+"!@#%&*-_=+", 50), g.chars(base62+"!@#%^*-_=+", 50),
		"base64:" + base64.StdEncoding.EncodeToString(g.bytes(32)), g.chars(hexa, 128), "super-" + pick(g, plainWords) + "-key-" + g.chars(digits, 3),
	})
}
