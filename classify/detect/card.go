package detect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func cardNumber() classify.Detector {
	return &detector{classify.Rule{
		ID: "card-number", Category: classify.CategoryFinancial, Severity: classify.High, Exclusive: true,
		Title: "A payment card number is exposed",
		Why:   "A full card number may neither be shown nor stored in clear (PCI DSS 3.4 and 3.5); it buys goods elsewhere.",
		Fix:   "Return and log the last four digits at most; keep the number at the payment service and use its token.",
		FalsePositives: "The number needs a valid check digit, an issuer's range and length, and a name or neighbour that speaks of a card; " +
			"order numbers, clocks and ids that pass the check digit stay silent. Numbers that payment services publish for tests are " +
			"reported with low confidence: where they show, a customer's would, too.",
		CWE: []string{"CWE-359", "CWE-312"}, OWASP: []string{"API3:2023"},
		On: classify.Trigger{Digits: minCard, Fields: []string{"card-number"}},
	}, func(c *classify.Candidate) {
		if onTheWay(c) || c.Where == classify.InURL && c.Key == nil || c.Lo > 0 && isLetter(c.Text[c.Lo-1]) {
			return
		}
		var d [maxCard]byte
		lo, hi, digits := cardIn(c, &d)
		if hi == 0 {
			return
		}
		m := classify.Match{Lo: lo, Hi: hi}
		switch {
		case c.Field == "card-number":
			m.Confidence = classify.HighConfidence
		case c.Field == "iban", c.Field != "" && c.Lo == 0: // it stands under another telling name
			return
		case !isCardPlace(c, lo, hi), isCitedCard(c, digits):
			return
		}
		if isTestCard(digits) || !isIssuer(digits) {
			m.Severity, m.Confidence = classify.Medium, classify.LowConfidence
		}
		c.Report(m)
	}}
}

const (
	// ISO/IEC 7812-1 allows up to 19 digits; Maestro issues from 12 on.
	minCard, maxCard = 12, 19
	// maxSigns is the most signs between the groups of a printed number.
	maxSigns = 4
)

// cardGroups are the groups in which cards are printed.
var cardGroups = [][]int{{4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 4, 3}}

// cardIn finds a card number in a run of digits and separators, in one piece or
// in groups.
func cardIn(c *classify.Candidate, d *[maxCard]byte) (lo, hi int, digits []byte) {
	for lo = c.Lo; lo < c.Hi; {
		first := len(leadingDigits(c.Text[lo:c.Hi]))
		if digits = cardAt(c, lo, lo+first, d); digits != nil {
			return lo, lo + first, digits
		}
		if first == 4 {
			for _, sizes := range cardGroups {
				end := groupsEnd(c.Text[:c.Hi], lo, sizes)
				if digits = cardAt(c, lo, end, d); digits != nil {
					return lo, end, digits
				}
			}
		}
		lo += first + 1
	}
	return 0, 0, nil
}

// cardAt returns the digits of the card number that stands at [lo,hi), or nil.
func cardAt(c *classify.Candidate, lo, hi int, d *[maxCard]byte) []byte {
	if hi-lo < minCard || hi-lo > maxCard+maxSigns || isTouched(c, lo, hi) {
		return nil
	}
	digits := d[:0]
	for _, b := range c.Text[lo:hi] {
		if isDigit(b) {
			if len(digits) == maxCard {
				return nil
			}
			digits = append(digits, b)
		}
	}
	if isCard(digits) || c.Field == "card-number" && isCardLike(digits) {
		return digits
	}
	return nil
}

// groupsEnd returns the end of groups of those sizes that start at lo, one and
// the same sign between them, or lo.
func groupsEnd(run []byte, lo int, sizes []int) int {
	at := lo
	for n, size := range sizes {
		if n > 0 {
			sign := run[lo+sizes[0] : min(lo+sizes[0]+1, len(run))]
			if at >= len(run) || !bytes.Equal(sign, run[at:at+1]) || sign[0] != ' ' && sign[0] != '-' {
				return lo
			}
			at++
		}
		if len(leadingDigits(run[at:])) != size {
			return lo
		}
		at += size
	}
	return at
}

