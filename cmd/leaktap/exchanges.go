package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
)

// exchangesOptions are the flags of exchanges.
type exchangesOptions struct {
	file     string
	showURIs bool
}

func (a *app) exchangesCommand() *cobra.Command {
	o := &exchangesOptions{}
	c := &cobra.Command{
		Use:   "exchanges -r FILE [--show-uris] [FILTER]",
		Short: "List the HTTP exchanges of a capture file (for debugging)",
		Long: `Exchanges prints what was reassembled from a capture file, one line per exchange,
separated by tabs: client>server, method, URI, status, then of the response's body
the decoded length, its SHA-256, 1 if it is truncated or else 0, and the reason.
What was not seen is "-", a status 0. Nothing is classified.

With --show-uris the lines hold the targets of requests as they were sent, and
with them whatever secrets stand there; without it the URI is "-". The digest of
a short body tells the body to who can guess it. Use it on traffic that you may read.`,
		Example: `  leaktap exchanges -r traffic.pcap --show-uris
  tcpdump -i eth0 -w - tcp port 80 | leaktap exchanges -r -`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.exchanges(c.Context(), o, strings.Join(args, " "))
		},
	}
	c.Flags().StringVarP(&o.file, "read", "r", "", "pcap or pcapng file, gzip too, - for standard input")
	c.Flags().BoolVar(&o.showURIs, "show-uris", false, "show the targets of requests, which may hold secrets")
	return c
}

func (a *app) exchanges(ctx context.Context, o *exchangesOptions, filter string) error {
	if o.file == "" {
		return usage(errors.New("exchanges: want -r FILE"))
	}
	f, err := capture.NewFileReader(o.file, capture.Config{Filter: filter}, nil, a.log)
	if err != nil {
		return usage(fmt.Errorf("filter %q: %w", filter, err))
	}
	in, closer, err := a.openCapture(o.file)
	if err != nil {
		return incomplete(fmt.Errorf("open capture file: %w", err))
	}
	defer closer.Close()
	out := bufio.NewWriterSize(a.out, 64<<10)
	err = f.Run(ctx, in, func(x *classify.Exchange) { writeExchange(out, x, o.showURIs) })
	if err = errors.Join(err, out.Flush()); err != nil {
		return incomplete(err)
	}
	return nil
}

// writeExchange writes one line. A write error shows when w is flushed.
func writeExchange(w io.Writer, x *classify.Exchange, showURIs bool) {
	uri := "-"
	if showURIs && len(x.Target) > 0 {
		uri = column(x.Target)
	}
	truncated := 0
	if x.Response.Truncated {
		truncated = 1
	}
	reason := x.Response.Reason
	if reason == "" {
		reason = "-"
	}
	fmt.Fprintf(w, "%s>%s\t%s\t%s\t%d\t%d\t%x\t%d\t%s\n", x.Client, x.Server, column(x.Method), uri,
		x.Status, len(x.Response.Body), sha256.Sum256(x.Response.Body), truncated, reason)
}

// column makes text that fits into one column, "-" if there is none.
func column(text []byte) string {
	if len(text) == 0 {
		return "-"
	}
	return alert.Clean(string(text))
}
