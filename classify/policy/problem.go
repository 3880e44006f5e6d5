package policy

import "fmt"

// Problem is what is wrong at a place of a document.
type Problem struct {
	// Line and Column count from 1.
	Line, Column int
	// Key is the path of the key, as routes[2].allow[0]; it may be empty.
	Key, Text string
	// Unknown is a name that is not among Known, if that is the problem.
	Unknown string
	Known   []string
}

// Error tells the place, the key and the cause.
func (p *Problem) Error() string {
	if p.Key == "" {
		return fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Text)
	}
	return fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Column, p.Key, p.Text)
}

// problemAt says what is wrong with a node.
func problemAt(n *node, key, format string, args ...any) *Problem {
	return &Problem{Line: n.line, Column: n.column, Key: key, Text: fmt.Sprintf(format, args...)}
}
