package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/leaktap/leaktap/alert"
	"github.com/leaktap/leaktap/alert/login"
	"github.com/leaktap/leaktap/capture"
	"github.com/leaktap/leaktap/classify"
)

// config is the configuration file of run.
type config struct {
	// Enabled false stops looking, and goes on serving.
	Enabled *bool          `yaml:"enabled"`
	Sources []sourceConfig `yaml:"sources"`
	// Classify holds the digest key and limits, Rules what is looked for.
	Classify classifyConfig `yaml:"classify"`
	Rules    rulesConfig    `yaml:"rules"`
	// Policy says what routes may return.
	Policy policies    `yaml:"policy"`
	Sinks  sinksConfig `yaml:"sinks"`
	HTTP   httpConfig  `yaml:"http"`

	file string
	text []byte
}

// sourceConfig is one source: exactly one of its members.
type sourceConfig struct {
	Kafka     *kafkaConfig     `yaml:"kafka"`
	Interface *interfaceConfig `yaml:"interface"`
	Files     *filesConfig     `yaml:"files"`
}

// interfaceConfig is interfaces to capture on: one, or names and patterns.
type interfaceConfig struct {
	Name        string   `yaml:"name"`
	Names       []string `yaml:"names"`
	Filter      string   `yaml:"filter"`
	Promiscuous bool     `yaml:"promiscuous"`
	// Workers is how many threads share the packets, RingMiB the memory in which
	// packets wait, for all of them; 0 means as many as cores, 4 at most, and 32.
	Workers int `yaml:"workers"`
	RingMiB int `yaml:"ring_mib"`
	// Nice is how far workers step back when others want the processor: 19 unless set.
	Nice *int `yaml:"nice"`
	// Services names servers by ADDRESS[:PORT] or network, ServicesFile is a file
	// that does, read again when it changes.
	Services     map[string]string `yaml:"services"`
	ServicesFile string            `yaml:"services_file"`
}

// capture translates the file's form into the package's. A daemon waits for
// interfaces that are gone.
func (c *interfaceConfig) capture() (capture.Config, error) {
	names := c.Names
	if c.Name != "" {
		names = append([]string{c.Name}, names...)
	}
	services, err := capture.NewServices(c.Services, c.ServicesFile)
	return capture.Config{
		Interfaces: names, Services: services, Filter: c.Filter, Promiscuous: c.Promiscuous,
		Workers: c.Workers, Ring: c.RingMiB << 20, Nice: c.nice(), Stay: true,
	}, err
}

func (c *interfaceConfig) nice() int {
	if c.Nice == nil {
		return capture.MaxNice
	}
	return *c.Nice
}

func (c *interfaceConfig) check(path string) *configProblem {
	switch {
	case c.Name == "" && len(c.Names) == 0:
		return problem(path+".name", "is needed")
	case c.Workers < 0 || c.Workers > capture.MaxWorkers:
		return problem(path+".workers", "want 1 to %d", capture.MaxWorkers)
	case c.RingMiB < 0 || c.RingMiB > capture.MaxRing>>20:
		return problem(path+".ring_mib", "want 1 to %d", capture.MaxRing>>20)
	case c.nice() < 0 || c.nice() > capture.MaxNice:
		return problem(path+".nice", "want 0 to %d", capture.MaxNice)
	}
	if err := capture.CheckFilter(c.Filter); err != nil {
		return problem(path+".filter", "%v", err)
	}
	if _, err := capture.NewServices(c.Services, ""); err != nil {
		return problem(path+".services", "%v", err)
	}
	if _, err := capture.NewServices(nil, c.ServicesFile); err != nil {
		return problem(path+".services_file", "%v", err)
	}
	return nil
}

type classifyConfig struct {
	KeyFile             string   `yaml:"key_file"`
	FindingsPerExchange int      `yaml:"findings_per_exchange"`
	DecodeLayers        int      `yaml:"decode_layers"`
	TimePerMiB          duration `yaml:"time_per_mib"`
}

// limits are those that are set.
func (c *classifyConfig) limits() classify.Limits {
	return classify.Limits{Findings: c.FindingsPerExchange, Layers: c.DecodeLayers, Time: time.Duration(c.TimePerMiB)}
}

// rulesConfig adds rule files and disables rules, kinds of tokens ("github-pat")
// and categories ("category:debug").
type rulesConfig struct {
	Files   []string `yaml:"files"`
	Disable []string `yaml:"disable"`
}

type sinksConfig struct {
	JSONLines    *jsonLinesConfig    `yaml:"jsonl"`
	Ledger       ledgerConfig        `yaml:"ledger"`
	Observations *kafkaSinkConfig    `yaml:"observations"`
	Alertmanager *alertmanagerConfig `yaml:"alertmanager"`
	Webhook      *webhookConfig      `yaml:"webhook"`
	Kafka        *kafkaSinkConfig    `yaml:"kafka"`
}

type jsonLinesConfig struct {
	Path string `yaml:"path"`
	Sync bool   `yaml:"sync"`
}

