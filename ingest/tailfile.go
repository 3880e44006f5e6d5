package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TailConfig says which files a [Tail] follows and how. Paths is needed.
type TailConfig struct {
	Config
	// Paths are patterns of [filepath.Match]; what they match is looked up again
	// and again.
	Paths []string
	// Exclude are patterns of paths, or of the last part of them.
	Exclude []string
	// Pod leaves out the files of one pod in /var/log/containers, whose names start
	// with it: an agent must not read what it writes.
	Pod string
	// State is the file that keeps how far each file was read. Without one every
	// start begins anew.
	State string
	// FromEnd starts at the end of files that are there at the first start; files
	// that come later are read from their beginning.
	FromEnd bool
	// StopAtEnd ends Run when every file was read to its end.
	StopAtEnd bool
	// MaxFiles bounds how many files are followed at once; 0 means 1,000.
	MaxFiles int
	Timing   TailTiming
}

// TailTiming holds the intervals of a [Tail]; 0 means the default.
type TailTiming struct {
	// Poll is the interval at which files are looked at even if nothing told that
	// they have grown; default 1 s.
	Poll time.Duration
	// Commit is the interval at which the state is written; default 1 s.
	Commit time.Duration
	// Join is how long the beginning of a line or trace waits for its rest; default
	// 2 s.
	Join time.Duration
	// Grace is how long a file is read on after its name went to another; default
	// 5 s. Whoever writes it may not have noticed.
	Grace time.Duration
}

func (t TailTiming) withDefaults() TailTiming {
	return TailTiming{
		Poll: cmp.Or(t.Poll, time.Second), Commit: cmp.Or(t.Commit, time.Second),
		Join: cmp.Or(t.Join, 2*time.Second), Grace: cmp.Or(t.Grace, 5*time.Second),
	}
}

// Tail follows files as they grow, at least once: how far a file was read is
// written down only after the handler has settled the records before it. A file is
// known by its inode and a checksum of its first bytes, so that it is read to its
// end after it was renamed, and from its beginning after it was cut.
//
// It sees a cut that leaves the file shorter than it was read, or other at its
// beginning; bytes that were cut before they were read are a loss, and counted.
type Tail struct {
	cfg     TailConfig
	metrics *metrics
	files   *fileMetrics
	log     *slog.Logger
	ready   chan struct{}

	open  []*tailed
	state *tailState
	// first is true until the first look, full after a file too many was logged.
	first, full bool
	// lag and count are what the gauges were told.
	lag   int64
	count int
}

// NewTail checks the configuration; it opens nothing. A nil registerer leaves the
// metrics unregistered.
func NewTail(cfg TailConfig, reg prometheus.Registerer, log *slog.Logger) (*Tail, error) {
	var err error
	if cfg.Config, err = cfg.withDefaults(); err != nil {
		return nil, err
	}
	cfg.MaxFiles = cmp.Or(cfg.MaxFiles, 1000)
	cfg.Timing = cfg.Timing.withDefaults()
	if len(cfg.Paths) == 0 {
		return nil, errors.New("check file source: no path")
	}
	for _, pattern := range slices.Concat(cfg.Paths, cfg.Exclude) {
		if _, err := filepath.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("check file source: pattern %q: %w", pattern, err)
		}
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	files, err := newFileMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return &Tail{cfg: cfg, metrics: m, files: files, log: log, ready: make(chan struct{}), first: true}, nil
}

// Ready is closed when files have been looked for once.
func (t *Tail) Ready() <-chan struct{} { return t.ready }

// Run follows files until the context is cancelled, or to their ends with
// StopAtEnd, and returns nil then; it may be called once. It calls the handler from
// one goroutine. It fails if the state cannot be read.
func (t *Tail) Run(ctx context.Context, h Handler) error {
	state, err := loadTailState(t.cfg.State)
	if err != nil {
		return err
	}
	t.state = state
	defer t.close()
	wake := newFileWatch(t.cfg.Paths, t.log)
	defer wake.close()
	poll := time.NewTicker(t.cfg.Timing.Poll)
	defer poll.Stop()
	commit := time.NewTicker(t.cfg.Timing.Commit)
	defer commit.Stop()
	for ctx.Err() == nil {
		t.look(h)
		behind := t.read(ctx)
		if t.first {
			t.first = false
			close(t.ready)
		}
		if !behind && t.cfg.StopAtEnd {
			break
		}
		select {
		case <-commit.C:
			t.commit(ctx, h)
		default:
		}
		if behind {
			continue
		}
		select {
		case <-ctx.Done():
		case <-wake.changes():
			wait(ctx, minFileWait)
		case <-poll.C:
		case <-commit.C:
			t.commit(ctx, h)
		}
	}
	return t.finish(ctx, h)
}

