package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/alert/login"
)

func (a *app) pageCommand() *cobra.Command {
	c := &cobra.Command{Use: "page", Short: "Say who may log in to the findings page"}
	c.AddCommand(&cobra.Command{
		Use:   "password NAME",
		Short: "Write a user's line for http.users_file to standard output",
		Long: fmt.Sprintf(`Password reads a password of %d to %d bytes and writes NAME and its hash (bcrypt) as a
line for the file that http.users_file names. Whoever is in that file can log in to the
findings page, and accept findings there. On a terminal it asks twice and shows nothing;
otherwise it reads one line of standard input. A password is never an argument: those of
a running command can be read by others.`, login.MinPassword, login.MaxPassword),
		Example: "  leaktap page password ada >> users\n  pass show leaktap/ada | leaktap page password ada >> users",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			password, err := a.readPassword()
			if err != nil {
				return usage(fmt.Errorf("read password: %w", err))
			}
			line, err := login.Line(args[0], password)
			if err != nil {
				return usage(err)
			}
			fmt.Fprintln(a.out, line)
			return nil
		},
	})
	return c
}

// readPassword asks for a password on a terminal, or reads one line.
func (a *app) readPassword() (string, error) {
	if f, ok := a.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return askPassword(a.err, func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) })
	}
	line, err := bufio.NewReader(io.LimitReader(a.in, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// askPassword asks twice; read reads without showing.
func askPassword(prompts io.Writer, read func() ([]byte, error)) (string, error) {
	var answers [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(prompts, prompt)
		answer, err := read()
		fmt.Fprintln(prompts)
		if err != nil {
			return "", err
		}
		answers[i] = string(answer)
	}
	if answers[0] != answers[1] {
		return "", errors.New("the two differ")
	}
	return answers[0], nil
}

// readUsers reads who may log in, if a file says so.
func (h *httpConfig) readUsers() (p *configProblem) {
	if h.UsersFile == "" {
		if h.RequireLogin {
			return problem("http.require_login", "needs http.users_file: otherwise nobody can log in")
		}
		return nil
	}
	users, err := login.ReadUsers(h.UsersFile)
	if err != nil {
		return problem("http.users_file", "%v", err)
	}
	h.users = users
	return nil
}

// guardOf is nil for no agent.
func (a *agent) guardOf() *login.Guard {
	if a == nil {
		return nil
	}
	return a.guard
}

// admit lets these users log in, nobody if it is nil. Whoever has logged in to the agent
// before stays so, unless the user is gone or has another password.
func (a *agent) admit(users *login.Users) {
	switch {
	case users == nil:
		a.guard = nil
	case a.guard == nil:
		a.guard = login.NewGuard(users, a.now)
	default:
		a.guard.SetUsers(users)
	}
}

// acceptances keeps what is accepted, and tells the sinks that end something by it.
type acceptances struct {
	*alert.Ledger
	sinks []sink
}

// AcceptExposure accepts an exposure, as [alert.Ledger.AcceptExposure] does.
func (a acceptances) AcceptExposure(accepted alert.Acceptance) error {
	if err := a.Ledger.AcceptExposure(accepted); err != nil {
		return err
	}
	for _, s := range a.sinks {
		if ends, ok := s.(interface{ Accepted(fingerprint string) }); ok {
			ends.Accepted(accepted.Fingerprint)
		}
	}
	return nil
}
