package detect

// The arithmetic of check digits. A number is given as its digits and capital
// letters without separators, of the length that its form prescribes.

// valueOf reads a digit as 0 to 9 and a capital letter as 10 to 35.
func valueOf(c byte) int {
	if isDigit(c) {
		return int(c - '0')
	}
	return int(c-'A') + 10
}

// weigh adds up the first characters, each times its weight.
func weigh(id []byte, weights ...int) (sum int) {
	for i, w := range weights {
		sum += w * valueOf(id[i])
	}
	return sum
}

// number reads digits as a number.
func number(digits []byte) (n int) {
	for _, c := range digits {
		n = n*10 + valueOf(c)
	}
	return n
}

// last returns the value of the last character.
func last(id []byte) int { return valueOf(id[len(id)-1]) }

// isLuhn checks the last digit by the formula of ISO/IEC 7812-1, annex B.
func isLuhn(d []byte) bool { return luhnSum(d)%10 == 0 }

func luhnSum(d []byte) (sum int) {
	for i := range d { // from the right
		n := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return sum
}

// isMod1110 checks the last digit by ISO/IEC 7064, MOD 11,10.
func isMod1110(d []byte) bool {
	rest := 10
	for _, c := range d[:len(d)-1] {
		rest = (rest + valueOf(c)) % 10
		if rest == 0 {
			rest = 10
		}
		rest = rest * 2 % 11
	}
	return (rest+last(d))%10 == 1
}

// isMod112 checks the last character, X for 10, by ISO/IEC 7064, MOD 11-2.
func isMod112(d []byte) bool {
	rest := 0
	for _, c := range d[:len(d)-1] {
		rest = (rest + valueOf(c)) * 2 % 11
	}
	check := last(d)
	if d[len(d)-1] == 'X' {
		check = 10
	}
	return (rest+check)%11 == 1
}

// The tables of Verhoeff, "Error Detecting Decimal Codes" (1969): the product of
// the dihedral group D5 and the powers of its permutation.
var dihedral = [10]string{
	"0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
	"5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
}

var permuted = [8]string{
	"0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
}

// isVerhoeff checks the last digit.
func isVerhoeff(d []byte) bool {
	sum := byte(0)
	for i := range d {
		next := permuted[i%8][d[len(d)-1-i]-'0']
		sum = dihedral[sum][next-'0'] - '0'
	}
	return sum == 0
}

// isMod97 moves the first four characters to the end, reads letters as 10 to
// 35, and wants the remainder 1 (ISO 13616, ISO/IEC 7064 MOD 97-10).
func isMod97(v []byte) bool {
	rest := 0
	for i := range v {
		n := valueOf(v[(i+4)%len(v)])
		if n > 9 {
			rest *= 10
		}
		rest = (rest*10 + n) % 97
	}
	return rest == 1
}

// isDate says whether two digits each at those offsets are a month and a day.
func isDate(id []byte, month, day int) bool {
	return isMonthDay(number(id[month:month+2]), number(id[day:day+2]))
}

func isMonthDay(month, day int) bool {
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	switch month {
	case 2:
		return day <= 29
	case 4, 6, 9, 11:
		return day <= 30
	}
	return day <= 31
}

// isMadeUp says whether the digits are all the same or count up or down:
// placeholders, which pass some checks. Fewer than five digits tell nothing.
func isMadeUp(v []byte) bool {
	same, up, down := true, true, true
	before, digits := -1, 0
	for _, c := range v {
		if !isDigit(c) {
			continue
		}
		n := int(c - '0')
		digits++
		if before >= 0 {
			same = same && n == before
			up = up && n == (before+1)%10
			down = down && n == (before+9)%10
		}
		before = n
	}
	return digits >= 5 && (same || up || down)
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
