package corpus

import "strings"

// point finds the RFC 6901 pointers of what was planted in a JSON text.
func (d *document) point() {
	for i := range d.leaks {
		d.leaks[i].pointer = pointerAt(d.text, d.leaks[i].lo) + d.leaks[i].suffix
	}
}

// step is one level of a JSON text: a member's name, or an array.
type step struct {
	name  string
	array bool
}

// pointerAt returns the pointer of the value at that offset, array indexes as
// "*". The text has to be JSON up to there.
func pointerAt(text string, offset int) string {
	var path []step
	for i := 0; i < offset; i++ {
		switch text[i] {
		case '{':
			path = append(path, step{})
		case '[':
			path = append(path, step{array: true})
		case '}', ']':
			path = path[:max(0, len(path)-1)]
		case '"':
			end := stringEnd(text, i)
			if end > offset {
				return join(path)
			}
			behind := strings.TrimLeft(text[end:], " \n\t")
			if strings.HasPrefix(behind, ":") && len(path) > 0 {
				path[len(path)-1].name = text[i+1 : end-1]
			}
			i = end - 1
		}
	}
	return join(path)
}

func join(path []step) string {
	var b strings.Builder
	for _, s := range path {
		b.WriteByte('/')
		if s.array {
			b.WriteByte('*')
		} else {
			b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(s.name))
		}
	}
	return b.String()
}

// stringEnd returns the offset behind the string that starts at i.
func stringEnd(text string, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
