package ingest

import "github.com/leaktap/leaktap/classify/jsonscan"

// columns reads a line of text whose values stand in columns, and gives their
// places roles, so that they are filled in as members of an object are.
type columns struct {
	json *jsonDecoder
	line []byte
	pos  int
}

// begin starts at a line.
func (c *columns) begin(json *jsonDecoder, line []byte) {
	c.json, c.line, c.pos = json, line, 0
	json.walk.data, json.walk.x = line, nil
	json.walk.reset()
	json.found = nil
	json.arena = json.arena[:0]
}

// next returns the place of the next value: up to the next space, or what stands
// inside quotes, brackets or braces.
func (c *columns) next() (t jsonscan.Token, ok bool) {
	for c.pos < len(c.line) && c.line[c.pos] == ' ' {
		c.pos++
	}
	if c.pos >= len(c.line) {
		return t, false
	}
	t = jsonscan.Token{Kind: jsonscan.String, Start: c.pos}
	closing := byte(' ')
	switch c.line[c.pos] {
	case '"':
		closing = '"'
	case '[':
		closing = ']'
	case '{':
		closing = '}'
	}
	if closing != ' ' {
		t.Start++
	}
	i := t.Start
	for i < len(c.line) && c.line[i] != closing {
		if c.line[i] == '\\' && closing == '"' {
			t.Escaped = true
			i++
		}
		i++
	}
	t.End = min(i, len(c.line))
	t.Cut = i >= len(c.line) && closing != ' '
	c.pos = min(i+1, len(c.line))
	return t, true
}

// set gives the value at t a role. Spans must not overlap, and "-" is no value.
func (c *columns) set(r role, t jsonscan.Token) {
	if !isAbsent(c.line[t.Start:t.End]) && t.End > t.Start && !c.json.walk.has(r) {
		c.json.walk.values[r] = t
	}
}

// text returns the bytes at t.
func (c *columns) text(t jsonscan.Token) []byte { return c.line[t.Start:t.End] }

// give fills in the exchange and gives it.
func (c *columns) give(d *decoding, format, shape string) string {
	c.json.walk.x = &d.x
	if !c.json.fill(d, c.line) && d.want == wantHTTP {
		d.begin()
		return ""
	}
	if d.cfg.Explain != nil {
		d.because(format + ": " + shape)
	}
	d.give()
	return format
}
