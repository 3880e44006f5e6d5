package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "score:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("want a command: generate, families, bench, counts or peers")
	}
	switch args[0] {
	case "generate":
		return generate(args[1:])
	case "families":
		return families(args[1:])
	case "bench":
		return bench(args[1:])
	case "counts":
		return counts(args[1:])
	case "peers":
		return peers(args[1:])
	}
	return fmt.Errorf("unknown command %q: want generate, families, bench, counts or peers", args[0])
}
