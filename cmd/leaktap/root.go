package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/prometheus/common/promslog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// The exit codes.
const (
	exitOK         = 0
	exitFindings   = 1
	exitUsage      = 2 // usage or configuration
	exitIncomplete = 3 // unreadable input, drops
	exitInternal   = 4
	exitSignal     = 128 // plus the signal's number
)

// streams are what a process has from its start.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// app is what every verb has at hand.
type app struct {
	*streams
	log *slog.Logger

	logLevel  *promslog.Level
	logFormat *promslog.Format
	color     string
	// flags are those of the verb that runs; nil before one does.
	flags *pflag.FlagSet
}

func newApp(s *streams) *app {
	a := &app{streams: s, logLevel: promslog.NewLevel(), logFormat: promslog.NewFormat()}
	if err := a.logFormat.Set("logfmt"); err != nil {
		panic(err) // promslog has lost its default
	}
	return a
}

// exitError ends the process with a code; a nil err says nothing more.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage is an error of the caller: a flag, an argument, the configuration.
func usage(err error) error { return &exitError{exitUsage, err} }

// incomplete is an error after which something was not read or not delivered.
func incomplete(err error) error { return &exitError{exitIncomplete, err} }

// run is the whole program, so that tests can call it.
func run(ctx context.Context, args []string, s *streams) int {
	a := newApp(s)
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	c, err := root.ExecuteContextC(ctx)
	if code, ok := signalled(ctx); ok {
		return code
	}
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case !errors.As(err, &exit):
		exit = &exitError{exitUsage, fmt.Errorf("%w\nSee '%s --help'", err, c.CommandPath())} // cobra's own errors are about usage
	}
	if exit.err != nil {
		fmt.Fprintf(s.err, "leaktap: %v\n", exit.err)
	}
	return exit.code
}

// signalled returns the exit code for a context that a signal ended.
func signalled(ctx context.Context) (code int, ok bool) {
	var sig signalError
	if !errors.As(context.Cause(ctx), &sig) {
		return 0, false
	}
	return exitSignal + int(sig.signal), true
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "leaktap",
		Short: "Find data and credentials in API responses and logs that should not be there",
		Long: `leaktap watches what APIs send out and what systems write down.

It reads API access and response logs from files and Kafka, or sniffs HTTP
traffic, and finds responses that carry more than they should (password hashes,
roles, personal data, stack traces, configuration) and credentials that were
persisted in logs. What it finds it redacts: no output holds a secret.

Try it:          leaktap demo
Scan a log:      leaktap scan access.log
Watch a topic:   leaktap tail -b localhost:9092 -t access-logs
Sniff:           leaktap sniff -i eth0 tcp port 8080

Every flag can be set by a variable: --fail-on is LEAKTAP_FAIL_ON.
Exit codes: 0 nothing found, 1 findings, 2 usage or configuration,
3 incomplete (unreadable input, drops), 4 internal, 130/143 signals.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: a.setUp,
	}
	flags := root.PersistentFlags()
	flags.Var(textValue{a.logLevel.Set, a.logLevel.String, "level"}, "log-level", "least level of log lines: debug, info, warn, error")
	flags.Var(textValue{a.logFormat.Set, a.logFormat.String, "format"}, "log-format", "form of log lines: logfmt, json")
	flags.StringVar(&a.color, "color", "auto", "colour in text output: auto, always, never")
	root.AddCommand(
		a.scanCommand(), a.sniffCommand(), a.tailCommand(), a.runCommand(), a.aggregateCommand(), a.demoCommand(),
		a.policyCommand(), a.reportCommand(), a.rulesCommand(), a.explainCommand(), a.formatCommand(), a.exchangesCommand(), a.checkConfigCommand(),
		a.schemaCommand(), a.dashboardsCommand(), a.keyCommand(), a.pageCommand(), a.versionCommand(),
	)
	root.InitDefaultCompletionCmd()
	for _, c := range append(root.Commands(), root) {
		if c.HasSubCommands() {
			c.Args, c.RunE = knownVerb, func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
	sayWhatIsWanted(root)
	return root
}

// sayWhatIsWanted makes commands that get too few or too many arguments show those that they
// take.
func sayWhatIsWanted(c *cobra.Command) {
	for _, sub := range c.Commands() {
		sayWhatIsWanted(sub)
	}
	if check := c.Args; check != nil && !c.HasSubCommands() {
		c.Args = func(c *cobra.Command, args []string) error {
			if check(c, args) == nil {
				return nil
			}
			return fmt.Errorf("%s: want %s (arguments given: %d)", c.Name(), c.UseLine(), len(args))
		}
	}
}

// knownVerb refuses an argument where a verb belongs, which cobra takes for a
// wish to read the help.
func knownVerb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var verbs []string
	for _, verb := range c.Commands() {
		verbs = append(verbs, verb.Name())
	}
	return fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), didYouMean(args[0], verbs))
}

// textValue makes a flag of a pair of functions.
type textValue struct {
	set  func(string) error
	text func() string
	kind string
}

func (v textValue) Set(s string) error { return v.set(s) }
func (v textValue) String() string {
	if v.text == nil {
		return ""
	}
	return v.text()
}
func (v textValue) Type() string { return v.kind }

// setUp runs before every verb: variables fill in flags, then the logger is made.
func (a *app) setUp(c *cobra.Command, _ []string) error {
	if err := flagsFromVariables(c.Flags()); err != nil {
		return usage(err)
	}
	switch a.color {
	case "auto", "always", "never":
	default:
		return usage(fmt.Errorf("--color %q: use auto, always or never", a.color))
	}
	a.flags = c.Flags()
	a.log = promslog.New(&promslog.Config{Level: a.logLevel, Format: a.logFormat, Style: promslog.SlogStyle, Writer: a.err})
	return nil
}

// flagsFromVariables sets each flag that was not given from its variable.
func flagsFromVariables(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := variableOf(f)
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || f.Name == "help" || err != nil {
			return
		}
		if e := flags.Set(f.Name, value); e != nil {
			err = fmt.Errorf("variable %s: %w", name, e)
			return
		}
		err = flags.SetAnnotation(f.Name, fromVariable, []string{name})
	})
	return err
}

// fromVariable marks a flag that a variable has set.
const fromVariable = "variable"

// variableOf is the variable of a flag.
func variableOf(f *pflag.Flag) string {
	return "LEAKTAP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// colors says whether text on w is coloured.
func (a *app) colors(w io.Writer) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	_, off := os.LookupEnv("NO_COLOR") // https://no-color.org
	return !off && isTerminal(w)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the number of columns of a terminal, 0 when there is none.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return min(columns, 100)
}
