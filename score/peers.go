package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leaktap/leaktap/score/corpus"
)

// report is what a scanner says of one record.
type report struct {
	line int
	// secret is what was found, for scanners that show it; leaktap does not, and
	// tells rule and place instead.
	secret, rule, where, pointer string
	// sensitive is false for what is no secret.
	sensitive bool
}

// scanner is a program to run on the corpus.
type scanner struct {
	name, binary string
	args         func(file, out string) []string
	exits        []int
	read         func(out []byte) ([]report, error)
}

// leaksReport reads the JSON report that gitleaks and its successor write.
func leaksReport(out []byte) (list []report, err error) {
	var findings []struct {
		StartLine int
		Secret    string
	}
	if err := json.Unmarshal(out, &findings); err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	for _, f := range findings {
		list = append(list, report{line: f.StartLine, secret: f.Secret, sensitive: true})
	}
	return list, nil
}

// leaktapReport reads findings as JSON lines; information is no alarm.
func leaktapReport(out []byte) (list []report, err error) {
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var f struct {
			Rule, Category, Severity, Where, Pointer string
			Source                                   struct{ Line int }
		}
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, fmt.Errorf("read report: %w", err)
		}
		if f.Severity == "info" {
			continue
		}
		sensitive := f.Category == "token" || f.Category == "credential" || strings.HasPrefix(f.Rule, "config-")
		list = append(list, report{line: f.Source.Line, rule: f.Rule, where: f.Where, pointer: f.Pointer, sensitive: sensitive})
	}
	return list, lines.Err()
}

func scanners(leaktap, tools string) []scanner {
	leaks := func(file, out string) []string {
		return []string{"dir", file, "--no-banner", "--log-level", "error", "--exit-code", "0", "--redact=0", "--report-format", "json", "--report-path", out}
	}
	return []scanner{
		{"leaktap", leaktap, func(file, out string) []string { return []string{"scan", "-o", "jsonl=" + out, file} }, scanExits, leaktapReport},
		{"gitleaks", filepath.Join(tools, "gitleaks"), leaks, []int{0}, leaksReport},
		{"betterleaks", filepath.Join(tools, "betterleaks"), leaks, []int{0}, leaksReport},
	}
}

func peers(args []string) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	size := flags.Int64("bytes", 20_000_000, "size of the slice; the slowest peer reads half a megabyte in a second")
	leaktap := flags.String("leaktap", "bin/leaktap", "the built binary")
	tools := flags.String("tools", ".tools/bin", "folder of the peers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	name, err := corpusFile("dirty", *size)
	if err != nil {
		return err
	}
	labels, err := readTruth(name + ".truth")
	if err != nil {
		return err
	}
	bytes, err := warm(name)
	if err != nil {
		return err
	}
	fmt.Printf("%d records, %.1f MB, one core, warm; recall on secrets, tokens and credential fields; alarms per 1,000 clean records\n", len(labels), float64(bytes)/1e6)
	fmt.Printf("%-12s %10s %8s %8s %8s %12s %12s\n", "scanner", "MB/CPU s", "CPU s", "secrets", "fields", "alarms", "of secrets")
	for _, s := range scanners(*leaktap, *tools) {
		if err := compare(s, name, bytes, labels); err != nil {
			return err
		}
	}
	return nil
}

// compare runs a scanner and prints its line of the table.
func compare(s scanner, file string, size int64, labels []truth) error {
	if _, err := os.Stat(s.binary); errors.Is(err, fs.ErrNotExist) {
		fmt.Printf("%-12s not to be had: there is no %s\n", s.name, s.binary)
		return nil
	}
	out := filepath.Join(benchDir, s.name+".report")
	u, err := measure(os.Stderr, s.exits, s.binary, s.args(file, out)...)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return fmt.Errorf("read report of %s: %w", s.name, err)
	}
	reports, err := s.read(text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	c := comparison(reports, labels)
	fmt.Printf("%-12s %10.1f %8.1f %8.3f %8.3f %12.2f %12.2f\n", s.name, u.rate(size), u.cpu.Seconds(), share(c.secrets.found, c.secrets.planted), share(c.fields.found, c.fields.planted),
		1000*share(c.alarms, c.clean), 1000*share(c.secretAlarms, c.clean))
	return nil
}

// compared is what the reports of one scanner come to.
type compared struct {
	secrets, fields             tally
	clean, alarms, secretAlarms int
}

// comparison judges reports by the labels: a secret is found when a report of
// its record shows a part of it, or names an accepted rule and the place.
func comparison(reports []report, labels []truth) (c compared) {
	byLine := map[int][]report{}
	for _, r := range reports {
		byLine[r.line] = append(byLine[r.line], r)
	}
	groups := corpus.Groups() // secrets and tokens, then credential fields, then what peers do not look for
	for _, t := range labels {
		found := byLine[t.Record]
		if len(t.Leaks) == 0 {
			c.clean++
			for _, r := range found {
				if r.secret != "" && slices.ContainsFunc(t.InPlace, func(v string) bool { return overlap(r.secret, v) }) {
					continue // who knows no places cannot know that it is in its own
				}
				c.alarms++
				if r.sensitive {
					c.secretAlarms++
				}
			}
		}
		for _, l := range distinct(t.Leaks) {
			sum := &c.secrets
			if slices.Contains(groups[1].Families, l.Family) {
				sum = &c.fields
			} else if !slices.Contains(groups[0].Families, l.Family) {
				continue
			}
			sum.planted++
			if slices.ContainsFunc(found, func(r report) bool { return r.tells(&l) }) {
				sum.found++
			}
		}
	}
	return c
}

// tells says whether a report is of that leak.
func (r *report) tells(l *corpus.Leak) bool {
	if r.rule == "" {
		return r.secret != "" && overlap(r.secret, l.Value)
	}
	return accepts(l.Family, r.rule) && l.Where == r.where && samePlace(l.Pointer, r.pointer)
}
