// Command leaktap watches what APIs send out and what systems write down, and
// finds data and credentials that should not be there.
//
// One file per verb; agent.go is the only wiring and owns every goroutine.
// Standard output carries findings only, logs and progress go to standard error.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(realMain())
}

func realMain() int {
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		stop(signalError{(<-signals).(syscall.Signal)})
		signal.Stop(signals) // a second signal ends the process at once
	}()
	return run(ctx, os.Args[1:], &streams{os.Stdin, os.Stdout, os.Stderr})
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return e.signal.String() }
