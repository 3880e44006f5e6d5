package detect

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

func nationalID() classify.Detector {
	rule := personalRule("pii-national-id", "A national identity number is exposed",
		"A value needs the name of such a number, or a word for it close by in the text, and the number's form; where a check digit is "+
			"published it decides. Masked values, runs such as 123456789, order numbers and clocks stay silent.",
		classify.High, classify.Trigger{})
	rule.Why = "Identity numbers cannot be changed; with name and birth date they open accounts and credit in the person's name."
	return newIDDetector(rule, nationalIDs, byName{
		"national-id": isIdentifier, "passport": isIdentifier, "driver-license": isIdentifier,
	}, machineReadable)
}

// idDetector finds numbers of a table of kinds.
type idDetector struct {
	detector
	byClass, byWord map[string][]*idKind
	names           byName
	// other is asked for anchors that no kind has.
	other func(*classify.Candidate)
}

// byName holds what is asked of values for which no table of kinds exists, by
// the class of their name.
type byName map[string]func(value []byte) bool

// newIDDetector makes the detector of a table.
func newIDDetector(rule classify.Rule, kinds []idKind, names byName, other func(*classify.Candidate)) classify.Detector {
	d := &idDetector{byClass: map[string][]*idKind{}, byWord: map[string][]*idKind{}, names: names, other: other}
	for i := range kinds {
		k := &kinds[i]
		for class := range strings.FieldsSeq(k.classes) {
			if d.byClass[class] == nil {
				rule.On.Fields = append(rule.On.Fields, class)
			}
			d.byClass[class] = append(d.byClass[class], k)
		}
		for _, w := range k.words {
			if d.byWord[w] == nil {
				rule.On.Words = append(rule.On.Words, w)
			}
			d.byWord[w] = append(d.byWord[w], k)
		}
	}
	for _, class := range slices.Sorted(maps.Keys(names)) {
		if d.byClass[class] == nil {
			rule.On.Fields = append(rule.On.Fields, class)
		}
	}
	if other != nil {
		rule.On.Anchors = []string{zoneStart}
	}
	d.rule, d.detect = rule, d.judge
	return d
}

func (d *idDetector) judge(c *classify.Candidate) {
	if contactSeverity(c) == 0 {
		return
	}
	if c.Anchor == "" {
		d.underName(c)
	} else if kinds := d.byWord[c.Anchor]; kinds != nil {
		d.nearWord(c, kinds)
	} else if d.other != nil {
		d.other(c)
	}
}

// underName judges a value under a telling name.
func (d *idDetector) underName(c *classify.Candidate) {
	if c.Kind != classify.String && c.Kind != classify.Number || c.Hi-c.Lo > 512 {
		return
	}
	m, found := classify.Match{}, false
	for _, k := range d.byClass[c.Field] {
		lo, hi, valid := k.value(c)
		if hi == 0 || found && !valid {
			continue
		}
		m, found = classify.Match{Lo: lo, Hi: hi, Severity: k.severity, Confidence: classify.LowConfidence}, true
		if valid {
			m.Confidence = classify.HighConfidence
			break
		}
	}
	if is := d.names[c.Field]; !found && is != nil && is(c.Value()) {
		m, found = classify.Match{Lo: c.Lo, Hi: c.Hi}, true
	}
	if found {
		c.Report(m)
	}
}

// value reads the whole value as a number of the kind; in running text a value
// without quotes may go on behind a space.
func (k *idKind) value(c *classify.Candidate) (lo, hi int, valid bool) {
	lo, end := c.Lo, c.Hi
	for lo < end && c.Text[lo] == ' ' {
		lo++
	}
	for end > lo && strings.IndexByte(" .)", c.Text[end-1]) >= 0 {
		end--
	}
	for rest := k.forms; rest != ""; {
		var form string
		form, rest, _ = strings.Cut(rest, " ")
		id, n := readForm(c.Text, lo, form)
		if n < end || end == lo {
			continue
		}
		if valid := k.holds(id, len(form)); valid || !k.strict && !isMadeUp(id[:len(form)]) {
			return lo, n, valid
		}
	}
	return 0, 0, false
}

const (
	// maxID is the length of the longest form.
	maxID = 24
	// ahead and behind are how far from its word a number may be, in bytes.
	ahead, behind = 48, 28
	// maxGroups is the most separators in a number in running text: more make
	// it a list of numbers.
	maxGroups = 6
)

// nearWord looks for a number of the kinds close to a word for it.
func (d *idDetector) nearWord(c *classify.Candidate, kinds []*idKind) {
	if !freeBefore(c) {
		return
	}
	lo, hi := phrase(c.Text, c.Lo, c.Hi)
	for i := lo; i < hi; i++ {
		if i > 0 && isWordByte(c.Text[i-1]) || !isWordByte(c.Text[i]) {
			continue
		}
		for _, k := range kinds {
			if end := k.in(c.Text, i); end > 0 && (end <= c.Lo || i >= c.Hi && !isOther(c.Text[c.Hi:i], c.Text[i:end])) {
				c.Report(classify.Match{Lo: i, Hi: end, Severity: k.severity})
				return
			}
		}
	}
}

