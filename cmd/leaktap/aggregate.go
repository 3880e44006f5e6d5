package main

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/ingest"
)

func (a *app) aggregateCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "aggregate --config FILE",
		Short: "Join what many agents saw: findings and windows from Kafka topics",
		Long: `Aggregate reads the topics to which agents write findings (sinks.kafka) and
observations (sinks.observations), as a member of a consumer group, and raises each
exposure once. All observations of one caller are in one partition, so that a
harvest that is spread over many agents is seen; on assignment a partition is read
back for the time of a harvest. The topics are its store.

The file is that of run, with Kafka sources only. Agents and aggregators need the
same digest key (classify.key_file).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r := a.newReloader(file)
			r.aggregate = true
			return r.run(cmd.Context())
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file, YAML")
	if err := c.MarkFlagRequired("config"); err != nil {
		panic(err) // the name above is misspelt
	}
	return c
}

// aggregator takes records of findings and observations instead of exchanges.
type aggregator struct{ *pipeline }

// aggregates makes an agent an aggregator.
func (a *agent) aggregates(c *config) *configProblem {
	for _, s := range c.Sources {
		if s.Kafka == nil {
			return problem("sources", "aggregate reads Kafka topics only")
		}
	}
	a.handler = func(p *pipeline) ingest.Handler { return aggregator{p} }
	return nil
}

// errNotOurs says that a record is neither a finding nor an observation.
var errNotOurs = errors.New("neither a finding nor an observation of leaktap")

// Handle takes one record, which stands undecoded in the exchange. Keys and headers come with
// it as further texts, and say nothing.
func (g aggregator) Handle(x *classify.Exchange) {
	if x.Source.Index > 0 || len(x.Record) == 0 {
		return
	}
	g.exchanges.Add(1)
	g.bytes.Add(int64(len(x.Record)))
	if err := g.take(x.Record); err != nil {
		g.metrics.skip(x.Source.Kind, "not-aggregated", int64(len(x.Record)))
		g.log.Warn("record not aggregated", "source", alert.Place(x.Source), "cause", err)
	}
}

func (g aggregator) take(record []byte) error {
	var kind struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(record, &kind); err != nil {
		return errNotOurs // its text may be anything
	}
	switch kind.Schema {
	case classify.ObservationSchema:
		o := &classify.Observation{}
		if err := json.Unmarshal(record, o); err != nil {
			return err
		}
		g.windows.observe(o, g.report)
	case classify.FindingSchema:
		f := &classify.Finding{}
		if err := json.Unmarshal(record, f); err != nil {
			return err
		}
		if rule := g.rule(f.Rule.ID); rule != nil {
			f.Rule = rule
		}
		g.report(f)
	default:
		return errNotOurs
	}
	return nil
}

// readback is how far back an aggregator reads a partition that it is given.
const readback = 6 * time.Hour
