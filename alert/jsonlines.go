package alert

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/leaktap/leaktap/classify"
)

// JSONLines is a sink that writes each finding as one line of JSON. It writes at
// the pace of its writer and drops nothing; see [File] for one that never waits.
// It is safe for concurrent use.
type JSONLines struct {
	counts deliveries

	mu      sync.Mutex
	w       *bufio.Writer
	pending int
	err     error
}

// NewJSONLines returns a sink that writes to w through a buffer.
func NewJSONLines(w io.Writer, m *Metrics) *JSONLines {
	return &JSONLines{w: bufio.NewWriterSize(w, 64<<10), counts: m.deliveries("jsonl")}
}

// Accept writes f to the buffer, which goes to the writer when it is full.
func (j *JSONLines) Accept(f *classify.Finding) {
	line, err := jsonLine(f)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending++
	if err == nil {
		_, err = j.w.Write(line)
	}
	if j.err == nil {
		j.err = err
	}
}

// Settle flushes the buffer. It returns the first error of writing since the sink
// was made; all findings since the last Settle then count as not delivered.
func (j *JSONLines) Settle(context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.w.Flush(); j.err == nil {
		j.err = err
	}
	j.counts.count(j.pending, j.err)
	j.pending = 0
	if j.err != nil {
		return fmt.Errorf("write findings: %w", j.err)
	}
	return nil
}

// jsonLine returns f as one line, in which invisible characters are escaped.
func jsonLine(f *classify.Finding) ([]byte, error) {
	text, err := f.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode finding: %w", err)
	}
	return append(escapeInvisible(text), '\n'), nil
}
