package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/score/corpus"
)

func families(args []string) error {
	flags := flag.NewFlagSet("families", flag.ContinueOnError)
	records := flags.Int("records", 40_000, "how many records")
	seed := flags.Uint64("seed", 1, "seed of the random numbers")
	misses := flags.Int("misses", 0, "show that many misses of each family")
	alarms := flags.Int("alarms", 0, "show that many false alarms of each rule")
	clusters := flags.Int("clusters", 0, "show that many of the largest clusters of misses and false alarms")
	only := flags.String("only", "", "show misses and alarms of this family or rule only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	start := time.Now()
	r, err := score(*seed, corpus.FamilyShare, *records)
	if err != nil {
		return err
	}
	if err := r.print(os.Stdout); err != nil {
		return err
	}
	fmt.Printf("\n%d records, %.1f MB, %d of them clean; seed %d; %.1f s\n", r.records, float64(r.bytes)/1e6, r.clean, *seed, time.Since(start).Seconds())
	r.showClusters(os.Stdout, *clusters)
	r.showMisses(os.Stdout, *misses, *only)
	r.showAlarms(os.Stdout, *alarms, *only)
	return nil
}

// add sums tallies.
func (t *tally) add(o *tally) {
	t.planted += o.planted
	t.found += o.found
	t.matched += o.matched
	t.stray += o.stray
	t.alarms += o.alarms
	t.infos += o.infos
}

func (t *tally) recall() float64 { return share(t.found, t.planted) }

func (t *tally) precision() float64 { return share(t.matched, t.matched+t.stray) }

func (t *tally) f1() float64 {
	p, r := t.precision(), t.recall()
	if p+r == 0 {
		return 0
	}
	return 2 * p * r / (p + r)
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// group sums the families of a group.
func (r *result) group(g corpus.Group) *tally {
	sum := &tally{}
	for _, f := range g.Families {
		if t := r.families[f]; t != nil {
			sum.add(t)
		}
	}
	return sum
}

// alarmsPerThousand is the number of false alarms per 1,000 clean records.
func (r *result) alarmsPerThousand() float64 { return 1000 * share(r.cleanAlarms, r.clean) }

// print writes the tables.
func (r *result) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, t *tally) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.3f\t%d\t%.3f\t%.3f\t%.2f\t%d\t\n", name, t.planted, t.found, t.recall(), t.matched+t.stray, t.precision(), t.f1(), 1000*share(t.alarms, r.clean), t.infos)
	}
	fmt.Fprintln(w, "family\tplanted\tfound\trecall\treported\tprecision\tF1\talarms/1000\tinfo\t")
	known := map[string]bool{}
	for _, g := range corpus.Groups() {
		for _, f := range g.Families {
			known[f] = true
			if t := r.families[f]; t != nil {
				row(f, t)
			}
		}
	}
	for _, f := range slices.Sorted(maps.Keys(r.families)) {
		if !known[f] {
			row(f, r.families[f])
		}
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t\t\t\t")
	all := &tally{}
	for _, g := range corpus.Groups() {
		t := r.group(g)
		all.add(t)
		row(strings.ToUpper(g.Name), t)
	}
	row("OVERALL", all)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nfalse alarms per 1,000 clean records: %.2f (%d); on ordinary records %.2f, on look-alikes %.2f; information apart: %.2f (%d)\n", r.alarmsPerThousand(), r.cleanAlarms,
		1000*share(r.cleanAlarms-r.alikeAlarms, r.clean-r.alikes), 1000*share(r.alikeAlarms, r.alikes), 1000*share(r.cleanInfos, r.clean), r.cleanInfos)
	return nil
}

// showClusters counts misses by family and medium, and alarms by rule and kind.
func (r *result) showClusters(out io.Writer, n int) {
	counts := map[string]int{}
	for _, m := range r.misses {
		counts["missed "+m.leak.Family+" in "+medium(m.kind)+" at "+m.leak.Where]++
	}
	for _, a := range r.alarms {
		_, name := path.Split(a.found.pointer)
		counts["alarm "+a.found.rule+" in "+medium(a.kind)+" at "+name]++
	}
	list := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	for _, c := range list[:min(n, len(list))] {
		fmt.Fprintf(out, "%5d %s\n", counts[c], c)
	}
}

// medium is a kind without the shape of its record.
func medium(kind string) string {
	parts := strings.Split(kind, "/")
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// showMisses prints the first n misses of each family.
func (r *result) showMisses(out io.Writer, n int, only string) {
	shown := map[string]int{}
	for _, m := range r.misses {
		if only != "" && only != m.leak.Family || shown[m.leak.Family] >= n {
			continue
		}
		shown[m.leak.Family]++
		fmt.Fprintf(out, "missed %s, record %d (%s) at %s %s: %.120q\n", m.leak.Family, m.record, m.kind, m.leak.Where, m.leak.Pointer, m.leak.Value)
	}
}

// showAlarms prints the first n false alarms of each rule; those on clean
// records are marked.
func (r *result) showAlarms(out io.Writer, n int, only string) {
	shown := map[string]int{}
	for _, a := range r.alarms {
		if only != "" && only != a.found.rule || shown[a.found.rule] >= n {
			continue
		}
		shown[a.found.rule]++
		mark := "beside a leak"
		if a.clean {
			mark = "clean"
		}
		fmt.Fprintf(out, "alarm %s (%s), record %d (%s, %s) at %s %s: %.120q\n", a.found.rule, severityName(a.found.severity), a.record, a.kind, mark, a.found.where, a.found.pointer, a.found.text)
	}
}

func severityName(s classify.Severity) string { return s.String() }
