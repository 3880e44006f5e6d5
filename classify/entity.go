package classify

import (
	"bytes"
	"strings"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// quoteEntities are how HTML writes a quotation mark or an apostrophe in text (HTML, section
// 13.1.4): by name, and by number as the escapers of Go, Python, PHP and Ruby do.
var quoteEntities = []string{"&quot;", "&#34;", "&#39;", "&#x27;", "&#x22;", "&#039;", "&apos;"}

// QuoteEntity returns the length of the quotation mark in HTML's writing that a text starts
// with, 0 if it starts with none.
func QuoteEntity(text []byte) int {
	if len(text) == 0 || text[0] != '&' {
		return 0
	}
	for _, e := range quoteEntities {
		if bytes.HasPrefix(text, []byte(e)) {
			return len(e)
		}
	}
	return 0
}

// QuoteEntityBefore returns the length of the quotation mark in HTML's writing that a text
// ends with, 0 if it ends with none.
func QuoteEntityBefore(text []byte) int {
	if n := len(text); n < len("&#34;") || text[n-1] != ';' {
		return 0
	}
	for _, e := range quoteEntities {
		if bytes.HasSuffix(text, []byte(e)) {
			return len(e)
		}
	}
	return 0
}

// inEntities returns what stands between a quotation mark in HTML's writing, behind which
// offset lo is, and the next one.
func inEntities(text []byte, lo int, mark []byte) (from, to int) {
	rest := text[lo:min(len(text), lo+maxPairValue)]
	if n := bytes.Index(rest, mark); n >= 0 {
		rest = rest[:n]
	}
	return lo, lo + len(rest)
}

// behindType returns the offset of a text behind the type that PHP's var_dump writes before
// it, on a line of its own behind an arrow (PHP manual, var_dump): ["name"]=>, string(5) "value".
func behindType(text []byte, i int) int {
	at := i
	for at < len(text) && at-i < maxIndent && jsonscan.IsSpace(text[at]) {
		at++
	}
	rest, ok := bytes.CutPrefix(text[at:], []byte("string("))
	if at == i || !ok {
		return i
	}
	n := bytes.IndexByte(rest[:min(len(rest), 12)], ')')
	if n < 1 || !bytes.HasPrefix(rest[n:], []byte(`) "`)) {
		return i
	}
	return at + len("string(") + n + len(") ")
}

// maxIndent bounds the white space before a value on a line of its own.
const maxIndent = 64

// behindBracket returns the offset of the first element of a list behind a sign, as requests are
// logged in which a name may come several times: Django's QueryDict ('name': ['value']),
// Spring's LinkedMultiValueMap (name=[value]), Go's url.Values (map[name:[value]]).
func behindBracket(text []byte, i int) int {
	if i+1 >= len(text) || text[i] != '[' {
		return i
	}
	if isQuote(text[i+1]) || text[i+1] == '\\' {
		return i + 1
	}
	ends := ",}"
	switch text[i-1] {
	case '=':
	case ':':
		ends = " ]"
	default:
		return i
	}
	end := bytes.IndexAny(text[i+1:min(len(text), i+maxElement)], "[] \n\"")
	if end < 1 || text[i+1+end] != ']' || i+2+end >= len(text) || strings.IndexByte(ends, text[i+2+end]) < 0 {
		return i
	}
	return i + 1
}

// behindArrow returns the offset of a value behind an arrow, which HTML writes with an entity, and
// behind the type that var_dump puts between the two.
func behindArrow(text []byte, i int) int {
	switch {
	case text[i-1] == '=' && bytes.HasPrefix(text[i:], []byte("&gt; ")):
		return behindType(text, i+len("&gt; "))
	case text[i-1] == '=' && bytes.HasPrefix(text[i:], []byte(`&gt;"`)), text[i-1] == '=' && bytes.HasPrefix(text[i:], []byte("&gt;&")):
		return i + len("&gt;")
	case text[i-1] == '>':
		return behindType(text, i)
	case text[i-1] == ' ' && i > 1 && text[i-2] == '>': // on one line
		return max(i, behindType(text, i-1))
	}
	return i
}

// indexed returns the name in the brackets of an array's member, as phpinfo lists variables:
// $_SERVER['NAME'].
func indexed(name []byte) []byte {
	inner, ok := bytes.CutSuffix(name, []byte("']"))
	if !ok {
		return name
	}
	return inner[bytes.LastIndexByte(inner, '\'')+1:]
}