type ledgerConfig struct {
	Path           string   `yaml:"path"`
	ResolveAfter   duration `yaml:"resolve_after"`
	ResolveAnswers int64    `yaml:"resolve_answers"`
}

// limits are those that are set.
func (c *ledgerConfig) limits() alert.LedgerConfig {
	return alert.LedgerConfig{ResolveAfter: time.Duration(c.ResolveAfter), ResolveAnswers: c.ResolveAnswers}
}

type alertmanagerConfig struct {
	URLs          []string `yaml:"urls"`
	MinSeverity   severity `yaml:"min_severity"`
	Resend        duration `yaml:"resend"`
	ResolveAfter  duration `yaml:"resolve_after"`
	SettleTimeout duration `yaml:"settle_timeout"`
	ExternalURL   string   `yaml:"external_url"`
	RunbookURL    string   `yaml:"runbook_url"`
}

type webhookConfig struct {
	URL        string `yaml:"url"`
	SecretFile string `yaml:"secret_file"`
	// Format is findings, slack or template; TemplateFile holds the last.
	Format         string   `yaml:"format"`
	TemplateFile   string   `yaml:"template_file"`
	AllowLinkLocal bool     `yaml:"allow_link_local"`
	Timeout        duration `yaml:"timeout"`
}

type httpConfig struct {
	Listen        string `yaml:"listen"`
	WebConfigFile string `yaml:"web_config_file"`
	// UsersFile names who may log in to the page; RequireLogin shows it to nobody else.
	UsersFile    string `yaml:"users_file"`
	RequireLogin bool   `yaml:"require_login"`

	users *login.Users
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
	if err := decodeYAML(file, text, c); err != nil {
		return nil, err
	}
	c.file, c.text = file, text
	if problem := c.check(); problem != nil {
		return nil, c.locate(problem)
	}
	return c, nil
}

// check finds what decoding cannot.
func (c *config) check() *configProblem {
	if len(c.Sources) == 0 {
		return problem("sources", "there is none: add a kafka, an interface or a files source")
	}
	for i, s := range c.Sources {
		if p := s.check(fmt.Sprintf("sources[%d]", i)); p != nil {
			return p
		}
	}
	return cmp.Or(c.Classify.check(), c.Rules.check(filepath.Dir(c.file)), c.Policy.check(filepath.Dir(c.file)), c.Sinks.check(), c.HTTP.check())
}

func (c *classifyConfig) check() *configProblem {
	switch {
	case c.FindingsPerExchange < 0:
		return problem("classify.findings_per_exchange", "is negative")
	case c.DecodeLayers < 0:
		return problem("classify.decode_layers", "is negative")
	}
	if _, err := digestKey(c.KeyFile); err != nil {
		return problem("classify.key_file", "%v", err)
	}
	return nil
}

// check reads the rule files, whose names it makes relative to where the
// configuration is.
func (r *rulesConfig) check(dir string) *configProblem {
	set, err := loadRules(nil)
	if err != nil {
		return problem("rules", "%v", err)
	}
	for i, file := range r.Files {
		if !filepath.IsAbs(file) {
			r.Files[i] = filepath.Join(dir, file)
		}
		if _, err := set.add(r.Files[i]); err != nil {
			return problem(fmt.Sprintf("rules.files[%d]", i), "%v", err)
		}
	}
	set.compile()
	for i, name := range r.Disable {
		if err := set.disable(name); err != nil {
			return problem(fmt.Sprintf("rules.disable[%d]", i), "%v", err)
		}
	}
	return nil
}

func (s *sinksConfig) check() *configProblem {
	switch {
	case s.JSONLines != nil && s.JSONLines.Path == "":
		return problem("sinks.jsonl.path", "is needed")
	case s.Alertmanager != nil && len(s.Alertmanager.URLs) == 0:
		return problem("sinks.alertmanager.urls", "is needed: the base URL of each member of the cluster")
	case s.Webhook != nil && s.Webhook.URL == "":
		return problem("sinks.webhook.url", "is needed")
	}
	if p := s.Observations.check("sinks.observations"); p != nil {
		return p
	}
	return s.Kafka.check("sinks.kafka")
}

func (h *httpConfig) check() *configProblem {
	if _, err := net.ResolveTCPAddr("tcp", h.Listen); h.Listen != "" && err != nil {
		return problem("http.listen", "want an address HOST:PORT or :PORT")
	}
	if err := web.Validate(h.WebConfigFile); err != nil {
		return problem("http.web_config_file", "%v", err)
	}
	return h.readUsers()
}

// members is how many kinds of source one entry has.
func (s *sourceConfig) members() (n int) {
	for _, is := range []bool{s.Kafka != nil, s.Interface != nil, s.Files != nil} {
		if is {
			n++
		}
	}
	return n
}

func (s *sourceConfig) check(path string) *configProblem {
	switch {
	case s.members() != 1:
		return problem(path, "want one of kafka, interface and files")
	case s.Kafka != nil:
		return s.Kafka.check(path + ".kafka")
	case s.Files != nil:
		return s.Files.check(path + ".files")
	}
	return s.Interface.check(path + ".interface")
}
