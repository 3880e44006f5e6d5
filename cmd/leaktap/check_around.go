package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/leaktap/leaktap/alert"
)

// surroundings looks at what is around a right configuration on this machine.
func (c *config) surroundings(d *detection) checklist {
	s := &surroundings{config: c}
	s.add(checkOK, c.file, alert.Plural(int64(len(c.Sources)), "source"))
	if c.Classify.KeyFile == "" {
		s.note(checkWarn, "classify.key_file", "is not set: digests are made under a random key and will not match elsewhere or after a restart: see 'leaktap key new'")
	}
	for path, file := range c.secretFiles() {
		s.secret(path, file)
	}
	for i, source := range c.Sources {
		if source.Files != nil {
			s.files(fmt.Sprintf("sources[%d].files", i), source.Files)
		}
	}
	s.sinks(d)
	if !c.HTTP.private() {
		s.note(checkOK, "http.listen", "metrics and health only: the findings page is served on loopback, or with http.web_config_file")
	}
	return s.checklist
}

// sinks looks at where sinks write, and at sinks that want another.
func (s *surroundings) sinks(d *detection) {
	c := s.config
	if j := c.Sinks.JSONLines; j != nil {
		s.directory("sinks.jsonl.path", j.Path)
	}
	if path := c.Sinks.Ledger.Path; path != "" {
		s.directory("sinks.ledger.path", path)
		_, err := alert.ReadLedger(path, c.Sinks.Ledger.limits(), d.rule)
		if err != nil && s.failed() == 0 && !errors.Is(err, fs.ErrNotExist) {
			s.note(checkFail, "sinks.ledger.path", err.Error())
		}
	}
	if c.Sinks.Alertmanager != nil && c.Sinks.Ledger.Path == "" {
		s.note(checkWarn, "sinks.alertmanager", "there is no sinks.ledger.path: a restart forgets what is open, and those alerts are sent again only with their next finding")
	}
	if p := c.Sinks.Spool; p != nil {
		s.directory("sinks.spool.dir", p.Dir)
		if c.Sinks.Webhook == nil && c.Sinks.Kafka == nil {
			s.note(checkWarn, "sinks.spool", "there is neither a webhook nor a kafka sink, which it is for")
		}
	}
}

// surroundings are checks with their places in a configuration.
type surroundings struct {
	*config
	checklist
}

// note adds a check of a path of the configuration.
func (s *surroundings) note(outcome, path, text string) {
	p := problem(path, "%s", text)
	s.add(outcome, p.position(s.file, s.text), p.Error())
}

// secret warns of a file that anybody may read. A group may: that is how Kubernetes hands
// secrets to a pod.
func (s *surroundings) secret(path, file string) {
	if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o007 != 0 {
		s.note(checkWarn, path, fmt.Sprintf("everybody may read %s (mode %04o): chmod o= it", file, info.Mode().Perm()))
	}
}

// directory wants a file to be writable where it is, or where it will be.
func (s *surroundings) directory(path, file string) {
	dir := filepath.Dir(file)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.note(checkFail, path, fmt.Sprintf("directory %s does not exist: make it, writable for the user that leaktap runs as", dir))
	case err != nil:
		s.note(checkFail, path, err.Error())
	case !info.IsDir():
		s.note(checkFail, path, dir+" is no directory")
	case unix.Access(dir, unix.W_OK|unix.X_OK) != nil:
		s.note(checkFail, path, fmt.Sprintf("directory %s is not writable for this user: leaktap has to write there", dir))
	}
}

// files warns of patterns that match nothing.
func (s *surroundings) files(path string, f *filesConfig) {
	s.directory(path+".state", f.State)
	for i, pattern := range f.Paths {
		if found, _ := filepath.Glob(pattern); len(found) == 0 {
			s.note(checkWarn, fmt.Sprintf("%s.paths[%d]", path, i), pattern+" matches no file at present: files that come later are read")
		}
	}
}

// secretFiles lists the files with secrets, by their paths in the configuration.
func (c *config) secretFiles() func(yield func(path, file string) bool) {
	return func(yield func(path, file string) bool) {
		each := [][2]string{{"classify.key_file", c.Classify.KeyFile}, {"http.users_file", c.HTTP.UsersFile}}
		for path, access := range c.accesses() {
			to := access.access()
			each = append(each, [2]string{path + ".tls.key_file", to.KeyFile},
				[2]string{path + ".sasl.password_file", to.PasswordFile}, [2]string{path + ".sasl.token_file", to.TokenFile})
		}
		if w := c.Sinks.Webhook; w != nil {
			each = append(each, [2]string{"sinks.webhook.secret_file", w.SecretFile})
		}
		for _, e := range each {
			if e[1] != "" && !yield(e[0], e[1]) {
				return
			}
		}
	}
}

// accesses lists how Kafka is reached, by the paths in the configuration.
func (c *config) accesses() func(yield func(path string, a *kafkaAccess) bool) {
	return func(yield func(path string, a *kafkaAccess) bool) {
		for i, s := range c.Sources {
			if s.Kafka != nil && !yield(fmt.Sprintf("sources[%d].kafka", i), &s.Kafka.Access) {
				return
			}
		}
		if s := c.Sinks.Observations; s != nil && !yield("sinks.observations", &s.Access) {
			return
		}
		if s := c.Sinks.Kafka; s != nil {
			yield("sinks.kafka", &s.Access)
		}
	}
}

// private says whether the findings page will be served, if anything is.
func (h *httpConfig) private() bool {
	addr, _ := net.ResolveTCPAddr("tcp", h.Listen) // it was checked
	return h.Listen == "" || isPrivate(h.WebConfigFile, addr)
}
