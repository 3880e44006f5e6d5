package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/leaktap/leaktap/capture"
)

// fullDisk is an output that takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestMessages provokes errors that no command line can.
func TestMessages(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "leaktap.yaml")
	if err := os.WriteFile(config, []byte("sources:\n  - interface: {name: eth0}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	am := httptest.NewServer(http.NotFoundHandler())
	defer am.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	quiet := slog.New(slog.DiscardHandler)
	for want, provoke := range map[string]func() error{
		"read web configuration DIR/none: open DIR/none: no such file or directory": func() error {
			_, err := newServer("127.0.0.1:0", filepath.Join(dir, "none"), quiet)
			return err
		},
		"serve 127.0.0.1:0: accept tcp 127.0.0.1:PORT: use of closed network connection": func() error {
			s, err := newServer("127.0.0.1:0", "", quiet)
			if err != nil {
				return err
			}
			_ = s.listener.Close()
			_, port, _ := strings.Cut(s.listener.Addr().String(), ":")
			return replaced(s.run(t.Context()), port, "PORT")
		},
		"capture packets: the kernel dropped 3 packets; narrow the filter": func() error {
			a := &app{streams: &streams{err: &strings.Builder{}}}
			return a.conclude(t.Context(), &outputs{}, &summary{dropped: 3, uninspected: map[string]int64{}}, &pipeline{}, &output{}, nil)
		},
		"neither a finding nor an observation of leaktap": func() error { return aggregator{}.take([]byte("{}")) },
		"the agent is starting or stopping: try again":    func() error { return (&reloader{requests: make(chan chan error)}).request(over) },
		"write configuration: no space left on device":    func() error { return (&app{streams: &streams{out: fullDisk{}}}).printConfig(config) },
		"ask HOST: answered 404 to /api/v2/status: name the base URL of an Alertmanager (0.16 or newer), without /api": func() error {
			return replaced(askAlertmanager(t.Context(), am.URL), strings.TrimPrefix(am.URL, "http://"), "HOST")
		},
		"read password: timeout": func() error {
			var log strings.Builder
			run(t.Context(), []string{"page", "password", "ada"}, &streams{in: iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("two bytes"))), err: &log})
			return errors.New(strings.TrimSpace(strings.TrimPrefix(log.String(), "leaktap: ")))
		},
	} {
		if err := provoke(); err == nil || strings.ReplaceAll(err.Error(), dir, "DIR") != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// replaced is an error with a part of its text replaced.
func replaced(err error, part, by string) error {
	return errors.New(strings.ReplaceAll(err.Error(), part, by))
}

// TestCheckInterfacesOfNobody checks what --connect says of a pattern that fits nothing yet, with
// the capability and without.
func TestCheckInterfacesOfNobody(t *testing.T) {
	nice, sampling := 0, true
	got := checkInterfaces("sources[0].interface", &interfaceConfig{Names: []string{"nope*"}, Nice: &nice, Sampling: &sampling})
	want := checklist{
		{checkOK, "sources[0].interface", "CAP_NET_RAW is effective"},
		{checkWarn, "sources[0].interface", "nope*: nothing of it is up at present: what comes up later is captured on"},
	}
	if err := capture.CheckCapability(); err != nil {
		want[0] = checked{checkFail, "sources[0].interface", err.Error()}
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}
