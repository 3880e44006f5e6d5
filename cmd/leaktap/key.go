package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "Make a digest key"}
	c.AddCommand(&cobra.Command{
		Use:   "new",
		Short: "Write a new digest key to standard output",
		Long: `A digest lets equal secrets be recognised without telling them. Digests match
across agents that share a key: make one, keep it as a secret, mount it, and name it
in classify.key_file or --key-file.`,
		Example: "  leaktap key new > key && chmod 600 key",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			key := make([]byte, keyBytes)
			if _, err := rand.Read(key); err != nil {
				return &exitError{exitInternal, err}
			}
			fmt.Fprintln(a.out, hex.EncodeToString(key))
			return nil
		},
	})
	return c
}
