package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
)

// outputFormats are the forms in which findings are written.
func outputFormats() []string { return append([]string{"text"}, alert.Formats()...) }

// outputs holds the options that say where findings are written.
type outputs struct {
	formats     []string
	minSeverity severityFlag
	failOn      severityFlag
	ledger      string
	ignoreFile  string
}

// severityFlag is a severity or "none"; unset, it leaves the choice to the verb.
type severityFlag struct {
	level classify.Severity
	set   bool
}

// Set takes a severity's name or none.
func (s *severityFlag) Set(text string) error {
	s.set = true
	if text == "none" {
		s.level = 0
		return nil
	}
	if err := s.level.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("%w, or none", err)
	}
	return nil
}

// String returns the severity's name.
func (s *severityFlag) String() string {
	if s.level == 0 {
		return "none"
	}
	return s.level.String()
}

// Type names the flag's kind in help texts.
func (s *severityFlag) Type() string { return "severity" }

// flags adds the options; failOn is the severity from which findings make the
// exit code 1, letter the short form of --output, if the verb has one.
func (o *outputs) flags(flags *pflag.FlagSet, failOn classify.Severity, letter string) {
	o.failOn.level = failOn
	flags.StringArrayVarP(&o.formats, "output", letter, []string{"text"},
		strings.Join(outputFormats(), ", ")+"; to standard output or as FORMAT=FILE; may repeat")
	flags.Var(&o.minSeverity, "min-severity", "least severity to show: info, low, medium, high, critical (text: low, others: info)")
	flags.StringVar(&o.ledger, "ledger", "", "file that keeps exposures and tokens from run to run, for 'leaktap report'")
	flags.StringVar(&o.ignoreFile, "ignore-file", "", "findings that are accepted: FINGERPRINT-OR-RULE [METHOD ROUTE] [until DATE] # REASON (.leaktapignore, if it is there)")
	flags.Var(&o.failOn, "fail-on", "least severity that makes the exit code 1, or none")
}

// output is the sinks of a verb and what has to be done at the end.
type output struct {
	sinks    []sink
	closers  []func() error
	withheld atomic.Int64
}

// open makes the sinks. Live text shows exposures as they come.
func (o *outputs) open(a *app, m *alert.Metrics, live bool) (*output, error) {
	out := &output{}
	toStdout := 0
	for _, spec := range o.formats {
		format, file, toFile := strings.Cut(spec, "=")
		w := a.out
		if toFile {
			f, err := os.Create(file)
			if err != nil {
				return nil, errors.Join(usage(fmt.Errorf("open output: %w", err)), out.close())
			}
			w = f
			out.closers = append(out.closers, f.Close)
		} else if toStdout++; toStdout > 1 {
			return nil, errors.Join(usage(fmt.Errorf("-o %s: standard output is taken; write it to a file with -o %s=FILE", spec, format)), out.close())
		}
		if err := out.add(a, o, m, format, w, live && !toFile); err != nil {
			return nil, errors.Join(err, out.close())
		}
	}
	return out, nil
}

func (out *output) add(a *app, o *outputs, m *alert.Metrics, format string, w io.Writer, live bool) error {
	least := classify.Info
	switch format {
	case "text":
		text := alert.NewText(w, alert.TextOptions{Color: a.colors(w), Width: width(w), Live: live})
		least = classify.Low
		out.sinks = append(out.sinks, text)
		out.closers = append([]func() error{text.Close}, out.closers...)
	default:
		report, err := alert.NewReport(format, version(), w, m)
		if err != nil {
			known := outputFormats()
			return usage(fmt.Errorf("output %w%s (%s)", err, didYouMean(format, known), strings.Join(known, ", ")))
		}
		out.sinks = append(out.sinks, report)
		out.closers = append([]func() error{report.Close}, out.closers...)
	}
	if o.minSeverity.set {
		least = o.minSeverity.level
	}
	last := len(out.sinks) - 1
	out.sinks[last] = &severityFilter{out.sinks[last], least, &out.withheld}
	return nil
}

// close flushes and closes in the order of sinks, then files.
func (out *output) close() error {
	var errs []error
	for _, c := range out.closers {
		errs = append(errs, c())
	}
	out.closers = nil
	return errors.Join(errs...)
}

// severityFilter withholds findings below a severity and counts them.
type severityFilter struct {
	sink
	least    classify.Severity
	withheld *atomic.Int64
}

// Accept passes on what is severe enough.
func (s *severityFilter) Accept(f *classify.Finding) {
	if f.Severity < s.least {
		s.withheld.Add(1)
		return
	}
	s.sink.Accept(f)
}

// exit turns the outcome of a verb into its error: incomplete input is worse
// than findings, because nobody knows what else there is.
func (o *outputs) exit(worst classify.Severity, readErr error) error {
	switch {
	case readErr != nil:
		return incomplete(readErr)
	case o.failOn.level > 0 && worst >= o.failOn.level:
		return &exitError{exitFindings, nil}
	}
	return nil
}