// isTouched says whether the number is part of a longer word, of a fraction, or
// of more groups of digits.
func isTouched(c *classify.Candidate, lo, hi int) bool {
	if lo > 0 && (isWordByte(c.Text[lo-1]) || c.Text[lo-1] == '.' || c.Text[lo-1] == '-' && (lo == 1 || isDigit(c.Text[lo-2]))) {
		return true
	}
	return hi < len(c.Text) && (isWordByte(c.Text[hi]) || hi+1 < len(c.Text) && strings.IndexByte(".-", c.Text[hi]) >= 0 && isDigit(c.Text[hi+1]))
}

// isCard checks issuer, length and check digit (ISO/IEC 7812-1).
func isCard(d []byte) bool {
	return len(d) >= minCard && isIssuer(d) && isLuhn(d) && !isMadeUp(d)
}

// isCardLike matches numbers of issuers that are not in the table, for values
// under the name of a card.
func isCardLike(d []byte) bool {
	return (len(d) == 15 || len(d) == 16) && d[0] != '0' && isLuhn(d) && !isMadeUp(d)
}

// issuers are the ranges of the first six digits that the card schemes publish,
// with the lengths of their numbers.
var issuers = []struct{ first, last, short, long int }{
	{400000, 499999, 13, 13}, {400000, 499999, 16, 16}, {400000, 499999, 19, 19}, // Visa
	{510000, 559999, 16, 16}, {222100, 272099, 16, 16}, // Mastercard
	{340000, 349999, 15, 15}, {370000, 379999, 15, 15}, // American Express
	{352800, 358999, 16, 19}, {180000, 180099, 15, 15}, {213100, 213199, 15, 15}, // JCB
	{360000, 369999, 14, 19}, {300000, 305999, 14, 19}, {309500, 309599, 14, 19}, {380000, 399999, 14, 19}, // Diners Club
	{601100, 601199, 16, 19}, {644000, 659999, 16, 19}, // Discover, and RuPay, Elo in 65
	{620000, 629999, 16, 19}, {810000, 817199, 16, 19}, // UnionPay
	{500000, 509999, 12, 19}, {560000, 589999, 12, 19}, {630000, 639999, 12, 19}, {670000, 679999, 12, 19}, // Maestro, and Elo, Verve, Dankort, RuPay in 50
	{220000, 220499, 16, 19},                           // Mir
	{606282, 606282, 16, 16}, {607000, 608999, 16, 16}, // Hipercard, RuPay
	{820000, 829999, 16, 16}, // RuPay
	{979200, 979299, 16, 16}, // Troy
	{986000, 986099, 16, 16}, // Humo
	{860000, 860099, 16, 16}, // Uzcard
}

func isIssuer(d []byte) bool {
	six := number(d[:6])
	for _, r := range issuers {
		if r.first <= six && six <= r.last && r.short <= len(d) && len(d) <= r.long {
			return true
		}
	}
	return false
}

// testCards are numbers that payment services publish for tests (Stripe,
// Adyen, Braintree, PayPal and the schemes themselves).
var testCards = []string{
	"2223003122003222", "2223000048400011", "30569309025904", "3056930009020004", "3530111333300000", "3566002020360505", "36227206271667", "36700102000000",
	"371449635398431", "378282246310005", "378734493671000", "38520000023237", "4000000000000002", "4000056655665556", "4012888888881881", "4111111111111111",
	"4111111145551142", "4222222222222", "4242424242424242", "5105105105105100", "5200828282828210", "5431111111111111", "5454545454545454",
	"5555555555554444", "5555341244441115", "6011000990139424", "6011000000000004", "6011111111111117", "6011601160116611", "6200000000000005", "6759649826438453",
}

