package corpus

import (
	"fmt"
	"strconv"
	"strings"
)

// cardNumber has a scheme's prefix and length and a valid check digit
// (ISO/IEC 7812-1).
func cardNumber(g *draw) string {
	schemes := []struct {
		prefix string
		length int
	}{
		{"4", 16},
		{"4", 16},
		{strconv.Itoa(g.between(51, 55)), 16},
		{strconv.Itoa(g.between(2221, 2720)), 16},
		{pick(g, []string{"34", "37"}), 15},
		{"6011", 16},
		{strconv.Itoa(g.between(3528, 3589)), 16},
		{"36", 14},
		{"62", 16},
	}
	s := pick(g, schemes)
	number := s.prefix + g.chars(digits, s.length-len(s.prefix)-1)
	number += luhn(number)
	if len(number) == 16 && g.chance(3) {
		sign := pick(g, []string{" ", "-"})
		return strings.Join([]string{number[:4], number[4:8], number[8:12], number[12:]}, sign)
	}
	return number
}

// luhn returns the check digit that a number lacks.
func luhn(number string) string {
	sum := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return strconv.Itoa((10 - sum%10) % 10)
}

// ibanForms are structures of the SWIFT registry: n digits, a upper-case letters.
var ibanForms = []struct{ country, form string }{
	{"DE", "n18"},
	{"FR", "n23"},
	{"GB", "a4n14"},
	{"NL", "a4n10"},
	{"ES", "n20"},
	{"IT", "a1n22"},
	{"PL", "n24"},
	{"AT", "n16"},
	{"BE", "n12"},
	{"CH", "n17"},
	{"SE", "n20"},
	{"DK", "n14"},
	{"NO", "n11"},
	{"FI", "n14"},
	{"PT", "n21"},
	{"IE", "a4n14"},
	{"CZ", "n20"},
	{"LU", "n16"},
}

func iban(g *draw) string {
	f := pick(g, ibanForms)
	var account strings.Builder
	for form := f.form; form != ""; {
		set := digits
		if form[0] == 'a' {
			set = upper
		}
		end := 1
		for end < len(form) && form[end] >= '0' && form[end] <= '9' {
			end++
		}
		n, _ := strconv.Atoi(form[1:end])
		account.WriteString(g.chars(set, n))
		form = form[end:]
	}
	number := f.country + fmt.Sprintf("%02d", 98-mod97(account.String()+f.country+"00")) + account.String()
	if !g.chance(3) {
		return number
	}
	var groups []string
	for ; len(number) > 4; number = number[4:] {
		groups = append(groups, number[:4])
	}
	return strings.Join(append(groups, number), " ")
}

