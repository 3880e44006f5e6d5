package ingest

import (
	"bytes"

	"github.com/leaktap/leaktap/classify/jsonscan"
)

// logfmtDecoder decodes lines of key=value and key="value" pairs
// (https://brandur.org/logfmt, https://pkg.go.dev/github.com/kr/logfmt). The keys are
// those of sharedNames.
type logfmtDecoder struct {
	json *jsonDecoder
	columns
}

func newLogfmtDecoder(names *nameTable) *logfmtDecoder {
	return &logfmtDecoder{json: newJSONDecoder(names)}
}

func (*logfmtDecoder) formats() []string { return []string{"logfmt"} }

// minPairs is how many pairs make a line logfmt.
const minPairs = 3

func (l *logfmtDecoder) decode(d *decoding, record []byte) (format string) {
	equals := bytes.IndexByte(record[:min(len(record), 64)], '=')
	if equals < 1 || bytes.IndexByte(record[:equals], ' ') >= 0 || !isPairKey(record[:equals]) {
		return ""
	}
	l.begin(l.json, record)
	if pairs, others := l.pairs(); pairs < minPairs || others > pairs {
		return ""
	}
	return l.give(d, "logfmt", "key=value three times and more")
}

// pairs reads key=value pairs to the line's end, gives those of known names their
// roles, and counts them and what is none.
func (c *columns) pairs() (pairs, others int) {
	for {
		for c.pos < len(c.line) && c.line[c.pos] == ' ' {
			c.pos++
		}
		rest := c.line[c.pos:]
		if len(rest) == 0 {
			return pairs, others
		}
		end := bytes.IndexAny(rest[:min(len(rest), 96)], "= \"")
		if end < 1 || rest[end] != '=' || !isPairKey(rest[:end]) {
			others++
			c.next()
			continue
		}
		pairs++
		key := rest[:end]
		c.pos += end + 1
		t := c.value()
		var path [64]byte
		n, hash := appendCompact(&path, 0, fnvOffset, key)
		e := c.json.walk.names.find(path[:n], hash)
		if e == nil || e.role == roleNone || e.role == roleMessage || e.role.headers() {
			continue
		}
		c.set(e.role, t)
	}
}

// value reads what stands behind an equals sign: up to the next space, or in quotes.
func (c *columns) value() (t jsonscan.Token) {
	if c.pos < len(c.line) && c.line[c.pos] == '"' {
		t, _ = c.next()
		return t
	}
	t = jsonscan.Token{Kind: jsonscan.String, Start: c.pos, End: len(c.line)}
	if i := bytes.IndexByte(c.line[c.pos:], ' '); i >= 0 {
		t.End = c.pos + i
	}
	c.pos = t.End
	return t
}

// isPairKey says whether a key has only letters, digits and separators of names.
func isPairKey(b []byte) bool {
	for _, c := range b {
		if foldName(c) == 0 && c != '_' && c != '.' && c != '-' && c != '@' && c != '/' {
			return false
		}
	}
	return len(b) > 0
}
