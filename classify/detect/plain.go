package detect

import (
	"fmt"
	"strings"
)

// plainReader reads the part of YAML that the built-in vocabularies are written
// in: a list of mappings, whose values are text, plain or in single quotes, and
// lists of these in brackets. They are read at each start, for which a library
// of YAML takes as long as everything else together; a test says that one reads
// the same.
type plainReader struct{ rest string }

// entries calls put for each key, with start set at the first of an entry.
func (r *plainReader) entries(put func(start bool, key string, values []string) error) error {
	for r.rest != "" {
		line, rest, _ := strings.Cut(r.rest, "\n")
		if line == "" || line[0] == '#' {
			r.rest = rest
			continue
		}
		key, value, ok := strings.Cut(line, ": ")
		if !ok || len(key) < 3 || key[:2] != "- " && key[:2] != "  " {
			return fmt.Errorf("read vocabulary: want KEY: VALUE, not %q", line)
		}
		r.rest = r.rest[len(line)-len(value):]
		values, ok := r.values()
		if !ok {
			return fmt.Errorf("read vocabulary: the value of %s does not end", key[2:])
		}
		if err := put(key[0] == '-', key[2:], values); err != nil {
			return err
		}
	}
	return nil
}

// values reads a list or a text, and the end of its line.
func (r *plainReader) values() (list []string, ok bool) {
	if r.rest[0] != '[' {
		text, ok := r.text("\n")
		return []string{text}, ok
	}
	list = make([]string, 0, 4)
	for r.rest = r.rest[1:]; ; r.rest = r.rest[1:] {
		if r.rest = strings.TrimLeft(r.rest, " \n"); r.rest == "" {
			return nil, false
		}
		if r.rest[0] != ']' {
			text, ok := r.text(",]")
			if r.rest = strings.TrimLeft(r.rest, " \n"); !ok || r.rest == "" {
				return nil, false
			}
			list = append(list, text)
		}
		if r.rest[0] == ']' {
			_, r.rest, _ = strings.Cut(r.rest, "\n")
			return list, true
		}
	}
}

// text reads a text that ends before one of the signs, unless it is quoted.
func (r *plainReader) text(signs string) (text string, ok bool) {
	if r.rest[0] != '\'' {
		end := strings.IndexAny(r.rest, signs)
		if end < 0 {
			end = len(r.rest)
		}
		text, r.rest = strings.TrimRight(r.rest[:end], " "), r.rest[end:]
		return text, true
	}
	for end := 1; ; end++ {
		n := strings.IndexByte(r.rest[end:], '\'')
		if n < 0 {
			return "", false
		}
		if end += n; end+1 < len(r.rest) && r.rest[end+1] == '\'' { // a quote in the text
			end++
			continue
		}
		text, r.rest = r.rest[1:end], r.rest[end+1:]
		if strings.Contains(text, "''") {
			text = strings.ReplaceAll(text, "''", "'")
		}
		return text, true
	}
}
