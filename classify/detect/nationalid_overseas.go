package detect

import (
	"bytes"
	"strings"
)

// Checks of the Americas, Asia, Oceania and Africa, as in nationalid_checks.go.

// isSSN: areas 000, 666 and 900 up, group 00 and serial 0000 were never given
// out (SSA, randomization), and two numbers became known from advertisements.
func isSSN(id []byte) bool {
	area := string(id[:3])
	return area != "000" && area != "666" && id[0] != '9' && string(id[3:5]) != "00" && string(id[5:]) != "0000" &&
		string(id) != "078051120" && string(id) != "219099999"
}

// isITIN knows the groups in use (IRS, Publication 1915).
func isITIN(id []byte) bool {
	group := number(id[3:5])
	return id[0] == '9' && group >= 50 && group != 89 && group != 93 && (group <= 65 || group >= 70)
}

func isEIN(id []byte) bool { return number(id[:2]) > 0 }

// isCPF and isCNPJ: two digits, each of all before it.
func isCPF(id []byte) bool {
	return weigh(id, 10, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == valueOf(id[9]) &&
		weigh(id, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == last(id)
}

func isCNPJ(id []byte) bool {
	return weigh(id, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == valueOf(id[12]) &&
		weigh(id, 6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == last(id)
}

func isPIS(id []byte) bool {
	return weigh(id, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == last(id)
}

// isCURP: the alphabet of the check has an Ñ between N and O.
func isCURP(id []byte) bool {
	if !isDate(id, 6, 8) || strings.IndexByte("HMX", id[10]) < 0 {
		return false
	}
	sum := 0
	for i, c := range id[:17] {
		n := valueOf(c)
		if c >= 'O' {
			n++
		}
		sum += n * (18 - i)
	}
	return (10-sum%10)%10 == last(id)
}

// isRFC is the date alone: the key of the authority is not on older numbers.
func isRFC(id []byte) bool { return isDate(id, 6, 8) }

func isCUIT(id []byte) bool {
	switch string(id[:2]) {
	case "20", "23", "24", "25", "26", "27", "30", "33", "34":
		return (11-weigh(id, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%11 == last(id)
	}
	return false
}

// isRUT: the weights 2 to 7 from the right, K for 10.
func isRUT(id []byte) bool {
	sum := 0
	for i := range len(id) - 1 {
		sum += valueOf(id[len(id)-2-i]) * (2 + i%6)
	}
	return "0K987654321"[sum%11] == id[len(id)-1]
}

func isNIT(id []byte) bool {
	weights := [...]int{3, 7, 13, 17, 19, 23, 29, 37, 41}
	sum := 0
	for i := range len(id) - 1 {
		sum += valueOf(id[len(id)-2-i]) * weights[i]
	}
	return "01987654321"[sum%11] == id[len(id)-1]
}

// isEcuadorian: the province is 01 to 24, or 30 for those registered abroad.
func isEcuadorian(id []byte) bool {
	province := number(id[:2])
	return (province >= 1 && province <= 24 || province == 30) && id[2] < '6' && isLuhn(id)
}

func isUruguayan(id []byte) bool { return weigh(id, 2, 9, 8, 7, 6, 3, 4, 1)%10 == 0 }

func isResidentID(id []byte) bool {
	year := number(id[6:10])
	return id[0] >= '1' && id[0] <= '8' && isYear(year) && isDate(id, 10, 12) && isMod112(id)
}

// isHKID: one letter counts as if a space of value 36 stood before it, A is 10
// for a check digit.
func isHKID(id []byte) bool {
	sum := 36 * 9
	if len(id) == 9 {
		sum, id = valueOf(id[0])*9, id[1:]
	}
	sum += weigh(id, 8, 7, 6, 5, 4, 3, 2)
	check := last(id)
	return check <= 10 && (sum+check)%11 == 0
}

// isTaiwanID: letters count as 10 to 35 in an order of their own; the second
// character is the sex, 8 and 9 for residents since 2021.
func isTaiwanID(id []byte) bool {
	n := strings.IndexByte("ABCDEFGHJKLMNPQRSTUVXYWZIO", id[0]) + 10
	return strings.IndexByte("1289", id[1]) >= 0 && (n/10+n%10*9+weigh(id[1:], 8, 7, 6, 5, 4, 3, 2, 1, 1))%10 == 0
}

// isRRN: numbers given out since October 2020 have no check digit.
func isRRN(id []byte) bool {
	return isDate(id, 2, 4) && id[6] != '9' && (11-weigh(id, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11)%10 == last(id)
}

func isMyNumber(id []byte) bool {
	rest := weigh(id, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	if rest <= 1 {
		return id[11] == '0'
	}
	return 11-rest == last(id)
}

// isNRIC: the series has its own letters; T and G count 4 more, M 3 more.
func isNRIC(id []byte) bool {
	sum := weigh(id[1:], 2, 7, 6, 5, 4, 3, 2)
	switch id[0] {
	case 'S':
		return "JZIHGFEDCBA"[sum%11] == id[8]
	case 'T':
		return "JZIHGFEDCBA"[(sum+4)%11] == id[8]
	case 'F':
		return "XWUTRQPNMLK"[sum%11] == id[8]
	case 'G':
		return "XWUTRQPNMLK"[(sum+4)%11] == id[8]
	case 'M':
		return "KLJNPQRTUWX"[10-(sum+3)%11] == id[8]
	}
	return false
}

func isThaiID(id []byte) bool {
	return id[0] != '0' && id[0] != '9' && (11-weigh(id, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%10 == last(id)
}

// isMyKad, isNIK: a date, and no check digit. Women have 40 more in the day.
func isMyKad(id []byte) bool { return isDate(id, 2, 4) }

func isNIK(id []byte) bool {
	return id[0] != '0' && isMonthDay(number(id[8:10]), number(id[6:8])%40)
}

func isAadhaar(id []byte) bool { return id[0] >= '2' && isVerhoeff(id) }

// isIndianPAN: the fourth letter is the kind of holder.
func isIndianPAN(id []byte) bool { return strings.IndexByte("ABCEFGHJLPT", id[3]) >= 0 }

func isTCKN(id []byte) bool {
	return id[0] != '0' && weigh(id, 7, 9, 7, 9, 7, 9, 7, 9, 7)%10 == valueOf(id[9]) &&
		weigh(id, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)%10 == last(id)
}

func isIIN(id []byte) bool {
	rest := weigh(id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) % 11
	if rest == 10 {
		rest = weigh(id, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2) % 11
	}
	return isDate(id, 2, 4) && rest == last(id)
}

func isSaudiID(id []byte) bool { return (id[0] == '1' || id[0] == '2') && isLuhn(id) }

func isEmiratesID(id []byte) bool { return bytes.HasPrefix(id, []byte("784")) && isLuhn(id) }

// isEgyptianID is century and date; the check digit is not published.
func isEgyptianID(id []byte) bool { return (id[0] == '2' || id[0] == '3') && isDate(id, 3, 5) }

// isSouthAfricanID: the eleventh digit is the citizenship.
func isSouthAfricanID(id []byte) bool { return isDate(id, 2, 4) && id[10] <= '2' && isLuhn(id) }

func isTFN(id []byte) bool { return weigh(id, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0 }

// isIRD: a second row of weights where the first gives 10 (Inland Revenue,
// resident withholding tax specification).
func isIRD(id []byte) bool {
	if n := number(id); n < 10000000 || n > 150000000 {
		return false
	}
	d := []byte("000000000")
	copy(d[9-len(id):], id)
	check := (11 - weigh(d, 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
	if check == 10 {
		check = (11 - weigh(d, 7, 4, 3, 2, 5, 2, 7, 6)%11) % 11
	}
	return check == last(d)
}
