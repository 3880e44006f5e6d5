package classify

import "strings"

// Names get into findings, values must not. A name that came from outside (a
// member, a segment of a path, a label of a host) is shown only if it reads
// like one that a person chose. What a random generator writes does not: its
// letters do not follow each other as in words, its capitals and digits stand
// anywhere. A word that serves as a secret cannot be told from a name; where a
// detector reports it, scrub takes it out.

// follows holds, for each letter from a to z, the letters that follow it in
// words: the pairs that make up 93 % of those in the words of the Go standard
// library and the modules that leaktap is built from, and of the usual short
// forms (sql, xml, json).
var follows = [26]string{
	"bcdfgiklmnprstuvxy", "aeilorsuy", "abcdeghiklmnoprstuv", "acdefgilorsu", "abcdefgilmnopqrstuvwxy", "acdefilmoprsu",
	"aehilnorsu", "aeiort", "abcdefglmnoprstvxz", "aeosu", "aeisu", "acdeiklostuy", "abeilmopsuy", "acdefgiklnostuv",
	"abcdfgilmnoprstuvw", "acehiloprstu", "lu", "acdefgiklmnoprstuvy", "acdehiklmopqrstuwy", "acdefhilmoprstuy",
	"abcefgilmnprst", "aei", "aehior", "empt", "nps", "e",
}

const (
	// maxNameDigits is the most digits of a name: sha256, iso3166.
	maxNameDigits = 4
	// oddPairs of letters are allowed in every name, for short forms (jwt, sql),
	// and one more for every lettersPerOdd letters.
	oddPairs      = 2
	lettersPerOdd = 12
	// shortWord is the length of the shortest word that is usual in camel case.
	shortWord = 3
)

// readsAsName says whether text is worded like a name. It looks at letters and
// digits only; which signs may stand between them is the caller's to say.
func readsAsName(text []byte) bool {
	w := wording{}
	for _, c := range text {
		w.next(c)
	}
	return w.digits <= maxNameDigits && !w.scattered && w.odd <= oddPairs+w.letters/lettersPerOdd
}

// wording counts what a text is made of.
type wording struct {
	letters, digits int
	// odd counts pairs that are not to be expected: two letters that do not
	// follow each other in words, a capital behind a short word, a letter
	// behind a digit.
	odd int
	// scattered is set where one word holds digits in two places.
	scattered bool
	word      int  // letters of the word so far
	numbered  bool // the word holds digits
	last      byte
}

func (w *wording) next(c byte) {
	switch {
	case isDigit(c):
		w.digits++
		w.scattered = w.scattered || w.numbered && !isDigit(w.last)
		w.numbered = true
	case isCapital(c) && isSmall(w.last):
		if w.word < shortWord {
			w.odd++
		}
		w.letters++
		w.word, w.numbered = 1, false
	case isSmall(c), isCapital(c):
		if isDigit(w.last) || !isPair(foldByte[w.last], foldByte[c]) {
			w.odd++
		}
		w.letters++
		w.word++
	default:
		w.word, w.numbered = 0, false
	}
	w.last = c
}

// isPair says whether b follows a in words; what is no letter goes with all.
func isPair(a, b byte) bool {
	return !isSmall(a) || strings.IndexByte(follows[a-'a'], b) >= 0
}
