package classify

import "bytes"

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
