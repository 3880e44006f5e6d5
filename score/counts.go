package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// counted is what cachegrind counts of a program's run.
type counted struct{ instructions, mispredicted, cacheMisses float64 }

// counts prints what leaktap scan executes for each byte. It comes out the same however busy the
// machine is, and so tells a gain of a percent, where times do not tell one of ten. Valgrind models
// the processor: instructions are exact, the rest is a hint. Its processor has no SHA instructions.
func counts(args []string) error {
	flags := flag.NewFlagSet("counts", flag.ContinueOnError)
	size := flags.Int64("bytes", 4_000_000, "size of each corpus")
	binary := flags.String("leaktap", "bin/leaktap", "the built binary")
	if err := flags.Parse(args); err != nil {
		return err
	}
	fmt.Println("leaktap scan under valgrind, one core, start left out")
	for _, mode := range []string{"clean", "dirty"} {
		name, err := corpusFile(mode, *size)
		if err != nil {
			return err
		}
		first, err := firstLine(name)
		if err != nil {
			return err
		}
		defer os.Remove(first)
		all, err := count(*binary, name)
		if err != nil {
			return err
		}
		start, err := count(*binary, first)
		if err != nil {
			return err
		}
		n := float64(*size)
		fmt.Printf("%-6s %6.1f instructions per byte, of 1,000 bytes %5.0f mispredicted branches and %5.0f misses of first caches\n", mode,
			(all.instructions-start.instructions)/n, (all.mispredicted-start.mispredicted)/n*1e3, (all.cacheMisses-start.cacheMisses)/n*1e3)
	}
	return nil
}

// firstLine writes the first record of a file to one beside it.
func firstLine(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read corpus: %w", err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	first := filepath.Join(benchDir, "first-"+filepath.Base(name))
	if err := os.WriteFile(first, append(line, '\n'), 0o600); err != nil {
		return "", fmt.Errorf("write first record: %w", err)
	}
	return first, nil
}

// count runs leaktap scan on a file under cachegrind.
func count(binary, name string) (c counted, err error) {
	var report strings.Builder
	cmd := exec.Command("valgrind", "--tool=cachegrind", "--cache-sim=yes", "--branch-sim=yes", "--cachegrind-out-file="+os.DevNull, binary, "scan", "-o", "jsonl", name)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	cmd.Stdout, cmd.Stderr = io.Discard, &report
	if err := cmd.Run(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 {
		return c, fmt.Errorf("run valgrind, which has to be installed: %w", err)
	}
	for _, line := range []struct {
		title string
		add   *float64
	}{{"I   refs", &c.instructions}, {"Mispredicts", &c.mispredicted}, {"I1  misses", &c.cacheMisses}, {"D1  misses", &c.cacheMisses}} {
		found := regexp.MustCompile(line.title + `: +([0-9,]+)`).FindStringSubmatch(report.String())
		if found == nil {
			return c, fmt.Errorf("read what valgrind says: no line %q", line.title)
		}
		n, err := strconv.ParseFloat(strings.ReplaceAll(found[1], ",", ""), 64)
		if err != nil {
			return c, fmt.Errorf("read what valgrind says: %w", err)
		}
		*line.add += n
	}
	return c, nil
}
