package capture

import (
	"bytes"

	"github.com/leaktap/leaktap/classify"
)

// startLine is the first line of a message (RFC 9112, sections 3 and 4).
type startLine struct {
	// method and target are set in requests, status in responses.
	method, target []byte
	status         int
	// host is set where it is no header: in HTTP/2.
	host []byte
}

func (s *startLine) isResponse() bool { return s.status != 0 }

// maxMethod is the longest method name taken for one.
const maxMethod = 32

// parseStartLine reads a start line, with or without its line end; ok is false
// when line is none of HTTP/1.
func parseStartLine(line []byte) (s startLine, ok bool) {
	line = bytes.TrimRight(line, "\r\n")
	if isVersion(line) {
		return parseStatusLine(line)
	}
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if first <= 0 || first == last || !isToken(line[:first]) {
		return s, false
	}
	if version := line[last+1:]; len(version) != len("HTTP/1.1") || !isVersion(version) {
		return s, false
	}
	s.method, s.target = line[:first], bytes.TrimSpace(line[first:last])
	return s, len(s.target) > 0
}

// parseStatusLine reads `HTTP/1.1 200 OK`; the reason phrase is optional.
func parseStatusLine(line []byte) (s startLine, ok bool) {
	rest := bytes.TrimLeft(line[len("HTTP/1.1"):], " ")
	if len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return s, false
	}
	for _, c := range rest[:3] {
		if c < '0' || '9' < c {
			return s, false
		}
		s.status = s.status*10 + int(c-'0')
	}
	return s, s.status >= 100
}

// isVersion reports whether b starts with HTTP/1 and a minor version, in any
// case.
func isVersion(b []byte) bool {
	return len(b) >= len("HTTP/1.1") && bytes.EqualFold(b[:7], []byte("HTTP/1.")) &&
		'0' <= b[7] && b[7] <= '9'
}

// isToken reports whether b can be a method (RFC 9110, section 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if !isTokenByte(c) {
			return false
		}
	}
	return 0 < len(b) && len(b) <= maxMethod
}

func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0
}

// mayStart reports whether b, perhaps cut short, can be how a message starts.
func mayStart(b []byte) bool {
	version := []byte("HTTP/1.")
	if n := min(len(b), len(version)); bytes.EqualFold(b[:n], version[:n]) {
		return true
	}
	end := bytes.IndexByte(b[:min(len(b), maxMethod+1)], ' ')
	if end < 0 {
		return isToken(b)
	}
	return isToken(b[:end])
}

// startsMessage reports whether b begins with a whole start line.
func startsMessage(b []byte) bool {
	end := bytes.IndexByte(b, '\n')
	if end < 0 || !mayStart(b) {
		return false
	}
	_, ok := parseStartLine(b[:end])
	return ok
}

// startsResponse reports whether b begins like a status line.
func startsResponse(b []byte) bool { return isVersion(b) }

// isBlank reports whether line holds nothing but its end.
func isBlank(line []byte) bool {
	return len(line) == 1 || len(line) == 2 && line[0] == '\r'
}

// appendFields reads the header fields in block and appends them to dst. They
// point into block, in which line folds (RFC 9112, section 5.2) are overwritten
// by spaces. A line without a colon becomes a value without a name.
func appendFields(dst []classify.Header, block []byte) []classify.Header {
	first, value := len(dst), 0
	for pos := 0; pos < len(block); {
		line := block[pos:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		begin := pos
		pos += len(line)
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
		case (line[0] == ' ' || line[0] == '\t') && len(dst) > first:
			folded := block[value : begin+len(line)]
			unfold(folded)
			dst[len(dst)-1].Value = bytes.Trim(folded, " \t")
		default:
			name, val, found := bytes.Cut(line, []byte(":"))
			if !found {
				name, val = nil, line
			}
			value = begin + len(line) - len(val)
			dst = append(dst, classify.Header{
				Name: bytes.TrimRight(name, " \t"), Value: bytes.Trim(val, " \t"),
			})
		}
	}
	return dst
}

func unfold(b []byte) {
	for i, c := range b {
		if c == '\r' || c == '\n' {
			b[i] = ' '
		}
	}
}
