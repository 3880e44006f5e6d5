package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/leaktap/leaktap/dashboards"
)

func (a *app) dashboardsCommand() *cobra.Command {
	c := &cobra.Command{Use: "dashboards", Short: "Write dashboards, alert rules and runbooks"}
	c.AddCommand(&cobra.Command{
		Use:   "export [DIRECTORY]",
		Short: "Write the dashboards, the alert rules and the runbooks to files",
		Long: `Export writes what comes with this version: grafana/ (dashboards to import),
rules/ (a rule file of Prometheus) and runbooks/, to a directory that is made if it
is not there. Without one it lists the files. Files that are there are kept: name
another directory to compare.`,
		Example: "  leaktap dashboards export monitoring/",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return fs.WalkDir(dashboards.Files, ".", func(name string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				if len(args) > 0 {
					name, err = exportFile(args[0], name)
				}
				if err == nil {
					_, err = fmt.Fprintln(a.out, name)
				}
				return err
			})
		},
	})
	return c
}

// exportFile writes one file and returns its name.
func exportFile(dir, name string) (string, error) {
	text, err := dashboards.Files.ReadFile(name)
	if err != nil {
		return "", err
	}
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", usage(fmt.Errorf("export dashboards: %w", err))
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", usage(fmt.Errorf("export dashboards: %w", err))
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", incomplete(fmt.Errorf("export dashboards: %w", err))
	}
	return name, nil
}
