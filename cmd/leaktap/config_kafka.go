package main

import (
	"slices"
	"time"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/ingest"
)

// kafkaConfig is a source of topics.
type kafkaConfig struct {
	Access kafkaAccess `yaml:",inline"`
	What   kafkaWhat   `yaml:",inline"`
	As     readAs      `yaml:",inline"`

	CommitInterval duration `yaml:"commit_interval" default:"1s"`
	// SessionTimeout is how long the group waits for a member that died before
	// another takes its partitions; the broker's bounds are 6 s and 30 min.
	SessionTimeout duration `yaml:"session_timeout" default:"30s"`
	// InFlight bounds the MiB that were fetched and not looked at.
	InFlight int `yaml:"in_flight_mib" default:"64"`
}

// kafkaWhat says which records of a cluster are read. Topics may be expressions
// between slashes.
type kafkaWhat struct {
	Topics  []string `yaml:"topics"`
	Exclude []string `yaml:"exclude"`
	// Partitions are read without a group, which chooses for itself; nothing is
	// committed then.
	Partitions []int32 `yaml:"partitions"`
	Group      string  `yaml:"group"`
	Start      string  `yaml:"start" default:"earliest"`
	// Rack is where the agent is: replicas there are read, if the brokers allow it.
	Rack string `yaml:"rack"`
	// DeadLetter, unless empty, is a topic to which records that cannot be looked at
	// are copied with all that is in them.
	DeadLetter string `yaml:"dead_letter_topic"`
}

// readAs says what the records of a source are.
type readAs struct {
	Format  string `yaml:"format" default:"auto"`
	Content string `yaml:"content" default:"auto"`
	// Mapping says where records of the user's own format have what, Where which
	// exchanges are looked at.
	Mapping mapping `yaml:"mapping"`
	Where   string  `yaml:"where"`
	// MaxEnvelopes is how many envelopes around a record are taken off; 0 means 8.
	MaxEnvelopes int `yaml:"max_envelopes" default:"8"`
}

// kafkaAccess says how a cluster is reached and as whom.
type kafkaAccess struct {
	Brokers []string `yaml:"brokers"`
	TLS     *struct {
		CAFile   string `yaml:"ca_file"`
		CertFile string `yaml:"cert_file"`
		KeyFile  string `yaml:"key_file"`
	} `yaml:"tls"`
	SASL *struct {
		Mechanism    string `yaml:"mechanism"`
		User         string `yaml:"user"`
		PasswordFile string `yaml:"password_file"`
		TokenFile    string `yaml:"token_file"`
		Region       string `yaml:"region"`
	} `yaml:"sasl"`
}

func (k *kafkaConfig) check(path string) (all problems) {
	all.need(len(k.Access.Brokers) > 0, path+".brokers", ": addresses HOST:PORT")
	all.need(len(k.What.Topics) > 0, path+".topics", "")
	all.need(k.What.Group != "" || k.What.Partitions != nil, path+".group", ": the consumer group that offsets are committed for")
	if k.What.Group != "" && k.What.Partitions != nil {
		all.add(path+".partitions", "excludes group, which chooses partitions for itself: name one of both")
	}
	for _, p := range k.What.Partitions {
		if p < 0 {
			all.add(path+".partitions", "%d is no partition: they count from 0", p)
		}
	}
	_, err := k.start()
	all.wrong(path+".start", err)
	return slices.Concat(all, k.Access.check(path), k.As.check(path))
}

// check finds what is wrong with secrets, which are in files.
func (a *kafkaAccess) check(path string) (all problems) {
	if a.SASL != nil && a.SASL.Mechanism == "OAUTHBEARER" {
		all.need(a.SASL.TokenFile != "", path+".sasl.token_file", " for OAUTHBEARER")
	}
	return all
}

func (r *readAs) check(path string) (all problems) {
	if _, p := r.Mapping.compile(path + ".mapping"); p != nil {
		all = append(all, p)
	}
	_, err := compileWhere(r.Where)
	all.wrong(path+".where", err)
	return all
}

// config translates the file's form into the package's.
func (r *readAs) config() (ingest.Config, error) {
	fields, p := r.Mapping.compile("mapping")
	if p != nil {
		return ingest.Config{}, p
	}
	where, err := compileWhere(r.Where)
	if err != nil {
		return ingest.Config{}, err
	}
	return ingest.Config{
		Format: r.Format, Content: ingest.Content(r.Content), Mapping: fields, Where: where, MaxEnvelopes: r.MaxEnvelopes,
	}, nil
}

// access translates the file's form into the package's.
func (a *kafkaAccess) access() (to ingest.KafkaAccess) {
	if a.TLS != nil {
		to.TLS = true
		to.CAFile, to.CertFile, to.KeyFile = a.TLS.CAFile, a.TLS.CertFile, a.TLS.KeyFile
	}
	if a.SASL != nil {
		to.Mechanism, to.User = a.SASL.Mechanism, a.SASL.User
		to.PasswordFile, to.TokenFile, to.Region = a.SASL.PasswordFile, a.SASL.TokenFile, a.SASL.Region
	}
	return to
}

func (k *kafkaConfig) start() (ingest.Start, error) {
	if k.What.Start == "" {
		return ingest.Start{}, nil
	}
	return ingest.ParseStart(k.What.Start, time.Now())
}

// kafka translates the file's form into the package's.
func (k *kafkaConfig) kafka() (ingest.KafkaConfig, error) {
	start, err := k.start()
	if err != nil {
		return ingest.KafkaConfig{}, err
	}
	cfg, err := k.As.config()
	if err != nil {
		return ingest.KafkaConfig{}, err
	}
	return ingest.KafkaConfig{
		Config: cfg, Brokers: k.Access.Brokers, Topics: k.What.Topics, Exclude: k.What.Exclude, Partitions: k.What.Partitions,
		Group: k.What.Group, Rack: k.What.Rack, Start: start, DeadLetter: k.What.DeadLetter,
		Access:      k.Access.access(),
		Timing:      ingest.KafkaTiming{Commit: time.Duration(k.CommitInterval), Session: time.Duration(k.SessionTimeout)},
		KafkaLimits: ingest.KafkaLimits{InFlight: k.InFlight << 20},
	}, nil
}

// files are the files with secrets and certificates, empty names among them.
func (a *kafkaAccess) files() []string {
	to := a.access()
	return []string{to.CAFile, to.CertFile, to.KeyFile, to.PasswordFile, to.TokenFile}
}

// kafkaSinkConfig is a topic that findings or observations are written to.
type kafkaSinkConfig struct {
	Access  kafkaAccess `yaml:",inline"`
	Topic   string      `yaml:"topic"`
	Timeout duration    `yaml:"timeout" default:"10s"`
}

// check finds what is wrong with a sink, which may be nil.
func (k *kafkaSinkConfig) check(path string) (all problems) {
	if k == nil {
		return nil
	}
	all.need(len(k.Access.Brokers) > 0, path+".brokers", ": addresses HOST:PORT")
	all.need(k.Topic != "", path+".topic", "")
	return append(all, k.Access.check(path)...)
}

// kafka translates the file's form into the package's.
func (k *kafkaSinkConfig) kafka() alert.KafkaConfig {
	return alert.KafkaConfig{Brokers: k.Access.Brokers, Topic: k.Topic, Access: k.Access.access(), Timeout: time.Duration(k.Timeout)}
}
