package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
	"github.com/leaktap/leaktap/ingest"
)

// config is the configuration file of run.
type config struct {
	Sources []sourceConfig `yaml:"sources"`
	// Classify holds the digest key and limits, Rules what is looked for.
	Classify classifyConfig `yaml:"classify"`
	Rules    rulesConfig    `yaml:"rules"`
	Sinks    sinksConfig    `yaml:"sinks"`
	HTTP     httpConfig     `yaml:"http"`
}

// sourceConfig is one source: exactly one of its members.
type sourceConfig struct {
	Kafka     *kafkaConfig     `yaml:"kafka"`
	Interface *interfaceConfig `yaml:"interface"`
}

type kafkaConfig struct {
	Brokers []string `yaml:"brokers"`
	Topics  []string `yaml:"topics"`
	Group   string   `yaml:"group"`
	Start   string   `yaml:"start"`
	Format  string   `yaml:"format"`
	Content string   `yaml:"content"`
	TLS     *struct {
		CAFile   string `yaml:"ca_file"`
		CertFile string `yaml:"cert_file"`
		KeyFile  string `yaml:"key_file"`
	} `yaml:"tls"`
	SASL *struct {
		Mechanism    string `yaml:"mechanism"`
		User         string `yaml:"user"`
		PasswordFile string `yaml:"password_file"`
	} `yaml:"sasl"`
	CommitInterval time.Duration `yaml:"commit_interval"`
}

type interfaceConfig struct {
	Name        string `yaml:"name"`
	Filter      string `yaml:"filter"`
	Promiscuous bool   `yaml:"promiscuous"`
}

type classifyConfig struct {
	KeyFile             string `yaml:"key_file"`
	FindingsPerExchange int    `yaml:"findings_per_exchange"`
	DecodeLayers        int    `yaml:"decode_layers"`
}

type rulesConfig struct {
	Disable []string `yaml:"disable"`
}

type sinksConfig struct {
	JSONLines    *jsonLinesConfig    `yaml:"jsonl"`
	Alertmanager *alertmanagerConfig `yaml:"alertmanager"`
	Webhook      *webhookConfig      `yaml:"webhook"`
}

type jsonLinesConfig struct {
	Path string `yaml:"path"`
	Sync bool   `yaml:"sync"`
}

type alertmanagerConfig struct {
	URLs          []string          `yaml:"urls"`
	MinSeverity   classify.Severity `yaml:"min_severity"`
	Resend        time.Duration     `yaml:"resend"`
	ResolveAfter  time.Duration     `yaml:"resolve_after"`
	SettleTimeout time.Duration     `yaml:"settle_timeout"`
	ExternalURL   string            `yaml:"external_url"`
	RunbookURL    string            `yaml:"runbook_url"`
}

type webhookConfig struct {
	URL        string        `yaml:"url"`
	SecretFile string        `yaml:"secret_file"`
	Timeout    time.Duration `yaml:"timeout"`
}

type httpConfig struct {
	Listen        string `yaml:"listen"`
	WebConfigFile string `yaml:"web_config_file"`
}

// defaultListen is loopback: findings tell where to look for leaks.
const defaultListen = "127.0.0.1:9464"

// loadConfig reads and checks a configuration file. Errors name file, line and
// column.
func loadConfig(file string) (*config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c := &config{HTTP: httpConfig{Listen: defaultListen}}
	d := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := d.Decode(c); err != nil {
		return nil, configError(file, err)
	}
	if problem := c.check(); problem != nil {
		return nil, fmt.Errorf("%s: %w", problem.position(file, text), problem)
	}
	return c, nil
}

// configError gives an error of the YAML reader its place and a suggestion.
func configError(file string, err error) error {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	position := at.GetToken().Position
	message := at.GetMessage()
	if _, unknown := errors.AsType[*yaml.UnknownFieldError](err); unknown {
		key := at.GetToken().Value
		message = fmt.Sprintf("unknown key %q%s", key, didYouMean(key, configKeys(reflect.TypeFor[config]())))
	}
	return fmt.Errorf("%s:%d:%d: %s", file, position.Line, position.Column, message)
}

