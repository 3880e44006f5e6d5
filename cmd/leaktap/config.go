package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
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
	// packets wait, for all of them; 0 means half of the cores, 4 at most, and 32.
	Workers int `yaml:"workers"`
	RingMiB int `yaml:"ring_mib" default:"32"`
	// Nice is how far workers step back when others want the processor.
	Nice *int `yaml:"nice" default:"19"`
	// CPUBudget is what workers may use, in percent of one core; 0 sets no limit. Sampling
	// false looks at every connection, or drops packets.
	CPUBudget int   `yaml:"cpu_budget"`
	Sampling  *bool `yaml:"sampling" default:"true"`
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
		Workers: c.Workers, Ring: c.RingMiB << 20, Nice: *c.Nice, Budget: c.CPUBudget, Whole: !*c.Sampling, Stay: true,
	}, err
}

func (c *interfaceConfig) check(path string) (all problems) {
	all.need(c.Name != "" || len(c.Names) > 0, path+".name", "")
	if c.Workers < 0 || c.Workers > capture.MaxWorkers {
		all.add(path+".workers", "want 1 to %d", capture.MaxWorkers)
	}
	if c.RingMiB < 0 || c.RingMiB > capture.MaxRing>>20 {
		all.add(path+".ring_mib", "want 1 to %d", capture.MaxRing>>20)
	}
	if *c.Nice < 0 || *c.Nice > capture.MaxNice {
		all.add(path+".nice", "want 0 to %d", capture.MaxNice)
	}
	if c.CPUBudget < 0 || c.CPUBudget > capture.MaxBudget {
		all.add(path+".cpu_budget", "want 1 to %d, percent of one core", capture.MaxBudget)
	}
	if c.CPUBudget > 0 && !*c.Sampling {
		all.add(path+".sampling", "has to be true with a cpu_budget: nothing else can be left out")
	}
	all.wrong(path+".filter", capture.CheckFilter(c.Filter))
	_, err := capture.NewServices(c.Services, "")
	all.wrong(path+".services", err)
	_, err = capture.NewServices(nil, c.ServicesFile)
	all.wrong(path+".services_file", err)
	return all
}

type classifyConfig struct {
	KeyFile             string   `yaml:"key_file"`
	FindingsPerExchange int      `yaml:"findings_per_exchange" default:"100"`
	DecodeLayers        int      `yaml:"decode_layers" default:"4"`
	TimePerMiB          duration `yaml:"time_per_mib" default:"50ms"`
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
	Spool        *spoolConfig        `yaml:"spool"`
}

// spoolConfig is where the webhook and the Kafka sink keep findings that they could not deliver
// yet, each in a directory of its own.
type spoolConfig struct {
	Dir string `yaml:"dir"`
	// MaxMiB bounds the bytes of each sink; the oldest findings make room.
	MaxMiB int `yaml:"max_mib" default:"256"`
}

// of is the spool of one sink.
func (c *spoolConfig) of(sink string) alert.SpoolConfig {
	return alert.SpoolConfig{Dir: filepath.Join(c.Dir, sink), MaxBytes: int64(c.MaxMiB) << 20}
}

// maxSpoolMiB is 1 TiB.
const maxSpoolMiB = 1 << 20

type jsonLinesConfig struct {
	Path string `yaml:"path"`
	Sync bool   `yaml:"sync"`
}

type ledgerConfig struct {
	Path           string   `yaml:"path"`
	ResolveAfter   duration `yaml:"resolve_after" default:"1h"`
	ResolveAnswers int64    `yaml:"resolve_answers" default:"50"`
}

// limits are those that are set.
func (c *ledgerConfig) limits() alert.LedgerConfig {
	return alert.LedgerConfig{ResolveAfter: time.Duration(c.ResolveAfter), ResolveAnswers: c.ResolveAnswers}
}

type alertmanagerConfig struct {
	URLs          []string `yaml:"urls" mask:"user"`
	MinSeverity   severity `yaml:"min_severity" default:"low"`
	Resend        duration `yaml:"resend" default:"1m"`
	ResolveAfter  duration `yaml:"resolve_after" default:"1h"`
	SettleTimeout duration `yaml:"settle_timeout" default:"30s"`
	ExternalURL   string   `yaml:"external_url" mask:"user"`
	RunbookURL    string   `yaml:"runbook_url" mask:"user"`
}