// isCitedCard says whether a text that people wrote only shows what a number looks like.
func isCitedCard(c *classify.Candidate, digits []byte) bool {
	return isTestCard(digits) && (inProse(c) || isCited(c))
}

func isTestCard(digits []byte) bool { return slices.Contains(testCards, string(digits)) }

// isCardPlace says whether what stands around a number tells that it is a card:
// the names it stands under, or the nearest word before it in the text. Digits
// in the groups of a card need less.
func isCardPlace(c *classify.Candidate, lo, hi int) bool {
	if c.Kind == classify.Number && lo > 0 { // the document as a whole is asked for
		return true
	}
	if isOnTrack(c.Text, lo, hi) || isISO8583(c.Text[:lo]) {
		return true
	}
	before := c.Text[max(0, lo-maxNear):lo]
	card, other := nearest(before)
	switch {
	case bytes.ContainsAny(c.Text[lo:hi], " -"):
		return card >= other
	case hi-lo < 14 || hi-lo > 16: // few cards have that length, many ids
		return false
	case card >= 0:
		return card > other && isCloseGap(bytes.TrimLeft(before[card:], " \""))
	}
	return other < 0 && (lo == 0 && (isCardName(c.Key) || isCardParent(c) || besideVerification(c)) || isBrand(c.Text[hi:min(len(c.Text), hi+12)]))
}

// isOnTrack says whether a number stands as on the magnetic stripe of a card (ISO/IEC 7813, track
// 2): behind a semicolon, and before an equals sign, the expiry, the service code and more.
func isOnTrack(text []byte, lo, hi int) bool {
	const expiryAndCode = 7
	return lo > 0 && text[lo-1] == ';' && hi < len(text) && text[hi] == '=' && len(leadingDigits(text[hi+1:])) >= expiryAndCode
}

// isISO8583 says whether the text before a number names field 2 of a financial message, the
// primary account number (ISO 8583).
func isISO8583(before []byte) bool {
	for _, name := range []string{"DE2=", "DE02=", "DE002=", "F2=", "F02=", "F002="} {
		if rest, ok := bytes.CutSuffix(before, []byte(name)); ok {
			return len(rest) == 0 || !isWordByte(rest[len(rest)-1])
		}
	}
	return false
}

// maxGap is how far behind its word a card number in one piece may stand.
const maxGap = 24

// isCloseGap says whether what stands between a word for a card, with which text
// starts, and a number lets them belong together: words, or signs and "number";
// the name of another field does not.
func isCloseGap(text []byte) bool {
	gap := text[len(leadingLetters(text)):]
	if len(gap) > maxGap || bytes.ContainsAny(gap, "0123456789") {
		return false
	}
	if !bytes.ContainsAny(gap, "=:_\"") {
		return true
	}
	switch word, n := lowerWord(bytes.Trim(gap, " =:_\"'{[\\")); string(word[:n]) {
	case "", "number", "no", "num", "nr", "pan":
		return true
	}
	return false
}

// isCardName knows names of members that hold a card, beside those of the
// vocabulary.
func isCardName(key []byte) bool {
	var buf [maxNear]byte
	lower := lowered(buf[:], key)
	for _, end := range []string{"card", "cards", "card_data", "carddata", "card_info", "cardinfo", "card_value"} {
		if bytes.HasSuffix(lower, []byte(end)) {
			return true
		}
	}
	return false
}

// maxNear is how far before a number a word for it may be, in bytes.
const maxNear = 48

// cardWords speak of cards and payments where they stand before a number;
// otherWords of numbers that are no cards.
var cardWords = []string{
	"card", "visa", "mastercard", "amex", "american express", "maestro", "diners", "unionpay", "rupay", " pan ", " pan:", " pan=", "\"pan\"", " cc ", " cc:", " cc=",
	"ccnum", "cvv", "cvc", "kreditkarte", "karte", "tarjeta", "carte", "cartão", "cartao",
}

