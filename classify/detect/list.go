package detect

import (
	"regexp"
	"slices"

	"github.com/leaktap/leaktap/classify"
)

// All returns every detector in order of precedence: of two exclusive rules
// that match the same bytes, the first reports them. So exact formats stand
// before names, and names before shapes.
func All(v *Vocabulary) []classify.Detector {
	f := newTokenFinder(v)
	return []classify.Detector{
		privateKey(),
		connectionString(),
		inRows(passwordHash()),
		signedURL(),
		inRows(tokenInLog(f), bearerClasses...),
		tokenInURL(f),
		vendorToken(f),
		tokenInScript(f),
		tokenInBody(f),
		debuggerSecret(),
		configSecret(),
		plainPassword(),
		inRows(secretField(v)),
		inRows(inPairs(cardNumber())),
		cardVerification(),
		inPairs(iban()),
		inRows(inPairs(nationalID())),
		inRows(inPairs(health())),
		inRows(inPairs(bankAccount())),
		email(),
		inRows(inPairs(phone())),
		inRows(inPairs(birthDate())),
		inRows(inPairs(postalAddress())),
		privilegeField(),
		internalID(),
		pythonTrace(),
		javaTrace(),
		nodeTrace(),
		goTrace(),
		dotnetTrace(),
		phpTrace(),
		rubyTrace(),
		rustTrace(),
		elixirTrace(),
		nativeTrace(),
		otherTrace(),
		debugPage(),
		directoryListing(),
		debugPayload(),
		debugEndpoint(),
		environmentDump(),
		sqlError(),
		sqlStatement(),
		sourcePath(),
		internalHost(),
		suggestionOracle(),
		versionHeader(),
		weakToken(),
		sensitiveClaim(),
		secretEcho(),
		invalidTokenAccepted(),
		malformedAuthError(),
		cookieFlags(),
		cleartextToken(),
		cacheableToken(),
		structuredTrace(),
		overexposedList(),
		responseBodyInLog(),
		inconsistentItems(),
		massAssignment(),
	}
}

// also makes a detector be asked about more, which handles takes; what it does not take goes on to
// the detector.
func also(d classify.Detector, more classify.Trigger, handles func(c *classify.Candidate) bool) classify.Detector {
	rule := *d.Rule()
	rule.On.Fields = slices.Concat(rule.On.Fields, more.Fields)
	rule.On.Anchors = slices.Concat(rule.On.Anchors, more.Anchors)
	return &detector{rule, func(c *classify.Candidate) {
		if !handles(c) {
			d.Detect(c)
		}
	}}
}

// detector ties a rule to its code.
type detector struct {
	rule   classify.Rule
	detect func(*classify.Candidate)
}

// Rule returns the rule.
func (d *detector) Rule() *classify.Rule { return &d.rule }

// Detect judges one candidate.
func (d *detector) Detect(c *classify.Candidate) { d.detect(c) }

// The parts of an exchange that rules are usually limited to.
func inResponse() []classify.Where {
	return []classify.Where{classify.InResponseHeader, classify.InResponseBody}
}

func inResponseBody() []classify.Where { return []classify.Where{classify.InResponseBody} }

// matchAt matches an expression that starts with ^ at the candidate, within max
// bytes; it returns the end of the match and of its first group.
func matchAt(re *regexp.Regexp, c *classify.Candidate, limit int) (end, group int, ok bool) {
	loc := re.FindSubmatchIndex(c.Text[c.Lo:min(len(c.Text), c.Lo+limit)])
	if loc == nil {
		return 0, 0, false
	}
	end = c.Lo + loc[1]
	if len(loc) > 3 && loc[3] > 0 {
		group = loc[3]
	}
	return end, group, true
}

// freeBefore says whether the byte before the candidate ends no longer word, so
// that the candidate starts one.
func freeBefore(c *classify.Candidate) bool {
	return c.Lo == 0 || !isWordByte(c.Text[c.Lo-1])
}

func isWordByte(b byte) bool { return wordByte[b] }

// wordByte is a table, because in tokens each next byte is of another kind: a processor that
// guesses which guesses wrong.
var wordByte = func() (t [256]bool) {
	for b := range t {
		t[b] = isLetter(byte(b)) || isDigit(byte(b)) || b == '_'
	}
	return t
}()
