package alert

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// TextOptions say how findings are shown to a person; the zero value is for a
// file.
type TextOptions struct {
	// Color adds ANSI escapes (ECMA-48 SGR).
	Color bool
	// Width is where text is wrapped, in characters: 80 by default, 60 at least.
	Width int
	// Live shows each exposure at once, in one line. Without it, exposures are
	// shown by Close, worst first.
	Live bool
	// MaxExposures is how many exposures are held, 10,000 by default.
	MaxExposures int
}

// Text is a sink that shows each exposure once, for terminals. It writes at the
// pace of its writer and is safe for concurrent use.
type Text struct {
	options TextOptions
	ledger  *Ledger

	mu  sync.Mutex
	w   *bufio.Writer
	err error
}

// NewText returns a sink that writes to w.
func NewText(w io.Writer, o TextOptions) *Text {
	o.Width = max(cmp.Or(o.Width, 80), 60)
	return &Text{
		options: o,
		ledger:  NewLedger(LedgerConfig{MaxExposures: o.MaxExposures}),
		w:       bufio.NewWriter(w),
	}
}

// Accept adds f to its exposure and, if Live, shows an exposure that is new.
func (t *Text) Accept(f *classify.Finding) {
	if opened := t.ledger.add(f); !opened || !t.options.Live {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = t.w.WriteString(t.line(f)) // Flush returns its error
	_ = t.flush()                     // and Settle returns that of flush
}

// Settle returns the first error of writing, if there was one.
func (t *Text) Settle(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.flush()
}

// Close shows what is left to show. It returns the first error of writing.
func (t *Text) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.options.Live {
		return t.flush()
	}
	list := t.ledger.Snapshot()
	SortExposures(list)
	for i := range list {
		if i > 0 {
			_ = t.w.WriteByte('\n') // Flush returns its error
		}
		_, _ = t.w.WriteString(t.group(&list[i]))
	}
	if n := t.ledger.Evicted(); n > 0 {
		_, _ = fmt.Fprintf(t.w, "\n%s not shown: only %d are held at a time\n", Plural(int64(n), "more exposure"), len(list))
	}
	return t.flush()
}

func (t *Text) flush() error {
	if err := t.w.Flush(); err != nil && t.err == nil {
		t.err = fmt.Errorf("write findings: %w", err)
	}
	return t.err
}

// line is an exposure in one line.
func (t *Text) line(f *classify.Finding) string {
	at := cmp.Or(f.Time, time.Now()).UTC().Format("15:04:05")
	return fmt.Sprintf("%s %s %s  %s  %s\n", t.paint(dim, at), t.severity(f.Severity),
		t.paint(bold, f.Rule.ID), strings.Join(nonEmpty(cmp.Or(endpoint(f), Place(f.Source)), part(f)), " "), shape(f))
}

// group is an exposure in full: what, where, shape, how many and to whom, since
// when, why, fix, reference.
func (t *Text) group(x *Exposure) string {
	rule, d := x.Sample.Rule, Describe(x)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", t.severity(x.Severity), t.paint(bold, rule.ID))
	for _, row := range [][2]string{
		{"what", rule.Title},
		{"where", strings.Join(nonEmpty(d.Endpoint, d.Part), ", ")},
		{"first", d.First},
		{"shape", d.Shape},
		{"token", d.Token},
		{"policy", d.Verdict},
		{"seen", d.Seen},
		{"since", d.Since},
		{"why", rule.Why},
		{"fix", rule.Fix},
		{"ref", strings.Join(slices.Concat(rule.CWE, rule.OWASP), ", ")},
		{"more", "leaktap explain " + rule.ID},
	} {
		t.row(&b, row[0], row[1])
	}
	return b.String()
}

// row writes a name and its wrapped text; a row without text is left out.
func (t *Text) row(b *strings.Builder, name, text string) {
	const indent = 9
	for i, line := range Wrap(text, t.options.Width-indent) {
		if i > 0 {
			name = ""
		}
		b.WriteString("  " + t.paint(dim, fmt.Sprintf("%-*s", indent-2, name)) + line + "\n")
	}
}

// ANSI SGR parameters (ECMA-48, section 8.3.117).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

func (t *Text) paint(sgr, text string) string {
	if !t.options.Color || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// severity is the name of s in capitals, padded to the longest.
func (t *Text) severity(s classify.Severity) string {
	sgr := dim
	switch s {
	case classify.Critical:
		sgr = bold + ";" + red
	case classify.High:
		sgr = red
	case classify.Medium:
		sgr = yellow
	case classify.Low:
		sgr = cyan
	case classify.Info:
	}
	return t.paint(sgr, fmt.Sprintf("%-8s", strings.ToUpper(s.String())))
}