// minFileWait bounds how often files that are written to all the time are looked
// at.
const minFileWait = 50 * time.Millisecond

// finish hands over what is held back and writes the state down.
func (t *Tail) finish(ctx context.Context, h Handler) error {
	for _, f := range t.open {
		f.flush()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	t.commit(ctx, h)
	return nil
}

func (t *Tail) close() {
	for _, f := range t.open {
		_ = f.file.Close() // it was only read
	}
	t.tell(0, 0)
}

// tell changes the gauges, which all sources share, by what changed here.
func (t *Tail) tell(lag int64, files int) {
	t.files.lag.Add(float64(lag - t.lag))
	t.files.tailed.Add(float64(files - t.count))
	t.lag, t.count = lag, files
}

// excluded says whether a path is not to be read.
func (t *Tail) excluded(path string) bool {
	base := filepath.Base(path)
	if t.cfg.Pod != "" && strings.HasPrefix(base, t.cfg.Pod+"_") || path == t.cfg.State {
		return true
	}
	return slices.ContainsFunc(t.cfg.Exclude, func(pattern string) bool {
		whole, _ := filepath.Match(pattern, path)
		last, _ := filepath.Match(pattern, base)
		return whole || last
	})
}

// look opens the files that are new, and notes which have lost their name.
func (t *Tail) look(h Handler) {
	seen := map[fileID]bool{}
	for _, pattern := range t.cfg.Paths {
		paths, _ := filepath.Glob(pattern) // the pattern was checked
		for _, path := range paths {
			if t.excluded(path) {
				continue
			}
			if id, ok := t.found(path, h); ok {
				seen[id] = true
			}
		}
	}
	if t.first {
		for _, left := range t.state.left(seen) {
			t.openFile(left.Path, h, true)
		}
		t.state.keep(t.open)
	}
	now := time.Now()
	for _, f := range t.open {
		switch {
		case seen[f.id]:
			f.nameless = time.Time{}
		case f.nameless.IsZero():
			f.nameless = now
		}
	}
}

// found opens the file of a path unless it is open.
func (t *Tail) found(path string, h Handler) (id fileID, ok bool) {
	id, ok = identify(path)
	if !ok {
		return id, false
	}
	for _, f := range t.open {
		if f.id == id {
			f.path = path
			return id, true
		}
	}
	return id, t.openFile(path, h, false)
}

// openFile opens a file where it was left, or at its beginning. A file that went on
// under another name while nobody looked is only read to its end.
func (t *Tail) openFile(path string, h Handler, renamed bool) bool {
	if len(t.open) >= t.cfg.MaxFiles {
		t.files.losses.WithLabelValues(lossFull).Inc()
		if !t.full {
			t.log.Warn("file is not followed: there are too many", "path", path, "limit", t.cfg.MaxFiles)
		}
		t.full = true
		return false
	}
	f, err := openTailed(t, path, h)
	if err != nil {
		t.log.Warn("file is not readable at present", "path", path, "cause", err)
		return false
	}
	switch offset, line, known := t.state.find(f); {
	case known:
		f.seek(offset, line)
	case renamed:
		_ = f.file.Close() // another file by now
		return false
	case t.first && t.cfg.FromEnd:
		f.seekEnd()
	}
	if renamed {
		f.nameless = time.Now()
	}
	t.open = append(t.open, f)
	return true
}

// read reads what has grown, and closes what is over. behind says that there is
// more to read at once.
func (t *Tail) read(ctx context.Context) (behind bool) {
	lag := int64(0)
	t.open = slices.DeleteFunc(t.open, func(f *tailed) bool {
		more, err := f.read(ctx)
		if err != nil {
			t.log.Warn("file is not readable at present", "path", f.path, "cause", err)
		}
		behind = behind || more
		lag += f.lag()
		over := !more && !f.nameless.IsZero() && time.Since(f.nameless) > t.cfg.Timing.Grace
		if over {
			f.flush()
			t.state.over(f)
			_ = f.file.Close() // it was only read
		}
		return over
	})
	t.tell(lag, len(t.open))
	return behind
}

// commit writes down how far files were read, when the handler has settled it.
func (t *Tail) commit(ctx context.Context, h Handler) {
	if !t.state.note(t.open) {
		return
	}
	if err := h.Settle(ctx); err != nil {
		t.log.Warn("state of files is not written: findings are not settled", "cause", err)
		t.state.changed = true
		return
	}
	if err := t.state.save(); err != nil {
		t.log.Warn("state of files is not written and will be tried again", "cause", err)
		t.state.changed = true
	}
}
