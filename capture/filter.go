package capture

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/net/bpf"
)

// FilterError says where a filter is wrong.
type FilterError struct {
	// Column counts the filter's bytes from 1.
	Column int
	// Problem says what is wrong there.
	Problem string
}

// Error names the column and the problem.
func (e *FilterError) Error() string {
	return fmt.Sprintf("parse filter: column %d: %s", e.Column, e.Problem)
}

// CheckFilter returns a [*FilterError] if the filter does not follow the
// grammar, a part of tcpdump's (pcap-filter(7)):
//
//	filter    = primitive { ( "and" | "or" ) primitive }, or nothing
//	primitive = "not" primitive | "(" filter ")" | "tcp" [ place ] | place
//	place     = [ "src" | "dst" ] ( "port" N | "host" ADDRESS | "net" PREFIX )
//
// As with tcpdump, "and" and "or" bind equally, from left to right, and may be
// written "&&" and "||", "not" as "!". Ports are TCP ports. A filter looks
// through up to two VLAN tags, and in IPv6 at the first header only.
func CheckFilter(filter string) error {
	if filter == "" {
		return nil
	}
	_, err := compileFilter(filter, linkEthernet)
	return err
}

// compileFilter returns the classic BPF program that accepts the packets which
// the filter selects.
func compileFilter(filter string, link linkType) ([]bpf.Instruction, error) {
	p := &filterParser{words: splitFilter(filter), end: len(filter) + 1}
	p.code.prologue(link)
	if err := p.expression(0); err != nil {
		return nil, err
	}
	if w := p.peek(); w.text != "" {
		return nil, p.fail(`want "and" or "or"`)
	}
	p.code.epilogue()
	if n := len(p.code.program); n > maxProgram {
		return nil, &FilterError{Column: 1, Problem: fmt.Sprintf("filter is too long: %d instructions of at most %d", n, maxProgram)}
	}
	return p.code.program, nil
}

// word is a token of a filter.
type word struct {
	text   string
	column int
}

// splitFilter cuts a filter at blanks and around parentheses and "!".
func splitFilter(filter string) []word {
	var words []word
	start := -1
	flush := func(end int) {
		if start >= 0 {
			words = append(words, word{filter[start:end], start + 1})
		}
		start = -1
	}
	for i := range len(filter) {
		switch c := filter[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			flush(i)
		case c == '(' || c == ')' || c == '!':
			flush(i)
			words = append(words, word{string(c), i + 1})
		case start < 0:
			start = i
		}
	}
	flush(len(filter))
	return words
}

// filterParser reads a filter and writes its program as it goes.
type filterParser struct {
	words []word
	// end is the column behind the last byte.
	end  int
	code filterCode
}

// peek returns the next word, empty at the end.
func (p *filterParser) peek() word {
	if len(p.words) == 0 {
		return word{column: p.end}
	}
	return p.words[0]
}

// accept takes the next word if it is one of those.
func (p *filterParser) accept(texts ...string) (string, bool) {
	for _, text := range texts {
		if p.peek().text == text {
			p.words = p.words[1:]
			return text, true
		}
	}
	return "", false
}

func (p *filterParser) fail(problem string) error {
	return &FilterError{Column: p.peek().column, Problem: problem}
}

// expression leaves its truth in the accumulator. depth is how many truths are
// kept meanwhile.
func (p *filterParser) expression(depth int) error {
	if err := p.primitive(depth); err != nil {
		return err
	}
	for {
		operator, ok := p.accept("and", "&&", "or", "||")
		if !ok {
			return nil
		}
		op := bpf.ALUOpAnd
		if operator == "or" || operator == "||" {
			op = bpf.ALUOpOr
		}
		if err := p.combine(op, depth, p.primitive); err != nil {
			return err
		}
	}
}

// combine joins the truth in the accumulator with that of what right parses.
func (p *filterParser) combine(op bpf.ALUOp, depth int, right func(depth int) error) error {
	if depth == maxDepth {
		return p.fail("too many parentheses inside each other")
	}
	p.code.keep(depth)
	if err := right(depth + 1); err != nil {
		return err
	}
	p.code.join(op, depth)
	return nil
}

func (p *filterParser) primitive(depth int) error {
	if _, ok := p.accept("not", "!"); ok {
		if err := p.primitive(depth); err != nil {
			return err
		}
		p.code.not()
		return nil
	}
	if _, ok := p.accept("("); ok {
		if err := p.expression(depth); err != nil {
			return err
		}
		if _, ok := p.accept(")"); !ok {
			return p.fail(`want ")"`)
		}
		return nil
	}
	if _, ok := p.accept("tcp"); ok {
		p.code.tcp()
		switch p.peek().text {
		case "src", "dst", "port", "host", "net":
			return p.combine(bpf.ALUOpAnd, depth, p.place)
		}
		return nil
	}
	return p.place(depth)
}

// place is a primitive on source, destination or either.
func (p *filterParser) place(depth int) error {
	direction, _ := p.accept("src", "dst")
	kind, ok := p.accept("port", "host", "net")
	if !ok {
		return p.fail(`want "tcp", "port", "host", "net", "src", "dst", "not" or "("`)
	}
	value := p.peek()
	write, err := p.placeCode(kind, value.text)
	if err != nil {
		return p.fail(err.Error())
	}
	p.words = p.words[1:]
	switch direction {
	case "src":
		write(source)
	case "dst":
		write(destination)
	default:
		write(source)
		return p.combine(bpf.ALUOpOr, depth, func(int) error { write(destination); return nil })
	}
	return nil
}

// placeCode returns the function that writes the test of a place in one
// direction.
func (p *filterParser) placeCode(kind, value string) (func(end), error) {
	switch kind {
	case "port":
		port, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return nil, errors.New("want a port number, 0 to 65535")
		}
		return func(e end) { p.code.port(e, uint16(port)) }, nil
	case "net":
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			return nil, errors.New("want a network such as 10.0.0.0/8 or 2001:db8::/32")
		}
		return func(e end) { p.code.network(e, prefix.Masked()) }, nil
	}
	addr, err := netip.ParseAddr(value)
	if err != nil || addr.Zone() != "" {
		return nil, errors.New("want an IPv4 or IPv6 address")
	}
	return func(e end) { p.code.network(e, netip.PrefixFrom(addr, addr.BitLen())) }, nil
}
