package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/capture"
)

// sniffOptions are the flags of sniff, tcpdump's letters.
type sniffOptions struct {
	detecting
	outputs
	ifaces      []string
	workers     int
	ring        int
	nice        int
	budget      int
	sampling    bool
	file        string
	promiscuous bool
	listen      string
	services    string
}

func (a *app) sniffCommand() *cobra.Command {
	o := &sniffOptions{}
	c := &cobra.Command{
		Use:   "sniff (-i INTERFACE... | -r FILE) [FILTER]",
		Short: "Sniff HTTP traffic from an interface or a capture file",
		Long: `Sniff reassembles TCP, reads HTTP/1, HTTP/2 in clear text and WebSocket on any port,
looks through tunnels (VXLAN, GENEVE, GRE, ERSPAN) and looks at both sides of every
exchange. It needs CAP_NET_RAW for an interface, and nothing for a file. One line
per new exposure is shown as it comes.

INTERFACE is a name, a pattern such as 'veth*', or any; -i may be given often.
Interfaces that come later are captured on if a pattern fits; without one sniff
ends when its last interface is gone.

FILTER is a part of tcpdump's: tcp, [src|dst] port N, [src|dst] host A,
[src|dst] net A/N, joined by and, or, not and parentheses.`,
		Example: `  leaktap sniff -i eth0 tcp port 8080
  leaktap sniff -i 'veth*' -i eth0 --workers 2
  leaktap sniff -r traffic.pcapng -o jsonl
  leaktap sniff -i eth0 --listen 127.0.0.1:9464   # with metrics and findings page`,
		RunE: func(c *cobra.Command, args []string) error { return a.sniff(c.Context(), o, strings.Join(args, " ")) },
	}
	o.detecting.flags(c.Flags())
	o.outputs.flags(c.Flags(), 0, "o")
	c.Flags().StringArrayVarP(&o.ifaces, "interface", "i", nil, "network interface, a pattern of names, or any; may be repeated")
	c.Flags().StringVarP(&o.file, "read", "r", "", "pcap or pcapng file instead, - for standard input")
	c.Flags().BoolVarP(&o.promiscuous, "promiscuous", "p", false, "also packets that are addressed to others (a mirror port)")
	c.Flags().IntVar(&o.workers, "workers", 0, "threads that share the packets of interfaces (default: half of the cores, 4 at most)")
	c.Flags().IntVar(&o.ring, "ring", 32, "MiB that packets of interfaces may wait in, for all workers together")
	c.Flags().IntVar(&o.nice, "nice", capture.MaxNice, "how far to step back when others want the processor, 0 (not) to 19")
	c.Flags().IntVar(&o.budget, "cpu-budget", 0, "percent of one core that reading packets may cost; past it only some connections are looked at, whole (0: no limit)")
	c.Flags().BoolVar(&o.sampling, "sampling", true, "look at only some connections when there is too much or others need the processor; false drops packets at random instead")
	c.Flags().StringVar(&o.services, "services", "", "file with the names of servers, a line each: ADDRESS[:PORT] or NETWORK, and the name")
	c.Flags().StringVar(&o.listen, "listen", "", "address to serve metrics and the findings page on, such as 127.0.0.1:9464")
	return c
}

func (a *app) sniff(ctx context.Context, o *sniffOptions, filter string) error {
	if (len(o.ifaces) == 0) == (o.file == "") {
		return usage(errors.New("sniff: want either -i INTERFACE or -r FILE"))
	}
	if err := capture.CheckFilter(filter); err != nil {
		return usage(fmt.Errorf("filter %q: %w", filter, err))
	}
	services, err := capture.NewServices(nil, o.services)
	if err != nil {
		return usage(err)
	}
	agent, out, err := a.agentWith(&o.detecting, &o.outputs, len(o.ifaces) > 0)
	if err != nil {
		return err
	}
	cfg := capture.Config{
		Interfaces: o.ifaces, Filter: filter, Promiscuous: o.promiscuous, Services: services,
		Workers: o.workers, Ring: o.ring << 20, Nice: o.nice, Budget: o.budget, Whole: !o.sampling,
	}
	var stats func() capture.Stats
	if len(o.ifaces) > 0 {
		stats, err = agent.addSniffer(cfg)
	} else {
		stats, err = a.addCaptureFile(agent, cfg, o.file)
	}
	if err == nil && o.listen != "" {
		err = agent.serve(&httpConfig{Listen: o.listen})
	}
	if err != nil {
		return errors.Join(usage(err), out.close())
	}
	total := newSummary(time.Now())
	err = errors.Join(agent.run(ctx), out.close())
	total.packets(stats())
	return a.conclude(ctx, &o.outputs, &total, agent.pipeline, out, err)
}

// addCaptureFile adds a capture file as a source.
func (a *app) addCaptureFile(agent *agent, cfg capture.Config, name string) (func() capture.Stats, error) {
	f, err := capture.NewFileReader(name, cfg, agent.metrics.registry, a.log)
	if err != nil {
		return nil, err
	}
	agent.metrics.watchCapture(f.Stats)
	agent.sources = append(agent.sources, func(ctx context.Context, p *pipeline) error {
		in, closer, err := a.openCapture(name)
		if err != nil {
			return fmt.Errorf("open capture file: %w", err)
		}
		defer closer.Close()
		return f.Run(ctx, in, p.Handle)
	})
	return f.Stats, nil
}

// openCapture opens a capture file or standard input, gzip unpacked.
func (a *app) openCapture(name string) (io.Reader, io.Closer, error) {
	in := io.NopCloser(a.in)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		in = f
	}
	r := bufio.NewReaderSize(in, 64<<10)
	if head, _ := r.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		unpacked, err := gzip.NewReader(r)
		return unpacked, in, err
	}
	return r, in, nil
}
