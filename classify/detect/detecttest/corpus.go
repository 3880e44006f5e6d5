// Package detecttest reads corpora: texts that say what is found in an exchange,
// or that nothing is. The tests of leaktap's own rules and `leaktap rules test`
// share it. It takes bytes and findings, does no I/O, and what it says of a
// finding shows no secret; the exchanges of a corpus are its caller's to keep.
//
// A corpus is blocks that blank lines separate; a block that starts with # is a
// comment. A block starts with "clean" or with lines
//
//	match WHERE [POINTER] SEVERITY [RULE]
//
// and goes on with lines of context:
//
//	@ log                    the rest is a record of a log
//	@ GET /api/x 200         method, target and status; these are the usual ones
//	@ wire                   seen on the wire over plain HTTP
//	@ anonymous              without the Authorization header that callers have
//	> NAME: VALUE            a header of the request
//	< NAME: VALUE            a header of the response
//	>> BODY                  the body of the request
//
// The rest is the body of the response, or the record. A line that starts with
// "|" stands for itself without it, so that it may be empty. "¦" is dropped: it
// cuts tokens, so that other scanners pass the corpus.
package detecttest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leaktap/leaktap/classify"
)

// Block is one case of a corpus.
type Block struct {
	// Line is where it starts, from 1.
	Line int
	// Want is what is found; nothing in a clean block.
	Want     []Want
	Exchange classify.Exchange
	// Text is the block as written, but for "¦".
	Text string
}

// Want is one finding that is expected; an empty rule stands for any.
type Want struct {
	Where    classify.Where
	Pointer  string
	Severity classify.Severity
	Rule     string
}

// Read reads a corpus. The rule is that of matches that name none; empty for
// any. The error names the line.
func Read(text, rule string) ([]*Block, error) {
	var list []*Block
	line := 1
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		at := line
		line += strings.Count(part, "\n") + 2
		at += len(part) - len(strings.TrimLeft(part, "\n"))
		if part = strings.TrimSpace(strings.ReplaceAll(part, "¦", "")); part == "" || part[0] == '#' {
			continue
		}
		b, err := readBlock(at, part, rule)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

func readBlock(line int, text, rule string) (*Block, error) {
	b := &Block{Line: line, Text: text, Exchange: classify.Exchange{
		Source: classify.Source{Kind: classify.SourceFile, Name: "corpus", Line: int64(line)},
		Method: []byte("GET"), Target: []byte("/api/x"), Status: 200,
	}}
	x := &b.Exchange
	x.Request.Headers = []classify.Header{{Name: []byte("Authorization"), Value: []byte("Bearer of-the-caller")}}
	lines := strings.Split(text, "\n")
	if word, _, _ := strings.Cut(lines[0], " "); word != "match" && lines[0] != "clean" {
		return nil, fmt.Errorf("%d: a block starts with \"clean\" or with \"match WHERE [POINTER] SEVERITY [RULE]\"", line)
	}
	for n := 0; len(lines) > 0; n++ {
		head, err := b.head(lines[0], rule)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", line+n, err)
		}
		if !head {
			break
		}
		lines = lines[1:]
	}
	body := strings.ReplaceAll(strings.Join(lines, "\n"), "\n|", "\n")
	if !x.Persisted {
		x.Response.Body = []byte(body)
		return b, nil
	}
	x.Record = []byte(body)
	if x.Status == 0 {
		x.Request.Headers = nil
	}
	return b, nil
}

// head takes one line of a block's head; false when the body begins.
func (b *Block) head(line, rule string) (bool, error) {
	word, rest, _ := strings.Cut(line, " ")
	x := &b.Exchange
	switch word {
	case "clean":
		return rest == "", nil
	case "match":
		w, err := readWant(rest, rule)
		b.Want = append(b.Want, w)
		return true, err
	case "@":
		return true, b.context(rest)
	case ">", "<":
		name, value, _ := strings.Cut(rest, ": ")
		side := &x.Request
		if word == "<" {
			side = &x.Response
		}
		side.Headers = append(side.Headers, classify.Header{Name: []byte(name), Value: []byte(value)})
	case ">>":
		x.Request.Body = []byte(rest)
	default:
		return false, nil
	}
	return true, nil
}

