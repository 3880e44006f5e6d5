package detect

import (
	"bytes"
	"strings"
)

// Checks of Europe. Each takes the digits and capitals of a number in one of the
// forms that the table of kinds gives for it, and names where the check is
// published unless the table does.

// isNINO knows the prefixes that are not allocated (HMRC, NIM39110).
func isNINO(id []byte) bool {
	if strings.IndexByte("DFIQUV", id[0]) >= 0 || strings.IndexByte("DFIOQUV", id[1]) >= 0 {
		return false
	}
	switch string(id[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return len(id) == 8 || id[8] >= 'A' && id[8] <= 'D'
}

func isUTR(id []byte) bool {
	return "21987654321"[weigh(id[1:], 6, 7, 8, 9, 10, 5, 4, 3, 2)%11] == id[0]
}

// isNIR: the key is 97 less the rest by 97; Corsica's 2A and 2B count as 19
// and 18.
func isNIR(id []byte) bool {
	var d [15]byte
	copy(d[:], id)
	if strings.IndexByte("123478", d[0]) < 0 {
		return false
	}
	if isUpper(d[6]) {
		if d[5] != '2' || d[6] > 'B' {
			return false
		}
		d[5], d[6] = '1', '9'-(d[6]-'A')
	}
	return 97-number(d[:13])%97 == number(d[13:])
}

func isSPI(id []byte) bool { return id[0] <= '3' && number(id[:10])%511 == number(id[10:]) }

// isSteuerID: of the first ten digits exactly one occurs twice or thrice.
func isSteuerID(id []byte) bool {
	var count [10]int
	for _, c := range id[:10] {
		count[c-'0']++
	}
	repeated := 0
	for _, n := range count {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	return id[0] != '0' && repeated == 1 && isMod1110(id)
}

// isRVNR reads the letter as two digits and adds the digits of the products.
func isRVNR(id []byte) bool {
	letter := valueOf(id[8]) - 9
	d := append(append(make([]byte, 0, 12), id[:8]...), byte('0'+letter/10), byte('0'+letter%10), id[9], id[10])
	sum := 0
	for i, w := range [...]int{2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1} {
		n := valueOf(d[i]) * w
		sum += n/10 + n%10
	}
	return sum%10 == valueOf(id[11])
}

// isCodiceFiscale: letters may stand for digits where numbers collide.
func isCodiceFiscale(id []byte) bool {
	const odd = "\x01\x00\x05\x07\x09\x0D\x0F\x11\x13\x15\x02\x04\x12\x14\x0B\x03\x06\x08\x0C\x0E\x10\x0A\x16\x19\x18\x17"
	sum := 0
	for i, c := range id[:15] {
		if digit := i > 5 && i != 8 && i != 11; digit && isUpper(c) && strings.IndexByte("LMNPQRSTUV", c) < 0 {
			return false
		}
		n := valueOf(c)
		if n > 9 {
			n -= 10
		}
		if i%2 == 0 {
			n = int(odd[n])
		}
		sum += n
	}
	return strings.IndexByte("ABCDEHLMPRST", id[8]) >= 0 && id[15] == byte('A'+sum%26)
}

const dniLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

func isDNI(id []byte) bool { return dniLetters[number(id[:8])%23] == id[8] }

func isNIE(id []byte) bool {
	return id[0] >= 'X' && id[0] <= 'Z' && dniLetters[(int(id[0]-'X')*10000000+number(id[1:8]))%23] == id[8]
}

func isPortugueseNIF(id []byte) bool {
	return id[0] != '0' && (11-weigh(id, 9, 8, 7, 6, 5, 4, 3, 2)%11)%11%10 == last(id)
}

// isBSN: a number of eight digits lacks the zero before it.
func isBSN(id []byte) bool {
	return weigh(id, []int{9, 8, 7, 6, 5, 4, 3, 2, -1}[9-len(id):]...)%11 == 0
}

// isRijksregister: those born since 2000 have a 2 before the number.
func isRijksregister(id []byte) bool {
	n, check := number(id[:9]), number(id[9:])
	month := number(id[2:4]) % 20 // 20 and 40 more in numbers of non-residents
	return month <= 12 && number(id[4:6]) <= 31 && (97-n%97 == check || 97-(2000000000+n)%97 == check)
}

func isPESEL(id []byte) bool {
	return isMonthDay(number(id[2:4])%20, number(id[4:6])) && weigh(id, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0
}

func isNIP(id []byte) bool { return weigh(id, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == last(id) }

// isRodneCislo: women have 50 more in the month, full series 20 more; nine
// digits until 1953 have no check.
func isRodneCislo(id []byte) bool {
	month := number(id[2:4]) % 50
	if month > 20 {
		month -= 20
	}
	n := number(id)
	return isMonthDay(month, number(id[4:6])) && (len(id) == 9 || n%11 == 0 || n/10%11 == 10 && n%10 == 0)
}

// isPersonnummer: coordination numbers have 60 more in the day.
func isPersonnummer(id []byte) bool {
	id = id[len(id)-10:]
	return isMonthDay(number(id[2:4]), number(id[4:6])%60) && isLuhn(id)
}

// isFodselsnummer: D numbers have 40 more in the day.
func isFodselsnummer(id []byte) bool {
	return isMonthDay(number(id[2:4])%40, number(id[:2])%40) && weigh(id, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 &&
		weigh(id, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// isCPR is the date alone: since 2007 numbers are given out that fail modulus 11.
func isCPR(id []byte) bool { return isDate(id, 2, 0) }

// isHETU: without the sign of the century, or with a letter in its place.
func isHETU(id []byte) bool {
	serial := id[len(id)-4 : len(id)-1]
	if len(id) == 11 && strings.IndexByte("ABCDEFUVWXY", id[6]) < 0 {
		return false
	}
	return isDate(id, 2, 0) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[(number(id[:6])*1000+number(serial))%31] == id[len(id)-1]
}

func isPPS(id []byte) bool {
	sum := weigh(id, 8, 7, 6, 5, 4, 3, 2)
	if len(id) == 9 && id[8] != 'W' {
		sum += (valueOf(id[8]) - 9) * 9
	}
	return "WABCDEFGHIJKLMNOPQRSTUV"[sum%23] == id[7]
}

// isAHV is an EAN-13 of the country 756.
func isAHV(id []byte) bool {
	return bytes.HasPrefix(id, []byte("756")) && weigh(id, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
}

func isAustrianSVNR(id []byte) bool {
	return id[0] != '0' && isMonthDay(min(12, number(id[6:8])), number(id[4:6])) &&
		weigh(id, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11 == valueOf(id[3])
}

// isEGN: 20 more in the month before 1900, 40 more since 2000.
func isEGN(id []byte) bool {
	return isMonthDay(number(id[2:4])%20, number(id[4:6])) && weigh(id, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10 == last(id)
}

func isCNP(id []byte) bool {
	rest := weigh(id, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
	if rest == 10 {
		rest = 1
	}
	return id[0] != '0' && isDate(id, 3, 5) && rest == last(id)
}

// isSzemelyiSzam: the weights were turned round in 1997.
func isSzemelyiSzam(id []byte) bool {
	return id[0] != '0' && isDate(id, 3, 5) && (weigh(id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)%11 == last(id) ||
		weigh(id, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11 == last(id))
}

func isTAJ(id []byte) bool { return weigh(id, 3, 7, 3, 7, 3, 7, 3, 7)%10 == last(id) }

func isAdoazonosito(id []byte) bool {
	return id[0] == '8' && weigh(id, 1, 2, 3, 4, 5, 6, 7, 8, 9)%11 == last(id)
}

func isJMBG(id []byte) bool {
	return isDate(id, 2, 0) && (11-weigh(id, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11%10 == last(id)
}

// isIsikukood is that of Estonia and Lithuania: a second row of weights where
// the first gives 10.
func isIsikukood(id []byte) bool {
	rest := weigh(id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if rest == 10 {
		rest = weigh(id, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	return id[0] >= '1' && id[0] <= '8' && isDate(id, 3, 5) && rest == last(id)
}

// isPersonasKods: numbers since July 2017 start with 32 to 39 and hold no date.
func isPersonasKods(id []byte) bool {
	return (id[0] == '3' && id[1] >= '2' || isDate(id, 2, 0)) && (1+weigh(id, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9))%11%10 == last(id)
}

func isAMKA(id []byte) bool { return isDate(id, 2, 0) && isLuhn(id) }

func isAFM(id []byte) bool {
	return weigh(id, 256, 128, 64, 32, 16, 8, 4, 2)%11%10 == last(id)
}

func isKennitala(id []byte) bool {
	return isMonthDay(number(id[2:4]), number(id[:2])%40) && weigh(id, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// isLuxembourg: the last two digits are a Luhn and a Verhoeff digit, both over
// the first eleven.
func isLuxembourg(id []byte) bool {
	var d [12]byte
	copy(d[:], id[:11])
	d[11] = id[12]
	return isDate(id, 4, 6) && isLuhn(id[:12]) && isVerhoeff(d[:])
}

func isRNOKPP(id []byte) bool {
	return (11+weigh(id, -1, 5, 7, 9, 4, 6, 10, 5, 7)%11)%11%10 == last(id)
}

func isINN(id []byte) bool {
	return weigh(id, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == valueOf(id[10]) && weigh(id, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == last(id)
}

func isSNILS(id []byte) bool { return weigh(id, 9, 8, 7, 6, 5, 4, 3, 2, 1)%101%100 == number(id[9:]) }
