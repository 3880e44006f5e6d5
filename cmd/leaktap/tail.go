package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leaktap/leaktap/ingest"
)

// tailOptions are the flags of tail, kcat's letters.
type tailOptions struct {
	detecting
	outputs
	tailWhat
	decoding
	// formatted says that -o gave a format, json that -J asks for one.
	formatted, json bool
	access          ingest.KafkaAccess
	listen          string
	properties      []string
	fetchBytes      int
	session         time.Duration
}

// tailWhat says which records are read.
type tailWhat struct {
	brokers, topics, exclude []string
	partitions               []int32
	group, start, from, to   string
	rack                     string
	end                      bool
}

func (a *app) tailCommand() *cobra.Command {
	o := &tailOptions{}
	c := &cobra.Command{
		Use:   "tail -b BROKERS -t TOPIC",
		Short: "Tail Kafka topics",
		Long: `Tail reads topics and shows one line per new exposure. Without -g it reads all
partitions and commits nothing; with -g it is a member of a consumer group and
commits an offset only after every finding before it was delivered. A topic
between slashes is an expression: /^access-/ takes in topics that come later, too.
Between --from and --to it reads what was there, commits nothing, and exits.

-X takes properties as kcat does: security.protocol, sasl.*, ssl.* and some more.`,
		Example: `  leaktap tail -b localhost:9092 -t access-logs
  leaktap tail -b localhost:9092 -t access-logs -o earliest -e -o jsonl   # read once, to the end
  leaktap tail -b localhost:9092 -t access-logs,app-logs -g leaktap
  leaktap tail -b localhost:9092 -t /-logs$/ --from 2026-11-20T00:00:00Z --to -1h -J
  leaktap tail -b kafka:9093 -t access-logs -p 0,1 -X security.protocol=sasl_ssl \
    -X sasl.mechanism=SCRAM-SHA-512 -X sasl.username=leaktap -X sasl.password.file=password`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for flag, given := range map[string]bool{"tls": o.access.TLS, "sasl": o.access.Mechanism != ""} {
				if !given && anyChanged(c.Flags(), flag+"-") {
					return usage(fmt.Errorf("flags --%s-… have no effect without --%s", flag, flag))
				}
			}
			return a.tail(c.Context(), o)
		},
	}
	o.detecting.flags(c.Flags())
	o.outputs.flags(c.Flags(), 0, "")
	return o.flags(c)
}

func (o *tailOptions) flags(c *cobra.Command) *cobra.Command {
	flags := c.Flags()
	flags.StringSliceVarP(&o.brokers, "brokers", "b", nil, "brokers to start from, HOST:PORT")
	flags.StringSliceVarP(&o.topics, "topic", "t", nil, "topics, or /EXPRESSION/ for those that match")
	flags.StringSliceVar(&o.exclude, "exclude-topic", nil, "topics or /EXPRESSIONS/ that no expression takes in")
	flags.Int32SliceVarP(&o.partitions, "partition", "p", nil, "only these partitions")
	flags.StringVarP(&o.group, "group", "g", "", "consumer group; without one nothing is committed")
	o.start = "latest"
	flags.VarP(textValue{o.setLetterO, func() string { return o.start }, "offset"}, "offset", "o",
		"where to start: earliest, latest, N, -N, -2h, RFC 3339 time; -o also takes what --output takes")
	flags.BoolVarP(&o.end, "exit", "e", false, "exit at the end of all partitions")
	flags.StringVar(&o.from, "from", "", "start of a bounded replay, as --offset takes it")
	flags.StringVar(&o.to, "to", "", "where to stop and exit: an offset, latest, -2h, RFC 3339 time")
	flags.BoolVarP(&o.json, "json", "J", false, "findings as JSON lines; short for -o jsonl")
	flags.StringArrayVarP(&o.properties, "property", "X", nil, "property as kcat takes it, NAME=VALUE; may repeat")
	o.decoding.flags(flags)
	flags.BoolVar(&o.access.TLS, "tls", false, "connect with TLS")
	flags.StringVar(&o.access.CAFile, "tls-ca", "", "file with the authorities to trust, PEM")
	flags.StringVar(&o.access.CertFile, "tls-cert", "", "file with the client's certificate, PEM")
	flags.StringVar(&o.access.KeyFile, "tls-key", "", "file with the client's key, PEM")
	flags.StringVar(&o.access.Mechanism, "sasl", "", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM (region and credentials of AWS's variables, files or pod)")
	flags.StringVar(&o.access.User, "sasl-user", "", "user for SASL")
	flags.StringVar(&o.access.PasswordFile, "sasl-password-file", "", "file with the password for SASL")
	flags.StringVar(&o.access.TokenFile, "sasl-token-file", "", "file with the token for OAUTHBEARER")
	flags.StringVar(&o.listen, "listen", "", "address to serve metrics and the findings page on, such as 127.0.0.1:9464")
	if err := c.MarkFlagRequired("topic"); err != nil {
		panic(err) // the name is misspelt
	}
	return c
}

// setLetterO takes the value of -o: an offset, as kcat has it, or a format of
// findings, as the other verbs have it. No word is both.
func (o *tailOptions) setLetterO(value string) error {
	if end, ok := strings.CutPrefix(value, "e@"); ok { // kcat's time to stop at
		o.to = "s@" + end
		return nil
	}
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

// anyChanged says whether a flag was given whose name begins so.
func anyChanged(flags *pflag.FlagSet, prefix string) (is bool) {
	flags.Visit(func(f *pflag.Flag) { is = is || strings.HasPrefix(f.Name, prefix) })
	return is
}

func (a *app) tail(ctx context.Context, o *tailOptions) error {
	cfg, err := o.kafka(time.Now())
	if err != nil {
		return usage(err)
	}
	agent, out, err := a.agentWith(&o.detecting, &o.outputs, true)
	if err != nil {
		return err
	}
	err = agent.addKafka(cfg)
	if err == nil && o.listen != "" {
		err = agent.serve(&httpConfig{Listen: o.listen})
	}
	if err != nil {
		return errors.Join(usage(err), out.close())
	}
	total := newSummary(time.Now())
	err = errors.Join(agent.run(ctx), out.close())
	total.recordCount, total.read = agent.pipeline.exchanges.Load(), agent.pipeline.bytes.Load()
	return a.conclude(ctx, &o.outputs, &total, agent.pipeline, out, err)
}
