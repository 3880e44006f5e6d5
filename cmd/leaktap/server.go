package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/leaktap/leaktap/alert/page"
)

// server serves metrics, health and the findings page.
type server struct {
	listen string
	// webConfig is a file of exporter-toolkit: TLS and basic authentication.
	webConfig string
	log       *slog.Logger
	handler   http.Handler
	listener  net.Listener
}

// newServer binds the address, so that an error shows before anything runs.
func newServer(listen, webConfig string, log *slog.Logger) (*server, error) {
	if webConfig != "" {
		if err := web.Validate(webConfig); err != nil {
			return nil, fmt.Errorf("read web configuration %s: %w", webConfig, err)
		}
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", listen, err)
	}
	return &server{listen: listen, webConfig: webConfig, log: log, listener: l}, nil
}

// url is where people open the page.
func (s *server) url() string { return "http://" + s.listener.Addr().String() + "/" }

// handle sets what is served: the page only on loopback or behind
// authentication, because it tells where to look for leaks.
func (s *server) handle(metrics http.Handler, findings page.Config, ready func() error, reload func(context.Context) error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	if s.private() {
		if reload != nil {
			mux.HandleFunc("POST /-/reload", reloadHandler(reload))
		}
		mux.Handle("/", page.New(findings))
	} else {
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "The findings page is served on loopback only, or with a web configuration file (http.web_config_file).\n"+
				"Forward the port (kubectl port-forward) with http.listen on 127.0.0.1, or configure authentication.", http.StatusForbidden)
		})
	}
	s.handler = mux
}

// reloadHandler answers with what is wrong with the configuration. A browser may not be made
// to ask: it sends Origin or Sec-Fetch-Site with what another site makes it send.
func reloadHandler(reload func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if site := r.Header.Get("Sec-Fetch-Site"); r.Header.Get("Origin") != "" || site != "" && site != "none" {
			http.Error(w, "not from a page", http.StatusForbidden)
			return
		}
		switch err := reload(r.Context()); {
		case errors.Is(err, errNotRunning):
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
		default:
			fmt.Fprintln(w, "ok")
		}
	}
}

// private says whether only people who may see findings reach the server.
func (s *server) private() bool {
	addr, _ := s.listener.Addr().(*net.TCPAddr)
	return isPrivate(s.webConfig, addr)
}

// isPrivate says whether an address, nil for none that is known, is reached from this machine
// only or with what a web configuration asks for.
func isPrivate(webConfig string, addr *net.TCPAddr) bool {
	return webConfig != "" || addr != nil && addr.IP.IsLoopback()
}

// run serves until ctx ends.
func (s *server) run(ctx context.Context) error {
	srv := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		quick, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = srv.Shutdown(quick)
		_ = srv.Close()
	}()
	s.log.Info("serving", "url", s.url(), "page", s.private())
	addresses, systemd := []string{s.listen}, false
	err := web.Serve(s.listener, srv, &web.FlagConfig{
		WebListenAddresses: &addresses, WebSystemdSocket: &systemd, WebConfigFile: &s.webConfig,
	}, slog.New(slog.DiscardHandler))
	if ctx.Err() == nil {
		return fmt.Errorf("serve %s: %w", s.listen, err)
	}
	<-stopped
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// readiness says which of an agent's sources have not started yet, or have
// nothing to read from.
type readiness []sourceState

// sourceState is the state of one source.
type sourceState struct {
	name  string
	ready <-chan struct{}
	// working says what keeps a source from reading that has started; it may be nil.
	working func() error
}

// check returns an error that names the first source that has not started or
// does not work.
func (r readiness) check() error {
	for _, s := range r {
		select {
		case <-s.ready:
		default:
			return fmt.Errorf("source %s has not started", s.name)
		}
		if s.working == nil {
			continue
		}
		if err := s.working(); err != nil {
			return err
		}
	}
	return nil
}
