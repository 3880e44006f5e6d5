package classify

import "bytes"

const (
	// maxBoundary is the longest boundary (RFC 2046, section 5.1.1).
	maxBoundary = 70
	// maxPartHeader bounds the lines that are looked at before a part's content.
	maxPartHeader = 4096
)

// isMultipart says whether a text starts as one in parts: with a boundary, and behind it
// a header of the part (RFC 2046, section 5.1); that of a form, if nothing says that it is
// one in parts.
func isMultipart(text []byte, declared bool) bool {
	header := "content-disposition:"
	if declared {
		header = "content-"
	}
	boundary, rest := firstBoundary(text)
	return boundary != nil && len(rest) >= len(header) && equalFold(rest[:len(header)], header)
}

// firstBoundary returns the line that parts are divided by, with its hyphens, and what is
// behind it.
func firstBoundary(text []byte) (boundary, rest []byte) {
	text = trimStart(text)
	if !bytes.HasPrefix(text, []byte("--")) {
		return nil, nil
	}
	line := text[:min(len(text), maxBoundary+4)]
	end := bytes.IndexByte(line, '\n')
	if end < 0 {
		return nil, nil
	}
	boundary = bytes.TrimRight(line[:end], " \t\r")
	if len(boundary) < 3 {
		return nil, nil
	}
	return boundary, text[end+1:]
}

// walkMultipart looks at the parts of a text as at named values (RFC 7578), and at what
// is around them as at text. A part that was cut ends with the text.
func (c *Classifier) walkMultipart(text []byte) {
	boundary, rest := firstBoundary(text)
	from := 0 // what is before was looked at
	for at := len(text) - len(rest); at < len(text); {
		end, next := partEnd(text, at, boundary)
		name, m, start := readPart(text[at:end])
		c.walkTextPart(text, from, at+start)
		c.part(name, m, text[at+start:end])
		from, at = end, next
	}
	c.walkTextPart(text, from, len(text))
}

// partEnd returns where the part that starts at an offset ends, and where the next starts.
func partEnd(text []byte, at int, boundary []byte) (end, next int) {
	n := bytes.Index(text[at:], boundary)
	if n < 0 { // it was cut, maybe inside the boundary
		end = len(text)
		for tail := min(len(boundary)-1, end-at); tail > 1; tail-- {
			if bytes.HasSuffix(text[:end], boundary[:tail]) {
				end -= tail
				break
			}
		}
		return at + lineEnd(text[at:end]), len(text)
	}
	next = len(text)
	if line := bytes.IndexByte(text[at+n:], '\n'); line >= 0 {
		next = at + n + line + 1
	}
	return at + lineEnd(text[at:at+n]), next
}

// lineEnd returns the length of a text without the line end behind it.
func lineEnd(text []byte) int {
	return len(bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")))
}

// readPart reads the header of a part; its content starts at start.
func readPart(part []byte) (name []byte, m media, start int) {
	name, m = unnamed, otherMedia
	for start < len(part) && start < maxPartHeader {
		line := part[start:]
		end := bytes.IndexByte(line, '\n')
		if end < 0 { // it was cut in the header
			return name, m, len(part)
		}
		line = bytes.TrimRight(line[:end], "\r")
		start += end + 1
		if len(line) == 0 {
			return name, m, start
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case equalFold(field, "content-disposition"):
			if n := parameter(value, "name"); n != nil {
				name = n
			}
		case equalFold(field, "content-type"):
			m = mediaOf(value)
		}
	}
	return name, m, start
}

// parameter returns the value of a parameter of a header field, its quotes taken off
// (RFC 7578, section 4.2).
func parameter(value []byte, lower string) []byte {
	for rest := value; ; {
		i := bytes.IndexByte(rest, ';')
		if i < 0 {
			return nil
		}
		rest = bytes.TrimLeft(rest[i+1:], " \t")
		key, v, ok := bytes.Cut(rest, []byte("="))
		if !ok || !equalFold(bytes.TrimSpace(key), lower) {
			continue
		}
		if len(v) > 0 && v[0] == '"' {
			v = v[1:]
			return v[:endBefore(v, `"`)]
		}
		return v[:endBefore(v, "; \t")]
	}
}

// endBefore returns the offset of the first of some bytes, or the length.
func endBefore(text []byte, ends string) int {
	if i := bytes.IndexAny(text, ends); i >= 0 {
		return i
	}
	return len(text)
}

// part looks at the content of a part under its name.
func (c *Classifier) part(name []byte, m media, content []byte) {
	id := c.e.fields.lookup(name)
	c.frames = append(c.frames, frame{key: name, near: name, field: id})
	if id != 0 && len(content) > 0 {
		c.offerField(id, name, content, 0, len(content), String)
	}
	c.content(content, m)
	c.settle()
	c.frames = c.frames[:len(c.frames)-1]
}
