package detect

import (
	"strconv"
	"strings"
)

// stepsOf makes steps of an expression.
func stepsOf(expr string) (steps []step, ok bool) {
	r := formReader{expr}
	steps, ok = r.branches()
	return steps, ok && r.rest == ""
}

// formReader reads an expression.
type formReader struct{ rest string }

const (
	// maxSplits is how many branches steps may have.
	maxSplits = 8
	// maxRepeat is the greatest number of repetitions that regexp takes.
	maxRepeat = 1000
	// formMeta are the signs that stand for themselves only behind a backslash.
	formMeta = `\.+*?()|[]{}^$`
)

// branches reads alternatives up to a closing parenthesis or the end.
func (r *formReader) branches() (steps []step, ok bool) {
	if steps, ok = r.row(); !ok || !strings.HasPrefix(r.rest, "|") {
		return steps, ok
	}
	r.rest = r.rest[1:]
	other, ok := r.branches()
	steps = append([]step{{op: splitStep, to: len(steps) + 2}}, steps...)
	steps = append(steps, step{op: jumpStep, to: len(other) + 1})
	return append(steps, other...), ok
}

// row reads what stands one behind the other.
func (r *formReader) row() (steps []step, ok bool) {
	literal := false // the last step is one that a byte may be added to
	for r.rest != "" && r.rest[0] != '|' && r.rest[0] != ')' {
		group := r.rest[0] == '('
		atom, ok := r.atom()
		if !ok {
			return nil, false
		}
		if atom, ok = r.repeat(atom); !ok {
			return nil, false
		}
		more := literal
		literal = !group && atom[0].op == literalStep
		if more && literal {
			steps[len(steps)-1].text += atom[0].text
			continue
		}
		steps = append(steps, atom...)
	}
	return steps, true
}

// atom reads a class, a group or one byte.
func (r *formReader) atom() ([]step, bool) {
	if inner, ok := strings.CutPrefix(r.rest, "(?:"); ok {
		r.rest = inner
		steps, ok := r.branches()
		if !ok || !strings.HasPrefix(r.rest, ")") {
			return nil, false
		}
		r.rest = r.rest[1:]
		return steps, true
	}
	if inner, ok := strings.CutPrefix(r.rest, "["); ok {
		r.rest = inner
		set, ok := r.class()
		return []step{{op: runStep, set: set, min: 1, max: 1}}, ok
	}
	b, ok := r.byte(formMeta)
	return []step{{op: literalStep, text: string(rune(b))}}, ok
}

// byte reads a byte of ASCII that is none of the signs, or one of them escaped.
func (r *formReader) byte(signs string) (byte, bool) {
	if r.rest == "" {
		return 0, false
	}
	b, n := r.rest[0], 1
	if b == '\\' {
		if len(r.rest) < 2 {
			return 0, false
		}
		b, n = r.rest[1], 2
		if b == 't' {
			b = '\t'
		} else if isWordByte(b) { // a class: \d, \w, \s
			return 0, false
		}
	} else if strings.IndexByte(signs, b) >= 0 {
		return 0, false
	}
	r.rest = r.rest[n:]
	return b, b < 0x80
}

// class reads a class behind its bracket; one that is negated is none for steps.
func (r *formReader) class() (set byteSet, ok bool) {
	for first := true; ; first = false {
		if !first && strings.HasPrefix(r.rest, "]") {
			r.rest = r.rest[1:]
			return set, true
		}
		lo, ok := r.byte(`[]^\`)
		if !ok {
			return set, false
		}
		hi := lo
		if strings.HasPrefix(r.rest, "-") && !strings.HasPrefix(r.rest, "-]") {
			r.rest = r.rest[1:]
			if hi, ok = r.byte(`[]^\`); !ok || hi < lo {
				return set, false
			}
		}
		for b := int(lo); b <= int(hi); b++ {
			set.add(byte(b))
		}
	}
}

// repeat reads how often an atom is repeated: a class any number of times, a
// byte as a class of one, a group once or not at all.
func (r *formReader) repeat(atom []step) ([]step, bool) {
	lo, hi, n := repetition(r.rest)
	if n == 0 {
		return atom, r.rest == "" || strings.IndexByte("*+?{", r.rest[0]) < 0
	}
	if r.rest = r.rest[n:]; r.rest != "" && strings.IndexByte("*+?{", r.rest[0]) >= 0 {
		return nil, false // the shortest first, or repeated twice
	}
	one := len(atom) == 1
	switch {
	case one && atom[0].op == literalStep && len(atom[0].text) == 1:
		s := step{op: runStep, min: lo, max: hi}
		s.set.add(atom[0].text[0])
		return []step{s}, true
	case one && atom[0].op == runStep && atom[0].min == 1 && atom[0].max == 1:
		atom[0].min, atom[0].max = lo, hi
		return atom, true
	case lo == 0 && hi == 1 && len(atom) > 0:
		return append([]step{{op: splitStep, to: len(atom) + 1}}, atom...), true
	}
	return nil, false
}

// repetition reads a sign of repetition and returns its length, 0 if it is none.
func repetition(text string) (lo, hi, n int) {
	if text == "" {
		return 1, 1, 0
	}
	switch text[0] {
	case '?':
		return 0, 1, 1
	case '*':
		return 0, maxOpaque, 1
	case '+':
		return 1, maxOpaque, 1
	case '{':
		inner, _, closed := strings.Cut(text[1:], "}")
		from, to, ranged := strings.Cut(inner, ",")
		if !ranged {
			to = from
		}
		lo, err := strconv.ParseUint(from, 10, 16)
		if hi = maxOpaque; to != "" && err == nil {
			var most uint64
			most, err = strconv.ParseUint(to, 10, 16)
			hi = int(most)
			if most > maxRepeat {
				return 0, 0, 0
			}
		}
		if closed && err == nil && lo <= maxRepeat && int(lo) <= hi {
			return int(lo), hi, len(inner) + 2
		}
	}
	return 1, 1, 0
}
