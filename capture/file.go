package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leaktap/leaktap/classify"
)

// InputError says where a capture file could not be read further. Everything
// before that place was handed on.
type InputError struct {
	// Name is the name that the file was given.
	Name string
	// Packet is the number of the packet that was not read, from 1; 0 is the
	// head of the file.
	Packet int64
	// Offset is how many bytes of the file were read before it.
	Offset int64
	Err    error
}

// Error names the place and the cause.
func (e *InputError) Error() string {
	return fmt.Sprintf("read capture file %s: packet %d at byte %d: %v", e.Name, e.Packet, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// FileReader makes exchanges of a capture file.
type FileReader struct {
	name string
	cfg  Config
	cov  *coverage
	log  *slog.Logger
}

// NewFileReader returns a reader of one capture file; name stands in exchanges
// and errors. It fails if cfg.Filter is none (with a [*FilterError]) or the
// metrics cannot be registered.
func NewFileReader(name string, cfg Config, reg prometheus.Registerer, log *slog.Logger) (*FileReader, error) {
	if err := CheckFilter(cfg.Filter); err != nil {
		return nil, err
	}
	cov, err := newCoverage(reg, classify.SourcePcap)
	if err != nil {
		return nil, err
	}
	return &FileReader{name: name, cfg: cfg, cov: cov, log: log}, nil
}

// Run reads pcap or pcapng from r to its end and calls handle with each
// exchange; the bytes in it are valid until handle returns. The error is an
// [*InputError] if the file is broken, and that of ctx if ctx ended first.
func (f *FileReader) Run(ctx context.Context, r io.Reader, handle func(*classify.Exchange)) error {
	s := newScanner(r)
	source, err := newFileSource(s)
	if err != nil {
		return &InputError{Name: f.name, Offset: s.offset, Err: err}
	}
	origin := classify.Source{Kind: classify.SourcePcap, Name: f.name}
	t := newTable(origin, f.cfg.Limits.withDefaults(), f.cov, handle)
	t.services = f.cfg.Services
	a := newAssembler(t, f.cfg.Filter)
	err = a.run(ctx, source)
	f.log.Debug("capture file read", "name", f.name, "packets", a.frame, "bytes", s.offset)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("read capture file %s: %w", f.name, ctx.Err())
	}
	return &InputError{Name: f.name, Packet: a.frame + 1, Offset: s.offset, Err: err}
}

// Stats returns what was read so far; it may be called at any time.
func (f *FileReader) Stats() Stats { return f.cov.stats() }
