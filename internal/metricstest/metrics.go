// Package metricstest finds metrics that are declared and never move. The tests of a package
// register its metrics with registries of one [Watch]; when all have run, each metric has to
// have had a value other than zero in one of them. A metric whose series are all there from the
// start has to move in each of its series that counts.
package metricstest

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Watch notes what moves in its registries. Its zero value is ready, and safe for concurrent use.
type Watch struct {
	// Still are metrics that no test can move, with the reason.
	Still map[string]string

	mu         sync.Mutex
	registries []*Registry
	moved      map[string]bool // by name, and with labels
	resting    map[string]bool // counters that were zero, with labels
	skipped    bool
}

// Registry is a registry that knows the names of all that was registered, with series or without.
type Registry struct {
	*prometheus.Registry
	mu    sync.Mutex
	names map[string]bool
}

// Registry returns a new registry.
func (w *Watch) Registry() *Registry {
	r := &Registry{Registry: prometheus.NewPedanticRegistry(), names: map[string]bool{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.registries = append(w.registries, r)
	return r
}

// prefix is that of leaktap's own metrics. Those of the runtime are not looked at.
const prefix = "leaktap_"

// Register implements [prometheus.Registerer].
func (r *Registry) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 100)
	go func() {
		defer close(descs)
		c.Describe(descs)
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	for desc := range descs {
		_, rest, _ := strings.Cut(desc.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		if strings.HasPrefix(name, prefix) {
			r.names[name] = true
		}
	}
	return r.Registry.Register(c)
}

// MustRegister implements [prometheus.Registerer].
func (r *Registry) MustRegister(list ...prometheus.Collector) {
	for _, c := range list {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Names are those of the metrics of leaktap that were registered, in order.
func (r *Registry) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.names))
}

// Look notes what has a value now. Tests call it while a gauge is up that goes back to zero.
func (w *Watch) Look(t testing.TB) {
	t.Helper()
	if err := w.look(); err != nil {
		t.Error(err)
	}
}

func (w *Watch) look() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.moved == nil {
		w.moved, w.resting = map[string]bool{}, map[string]bool{}
	}
	for _, r := range w.registries {
		families, err := r.Gather()
		if err != nil {
			return fmt.Errorf("gather metrics: %w", err)
		}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				w.note(family.GetName(), m)
			}
		}
	}
	return nil
}

func (w *Watch) note(name string, m *dto.Metric) {
	if !strings.HasPrefix(name, prefix) {
		return
	}
	parts := []string{name}
	for _, l := range m.GetLabel() {
		parts = append(parts, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	series := strings.Join(parts, " ")
	switch {
	case m.GetCounter().GetValue() != 0 || m.GetGauge().GetValue() != 0 || m.GetHistogram().GetSampleCount() != 0:
		w.moved[name], w.moved[series] = true, true
	case m.GetCounter() != nil:
		w.resting[series] = true
	}
}

// Skip says that a test cannot run on this machine: what it would move cannot be asked for.
func (w *Watch) Skip() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skipped = true
}

// Unmoved are the metrics that were registered and never had a value, the counters' series that
// stayed zero among them, and the metrics of Still that did move.
func (w *Watch) Unmoved() (complaints []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.skipped {
		return nil
	}
	list := maps.Clone(w.resting)
	for _, r := range w.registries {
		for _, name := range r.Names() {
			list[name] = true
		}
	}
	for name := range list {
		if _, known := w.Still[name]; !w.moved[name] && !known {
			complaints = append(complaints, name+" is declared and never moves")
		}
	}
	for name := range w.Still {
		if w.moved[name] || !list[name] {
			complaints = append(complaints, name+" is excepted, and moves or is not declared")
		}
	}
	slices.Sort(complaints)
	return complaints
}

// Main runs the tests of a package and then fails for what is unmoved. It is a testing.M for
// goleak.VerifyTestMain. Where only some tests run it says nothing; and if that is because a test
// runs its binary again, as for a network namespace, what moves there counts.
type Main struct {
	M     interface{ Run() int }
	Watch *Watch
}

// Run returns the exit code.
func (m Main) Run() int {
	flag.Parse()
	if partial() {
		code := m.M.Run()
		return max(code, m.report(m.Watch.write(os.Getenv(fileVariable))))
	}
	dir, err := os.MkdirTemp("", "metricstest")
	if err != nil {
		return m.report(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "moved")
	if err := os.Setenv(fileVariable, file); err != nil {
		return m.report(err)
	}
	if code := m.M.Run(); code != 0 {
		return code
	}
	return m.report(errors.Join(m.Watch.look(), m.Watch.read(file), m.Watch.complain()))
}

// report writes an error, and returns the exit code.
func (m Main) report(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func (w *Watch) complain() error {
	var errs []error
	for _, complaint := range w.Unmoved() {
		errs = append(errs, errors.New("metrics: "+complaint))
	}
	return errors.Join(errs...)
}

// fileVariable names the file in which a part of the tests writes what it moves.
const fileVariable = "METRICSTEST_MOVED"

func (w *Watch) write(name string) error {
	if name == "" {
		return nil
	}
	if err := w.look(); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for series := range w.moved {
		_, err = fmt.Fprintln(file, series)
	}
	return errors.Join(err, file.Close())
}

func (w *Watch) read(name string) error {
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for series := range strings.Lines(string(text)) {
		w.moved[strings.TrimSuffix(series, "\n")] = true
	}
	return nil
}

// partial says whether flags leave out tests.
func partial() bool {
	for _, name := range []string{"run", "skip", "list", "fuzz"} {
		if f := flag.Lookup("test." + name); f != nil && f.Value.String() != "" {
			return true
		}
	}
	return testing.Short()
}
