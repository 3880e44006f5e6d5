package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leaktap/leaktap/ingest"
)

// A scan that takes longer than progressDelay shows how far it is, each progressInterval.
const (
	progressDelay    = time.Second
	progressInterval = 200 * time.Millisecond
	progressWidth    = 24
)

// progress is a line on a terminal that shows how much of the input was read. A nil one shows
// nothing.
type progress struct {
	w     io.Writer
	total int64 // bytes, 0 if nobody knows
	read  atomic.Int64
	done  chan struct{}
	ended sync.WaitGroup
}

// showProgress starts the line if standard error is a terminal.
func (a *app) showProgress(paths []string) *progress {
	if !isTerminal(a.err) {
		return nil
	}
	p := &progress{w: a.err, total: sizeOf(paths), done: make(chan struct{})}
	p.ended.Go(p.run)
	return p
}

// sizeOf adds up the files; 0 if a stream is among them.
func sizeOf(paths []string) (total int64) {
	for _, path := range paths {
		if path == ingest.StdinName {
			return 0
		}
		_ = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error { // the scan tells what cannot be read
			if err != nil || entry.IsDir() {
				return nil
			}
			if info, err := os.Stat(name); err == nil {
				total += info.Size()
			}
			return nil
		})
	}
	return total
}

// reader counts what is read through it.
func (p *progress) reader(r io.Reader) io.Reader {
	if p == nil {
		return r
	}
	return &countedReader{r, &p.read}
}

type countedReader struct {
	io.Reader
	n *atomic.Int64
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// stop takes the line away.
func (p *progress) stop() {
	if p == nil {
		return
	}
	close(p.done)
	p.ended.Wait()
}

func (p *progress) run() {
	start, shown := time.Now(), false
	wait := time.NewTimer(progressDelay)
	defer wait.Stop()
	for {
		select {
		case <-p.done:
			if shown {
				fmt.Fprint(p.w, "\r\x1b[K") // to the line's start, and erase it (ECMA-48)
			}
			return
		case <-wait.C:
			fmt.Fprint(p.w, "\r"+p.line(time.Since(start))+"\x1b[K")
			shown = true
			wait.Reset(progressInterval)
		}
	}
}

// line is what is shown after a time.
func (p *progress) line(took time.Duration) string {
	const mib = 1 << 20
	read := p.read.Load()
	rate := float64(read) / mib / took.Seconds()
	if p.total == 0 {
		return fmt.Sprintf("%.1f MiB, %.1f MiB/s", float64(read)/mib, rate)
	}
	share := min(float64(read)/float64(p.total), 1)
	full := int(share * progressWidth)
	line := fmt.Sprintf("[%s%s] %3.0f %% of %.1f MiB, %.1f MiB/s", strings.Repeat("#", full), strings.Repeat(".", progressWidth-full), share*100, float64(p.total)/mib, rate)
	if share > 0 && share < 1 {
		left := time.Duration(float64(took) * (1 - share) / share)
		line += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return line
}