var otherWords = []string{
	"order", "invoice", "track", "serial", "imei", "isbn", "sku", "ean", "phone", "block", "_id", "id\"", "id=", "id:", " id ", "version", "account", "ticket",
	"parcel", "shipment", "transaction", "txn", "trace", "span", "request", "timestamp", "nonce", "ref", "offset", "hash", "barcode", "gtin", "iccid",
	"batch", "uuid", "session", "token", "discard", "cardinal", "ts_", "nano", "time",
}

// nearest returns where the last card word and the last other word of a short text
// end, -1 where there is none; "discard" and "card" end at one place.
func nearest(text []byte) (card, other int) {
	var buf [maxNear]byte
	lower := lowered(buf[:], text)
	return lastOf(lower, cardWords), lastOf(lower, otherWords)
}

func lastOf(text []byte, words []string) int {
	last := -1
	for _, w := range words {
		if i := bytes.LastIndex(text, []byte(w)); i >= 0 {
			last = max(last, i+len(w))
		}
	}
	return last
}

// isBrand matches a scheme's name right behind a number.
func isBrand(text []byte) bool {
	var buf [12]byte
	lower := lowered(buf[:], text)
	for _, name := range []string{"visa", "master", "amex", "maestro", "unionpay"} {
		if bytes.Contains(lower, []byte(name)) {
			return true
		}
	}
	return false
}

// isCardParent says whether a member called number or the like belongs to an
// object that is called a card.
func isCardParent(c *classify.Candidate) bool {
	switch word, n := lowerWord(c.Key); string(word[:n]) {
	case "number", "num", "no", "value", "digits", "full", "raw", "account", "nummer", "numero", "nr":
		parent := c.Parent()
		card, other := nearest([]byte(parent[max(0, len(parent)-maxNear):]))
		return card > other
	}
	return false
}

// besideVerification says whether a member called number stands in an object with the other
// parts of a card.
func besideVerification(c *classify.Candidate) bool {
	if !equalFold(c.Key, "number") && !equalFold(c.Key, "nummer") && !equalFold(c.Key, "numero") || inPair(c) {
		return false
	}
	before, behind := c.Around(besideBytes)
	before = before[bytes.LastIndexByte(before, '{')+1:]
	behind = behind[:indexOrEnd(behind, "}")]
	return holdsAny(before, cardParts) || holdsAny(behind, cardParts)
}

// cardParts are names of what payment services ask for beside the number of a card.
var cardParts = []string{"cvv", "cvc", "securitycode", "security_code", "exp_month", "expmonth", "exp_year", "expiry", "expiration", "cardholder", "card_holder"}

func cardVerification() classify.Detector {
	return &detector{classify.Rule{
		ID: "card-verification", Category: classify.CategoryFinancial, Severity: classify.High, Exclusive: true,
		Title:          "The verification code of a payment card is exposed",
		Why:            "Verification codes must not be stored after authorization, not even encrypted (PCI DSS 3.3.1.2); with the number they pay online.",
		Fix:            "Do not store, return or log the code; hand it to the payment service and forget it.",
		FalsePositives: "Three or four digits under the exact name of such a code; results of its check and masked codes stay silent.",
		CWE:            []string{"CWE-312", "CWE-359"}, OWASP: []string{"API3:2023"},
		On: classify.Trigger{Fields: []string{"cvv"}},
	}, func(c *classify.Candidate) {
		v := bytes.TrimSpace(c.Value())
		if onTheWay(c) || c.Kind != classify.String && c.Kind != classify.Number || len(v) < 3 || len(v) > 4 || len(leadingDigits(v)) < len(v) {
			return
		}
		m := classify.Match{Lo: c.Lo, Hi: c.Hi, Show: strings.Repeat("•", 3)}
		switch string(v) {
		case "000", "0000":
			return
		case "123", "1234":
			m.Confidence = classify.LowConfidence
		}
		c.Report(m)
	}}
}

// leadingDigits returns the digits that v starts with.
func leadingDigits(v []byte) []byte {
	n := 0
	for n < len(v) && isDigit(v[n]) {
		n++
	}
	return v[:n]
}