// isOther says whether a word for some other number stands before a number that
// has no groups of its own.
func isOther(between, number []byte) bool {
	_, other := nearest(between)
	return other >= 0 && !bytes.ContainsAny(number, " -./")
}

// phrase is the text around a word up to the next sign that ends a thought.
func phrase(text []byte, lo, hi int) (from, to int) {
	from, to = max(0, lo-behind), min(len(text), hi+ahead)
	if i := bytes.LastIndexAny(text[from:lo], phraseEnds); i >= 0 {
		from += i + 1
	}
	if i := bytes.IndexAny(text[hi:to], phraseEnds); i >= 0 {
		to = hi + i
	}
	return from, to
}

const phraseEnds = "\n\r;{}&|"

// in reads a number of the kind that starts at lo in running text; it returns
// its end, or 0.
func (k *idKind) in(text []byte, lo int) int {
	for rest := k.forms; rest != ""; {
		var form string
		form, rest, _ = strings.Cut(rest, " ")
		id, end := readForm(text, lo, form)
		if end > 0 && end-lo-len(form) <= maxGroups && k.check != nil && k.holds(id, len(form)) {
			return end
		}
	}
	return 0
}

// holds says whether a number of that length may have been given out.
func (k *idKind) holds(id [maxID]byte, n int) bool {
	return !isMadeUp(id[:n]) && (k.check == nil || k.check(id[:n]))
}

// readForm reads a number of a form and ends behind it, or at 0. Letters come
// back as capitals.
func readForm(text []byte, lo int, form string) (id [maxID]byte, end int) {
	i := lo
	for n := range len(form) {
		if n > 0 && i < len(text) && strings.IndexByte(" -./(", text[i]) >= 0 {
			i++
		}
		if i == len(text) {
			return id, 0
		}
		if id[n] = upper(text[i]); !isOfForm(id[n], form[n]) {
			return id, 0
		}
		i++
	}
	if i < len(text) && text[i] == ')' && bytes.IndexByte(text[lo:i], '(') >= 0 {
		i++
	}
	if i < len(text) && (isWordByte(text[i]) || i+1 < len(text) && strings.IndexByte("-./", text[i]) >= 0 && isDigit(text[i+1])) {
		return id, 0
	}
	return id, i
}

// isOfForm says whether a character may stand at a place of a form.
func isOfForm(c, form byte) bool {
	switch form {
	case '9':
		return isDigit(c)
	case 'A':
		return isUpper(c)
	}
	return isDigit(c) || isUpper(c)
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c &^= 0x20
	}
	return c
}

// isIdentifier asks for 6 to 20 letters and digits, at least half of them
// digits, as identity cards, licences and passports have them.
func isIdentifier(v []byte) bool {
	s := shapeOf(v)
	return only(v, " -./") && (s.digits >= 6 || s.digits == 5 && s.letters() > 0) && s.digits >= s.letters() && s.digits+s.letters() <= 20 && !isMadeUp(v) && !isDay(v)
}

// zoneStart starts the machine-readable zone of a passport.
const zoneStart = "P<"

// zoneLine is the length of each of the zone's two lines.
const zoneLine = 44

// machineReadable finds the second line of a passport's machine-readable zone
// (ICAO Doc 9303 part 4): 44 characters, in which number, birth date and expiry
// have check digits with the weights 7, 3, 1.
func machineReadable(c *classify.Candidate) {
	lo := c.Lo + zoneLine
	if lo > len(c.Text) || !isZoneText(c.Text[c.Lo:lo]) {
		return
	}
	for lo < len(c.Text) && strings.IndexByte("\r\n\\ ", c.Text[lo]) >= 0 {
		lo++
	}
	if lo < len(c.Text) && c.Text[lo] == 'n' && c.Text[lo-1] == '\\' {
		lo++ // a line feed that is still escaped
	}
	if lo+zoneLine > len(c.Text) {
		return
	}
	if line := c.Text[lo : lo+zoneLine]; isZone(line) {
		c.Report(classify.Match{Lo: lo, Hi: lo + zoneLine, Confidence: classify.HighConfidence})
	}
}

func isZoneText(line []byte) bool {
	for _, c := range line {
		if !isDigit(c) && !isUpper(c) && c != '<' {
			return false
		}
	}
	return true
}

func isZone(line []byte) bool {
	return isZoneText(line) && isZoneSum(line[:10]) && isZoneSum(line[13:20]) && isZoneSum(line[21:28])
}

// isZoneSum checks the last digit of a field; a filler counts as 0.
func isZoneSum(field []byte) bool {
	sum, end := 0, len(field)-1
	for i, c := range field[:end] {
		if c != '<' {
			sum += valueOf(c) * [...]int{7, 3, 1}[i%3]
		}
	}
	return isDigit(field[end]) && sum%10 == valueOf(field[end])
}
