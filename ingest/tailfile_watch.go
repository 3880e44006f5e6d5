package ingest

import (
	"log/slog"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// fileWatch tells that something happened in the directories of patterns, where the
// system can say so; files are looked at without it, too, only later.
type fileWatch struct {
	watcher *fsnotify.Watcher
	wake    chan struct{}
	done    chan struct{}
}

func newFileWatch(patterns []string, log *slog.Logger) *fileWatch {
	w := &fileWatch{wake: make(chan struct{}, 1), done: make(chan struct{})}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		log.Info("files are looked at from time to time only", "cause", err)
		close(w.done)
		return w
	}
	w.watcher = watcher
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(filepath.Dir(pattern)) // the pattern was checked
		for _, dir := range dirs {
			if err := watcher.Add(dir); err != nil {
				log.Info("directory is looked at from time to time only", "path", dir, "cause", err)
			}
		}
	}
	go w.run()
	return w
}

// run passes on that there was an event, until the watcher is closed.
func (w *fileWatch) run() {
	defer close(w.done)
	for {
		select {
		case _, ok := <-w.watcher.Events:
			if !ok {
				return
			}
			select {
			case w.wake <- struct{}{}:
			default:
			}
		case _, ok := <-w.watcher.Errors:
			if !ok {
				return
			}
		}
	}
}

func (w *fileWatch) changes() <-chan struct{} { return w.wake }

func (w *fileWatch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close() // it holds nothing that could be lost
	}
	<-w.done
}
