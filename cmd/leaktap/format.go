package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/ingest"
)

func (a *app) formatCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "format",
		Short: "Show log formats and which of them a file has",
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List the formats",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, strings.Join(slices.Sorted(slices.Values(ingest.Formats())), "\n"))
			return err
		},
	}
	o := &decoding{}
	detect := &cobra.Command{
		Use:   "detect FILE",
		Short: "Show which formats a file has and why",
		Long: `Detect decodes a file, or - for standard input, as scan does and shows for each
format how many records are of it, by which names of fields or which shape they
were recognised, and which envelopes were taken off; then the lines of records that
look like JSON or bytes and could not be read. It shows nothing of what records hold.`,
		Example: `  leaktap format detect access.log
  kubectl logs deploy/api | leaktap format detect -
  leaktap format detect --mapping mapping.yaml odd.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.detect(c.Context(), o, args[0]) },
	}
	o.flags(detect.Flags())
	c.AddCommand(list, detect)
	return c
}

// detectedFormats is what was seen of a file.
type detectedFormats struct {
	formats    map[string]*detectedFormat
	records    int64
	unreadable []int64 // lines
	unread     int64
}

// detectedFormat is what was seen of one format.
type detectedFormat struct {
	name               string
	records, exchanges int64
	reasons, envelopes map[string]int64
}

// maxReasons bounds the reasons and envelopes that are shown of a format, and
// maxLines the lines of unreadable records.
const (
	maxReasons = 8
	maxLines   = 3
)

func (a *app) detect(ctx context.Context, o *decoding, path string) error {
	cfg, err := o.config()
	if err != nil {
		return usage(err)
	}
	seen := &detectedFormats{formats: map[string]*detectedFormat{}}
	cfg.Explain = seen.record
	reader, err := ingest.NewReader(cfg, nil, a.log)
	if err != nil {
		return usage(err)
	}
	in := a.in
	if path != ingest.StdinName {
		f, err := os.Open(path)
		if err != nil {
			return incomplete(fmt.Errorf("read input: %w", err))
		}
		defer f.Close()
		in = f
	}
	stats, err := reader.Run(ctx, path, in, func(*classify.Exchange) {})
	if problem := seen.write(a.out, &stats); problem != nil {
		return problem
	}
	if err != nil {
		return incomplete(err)
	}
	return nil
}

// record takes one record's explanation.
func (s *detectedFormats) record(e *ingest.Explanation) {
	f := s.formats[e.Format]
	if f == nil {
		f = &detectedFormat{name: e.Format, reasons: map[string]int64{}, envelopes: map[string]int64{}}
		s.formats[e.Format] = f
	}
	s.records++
	f.records++
	if e.Outcome == "exchange" {
		f.exchanges++
	}
	for _, reason := range e.Reasons {
		f.reasons[reason]++
	}
	for _, kind := range e.Envelopes {
		f.envelopes[kind]++
	}
	if e.Unreadable {
		s.unread++
		if len(s.unreadable) < maxLines {
			s.unreadable = append(s.unreadable, e.Source.Line)
		}
	}
}

// write shows what was seen, the most frequent first.
func (s *detectedFormats) write(w io.Writer, stats *ingest.Stats) error {
	var out strings.Builder
	formats := slices.SortedFunc(maps.Values(s.formats), func(a, b *detectedFormat) int {
		return cmp.Or(cmp.Compare(b.records, a.records), cmp.Compare(a.name, b.name))
	})
	for _, f := range formats {
		share := 100 * float64(f.records) / float64(s.records)
		fmt.Fprintf(&out, "%-14s %s  %.1f %%  %s\n", f.name, alert.Plural(f.records, "record"), share, alert.Plural(f.exchanges, "exchange"))
		writeCounts(&out, "because", f.reasons)
		writeCounts(&out, "inside", f.envelopes)
		if f.name == "text" {
			fmt.Fprintln(&out, "  no decoder knows them: they are scanned as text")
		}
	}
	if s.records == 0 {
		fmt.Fprintln(&out, "no records")
	}
	if s.unread > 0 {
		fmt.Fprintf(&out, "unreadable     %s, scanned as text: line %s\n", alert.Plural(s.unread, "record"), lineNumbers(s.unreadable, s.unread))
	}
	for _, reason := range slices.Sorted(maps.Keys(stats.Limits)) {
		fmt.Fprintf(&out, "limit          %s: %d\n", reason, stats.Limits[reason])
	}
	for _, reason := range slices.Sorted(maps.Keys(stats.Uninspected)) {
		fmt.Fprintf(&out, "uninspected    %s: %s\n", reason, alert.Plural(stats.Uninspected[reason], "byte"))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func lineNumbers(lines []int64, all int64) string {
	text := strings.Trim(strings.ReplaceAll(fmt.Sprint(lines), " ", ", "), "[]")
	if all > int64(len(lines)) {
		text += " …"
	}
	return text
}

// writeCounts shows the most frequent names with their counts.
func writeCounts(w io.Writer, title string, counts map[string]int64) {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		if i == maxReasons {
			fmt.Fprintf(w, "  %-8s %d more\n", title, len(names)-i)
			return
		}
		fmt.Fprintf(w, "  %-8s %s (%d)\n", title, name, counts[name])
	}
}
