package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leaktap/leaktap/ingest"
)

// property is one of librdkafka's, as kcat's -X takes them (CONFIGURATION.md of
// librdkafka); set gives it to the options of tail.
type property struct {
	name string
	set  func(o *tailOptions, value string) error
}

// properties are those that -X knows. Secrets are named as files, so that they stand
// in no list of processes.
func properties() []property {
	text := func(at func(*tailOptions) *string) func(*tailOptions, string) error {
		return func(o *tailOptions, value string) error {
			*at(o) = value
			return nil
		}
	}
	return []property{
		{"auto.offset.reset", text(func(o *tailOptions) *string { return &o.start })},
		{"bootstrap.servers", setBrokers},
		{"client.rack", text(func(o *tailOptions) *string { return &o.rack })},
		{"fetch.message.max.bytes", setFetchBytes},
		{"group.id", text(func(o *tailOptions) *string { return &o.group })},
		{"metadata.broker.list", setBrokers},
		{"sasl.mechanism", text(func(o *tailOptions) *string { return &o.access.Mechanism })},
		{"sasl.mechanisms", text(func(o *tailOptions) *string { return &o.access.Mechanism })},
		{"sasl.password.file", text(func(o *tailOptions) *string { return &o.access.PasswordFile })},
		{"sasl.token.file", text(func(o *tailOptions) *string { return &o.access.TokenFile })},
		{"sasl.username", text(func(o *tailOptions) *string { return &o.access.User })},
		{"security.protocol", setProtocol},
		{"session.timeout.ms", setSession},
		{"ssl.ca.location", text(func(o *tailOptions) *string { return &o.access.CAFile })},
		{"ssl.certificate.location", text(func(o *tailOptions) *string { return &o.access.CertFile })},
		{"ssl.key.location", text(func(o *tailOptions) *string { return &o.access.KeyFile })},
	}
}

// setProperty takes the value of -X, NAME=VALUE.
func (o *tailOptions) setProperty(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("want NAME=VALUE, not %q", name)
	}
	if name == "sasl.password" {
		return errors.New("a password on the command line is seen by everybody here: use sasl.password.file=FILE")
	}
	var names []string
	for _, p := range properties() {
		if p.name == name {
			return p.set(o, value)
		}
		names = append(names, p.name)
	}
	return fmt.Errorf("unknown property %q%s (known: %s)", name, didYouMean(name, names), strings.Join(names, ", "))
}

func setBrokers(o *tailOptions, value string) error {
	o.brokers = append(o.brokers, strings.Split(value, ",")...)
	return nil
}

func setFetchBytes(o *tailOptions, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 {
		return fmt.Errorf("fetch.message.max.bytes: want a number of bytes, not %q", value)
	}
	o.fetchBytes = n
	return nil
}

func setSession(o *tailOptions, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 6000 {
		return fmt.Errorf("session.timeout.ms: want 6000 or more, not %q", value)
	}
	o.session = time.Duration(n) * time.Millisecond
	return nil
}

// setProtocol takes what says whether there is TLS; SASL is on with its mechanism.
func setProtocol(o *tailOptions, value string) error {
	known := []string{"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}
	protocol := strings.ToLower(value)
	if !slices.Contains(known, protocol) {
		return fmt.Errorf("security.protocol: unknown %q%s (%s)", value, didYouMean(protocol, known), strings.Join(known, ", "))
	}
	o.access.TLS = strings.HasSuffix(protocol, "ssl")
	return nil
}

// kafka translates the options into the package's configuration.
func (o *tailOptions) kafka(now time.Time) (ingest.KafkaConfig, error) {
	for _, p := range o.properties {
		if err := o.setProperty(p); err != nil {
			return ingest.KafkaConfig{}, fmt.Errorf("-X: %w", err)
		}
	}
	if o.json {
		if err := o.setLetterO("jsonl"); err != nil {
			return ingest.KafkaConfig{}, err
		}
	}
	if o.from != "" {
		o.start = o.from
	}
	start, err := ingest.ParseStart(o.start, now)
	if err != nil {
		return ingest.KafkaConfig{}, err
	}
	cfg, err := o.config()
	if err != nil {
		return ingest.KafkaConfig{}, err
	}
	if len(o.brokers) == 0 {
		return ingest.KafkaConfig{}, errors.New("no broker: name one with -b HOST:PORT")
	}
	k := ingest.KafkaConfig{
		Config:  cfg,
		Brokers: o.brokers, Topics: o.topics, Exclude: o.exclude, Partitions: o.partitions, Group: o.group, Rack: o.rack,
		Start: start, StopAtEnd: o.end, Access: o.access,
		Timing:      ingest.KafkaTiming{Session: o.session},
		KafkaLimits: ingest.KafkaLimits{FetchBytes: o.fetchBytes},
	}
	if o.to != "" {
		until, err := ingest.ParseStart(o.to, now)
		if err != nil {
			return ingest.KafkaConfig{}, err
		}
		k.Until = &until
	}
	return k, nil
}
