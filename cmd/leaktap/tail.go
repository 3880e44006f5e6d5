package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/ingest"
)

// tailOptions are the flags of tail, kcat's letters.
type tailOptions struct {
	detecting
	outputs
	brokers []string
	topics  []string
	group   string
	start   string
	end     bool
	decoding
	// formatted says that -o gave a format.
	formatted bool
	access    ingest.KafkaAccess
	listen    string
}

func (a *app) tailCommand() *cobra.Command {
	o := &tailOptions{}
	c := &cobra.Command{
		Use:   "tail -b BROKERS -t TOPIC",
		Short: "Tail Kafka topics",
		Long: `Tail reads topics and shows one line per new exposure. Without -g it reads all
partitions and commits nothing; with -g it is a member of a consumer group and
commits an offset only after every finding before it was delivered.`,
		Example: `  leaktap tail -b localhost:9092 -t access-logs
  leaktap tail -b localhost:9092 -t access-logs -o earliest -e -o jsonl   # read once, to the end
  leaktap tail -b localhost:9092 -t access-logs,app-logs -g leaktap`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.tail(c.Context(), o) },
	}
	o.detecting.flags(c.Flags())
	o.outputs.flags(c.Flags(), 0, "")
	return o.flags(c)
}

func (o *tailOptions) flags(c *cobra.Command) *cobra.Command {
	flags := c.Flags()
	flags.StringSliceVarP(&o.brokers, "brokers", "b", nil, "brokers to start from, HOST:PORT")
	flags.StringSliceVarP(&o.topics, "topic", "t", nil, "topics")
	flags.StringVarP(&o.group, "group", "g", "", "consumer group; without one nothing is committed")
	o.start = "latest"
	flags.VarP(textValue{o.setLetterO, func() string { return o.start }, "offset"}, "offset", "o",
		"where to start: earliest, latest, N, -N, -2h, RFC 3339 time; -o also takes what --output takes")
	flags.BoolVarP(&o.end, "exit", "e", false, "exit at the end of all partitions")
	o.decoding.flags(flags)
	flags.BoolVar(&o.access.TLS, "tls", false, "connect with TLS")
	flags.StringVar(&o.access.CAFile, "tls-ca", "", "file with the authorities to trust, PEM")
	flags.StringVar(&o.access.CertFile, "tls-cert", "", "file with the client's certificate, PEM")
	flags.StringVar(&o.access.KeyFile, "tls-key", "", "file with the client's key, PEM")
	flags.StringVar(&o.access.Mechanism, "sasl", "", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	flags.StringVar(&o.access.User, "sasl-user", "", "user for SASL")
	flags.StringVar(&o.access.PasswordFile, "sasl-password-file", "", "file with the password for SASL")
	flags.StringVar(&o.listen, "listen", "", "address to serve metrics and the findings page on, such as 127.0.0.1:9464")
	for _, name := range []string{"brokers", "topic"} {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // a name in this function is misspelt
		}
	}
	return c
}

// setLetterO takes the value of -o: an offset, as kcat has it, or a format of
// findings, as the other verbs have it. No word is both.
func (o *tailOptions) setLetterO(value string) error {
	if format, _, _ := strings.Cut(value, "="); !slices.Contains(outputFormats(), format) {
		o.start = value
		return nil
	}
	if !o.formatted {
		o.formats, o.formatted = nil, true // the default makes room
	}
	o.formats = append(o.formats, value)
	return nil
}

func (a *app) tail(ctx context.Context, o *tailOptions) error {
	start, err := ingest.ParseStart(o.start, time.Now())
	if err != nil {
		return usage(err)
	}
	cfg, err := o.config()
	if err != nil {
		return usage(err)
	}
	agent, out, err := a.agentWith(&o.detecting, &o.outputs, true)
	if err != nil {
		return err
	}
	err = agent.addKafka(ingest.KafkaConfig{
		Config:  cfg,
		Brokers: o.brokers, Topics: o.topics, Group: o.group, Start: start, StopAtEnd: o.end, Access: o.access,
	})
	if err == nil && o.listen != "" {
		err = agent.serve(o.listen, "")
	}
	if err != nil {
		return errors.Join(usage(err), out.close())
	}
	total := newSummary(time.Now())
	err = errors.Join(agent.run(ctx), out.close())
	total.recordCount, total.read = agent.pipeline.exchanges.Load(), agent.pipeline.bytes.Load()
	return a.conclude(ctx, &o.outputs, &total, agent.pipeline, out, err)
}
