package alert

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/leaktap/leaktap/classify"
)

// FileConfig says where findings are appended as JSON lines; a zero field means
// its default.
type FileConfig struct {
	Path string
	// Sync asks for fsync after each batch: what was settled survives a crash of
	// the machine.
	Sync bool
	// Queue is how many findings wait, 10,000 by default.
	Queue int
}

// File is a sink that appends findings to a file, one line of JSON each. A batch
// that the disk does not take is dropped and counted.
type File struct {
	*queue
	config FileConfig
	file   *os.File
	torn   bool // the last write may have left half a line
}

// NewFile returns a sink that opens its file when it runs.
func NewFile(c FileConfig, m *Metrics, log *slog.Logger) *File {
	f := &File{config: c}
	f.queue = newQueue("file", cmp.Or(c.Queue, 10_000), 1_000, m, log, f.write)
	return f
}

// Run opens the file, created with mode 0600 if it is not there, and appends to
// it until ctx ends. It returns an error if the file cannot be opened or closed.
func (f *File) Run(ctx context.Context) error {
	file, err := os.OpenFile(f.config.Path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		f.deliver = func(context.Context, []*classify.Finding) error { return err }
		f.close(ctx)
		return fmt.Errorf("open findings file: %w", err)
	}
	f.file, f.torn = file, endsTorn(file)
	if err := f.queue.Run(ctx); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("close findings file: %w", err)
	}
	return nil
}

// endsTorn says whether a file ends in half a line, as an agent leaves it that was
// killed while it wrote.
func endsTorn(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false
	}
	var last [1]byte
	_, err = file.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] != '\n'
}

// write appends a batch. It is called by Run's goroutine only.
func (f *File) write(_ context.Context, batch []*classify.Finding) error {
	var buf bytes.Buffer
	if f.torn {
		buf.WriteByte('\n')
	}
	for _, finding := range batch {
		line, err := jsonLine(finding)
		if err != nil {
			return err
		}
		buf.Write(line)
	}
	n, err := f.file.Write(buf.Bytes())
	if n > 0 {
		f.torn = err != nil
	}
	if err == nil && f.config.Sync {
		err = f.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("append findings: %w", err)
	}
	return nil
}
