package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/leaktap/leaktap/score/corpus"
)

// benchDir keeps corpora between runs; it is not in the repository.
const benchDir = ".bench"

// corpusVersion is part of a corpus's name: raise it when the generator changes
// what it makes, so that an old file is not taken for a new one.
const corpusVersion = 4

// corpusFile returns a corpus of that mode and size, made unless it is there.
func corpusFile(mode string, size int64) (string, error) {
	name := filepath.Join(benchDir, fmt.Sprintf("%s-%d-v%d.ndjson", mode, size/1_000_000, corpusVersion))
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	if err := os.MkdirAll(benchDir, 0o755); err != nil {
		return "", fmt.Errorf("make folder of corpora: %w", err)
	}
	fmt.Fprintf(os.Stderr, "making %s\n", name)
	const seed = 20261123
	unfinished := name + ".new" // an interrupted run leaves no half corpus behind
	if err := writeCorpus(unfinished, corpus.New(seed, shares[mode]), size); err != nil {
		return "", err
	}
	return name, errors.Join(os.Rename(unfinished+".truth", name+".truth"), os.Rename(unfinished, name))
}

// usage is what a program took.
type usage struct {
	cpu, elapsed time.Duration
	memory       int64 // largest resident set, in bytes
}

// rate is megabytes per CPU second, user and system.
func (u usage) rate(size int64) float64 { return float64(size) / 1e6 / u.cpu.Seconds() }

// measure runs a program on one core; its output goes to out. An exit code that
// is allowed is no error.
func measure(out io.Writer, allowed []int, name string, args ...string) (usage, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stdout = out
	start := time.Now()
	err := cmd.Run()
	u := usage{elapsed: time.Since(start)}
	if cmd.ProcessState == nil {
		return u, fmt.Errorf("run %s: %w", name, err)
	}
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.memory = r.Maxrss << 10
	}
	for _, code := range allowed {
		if cmd.ProcessState.ExitCode() == code {
			return u, nil
		}
	}
	return u, fmt.Errorf("run %s: %w", name, err)
}

// warm reads a file, so that its pages are in memory, and returns its size.
func warm(name string) (int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("read corpus: %w", err)
	}
	defer f.Close()
	n, err := io.Copy(io.Discard, f)
	if err != nil {
		return 0, fmt.Errorf("read corpus: %w", err)
	}
	return n, nil
}

// scanExits are the exit codes of leaktap scan that say that it read its input:
// nothing found, findings.
var scanExits = []int{0, 1}

func bench(args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	size := flags.Int64("bytes", 200_000_000, "size of each corpus")
	binary := flags.String("leaktap", "bin/leaktap", "the built binary")
	runs := flags.Int("runs", 3, "runs of each, of which the fastest counts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	fmt.Println("leaktap scan, one core, warm file; CPU is user and system")
	for _, mode := range []string{"clean", "dirty"} {
		name, err := corpusFile(mode, *size)
		if err != nil {
			return err
		}
		bytes, err := warm(name)
		if err != nil {
			return err
		}
		best := usage{}
		for range *runs {
			u, err := measure(io.Discard, scanExits, *binary, "scan", "-o", "jsonl", name)
			if err != nil {
				return err
			}
			if best.cpu == 0 || u.cpu < best.cpu {
				best = u
			}
		}
		fmt.Printf("%-6s %7.1f MB  %6.2f CPU s  %7.1f MB/CPU s  %s MB memory\n", mode, float64(bytes)/1e6, best.cpu.Seconds(), best.rate(bytes), strconv.FormatInt(best.memory>>20, 10))
	}
	return nil
}
