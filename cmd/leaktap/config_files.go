package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/leaktap/leaktap/ingest"
)

// filesConfig is a source of files that grow.
type filesConfig struct {
	Paths   []string `yaml:"paths"`
	Exclude []string `yaml:"exclude"`
	// Start is beginning or end, for files that are there at the first start.
	Start    string `yaml:"start" default:"beginning"`
	State    string `yaml:"state"`
	MaxFiles int    `yaml:"max_files" default:"1000"`
	As       readAs `yaml:",inline"`
}

func (f *filesConfig) check(path string) (all problems) {
	all.need(len(f.Paths) > 0, path+".paths", ": patterns such as /var/log/containers/*.log")
	all.need(f.State != "", path+".state", ": the file that keeps how far files were read")
	switch f.Start {
	case "", "beginning", "end":
	default:
		all.add(path+".start", "want beginning or end")
	}
	for i, p := range f.Paths {
		if _, err := filepath.Match(p, ""); err != nil {
			all.add(fmt.Sprintf("%s.paths[%d]", path, i), "pattern %q: %v", p, err)
		}
	}
	return append(all, f.As.check(path)...)
}

// podVariable may hold the name of the agent's own pod, which is its host name
// otherwise.
const podVariable = "POD_NAME"

// addFiles adds a source of files.
func (a *agent) addFiles(f *filesConfig) error {
	cfg, err := f.As.config()
	if err != nil {
		return err
	}
	cfg.Uninspected = a.metrics.skip
	host, _ := os.Hostname() // without one no file is left out
	tail, err := ingest.NewTail(ingest.TailConfig{
		Config: cfg, Paths: f.Paths, Exclude: f.Exclude, Pod: cmp.Or(os.Getenv(podVariable), host), State: f.State,
		FromEnd: f.Start == "end", MaxFiles: f.MaxFiles,
	}, a.metrics.registry, a.log)
	if err != nil {
		return err
	}
	a.addSource("files", tail.Ready(), func(ctx context.Context, p *pipeline) error { return tail.Run(ctx, p) })
	return nil
}
