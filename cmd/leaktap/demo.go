package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/ingest"
)

// The demo's topics.
const (
	demoAccessTopic = "demo-access" // exchanges with their bodies
	demoAppTopic    = "demo-app"    // an application's log
)

// demoOptions are the flags of demo.
type demoOptions struct {
	outputs
	listen   string
	duration time.Duration
}

func (a *app) demoCommand() *cobra.Command {
	o := &demoOptions{}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch a leaky API and its safe twin, all in this process",
		Long: `Demo starts a Kafka-compatible broker, an API that leaks, a twin that does not,
callers, and an agent that tails the logs of both. It needs no Kafka, no root and no
network, writes nothing to disk, and ends with Ctrl-C.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), o) },
	}
	o.flags(c.Flags(), 0, "o")
	c.Flags().StringVar(&o.listen, "listen", defaultListen, "address of the findings page and the metrics")
	c.Flags().DurationVar(&o.duration, "duration", 0, "end after this time; 0 runs until Ctrl-C")
	return c
}

func (a *app) demo(ctx context.Context, o *demoOptions) error {
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, demoAccessTopic, demoAppTopic))
	if err != nil {
		return &exitError{exitInternal, fmt.Errorf("start demo broker: %w", err)}
	}
	defer broker.Close()
	agent, out, err := a.demoAgent(o, broker.ListenAddrs())
	if err != nil {
		return err
	}
	shop, err := newDemoShop(broker.ListenAddrs())
	if err != nil {
		return errors.Join(&exitError{exitInternal, err}, out.close())
	}
	defer shop.close()
	agent.addSource("demo shop", shop.ready, func(ctx context.Context, _ *pipeline) error { return shop.run(ctx) })
	fmt.Fprintf(a.err, `leaktap demo
  findings page  %s
  metrics        %smetrics
  leaky API      %s/api/users        (and /api/profile/1, /api/debug/env, /api/report)
  its safe twin  %s/safe/users
Callers use both; the findings of the leaky one follow. Ctrl-C ends and leaves nothing behind.

`, agent.server.url(), agent.server.url(), shop.url(), shop.url())
	err = errors.Join(agent.run(ctx), out.close())
	if err != nil {
		return &exitError{exitInternal, err}
	}
	fmt.Fprintf(a.err, "leaktap: %s classified; exit 0\n", alert.Plural(agent.pipeline.exchanges.Load(), "exchange"))
	return nil
}

// demoAgent is the agent that the demo shows: as run would make it.
func (a *app) demoAgent(o *demoOptions, brokers []string) (*agent, *output, error) {
	agent, out, err := a.agentWith(&detecting{}, &o.outputs, true)
	if err != nil {
		return nil, nil, err
	}
	err = agent.addKafka(ingest.KafkaConfig{
		Brokers: brokers, Topics: []string{demoAccessTopic, demoAppTopic}, Group: "leaktap-demo",
		Timing: ingest.KafkaTiming{Wait: 250 * time.Millisecond},
	})
	if err == nil {
		err = agent.serve(&httpConfig{Listen: freeAddress(o.listen)})
	}
	if err != nil {
		return nil, nil, errors.Join(usage(err), out.close())
	}
	return agent, out, nil
}

// freeAddress returns the address, or one with a free port on the same host when
// it is taken: two demos may run side by side.
func freeAddress(address string) string {
	l, err := net.Listen("tcp", address)
	if err == nil {
		_ = l.Close()
		return address
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address // newServer says what is wrong with it
	}
	return net.JoinHostPort(host, "0")
}
