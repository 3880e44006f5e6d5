package classify

import (
	"bytes"
	"slices"
	"strings"
)

// Running text holds documents in codings, too: the form or query that a service logs, a
// message in base64 behind "payload=", a request in parts. They are found where the text is
// scanned, and decoded when that is done.

// coding is how a part of a text is written.
type coding uint8

const (
	formCoding   coding = iota // name=value&name=value, percent-encoded
	base64Coding               // of JSON or gzip
	partsCoding                // multipart/form-data (RFC 7578)
)

// codedRun is a part of a text in a coding.
type codedRun struct {
	Span
	coding coding
}

// maxCoded bounds the parts of one text that are decoded.
const maxCoded = 64

// partHeader is what the header of each part of a form holds.
const partHeader = "form-data; name="

// starts says which coding an anchor tells of, if any: the engine enters those first.
func (a *anchor) starts() (of coding, ok bool) {
	if a.id == len(encodedStarts) {
		return partsCoding, true
	}
	return base64Coding, a.id < len(encodedStarts)
}

// noteCoded notes the part around a place that starts one.
func (c *Classifier) noteCoded(text []byte, p *place, mark int) {
	of, ok := p.anchor.starts()
	if !ok || len(c.coded)-mark >= maxCoded || p.at < c.codedUpTo(mark) {
		return
	}
	run := codedRun{Span{p.at, len(text)}, of}
	if of == partsCoding {
		run.Start, ok = partsAround(text, p.at)
	} else if run.End, ok = encodedRun(text, p.at); ok {
		ok = !c.pendingIn(p.at, run.End)
	}
	if ok {
		c.coded = append(c.coded, run)
	}
}

// pendingIn says whether a match of the text stands in a part of it: it is a token then.
func (c *Classifier) pendingIn(lo, hi int) bool {
	return slices.ContainsFunc(c.pending, func(p pendingMatch) bool { return p.m.Lo < hi && p.m.Hi > lo })
}

// noteForm notes the form around a sign whose value is encoded.
func (c *Classifier) noteForm(text []byte, sign, mark int) {
	if len(c.coded)-mark >= maxCoded || sign < c.codedUpTo(mark) {
		return
	}
	const ends = " \t\r\n\"'`<>\\"
	lo := bytes.LastIndexAny(text[:sign], ends) + 1
	hi := sign + endBefore(text[sign:], ends)
	if i := bytes.IndexByte(text[lo:sign], '?'); i >= 0 {
		lo += i + 1
	} else if bytes.IndexByte(text[lo:hi], '&') < 0 {
		return
	}
	c.coded = append(c.coded, codedRun{Span{lo, hi}, formCoding})
}

// running looks at running text, and into what it holds in codings.
func (c *Classifier) running(text []byte, kind ValueKind) {
	mark := len(c.coded)
	c.scan(text, kind, true)
	c.settle()
	c.decodeRuns(text, mark)
}

// codedUpTo is where the last part of a scan ends.
func (c *Classifier) codedUpTo(mark int) int {
	if len(c.coded) == mark {
		return 0
	}
	return c.coded[len(c.coded)-1].End
}

// decodeRuns looks into the parts that a scan has noted.
func (c *Classifier) decodeRuns(text []byte, mark int) {
	for i := mark; i < len(c.coded); i++ {
		run := c.coded[i]
		part := text[run.Start:run.End]
		switch run.coding {
		case base64Coding:
			if plain := decodeBase64(part); isGzip(plain) || isJSON(plain) {
				c.decoded(plain, noMedia)
			}
		case partsCoding:
			c.again("#parts", len(part), func() { c.walkMultipart(part) })
		case formCoding:
			c.again("#url", len(part), func() { c.walkForm(part) })
		}
	}
	c.coded = c.coded[:mark]
}

// isQuoted says whether a value of a form may be another one than is seen.
func isQuoted(value []byte) bool {
	return bytes.IndexByte(value, '%') >= 0 || bytes.IndexByte(value, '+') >= 0
}

// encodedRun returns where the base64 that starts at an offset ends, if it can be a document: a
// part of a token with dots is none.
func encodedRun(text []byte, at int) (end int, ok bool) {
	if at > 0 && (isBase64Byte(text[at-1]) || text[at-1] == '.') {
		return 0, false
	}
	end = at
	for end < len(text) && isBase64Byte(text[end]) {
		end++
	}
	for end < len(text) && text[end] == '=' {
		end++
	}
	return end, end-at >= minEncoded && (end == len(text) || text[end] != '.')
}

// isBase64Byte says whether a byte is of one of the alphabets of RFC 4648.
func isBase64Byte(b byte) bool {
	return b < 0x80 && (foldByte[b] != 0 || strings.IndexByte("+/-_", b) >= 0)
}

// partsAround returns where the boundary stands before the header of a part.
func partsAround(text []byte, header int) (lo int, ok bool) {
	line := bytes.LastIndexByte(text[:header], '\n')
	if line < 0 {
		return 0, false
	}
	lo = bytes.LastIndexByte(text[:line], '\n') + 1
	n := bytes.Index(text[lo:line], []byte("--"))
	return lo + n, n >= 0 && isMultipart(text[lo+n:], false)
}