type webhookConfig struct {
	URL        string `yaml:"url" mask:"path"`
	SecretFile string `yaml:"secret_file"`
	// Format is findings, slack or template; TemplateFile holds the last.
	Format         string   `yaml:"format" default:"findings"`
	TemplateFile   string   `yaml:"template_file"`
	AllowLinkLocal bool     `yaml:"allow_link_local"`
	Timeout        duration `yaml:"timeout" default:"10s"`
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

// loadConfig reads and checks a configuration file. Its error names all mistakes, a line
// each, with file, line and column.
func loadConfig(file string) (*config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, wrong := readConfig(file, text)
	found := c.check()
	wrong.add(text, found)
	wrong.add(text, c.build(found))
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// readConfig reads a configuration and fills in defaults.
func readConfig(file string, text []byte) (*config, *mistakes) {
	enabled := true
	c := &config{Enabled: &enabled, HTTP: httpConfig{Listen: defaultListen}, file: file, text: text}
	wrong := decodeAll(file, text, c)
	setDefaults(reflect.ValueOf(c).Elem())
	return c, wrong
}

// setDefaults gives each value that is zero what its tag "default" says.
func setDefaults(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		setDefaults(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			setDefaults(v.Index(i))
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if text := field.Tag.Get("default"); text != "" && value.IsZero() {
				into := value.Addr()
				if value.Kind() == reflect.Pointer {
					value.Set(reflect.New(value.Type().Elem()))
					into = value
				}
				if err := yaml.Unmarshal([]byte(text), into.Interface()); err != nil {
					panic(err) // the tag is wrong
				}
			}
			setDefaults(value)
		}
	}
}

// locate returns the error for a problem: file, line, column, key, cause.
func (c *config) locate(p *configProblem) error {
	return fmt.Errorf("%s: %w", p.position(c.file, c.text), p)
}

// check finds what decoding cannot.
func (c *config) check() (all problems) {
	if len(c.Sources) == 0 {
		all = problems{{path: "$.sources", text: "there is none: add a kafka, an interface or a files source", missing: true}}
	}
	for i, s := range c.Sources {
		all = append(all, s.check(fmt.Sprintf("sources[%d]", i))...)
	}
	dir := filepath.Dir(c.file)
	return slices.Concat(all, c.Classify.check(), c.Rules.check(dir), c.Policy.check(dir), c.Sinks.check(), c.HTTP.check())
}

// build makes sources and sinks as run would, and throws them away: nothing is connected to.
// Of a part that is known to be wrong it says nothing more.
func (c *config) build(known problems) (all problems) {
	log := slog.New(slog.DiscardHandler)
	scratch := newAgent(log, &detection{}, time.Now, alert.NewLedger(alert.LedgerConfig{}))
	everything := *c
	everything.Enabled = nil
	for _, p := range scratch.configure(&everything) {
		if !slices.ContainsFunc(known, func(k *configProblem) bool { return within(k.path, p.path) || within(p.path, k.path) }) {
			all = append(all, p)
		}
	}
	return all
}

func (c *classifyConfig) check() (all problems) {
	if c.FindingsPerExchange < 0 {
		all.add("classify.findings_per_exchange", "is negative")
	}
	if c.DecodeLayers < 0 {
		all.add("classify.decode_layers", "is negative")
	}
	_, err := digestKey(c.KeyFile)
	all.wrong("classify.key_file", err)
	return all
}

// check reads the rule files, whose names it makes relative to where the
// configuration is.
func (r *rulesConfig) check(dir string) (all problems) {
	set, err := loadRules(nil)
	if err != nil {
		all.wrong("rules", err)
		return all
	}
	for i, file := range r.Files {
		if !filepath.IsAbs(file) {
			r.Files[i] = filepath.Join(dir, file)
		}
		_, err := set.add(r.Files[i])
		all.wrong(fmt.Sprintf("rules.files[%d]", i), err)
	}
	set.compile()
	for i, name := range r.Disable {
		all.wrong(fmt.Sprintf("rules.disable[%d]", i), set.disable(name))
	}
	return all
}

func (s *sinksConfig) check() (all problems) {
	if s.JSONLines != nil {
		all.need(s.JSONLines.Path != "", "sinks.jsonl.path", "")
	}
	if s.Alertmanager != nil {
		all.need(len(s.Alertmanager.URLs) > 0, "sinks.alertmanager.urls", ": the base URL of each member of the cluster")
	}
	if s.Webhook != nil {
		all.need(s.Webhook.URL != "", "sinks.webhook.url", "")
	}
	if s.Spool != nil {
		all.need(s.Spool.Dir != "", "sinks.spool.dir", ": a directory that outlives the agent")
		if s.Spool.MaxMiB < 0 || s.Spool.MaxMiB > maxSpoolMiB {
			all.add("sinks.spool.max_mib", "want 1 to %d", maxSpoolMiB)
		}
	}
	return slices.Concat(all, s.Observations.check("sinks.observations"), s.Kafka.check("sinks.kafka"))
}

func (h *httpConfig) check() (all problems) {
	if _, err := net.ResolveTCPAddr("tcp", h.Listen); h.Listen != "" && err != nil {
		all.add("http.listen", "want an address HOST:PORT or :PORT")
	}
	all.wrong("http.web_config_file", web.Validate(h.WebConfigFile))
	if p := h.readUsers(); p != nil {
		all = append(all, p)
	}
	return all
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

func (s *sourceConfig) check(path string) (all problems) {
	if s.members() != 1 {
		all.add(path, "want one of kafka, interface and files")
	}
	if s.Kafka != nil {
		all = append(all, s.Kafka.check(path+".kafka")...)
	}
	if s.Interface != nil {
		all = append(all, s.Interface.check(path+".interface")...)
	}
	if s.Files != nil {
		all = append(all, s.Files.check(path+".files")...)
	}
	return all
}