// mod97 is ISO 7064's over digits and letters (A is 10).
func mod97(text string) (rest int) {
	for _, c := range []byte(text) {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest
}

// weighted sums digits times weights.
func weighted(text string, weights ...int) (sum int) {
	for i, w := range weights {
		sum += int(text[i]-'0') * w
	}
	return sum
}

// ssn is a US social security number (ssa.gov: no 000, 666, 9xx; group and
// serial not zero).
func ssn(g *draw) string {
	area := g.between(1, 899)
	if area == 666 {
		area++
	}
	return fmt.Sprintf("%03d-%02d-%04d", area, g.between(1, 99), g.between(1, 9999))
}

// nino is a UK national insurance number (HMRC manual NIM39110).
func nino(g *draw) string {
	return g.chars("ABCEGHJKLMNPRSTWXYZ", 1) + g.chars("ABCEGHJKLMNPRSTWXYZ", 1) + g.chars(digits, 6) + g.chars("ABCD", 1)
}

// dni is the Spanish identity number with its letter.
func dni(g *draw) string {
	n := g.between(10000000, 99999999)
	return strconv.Itoa(n) + string("TRWAGMYFPDXBNJZSQVHLCKE"[n%23])
}

// cpf is the Brazilian number with two check digits.
func cpf(g *draw) string {
	n := g.chars(digits, 9)
	n += elevenDown(weighted(n, 10, 9, 8, 7, 6, 5, 4, 3, 2))
	n += elevenDown(weighted(n, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2))
	return n[:3] + "." + n[3:6] + "." + n[6:9] + "-" + n[9:]
}

func elevenDown(sum int) string {
	if sum%11 < 2 {
		return "0"
	}
	return strconv.Itoa(11 - sum%11)
}

// bsn is the Dutch number: the eleven test.
func bsn(g *draw) string {
	for {
		n := g.chars(digits, 9)
		if n[0] != '0' && weighted(n, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0 {
			return n
		}
	}
}

// pesel is the Polish number: birth date, serial, check digit.
func pesel(g *draw) string {
	n := fmt.Sprintf("%02d%02d%02d", g.between(40, 99), g.between(1, 12), g.between(1, 28)) + g.chars(digits, 4)
	return n + strconv.Itoa((10-weighted(n, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10)
}

// personnummer is the Swedish number: birth date, serial, Luhn over both.
func personnummer(g *draw) string {
	date := fmt.Sprintf("%02d%02d%02d", g.between(40, 99), g.between(1, 12), g.between(1, 28))
	serial := g.chars(digits, 3)
	return "19" + date + "-" + serial + luhn(date+serial)
}

// nir is the French number with its key of 97.
func nir(g *draw) string {
	n := g.chars("12", 1) + fmt.Sprintf("%02d%02d%02d", g.between(40, 99), g.between(1, 12), g.between(1, 95)) + g.chars("123456789", 6)
	v, _ := strconv.Atoi(n)
	return n + fmt.Sprintf("%02d", 97-v%97)
}

// hetu is the Finnish number with its character of 31.
func hetu(g *draw) string {
	n := fmt.Sprintf("%02d%02d%02d", g.between(1, 28), g.between(1, 12), g.between(40, 99))
	serial := fmt.Sprintf("%03d", g.between(2, 899))
	v, _ := strconv.Atoi(n + serial)
	return n + "-" + serial + string("0123456789ABCDEFHJKLMNPRSTUVWXY"[v%31])
}

// aadhaar is the Indian number with Verhoeff's check digit.
func aadhaar(g *draw) string {
	n := g.chars("23456789", 1) + g.chars(digits, 10)
	n += verhoeff(n)
	return n[:4] + " " + n[4:8] + " " + n[8:]
}

// verhoeff computes a check digit in the dihedral group D5.
func verhoeff(number string) string {
	times := func(a, b int) int {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return 5 + (a+b-5)%5
		case b < 5:
			return 5 + (a-5-b+5)%5
		}
		return (a - b + 5) % 5
	}
	first := []int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	check := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		for range (i + 1) % 8 {
			n = first[n]
		}
		check = times(check, n)
	}
	if check > 0 && check < 5 {
		check = 5 - check
	}
	return strconv.Itoa(check)
}

// codiceFiscale is the Italian tax code with its control letter (Agenzia delle
// Entrate, DM 23 December 1976).
func codiceFiscale(g *draw) string {
	n := g.chars("BCDFGLMNPRSTV", 6) + fmt.Sprintf("%02d", g.between(40, 99)) + g.chars("ABCDEHLMPRST", 1) + fmt.Sprintf("%02d", g.between(1, 28)) +
		g.chars("ABCDEFGHIL", 1) + fmt.Sprintf("%03d", g.between(101, 999))
	odd := []int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i, c := range []byte(n) {
		v := int(c - '0')
		if c >= 'A' {
			v = int(c - 'A')
		}
		if i%2 == 0 {
			v = odd[v]
		}
		sum += v
	}
	return n + string(rune('A'+sum%26))
}

// phone is an international or national number in the usual notations
// (ITU-T E.123).
func phone(g *draw) string {
	return pick(g, []string{
		g.pattern("+49 30 [1-9]{1}[0-9]{6}"), g.pattern("+1 (2[0-9]{2}) 55[1-9]{1}-[0-9]{4}"), g.pattern("+44 20 7[0-9]{3} [0-9]{4}"), g.pattern("+336[0-9]{8}"),
		g.pattern("+467[0-9]{8}"), g.pattern("0[1-9]{2} [0-9]{3} [0-9]{2} [0-9]{2}"), g.pattern("+1-4[0-9]{2}-8[0-9]{2}-[0-9]{4}"), g.pattern("+39 3[0-9]{2} [0-9]{7}"),
	})
}

func email(g *draw) string {
	host := g.chars(lower, g.between(4, 9)) + "." + pick(g, strings.Fields("com org net de fr io co.uk nl"))
	return g.login() + pick(g, []string{"", "", "", "+" + pick(g, plainWords)}) + "@" + pick(g, []string{"gmail.com", "outlook.com", host, host, "mail." + host})
}

func birthDate(g *draw) string {
	y, m, d := g.between(1940, 2008), g.between(1, 12), g.between(1, 28)
	return pick(g, []string{fmt.Sprintf("%d-%02d-%02d", y, m, d), fmt.Sprintf("%02d.%02d.%d", d, m, y), fmt.Sprintf("%02d/%02d/%d", m, d, y), fmt.Sprintf("%d-%02d-%02dT00:00:00Z", y, m, d)})
}

func streetAddress(g *draw) string {
	n := strconv.Itoa(g.between(1, 240))
	return pick(g, []string{
		n + " " + pick(g, streets) + " " + pick(g, []string{"Road", "Street", "Ave", "Lane"}), pick(g, streets) + "straße " + n, n + " rue du " + pick(g, streets),
		"Calle " + pick(g, streets) + " " + n + ", 2º B", n + " " + pick(g, streets) + " St, Apt " + g.chars(digits, 2) + ", " + pick(g, cities),
	})
}
