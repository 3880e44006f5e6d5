package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leaktap/leaktap/classify"
)

// ignoreFileName is the file that is read where no other is named.
const ignoreFileName = ".leaktapignore"

// ignoring withholds findings that somebody has accepted. A file has an entry a line:
//
//	FINGERPRINT-OR-RULE [METHOD ROUTE] [until DATE] # REASON
//
// A reason is needed. From its date on an entry counts no more.
type ignoring struct {
	entries []*ignoreEntry
	now     func() time.Time
	log     *slog.Logger
}

// ignoreEntry accepts one exposure, or a rule at a route or anywhere.
type ignoreEntry struct {
	what, method, route string
	until               time.Time // zero for ever
	line                int
	ended               atomic.Bool // somebody was told that it has ended
}

// readIgnoreFile reads a file; nil if none is named and there is none in the working
// directory.
func readIgnoreFile(name string, known []*classify.Rule, now func() time.Time, log *slog.Logger) (*ignoring, error) {
	file := name
	if file == "" {
		file = ignoreFileName
	}
	text, err := os.ReadFile(file)
	if name == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what to ignore: %w", err)
	}
	i := &ignoring{now: now, log: log}
	for n, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		entry := &ignoreEntry{line: n + 1}
		if err := entry.parse(line, known); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n+1, err)
		}
		i.entries = append(i.entries, entry)
	}
	return i, nil
}

// parse reads an entry.
func (e *ignoreEntry) parse(line string, known []*classify.Rule) (err error) {
	entry, reason, _ := strings.Cut(line, "#")
	if strings.TrimSpace(reason) == "" {
		return errors.New("want a reason behind #: who accepted it, and why")
	}
	words := strings.Fields(entry)
	if n := len(words); n >= 2 && words[n-2] == "until" {
		if e.until, err = time.Parse(time.DateOnly, words[n-1]); err != nil {
			return fmt.Errorf("until %q: want a date such as 2027-03-01", words[n-1])
		}
		words = words[:n-2]
	}
	switch len(words) {
	case 1:
	case 3:
		e.method, e.route = words[1], words[2]
	default:
		return errors.New("want FINGERPRINT-OR-RULE [METHOD ROUTE] [until DATE] # REASON")
	}
	e.what = words[0]
	if isFingerprint(e.what) {
		return nil
	}
	names := make([]string, len(known))
	for i, r := range known {
		names[i] = r.ID
	}
	if !slices.Contains(names, e.what) {
		return fmt.Errorf("there is no rule %q, and a fingerprint has 32 hexadecimal digits%s", e.what, didYouMean(e.what, names))
	}
	return nil
}

func isFingerprint(s string) bool { return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" }

// accepts says whether a finding is accepted.
func (i *ignoring) accepts(f *classify.Finding) bool {
	if i == nil {
		return false
	}
	for _, e := range i.entries {
		if e.what != f.Fingerprint && e.what != f.Rule.ID || e.route != "" && (e.route != f.HTTP.Route || e.method != f.HTTP.Method) {
			continue
		}
		if !e.until.IsZero() && !i.now().Before(e.until) {
			if !e.ended.Swap(true) {
				i.log.Warn("an acceptance has ended", "line", e.line, "accepted", e.what, "until", e.until.Format(time.DateOnly))
			}
			continue
		}
		return true
	}
	return false
}
