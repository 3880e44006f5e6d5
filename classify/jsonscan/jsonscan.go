// Package jsonscan reads JSON as it stands in the wild: a pull tokenizer over a
// byte slice, without recursion, without allocation, without a limit on depth.
//
// It takes anything and gives tokens until the bytes end. It never fails: what
// is no JSON comes as Junk, a document that was cut comes with its last token
// marked Cut, bytes behind the document come as further tokens. So nothing can
// hide behind a byte that a strict parser would stop at. Grammar: RFC 8259;
// leniency: commas, colons and brackets are not checked for order.
package jsonscan

// Kind is the kind of a token.
type Kind uint8

// The kinds of tokens.
const (
	End Kind = iota // no bytes are left
	BeginObject
	EndObject
	BeginArray
	EndArray
	Key // a string that a colon follows
	String
	Number // anything that starts with a digit or a sign
	True
	False
	Null
	Junk // a run of bytes that is none of the above (NaN, None, single quotes …)
)

// Token is one token of the input.
type Token struct {
	Kind Kind
	// Escaped says that a Key or String holds backslashes and needs Unescape.
	Escaped bool
	// Cut says that the input ended inside the token.
	Cut bool
	// Start and End are the token's bytes, the quotes of a string not included.
	Start, End int
}

// Scanner gives the tokens of a byte slice one by one. The zero value scans
// nothing; use New or Reset.
type Scanner struct {
	data []byte
	pos  int
}

// New returns a scanner at the start of data; a UTF-8 byte order mark is
// skipped.
func New(data []byte) Scanner {
	s := Scanner{data: data}
	if len(data) >= 3 && data[0] == 0xEF && data[1] == 0xBB && data[2] == 0xBF {
		s.pos = 3
	}
	return s
}

// Pos returns the offset of the first byte that was not read yet.
func (s *Scanner) Pos() int { return s.pos }

// Skip moves the scanner forward to offset pos; it never moves back.
func (s *Scanner) Skip(pos int) { s.pos = min(max(s.pos, pos), len(s.data)) }

// Next returns the next token. Space, commas and colons are passed over.
func (s *Scanner) Next() Token {
	data, i := s.data, s.pos
	for i < len(data) && class[data[i]] == between {
		i++
	}
	if i >= len(data) {
		s.pos = len(data)
		return Token{Kind: End, Start: len(data), End: len(data)}
	}
	switch c := class[data[i]]; c {
	case quote:
		return s.str(i + 1)
	case digit:
		return s.run(i, Number)
	case word:
		return s.literal(i)
	default: // the brackets: their class is their Kind
		s.pos = i + 1
		return Token{Kind: Kind(c), Start: i, End: i + 1}
	}
}

// nearby is how many bytes of a string are looked at in words before it is taken
// for a long one, which is looked at in blocks.
const nearby = 64

// str reads the string whose first byte behind the quote is at start.
func (s *Scanner) str(start int) Token {
	t := Token{Kind: String, Start: start}
	data := s.data
	i := IndexEither(data[:min(len(data), start+nearby)], start, '"', '\\')
	for i < len(data) && data[i] != '"' {
		if data[i] != '\\' || i >= start+nearby {
			var escaped bool
			i, escaped = closingQuote(data, i)
			t.Escaped = t.Escaped || escaped
			break
		}
		t.Escaped = true
		i = IndexEither(data[:min(len(data), start+nearby)], min(i+2, len(data)), '"', '\\')
	}
	t.End = i
	if i == len(data) {
		t.Cut = true
		s.pos = i
		return t
	}
	i++
	for i < len(data) && IsSpace(data[i]) {
		i++
	}
	if i < len(data) && data[i] == ':' {
		t.Kind = Key
		i++
	}
	s.pos = i
	return t
}

// literal reads true, false, null, or junk up to the next delimiter.
func (s *Scanner) literal(start int) Token {
	t := s.run(start, Junk)
	switch string(s.data[t.Start:t.End]) {
	case "true":
		t.Kind = True
	case "false":
		t.Kind = False
	case "null":
		t.Kind = Null
	}
	return t
}

// run reads up to the next byte that can start or separate tokens.
func (s *Scanner) run(start int, kind Kind) Token {
	i := start + 1
	for i < len(s.data) && InRun(s.data[i]) {
		i++
	}
	s.pos = i
	return Token{Kind: kind, Start: start, End: i, Cut: i == len(s.data)}
}

// InRun says whether a byte goes on with a number, a literal or junk.
func InRun(c byte) bool { return class[c] >= digit }

// IsSpace says whether a byte is one of JSON's white space (RFC 8259, section 2).
func IsSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// Byte classes. The brackets' classes equal their Kind.
const (
	between = 0
	quote   = 8
	digit   = 16
	word    = 17
)

var class = func() (t [256]uint8) {
	for i := range t {
		t[i] = word
	}
	for _, c := range " \t\r\n,:" {
		t[c] = between
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = digit
	}
	t['-'] = digit
	t['"'] = quote
	t['{'], t['}'] = uint8(BeginObject), uint8(EndObject)
	t['['], t[']'] = uint8(BeginArray), uint8(EndArray)
	return t
}()
