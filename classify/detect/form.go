package detect

import (
	"bytes"
	"regexp"
	"regexp/syntax"
)

// form is the compiled form of a token kind: what stands before the anchor, the
// anchor, what follows. Token formats are short rows of classes and literals,
// and for those a row of steps is made at no cost and matched faster than a
// regular expression; what is written otherwise is a regular expression.
type form struct {
	steps []step
	re    *regexp.Regexp // nil where there are steps
	// head and body are the bytes that may stand before and behind the anchor.
	head, body byteSet
}

// step is one step of a form. The expressions are read as Go's regexp reads
// them: the longest run and the first branch are tried first.
type step struct {
	op stepOp
	// tight is a run of which a shorter one need not be tried: what follows
	// cannot begin with a byte of the set, or may be nothing.
	tight    bool
	set      byteSet // of a run
	min, max int     // bytes of a run
	text     string  // of a literal
	to       int     // how far the other branch is, or the step to go on with
}

type stepOp uint8

const (
	runStep     stepOp = iota // min to max bytes of a set
	literalStep               // a text
	splitStep                 // the next step or, if that leads nowhere, the one at to
	jumpStep                  // go on at to
	endStep                   // the end of the token
	wholeStep                 // the end of the token and of the text
)

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b/64] |= 1 << (b % 64) }
func (s *byteSet) has(b byte) bool { return s[b/64]&(1<<(b%64)) != 0 }

func (s *byteSet) union(o byteSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s *byteSet) meets(o byteSet) bool {
	return s[0]&o[0]|s[1]&o[1]|s[2]&o[2]|s[3]&o[3] != 0
}

// newForm compiles the parts of a kind; a whole one matches only all of a text.
func newForm(head, anchor, body string, whole bool) (*form, error) {
	f := &form{}
	if f.compile(head, anchor, body, whole) {
		return f, nil
	}
	f.steps = nil
	end := ""
	if whole {
		end = "$"
	}
	re, err := regexp.Compile("^(?:" + head + ")" + regexp.QuoteMeta(anchor) + "(?:" + body + ")" + end)
	if err != nil {
		return nil, err
	}
	f.re = re
	if f.head, err = bytesOf(head); err != nil {
		return nil, err
	}
	f.body, err = bytesOf(body)
	return f, err
}

// bytesOf returns the bytes that the literals and classes of an expression hold.
func bytesOf(expr string) (set byteSet, err error) {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return set, err
	}
	for next := []*syntax.Regexp{tree}; len(next) > 0; {
		re := next[0]
		next = append(next[1:], re.Sub...)
		switch re.Op {
		case syntax.OpLiteral:
			for _, r := range re.Rune {
				set.add(byte(r))
			}
		case syntax.OpCharClass:
			for i := 0; i+1 < len(re.Rune); i += 2 {
				for r := re.Rune[i]; r <= min(re.Rune[i+1], 255); r++ {
					set.add(byte(r))
				}
			}
		}
	}
	return set, nil
}

// match returns where the token ends that starts the text, -1 if none does.
func (f *form) match(text []byte) int {
	if f.re == nil {
		return f.from(0, 0, text)
	}
	loc := f.re.FindIndex(text)
	if loc == nil {
		return -1
	}
	return loc[1]
}

// from matches the steps from pc on at pos.
func (f *form) from(pc, pos int, text []byte) int {
	for {
		switch s := &f.steps[pc]; s.op {
		case literalStep:
			if !bytes.HasPrefix(text[pos:], []byte(s.text)) {
				return -1
			}
			pos += len(s.text)
			pc++
		case runStep:
			end := s.run(text, pos)
			if end < 0 {
				return -1
			}
			if least := pos + s.min; !s.tight && end > least {
				return f.shorter(pc+1, least, end, text)
			}
			pos = end
			pc++
		case splitStep:
			if end := f.from(pc+1, pos, text); end >= 0 {
				return end
			}
			pc += s.to
		case jumpStep:
			pc += s.to
		case wholeStep:
			if pos < len(text) {
				return -1
			}
			return pos
		default:
			return pos
		}
	}
}

// run returns where the longest run at pos ends, -1 if it is too short.
func (s *step) run(text []byte, pos int) int {
	end, limit := pos, min(len(text), pos+s.max)
	for end < limit && s.set.has(text[end]) {
		end++
	}
	if end-pos < s.min {
		return -1
	}
	return end
}

// shorter matches the steps from pc on behind a run that may end anywhere in
// [lo,hi], the longest first.
func (f *form) shorter(pc, lo, hi int, text []byte) int {
	for ; hi >= lo; hi-- {
		if end := f.from(pc, hi, text); end >= 0 {
			return end
		}
	}
	return -1
}

// compile makes the steps; false if the expressions hold more than classes,
// literals, groups and their repetition, or could take more than linear time.
func (f *form) compile(head, anchor, body string, whole bool) bool {
	before, ok := stepsOf(head)
	if !ok {
		return false
	}
	behind, ok := stepsOf(body)
	if !ok {
		return false
	}
	f.head, f.body = bytesIn(before), bytesIn(behind)
	f.steps = append(append(before, step{op: literalStep, text: anchor}), behind...)
	last := step{op: endStep}
	if whole {
		last.op = wholeStep
	}
	f.steps = append(f.steps, last)
	loose, splits := 0, 0
	for i := range f.steps {
		if f.steps[i].op == splitStep {
			splits++
		}
	}
	if splits > maxSplits { // each may double what a match costs
		return false
	}
	for i := range f.steps {
		if s := &f.steps[i]; s.op == runStep && s.min < s.max {
			next, empty := f.first(i + 1)
			if s.tight = empty || !s.set.meets(next); !s.tight {
				loose++
			}
		}
	}
	return loose <= 1
}

// bytesIn returns the bytes that steps hold.
func bytesIn(steps []step) (set byteSet) {
	for i := range steps {
		set.union(steps[i].set)
		for _, b := range []byte(steps[i].text) {
			set.add(b)
		}
	}
	return set
}

// first returns the bytes that may come at a step, and whether none needs to.
func (f *form) first(pc int) (set byteSet, empty bool) {
	for {
		switch s := &f.steps[pc]; s.op {
		case literalStep:
			if s.text != "" {
				set.add(s.text[0])
				return set, false
			}
			pc++
		case runStep:
			set.union(s.set)
			if s.min > 0 {
				return set, false
			}
			pc++
		case splitStep:
			other, none := f.first(pc + s.to)
			set.union(other)
			next, nothing := f.first(pc + 1)
			set.union(next)
			return set, none || nothing
		case jumpStep:
			pc += s.to
		default:
			return set, s.op == endStep
		}
	}
}
