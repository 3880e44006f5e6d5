package main

import (
	"strings"
	"sync"
	"time"

	"github.com/leaktap/leaktap/alert/page"
)

// inForce is the configuration of an agent, as its page shows it. It is safe for concurrent use:
// the page reads it while a newer one is refused.
type inForce struct {
	mu    sync.Mutex
	shown page.Configuration
}

// of returns what is in force; nothing for nil.
func (f *inForce) of() page.Configuration {
	if f == nil {
		return page.Configuration{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shown
}

// refused notes that a newer configuration was not taken, what had asked for it, and why.
func (f *inForce) refused(at time.Time, by string, err error) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shown.Refused = &page.Refusal{At: at, By: by, Mistakes: strings.Split(err.Error(), "\n")}
}

// inForceFrom is what a configuration file says at a time.
func (a *app) inForceFrom(c *config, now time.Time) (*inForce, error) {
	settings, err := a.settings(c)
	if err != nil {
		return nil, err
	}
	return &inForce{shown: page.Configuration{File: c.file, Loaded: now, Settings: settings}}, nil
}
