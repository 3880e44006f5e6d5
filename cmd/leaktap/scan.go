package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/ingest"
)

// scanOptions are the flags of scan.
type scanOptions struct {
	detecting
	outputs
	decoding
	filter string
}

func (a *app) scanCommand() *cobra.Command {
	o := &scanOptions{}
	c := &cobra.Command{
		Use:   "scan PATH...",
		Short: "Scan logs, HAR and capture files once",
		Long: `Scan reads files, directories or - for standard input: JSON lines (HTTP exchanges
and application logs), nginx and Apache access logs, plain text, HAR, pcap and
pcapng, each also as gzip or zstd. The format is recognised record by record; what
no decoder knows is scanned as text.

Records that hold both sides of an exchange are taken for a recording of traffic,
in which an Authorization header is in its place; everything else is a log, in
which no token belongs. --content says otherwise.`,
		Example: `  leaktap scan access.log app.jsonl.gz
  leaktap scan -o jsonl=findings.jsonl -o text traffic.har
  kubectl logs deploy/api | leaktap scan -
  leaktap scan --fail-on high testdata/    # exit code 1 from high on`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.scan(c.Context(), o, args) },
	}
	o.detecting.flags(c.Flags())
	o.outputs.flags(c.Flags(), classify.Low, "o")
	o.sourceFlags(c.Flags())
	return c
}

// sourceFlags are the flags of verbs that read files.
func (o *scanOptions) sourceFlags(flags *pflag.FlagSet) {
	o.decoding.flags(flags)
	flags.StringVar(&o.filter, "filter", "", "packets of capture files to look at, as for sniff")
}

// fileReader returns the reader of records, and checks the filter of packets.
func (a *app) fileReader(o *scanOptions) (*ingest.Reader, error) {
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	if err := capture.CheckFilter(o.filter); err != nil {
		return nil, fmt.Errorf("--filter: %w", err)
	}
	return ingest.NewReader(cfg, nil, a.log)
}

// scanner is one run of scan.
type scanner struct {
	*app
	reader   *ingest.Reader
	capture  capture.Config
	pipeline *pipeline
	// handle takes the exchanges.
	handle   func(*classify.Exchange)
	total    summary
	progress *progress
}

func (a *app) scan(ctx context.Context, o *scanOptions, paths []string) error {
	reader, err := a.fileReader(o)
	if err != nil {
		return usage(err)
	}
	agent, out, err := a.agentWith(&o.detecting, &o.outputs, false)
	if err != nil {
		return err
	}
	s := &scanner{
		app: a, reader: reader, capture: capture.Config{Filter: o.filter}, total: newSummary(time.Now()),
		pipeline: newPipeline(agent.detection, agent.now, a.log, nil, out.sinks...),
	}
	s.pipeline.ignoring = agent.ignoring
	if o.ledger != "" {
		s.pipeline.ledger = agent.ledger
		s.pipeline.sinks = append(s.pipeline.sinks, agent.ledger)
	}
	s.handle = s.pipeline.Handle
	var errs []error
	s.progress = a.showProgress(paths)
	for _, path := range paths {
		errs = append(errs, s.path(ctx, path))
	}
	s.progress.stop()
	errs = append(errs, s.pipeline.Settle(ctx))
	errs = append(errs, out.close())
	err = errors.Join(errs...)
	if s.pipeline.panics.Load() > 0 {
		err = errors.Join(err, fmt.Errorf("classify: %d exchanges were not inspected", s.pipeline.panics.Load()))
	}
	return a.conclude(ctx, &o.outputs, &s.total, s.pipeline, out, err)
}

// path scans a file, a directory or standard input.
func (s *scanner) path(ctx context.Context, path string) error {
	if path == ingest.StdinName {
		return s.stream(ctx, path, s.progress.reader(s.in))
	}
	return filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			s.total.unreadable++
			return fmt.Errorf("read input: %w", err)
		case ctx.Err() != nil:
			return fs.SkipAll
		case entry.IsDir():
			return nil
		}
		f, err := os.Open(name)
		if err != nil {
			s.total.unreadable++
			return fmt.Errorf("read input: %w", err)
		}
		defer f.Close()
		return s.stream(ctx, name, s.progress.reader(f))
	})
}

// stream scans one stream; its first bytes tell captures from records.
func (s *scanner) stream(ctx context.Context, name string, in io.Reader) error {
	s.total.files++
	r := bufio.NewReaderSize(in, 64<<10)
	packets, err := captureStream(r)
	if err == nil && packets != nil {
		err = s.packets(ctx, name, packets)
	} else if err == nil {
		var stats ingest.Stats
		stats, err = s.reader.Run(ctx, name, r, s.handle)
		s.total.records(stats)
	}
	if err != nil {
		s.total.unreadable++
	}
	return err
}

// captureMagics start pcap files (both byte orders, microseconds and
// nanoseconds; draft-ietf-opsawg-pcap) and pcapng files (section header block).
var captureMagics = [][]byte{
	{0xd4, 0xc3, 0xb2, 0xa1}, {0xa1, 0xb2, 0xc3, 0xd4}, {0x4d, 0x3c, 0xb2, 0xa1}, {0xa1, 0xb2, 0x3c, 0x4d}, {0x0a, 0x0d, 0x0d, 0x0a},
}

// captureStream returns the packets of a stream, unpacked, or nil when the
// stream is no capture; then nothing was taken from r.
func captureStream(r *bufio.Reader) (io.Reader, error) {
	head, _ := r.Peek(1024)
	if isCapture(head) {
		return r, nil
	}
	if len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b { // RFC 1952, section 2.3.1
		return nil, nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil, nil // the reader of records says what is wrong with it
	}
	start := make([]byte, 4)
	if n, _ := io.ReadFull(unpacked, start); !isCapture(start[:n]) {
		return nil, nil
	}
	return gzip.NewReader(r)
}

func isCapture(head []byte) bool {
	return slices.ContainsFunc(captureMagics, func(magic []byte) bool { return bytes.HasPrefix(head, magic) })
}

// packets scans a capture.
func (s *scanner) packets(ctx context.Context, name string, r io.Reader) error {
	f, err := capture.NewFileReader(name, s.capture, nil, s.log)
	if err != nil {
		return err
	}
	err = f.Run(ctx, r, s.handle)
	s.total.packets(f.Stats())
	return err
}

// exitCode is the exit code that an error of a verb stands for.
func exitCode(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	}
	return exitUsage
}