func (b *Block) context(rest string) error {
	fields := strings.Fields(rest)
	x := &b.Exchange
	switch {
	case rest == "log":
		x.Persisted, x.Method, x.Target, x.Status = true, nil, nil, 0
	case rest == "wire":
		x.Source.Kind, x.Scheme = classify.SourcePcap, "http"
	case rest == "anonymous":
		x.Request.Headers = nil
	case len(fields) == 3:
		status, err := strconv.Atoi(fields[2])
		if err != nil {
			return fmt.Errorf("want a status such as 200, not %q", fields[2])
		}
		x.Method, x.Target, x.Status = []byte(fields[0]), []byte(fields[1]), status
	default:
		return fmt.Errorf("unknown context %q: use log, wire, anonymous or METHOD TARGET STATUS", rest)
	}
	return nil
}

// readWant reads what stands behind "match".
func readWant(text, rule string) (Want, error) {
	w := Want{Rule: rule}
	words := strings.Fields(text)
	if len(words) < 2 {
		return w, errors.New(`want "match WHERE [POINTER] SEVERITY [RULE]"`)
	}
	last := len(words) - 1
	err := w.Severity.UnmarshalText([]byte(words[last]))
	if err != nil && last > 1 {
		w.Rule = words[last]
		last--
		err = w.Severity.UnmarshalText([]byte(words[last]))
	}
	if err != nil {
		return w, err
	}
	w.Pointer = strings.Join(words[1:last], " ")
	var known []string
	for where := classify.InRecord; where <= classify.InResponseBody; where++ {
		known = append(known, where.String())
		if where.String() == words[0] {
			w.Where = where
		}
	}
	if w.Where == 0 {
		return w, fmt.Errorf("unknown part %q: use one of %s", words[0], strings.Join(known, ", "))
	}
	return w, nil
}

// String writes a finding that is expected as it is written in a corpus.
func (w Want) String() string { return describe(w.Where, w.Pointer, w.Severity, w.Rule) }

func describe(where classify.Where, pointer string, severity classify.Severity, rule string) string {
	return strings.Join(slices.DeleteFunc([]string{where.String(), pointer, severity.String(), rule}, func(s string) bool { return s == "" }), " ")
}

// Check says what is wrong with what was found in a block: "" if nothing is. Where every
// match names its rule, other rules may find what they like; in a clean block no rule
// may find anything above info.
func (b *Block) Check(found []*classify.Finding) string {
	rest := slices.DeleteFunc(slices.Clone(found), func(f *classify.Finding) bool { return !b.judges(f) })
	var missing []string
	for _, w := range b.Want {
		i := slices.IndexFunc(rest, func(f *classify.Finding) bool {
			return f.Where == w.Where && f.Pointer == w.Pointer && f.Severity == w.Severity && (w.Rule == "" || f.Rule.ID == w.Rule)
		})
		if i < 0 {
			missing = append(missing, w.String())
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	var problems []string
	if len(missing) > 0 {
		problems = append(problems, "want "+strings.Join(missing, ", "))
	}
	if len(rest) > 0 {
		var list []string
		for _, f := range rest {
			shown := describe(f.Where, f.Pointer, f.Severity, f.Rule.ID)
			if f.Evidence.Redacted != "" {
				shown += " (" + f.Evidence.Redacted + ")"
			}
			list = append(list, shown)
		}
		problems = append(problems, "found "+strings.Join(list, ", "))
	} else if len(missing) > 0 {
		problems = append(problems, "found nothing else")
	}
	return strings.Join(problems, "; ")
}

// judges says whether the block has a word on a finding.
func (b *Block) judges(f *classify.Finding) bool {
	if len(b.Want) == 0 {
		return f.Severity > classify.Info
	}
	for _, w := range b.Want {
		if w.Rule == f.Rule.ID || w.Rule == "" && f.Severity > classify.Info {
			return true
		}
	}
	return false
}