// configKeys lists every key of the configuration.
func configKeys(t reflect.Type) (keys []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return configKeys(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if key := f.Tag.Get("yaml"); key != "" {
				keys = append(append(keys, key), configKeys(f.Type)...)
			}
		}
	}
	return keys
}

// configProblem is what is wrong at a path of the configuration.
type configProblem struct{ path, text string }

func (p *configProblem) Error() string { return strings.TrimPrefix(p.path, "$.") + ": " + p.text }

// position finds the line and column of the path, or of its nearest parent.
func (p *configProblem) position(file string, text []byte) string {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return file
	}
	for at := p.path; at != "$"; at = at[:strings.LastIndexAny(at, ".[")] {
		path, err := yaml.PathString(at)
		if err != nil {
			return file
		}
		if node, err := path.FilterFile(tree); err == nil && node != nil {
			position := node.GetToken().Position
			return fmt.Sprintf("%s:%d:%d", file, position.Line, position.Column)
		}
	}
	return file
}

func problem(path, format string, args ...any) *configProblem {
	return &configProblem{"$." + path, fmt.Sprintf(format, args...)}
}

// check finds what decoding cannot.
func (c *config) check() *configProblem {
	if len(c.Sources) == 0 {
		return problem("sources", "there is none: add a kafka or an interface source")
	}
	for i, s := range c.Sources {
		if p := s.check(fmt.Sprintf("sources[%d]", i)); p != nil {
			return p
		}
	}
	if s := c.Sinks.JSONLines; s != nil && s.Path == "" {
		return problem("sinks.jsonl.path", "is needed")
	}
	if s := c.Sinks.Alertmanager; s != nil && len(s.URLs) == 0 {
		return problem("sinks.alertmanager.urls", "is needed: the base URL of each member of the cluster")
	}
	if s := c.Sinks.Webhook; s != nil && s.URL == "" {
		return problem("sinks.webhook.url", "is needed")
	}
	return nil
}

func (s *sourceConfig) check(path string) *configProblem {
	switch {
	case s.Kafka != nil && s.Interface != nil, s.Kafka == nil && s.Interface == nil:
		return problem(path, "want one of kafka and interface")
	case s.Kafka != nil:
		return s.Kafka.check(path + ".kafka")
	case s.Interface.Name == "":
		return problem(path+".interface.name", "is needed")
	}
	if err := capture.CheckFilter(s.Interface.Filter); err != nil {
		return problem(path+".interface.filter", "%v", err)
	}
	return nil
}

func (k *kafkaConfig) check(path string) *configProblem {
	switch {
	case len(k.Brokers) == 0:
		return problem(path+".brokers", "is needed: addresses HOST:PORT")
	case len(k.Topics) == 0:
		return problem(path+".topics", "is needed")
	case k.Group == "":
		return problem(path+".group", "is needed: the consumer group that offsets are committed for")
	}
	if _, err := k.start(); err != nil {
		return problem(path+".start", "%v", err)
	}
	return nil
}

func (k *kafkaConfig) start() (ingest.Start, error) {
	if k.Start == "" {
		return ingest.Start{}, nil
	}
	return ingest.ParseStart(k.Start, time.Now())
}

// kafka translates the file's form into the package's.
func (k *kafkaConfig) kafka() (ingest.KafkaConfig, error) {
	start, err := k.start()
	if err != nil {
		return ingest.KafkaConfig{}, err
	}
	cfg := ingest.KafkaConfig{
		Config:  ingest.Config{Format: k.Format, Content: ingest.Content(k.Content)},
		Brokers: k.Brokers, Topics: k.Topics, Group: k.Group, Start: start,
		Timing: ingest.KafkaTiming{Commit: k.CommitInterval},
	}
	if k.TLS != nil {
		cfg.Access.TLS = true
		cfg.Access.CAFile, cfg.Access.CertFile, cfg.Access.KeyFile = k.TLS.CAFile, k.TLS.CertFile, k.TLS.KeyFile
	}
	if k.SASL != nil {
		cfg.Access.Mechanism, cfg.Access.User, cfg.Access.PasswordFile = k.SASL.Mechanism, k.SASL.User, k.SASL.PasswordFile
	}
	return cfg, nil
}
